"""What a source gives: the models of a pool, and the tasks that their predictions name."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_core.features import Embeddings
from al_core.types import ClassProbabilities


@dataclass(frozen=True)
class ModelRows:
    """What one model says of a pool."""

    version: str
    probabilities: tuple[ClassProbabilities, ...]
    """One for each control, aligned to the pool's tasks."""
    embeddings: Embeddings
    kept: int
    """Tasks whose prediction was there already, from an earlier reading or a run that broke off."""
    failed: int
    """Tasks that the backend failed on."""

    @property
    def known_share(self) -> float:
        """Share of the tasks that something usable is known of, by the control of which most is."""
        return max(float(said.known.mean()) if len(said.known) else 0.0 for said in self.probabilities)


@dataclass(frozen=True)
class Ahead:
    """Tasks that are known of before any was read, as their predictions were."""

    task_ids: NDArray[np.int64]
    as_of: int
    """Microseconds since 1970, by the clock of Label Studio: they were there then, or later."""
