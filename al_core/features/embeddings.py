"""Embeddings: a model's own view of a task, the best features there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.features.result import Features, gathered

MAX_LENGTH = 8192
"""Numbers in an embedding; a longer list is something else."""

_KEYS = ("embedding", "embeddings", "vector")
_NO_EMBEDDING = "no embedding of the same length as the others"


@dataclass(frozen=True, eq=False)
class Embeddings:
    """What a model sent along for e tasks, all of one length d."""

    task_ids: NDArray[np.int64]
    """(e,) ascending and distinct."""
    vectors: NDArray[np.float32]
    """(e, d) finite; (0, 0) where the model sends none."""

    @classmethod
    def of_tasks(cls, found: Mapping[int, NDArray[np.float32]]) -> "Embeddings":
        """From task id → vector, see :func:`embedding_of`. Those that have not the commonest length are left out."""
        length = _commonest(Counter(map(len, found.values())))
        ids = sorted(task_id for task_id, vector in found.items() if len(vector) == length)
        vectors = np.empty((len(ids), length), dtype=np.float32)
        for place, task_id in enumerate(ids):
            vectors[place] = found[task_id]
        return cls(np.array(ids, dtype=np.int64), vectors)

    @classmethod
    def merged(cls, parts: Sequence["Embeddings"]) -> "Embeddings":
        """All tasks of some parts; of several for one task the last part's counts.

        Parts that have not the commonest length are left out. Shares the memory of a part that is the only one.
        """
        lengths: Counter[int] = Counter()
        for part in parts:
            lengths[part.length] += len(part.task_ids)
        length = _commonest(lengths)
        alike = [part for part in parts if part.length == length and len(part.task_ids)]
        if len(alike) < 2:
            return alike[0] if alike else cls.of_tasks({})
        ids = np.concatenate([part.task_ids for part in alike])
        distinct, places = np.unique(ids[::-1], return_index=True)
        return cls(distinct, np.concatenate([part.vectors for part in alike])[len(ids) - 1 - places])

    @property
    def length(self) -> int:
        """d"""
        return self.vectors.shape[1]

    def of(self, task_ids: ArrayLike) -> "Embeddings":
        """Those of some tasks, as far as they have one.

        Parameters
        ----------
        task_ids : array_like of int, shape (n,)
        """
        _, places = self._found(task_ids)
        places = np.unique(places)
        return Embeddings(self.task_ids[places], self.vectors[places])

    def by_place(self, task_ids: ArrayLike) -> dict[int, NDArray[np.float32]]:
        """Place in ``task_ids`` (n,) → vector (d,), for the tasks that have one."""
        asked, places = self._found(task_ids)
        return dict(zip(asked.tolist(), self.vectors[places], strict=True))

    def _found(self, task_ids: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where in ``task_ids`` the tasks are that have an embedding, and where it is here."""
        asked = np.asarray(task_ids, dtype=np.int64)
        places = np.searchsorted(self.task_ids, asked)
        here = np.flatnonzero(places < len(self.task_ids))
        here = here[self.task_ids[places[here]] == asked[here]]
        return here, places[here]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By their names, for :func:`numpy.savez`."""
        return {"task_ids": self.task_ids, "vectors": self.vectors}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Embeddings":
        """What :meth:`arrays` gave.

        Raises
        ------
        ValueError
            They are not what embeddings are made of.
        """
        ids, vectors = arrays.get("task_ids"), arrays.get("vectors")
        if ids is None or vectors is None or ids.dtype != np.int64 or vectors.dtype != np.float32:
            raise ValueError("Embeddings have other arrays than these.")
        if vectors.ndim != 2 or ids.shape != vectors.shape[:1] or vectors.shape[1] > MAX_LENGTH:
            raise ValueError("These arrays have not the shapes of embeddings.")
        if (np.diff(ids) <= 0).any() or not np.isfinite(vectors).all():
            raise ValueError("These numbers are no embeddings.")
        return cls(ids, vectors)


def embedding_of(prediction_result: object) -> NDArray[np.float32] | None:
    """The embedding that a model sent along with its prediction.

    Parameters
    ----------
    prediction_result : any JSON
        The ``result`` of a prediction: a list of regions. A list of numbers named ``embedding`` is looked for
        beside the score of a region, in its ``meta`` and in its ``value``, and the first counts.

    Returns
    -------
    ndarray of float32, shape (d,), finite and not all 0, or None where there is none.
    """
    if not isinstance(prediction_result, list):
        return None
    for region in prediction_result:
        if not isinstance(region, Mapping):
            continue
        for holder in (region, region.get("meta"), region.get("value")):
            if isinstance(holder, Mapping) and (found := _vector(holder.get("embedding"))) is not None:
                return found
    return None


def given_embeddings(embeddings: Mapping[int, NDArray[Any]] | None, count: int) -> Features | None:
    """Features from what the caller brings, index → vector; None where too few tasks of ``count`` have one."""
    vectors = {index: _vector(given) for index, given in (embeddings or {}).items() if 0 <= index < count}
    return _of_one_length(vectors, count, "embeddings of the model")


def task_embeddings(tasks: Sequence[Mapping[str, Any]]) -> Features | None:
    """Features from vectors in the data of the tasks; None where too few have one."""
    for key in _KEYS:
        vectors = {index: _vector(task.get(key)) for index, task in enumerate(tasks) if isinstance(task, Mapping)}
        features = _of_one_length(vectors, len(tasks), "embeddings of the task")
        if features:
            return features
    return None


def _of_one_length(vectors: Mapping[int, NDArray[np.float32] | None], count: int, source: str) -> Features | None:
    """Unit rows of the commonest length; None where fewer than half of ``count`` tasks have such a vector."""
    lengths = Counter(len(vector) for vector in vectors.values() if vector is not None)
    if not lengths:
        return None
    length = _commonest(lengths)
    if 2 * lengths[length] < count:
        return None
    found = {i: vector for i, vector in vectors.items() if vector is not None and len(vector) == length}
    missing = {index: _NO_EMBEDDING for index in range(count) if index not in found}
    # Of unit length, so that a Euclidean distance ranks like the cosine that embeddings are made for.
    return gathered({index: _unit(vector) for index, vector in found.items()}, missing, count, source)


def _commonest(lengths: Counter[int]) -> int:
    """The length that most have, of several the greatest; 0 where there is none."""
    return max(lengths, key=lambda length: (lengths[length], length), default=0)


def _vector(value: object) -> NDArray[np.float32] | None:
    """``value`` as float32, None unless it is a list of 2 to ``MAX_LENGTH`` finite numbers that are not all 0."""
    if isinstance(value, list):
        if not {*map(type, value[:MAX_LENGTH])} <= {int, float}:
            return None
    elif not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iuf":
        return None
    if not 2 <= len(value) <= MAX_LENGTH:
        return None
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
            vector = np.asarray(value, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        return None
    return vector if np.isfinite(vector).all() and vector.any() else None


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = vector.astype(np.float64)  # squares of float32 overflow it
    return np.asarray(wide / np.sqrt(np.square(wide).sum()), dtype=np.float32)
