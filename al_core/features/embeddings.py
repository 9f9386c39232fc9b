"""Embeddings: a model's own view of a task, the best features there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.features.result import Features, gathered

MAX_LENGTH = 8192
"""Numbers in an embedding; a longer list is something else."""

_KEYS = ("embedding", "embeddings", "vector")
_NO_EMBEDDING = "no embedding of the same length as the others"


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
    length = max(lengths, key=lambda length: (lengths[length], length))
    if 2 * lengths[length] < count:
        return None
    found = {i: vector for i, vector in vectors.items() if vector is not None and len(vector) == length}
    missing = {index: _NO_EMBEDDING for index in range(count) if index not in found}
    # Of unit length, so that a Euclidean distance ranks like the cosine that embeddings are made for.
    return gathered({index: _unit(vector) for index, vector in found.items()}, missing, count, source)


def _vector(value: object) -> NDArray[np.float32] | None:
    """``value`` as float32, None unless it is a list of 2 to ``MAX_LENGTH`` finite numbers that are not all 0."""
    if isinstance(value, list):
        if not all(type(number) in (int, float) for number in value[:MAX_LENGTH]):
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
