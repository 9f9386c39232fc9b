"""Strategies that ask where several models disagree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from al_core.committee import consensus_entropy, kl_to_consensus, vote_entropy
from al_core.strategies.protocol import Evidence, Need, models_of
from al_core.types import Bounds, ClassProbabilities


@dataclass(frozen=True)
class ByCommittee:
    """Ranks by a measure of disagreement."""

    name: str
    label: str
    help: str
    measure: Callable[[Sequence[ClassProbabilities]], NDArray[np.float64]]
    needs: ClassVar[Need] = "committee"

    def score(self, evidence: Evidence) -> Bounds:
        scores = self.measure(models_of(evidence, 2))
        return Bounds(scores, scores)


BY_COMMITTEE = (
    ByCommittee(
        "vote_entropy",
        "Vote entropy",
        "Asks where several models choose different answers, however sure each of them is.",
        vote_entropy,
    ),
    ByCommittee(
        "consensus_entropy",
        "Consensus entropy",
        "Asks where several models, taken together, are unsure: they disagree, or all of them waver.",
        consensus_entropy,
    ),
    ByCommittee(
        "kl_divergence",
        "Divergence from consensus",
        "Asks where several models are each sure of something else. Passes over what all find hard.",
        kl_to_consensus,
    ),
)
