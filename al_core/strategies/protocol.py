"""What a query strategy is given, and what it must answer."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput, NoPredictions
from al_core.registry import Named
from al_core.types import Aggregation, Bounds, ClassProbabilities

Need = Literal["nothing", "model", "committee"]
"""What a strategy ranks by: no prediction at all, those of one model, or those of two models or more."""


@dataclass(frozen=True)
class Evidence:
    """What is known of n tasks when a strategy is asked to rank them."""

    task_ids: NDArray[np.int64]
    """(n,)"""
    models: tuple[ClassProbabilities, ...] = ()
    """Each aligned to ``task_ids``, all of one label space; at least as many as the strategy needs."""
    aggregation: Aggregation = field(default_factory=Aggregation)
    seed: int = 0


class QueryStrategy(Named, Protocol):
    """A way to decide which tasks are worth asking about."""

    @property
    def needs(self) -> Need:
        """What it ranks by; without it, ``score`` raises ``NoPredictions``."""

    def score(self, evidence: Evidence) -> Bounds:
        """How informative each task is, (n,), the higher the more worth asking; NaN where unknown.

        A permutation of the tasks must permute the scores and change nothing else: what is drawn at random
        follows :mod:`al_core.seeding`.
        """


def models_of(evidence: Evidence, needed: int) -> tuple[ClassProbabilities, ...]:
    """The models of the evidence, which must be as many as are needed and of as many tasks.

    Parameters
    ----------
    evidence : Evidence
    needed : int
        1 for a strategy that asks a model, 2 for one that asks a committee.

    Returns
    -------
    tuple of ClassProbabilities

    Raises
    ------
    NoPredictions
        If there are fewer.
    InvalidInput
        If one is of more or fewer tasks than the pool.
    """
    if not evidence.models:
        raise NoPredictions(
            "This strategy ranks tasks by what a model predicts, and there are no predictions.",
            "Let the model predict the pool first, or choose the random strategy.",
        )
    if len(evidence.models) < needed:
        raise NoPredictions(
            "This strategy ranks tasks by where models disagree, and there are predictions of one alone.",
            "Let a second model, or another version of it, predict the pool, or choose a strategy that asks one.",
        )
    for model in evidence.models:
        if len(model.task_ids) != len(evidence.task_ids):
            raise InvalidInput(
                f"There are probabilities of {len(model.task_ids)} tasks for a pool of {len(evidence.task_ids)}."
            )
    return evidence.models
