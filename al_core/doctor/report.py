"""What the doctor finds, as values that survive JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal


class Gives(StrEnum):
    """What a model tells through one control. The text is what people read."""

    FULL = "full probabilities"
    TOP = "top probability only"
    REGIONS = "region scores"
    CONSTANT = "the same for every task"
    MISSING = "nothing"
    OUT_OF_RANGE = "numbers out of range"


@dataclass(frozen=True)
class Verdict:
    """How well a strategy can rank by what a model gives."""

    kind: Literal["exact", "bounded", "impossible"]
    """``bounded``: each score is known to lie between two numbers."""
    why: str


@dataclass(frozen=True)
class ControlReport:
    """What a model says through one control."""

    control: str
    tag: str
    form: str
    labels: tuple[str, ...]
    gives: Gives
    sampled: int
    known: int
    reasons: dict[str, int]
    """Why tasks are unknown → how many."""
    lowest: float | None
    highest: float | None
    """``lowest`` and ``highest`` of the numbers that were read; None where there is none."""
    in_range: float | None
    """Share of the values read that are numbers from 0 to 1; None where there is no value."""
    strategies: dict[str, Verdict]
    """Name of every registered strategy → how well it can rank by this."""
    sentence: str
    snippet: str
    """The lines of a ``model.py`` that would make the numbers exact; empty where they are."""

    @property
    def share_unknown(self) -> float:
        return (self.sampled - self.known) / self.sampled if self.sampled else 0.0


@dataclass(frozen=True)
class Diagnosis:
    """What a model says of a sample of tasks, control by control."""

    sampled: int
    model_version: str
    controls: tuple[ControlReport, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; there is no NaN among them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Diagnosis":
        """What :meth:`as_dict` gave, also after a round trip through JSON."""
        return cls(raw["sampled"], raw["model_version"], tuple(_control(control) for control in raw["controls"]))


def _control(raw: Mapping[str, Any]) -> ControlReport:
    verdicts = {name: Verdict(**verdict) for name, verdict in raw["strategies"].items()}
    return ControlReport(
        **{**raw, "labels": tuple(raw["labels"]), "gives": Gives(raw["gives"]), "strategies": verdicts}
    )
