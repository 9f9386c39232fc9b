"""How predicting is shared out: here, or over the processes of whoever calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from al_core.types import Progress

Work = Callable[[NDArray[np.int64], Progress], None]
"""Predicts these tasks into the store, and says how many of them it has."""


@dataclass(frozen=True)
class PartSpec:
    """What a helper must know to predict some tasks as their owner would: see ``PredictionSource.predict_part``."""

    backend_url: str
    model_version: str
    """What every answer must be of; empty where the backend does not name its versions."""


class Spread(Protocol):
    """Sees to it that every task is predicted into the store before it returns.

    It may cut the tasks into parts, do some by ``work`` and have others done by processes that call
    :meth:`al_core.predictions.PredictionSource.predict_part` over the same store. A part may be done twice or in any
    order: what comes of it is the same. An error of a part is raised here; what was predicted by then is kept.
    """

    def __call__(self, work: Work, part: PartSpec, task_ids: NDArray[np.int64], progress: Progress) -> None: ...


def here(work: Work, part: PartSpec, task_ids: NDArray[np.int64], progress: Progress) -> None:
    """All of it in this process."""
    work(task_ids, progress)
