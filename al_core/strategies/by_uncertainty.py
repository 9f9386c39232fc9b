"""Strategies that ask where one model is unsure."""

from dataclasses import dataclass
from typing import ClassVar

from al_core.bounds import score_bounds
from al_core.strategies.protocol import Evidence, Need, models_of
from al_core.types import Bounds


@dataclass(frozen=True)
class ByUncertainty:
    """Ranks by the measure of uncertainty that it is named after."""

    name: str
    label: str
    help: str
    needs: ClassVar[Need] = "model"

    def score(self, evidence: Evidence) -> Bounds:
        return score_bounds(models_of(evidence, 1)[0], self.name, evidence.aggregation)


BY_UNCERTAINTY = (
    ByUncertainty(
        "margin",
        "Margin",
        "Asks where the model's first two answers are closest. Needs the fewest labels on most projects.",
    ),
    ByUncertainty(
        "entropy",
        "Entropy",
        "Asks where the model wavers between many classes at once. Can learn slowly if there are many.",
    ),
    ByUncertainty(
        "least_confidence",
        "Least confidence",
        "Asks where the model is least sure of its best answer.",
    ),
    ByUncertainty(
        "ratio",
        "Ratio",
        "Asks where the second answer is nearly as likely as the first. Ranks much as margin does.",
    ),
)
