"""What a backend was like before a training, so that afterwards it can be told whether anything came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from al_core.seeding import task_keys

PROBE_TASKS = 50
"""Tasks that are predicted before and after: a model that learned something says otherwise of one of them at least."""

_PROBE = 50
"""The purpose of this draw, so that it does not follow the one of a batch."""


def probe_of(task_ids: NDArray[np.int64], seed: int) -> list[int]:
    """The tasks to compare a model by: :data:`PROBE_TASKS` of these, drawn by the seed; ascending."""
    return sorted(task_ids[np.argsort(task_keys(task_ids, seed, _PROBE))[:PROBE_TASKS]].tolist())


@dataclass(frozen=True)
class Before:
    """What a backend was like before it was asked to train.

    The caller keeps it: whoever goes on after a restart compares with the same.
    """

    model_version: str
    """Empty where the backend does not say."""
    probe: Mapping[int, str] = field(default_factory=dict)
    """Task id → fingerprint of its prediction, see :mod:`al_core.training.fingerprints`. Empty where the backend could
    not be asked."""

    def as_dict(self) -> dict[str, Any]:
        """The same in what JSON can hold."""
        return {
            "model_version": self.model_version,
            "probe": {str(task_id): found for task_id, found in self.probe.items()},
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """What :meth:`as_dict` gave; a part that is not there is empty."""
        probe = {int(task_id): str(found) for task_id, found in (raw.get("probe") or {}).items()}
        return cls(str(raw.get("model_version") or ""), probe)


@dataclass(frozen=True)
class CallBack:
    """What a backend sent to our call-back address."""

    status: str
    """``done``, ``failed``, or another word, such as how far it is."""
    model_version: str = ""
    error: str = ""
    reported: Mapping[str, float] = field(default_factory=dict)
    """Numbers that it says of its model."""
