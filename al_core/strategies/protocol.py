"""What a query strategy is given, and what it must answer."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

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
    aggregation: Aggregation = Aggregation()
    seed: int = 0


class QueryStrategy(Protocol):
    """A way to decide which tasks are worth asking about."""

    name: str
    """What it is called in files and interfaces."""
    label: str
    """What a select shows."""
    help: str
    """One line for a team lead."""
    needs: Need

    def score(self, evidence: Evidence) -> Bounds:
        """How informative each task is, (n,), the higher the more worth asking; NaN where unknown.

        A permutation of the tasks must permute the scores and change nothing else: what is drawn at random
        follows :mod:`al_core.seeding`.
        """
