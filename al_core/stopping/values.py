"""What a campaign's rounds tell about stopping, and the advice that comes of it."""

from dataclasses import dataclass
from typing import Literal

from al_core.evaluation import Agreement, Interval

Says = Literal["stop", "go_on", "unknown"]


@dataclass(frozen=True)
class RoundFacts:
    """What is known of one round; None is unknown."""

    number: int
    labels: int
    """Tasks that its model had learned from."""
    value: Interval | None = None
    """The headline measure on the test set, as a share."""
    mean_uncertainty: float | None = None
    """Of the pool: mean of 1 − the likeliest class's probability."""
    max_uncertainty: float | None = None
    agreement: Agreement | None = None
    """Of the round's model with the model of the round before, on the pool."""


@dataclass(frozen=True)
class Advice:
    """What one rule says."""

    name: str
    """``stabilising_predictions``, ``overall_uncertainty``, ``max_confidence`` or ``predicted_gain``."""
    label: str
    says: Says
    evidence: str
    """Sentences with numbers; where the rule says nothing, why."""
    value: float | None
    """The newest number that the rule looks at, in its own unit; None where unknown."""
    threshold: float
    source: str
    """Authors, title, where and when."""


@dataclass(frozen=True)
class Board:
    """All rules beside each other. Advice: nothing follows from it by itself."""

    sentence: str
    """What the next labels bring and cost."""
    rules: tuple[Advice, ...]
