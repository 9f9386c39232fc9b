"""The most uncertain of many tasks, in an order that does not depend on where they stand."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.validation import check_count

Indices = NDArray[np.int64]

_BLOCK = 1 << 16
"""Scores looked at at once: half a megabyte, so that a block stays in the cache."""


def most_uncertain(scores: ArrayLike, k: int, keys: ArrayLike | None = None) -> Indices:
    """Indices of the ``k`` highest scores, highest first.

    One pass over the scores, which keeps the best ``k`` so far; it needs memory for a block and the answer.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher is more uncertain; NaN is unknown and never picked.
    k : int
        How many at most.
    keys : array_like of uint64, shape (n,), optional
        Of equal scores the one with the lower key comes first: :func:`al_core.seeding.task_keys`, so that the
        seed decides and not the place in the array. Without them the place does.

    Returns
    -------
    ndarray of int64, shape (≤ k,)

    Raises
    ------
    InvalidInput
        If ``scores`` is not one-dimensional, ``keys`` do not fit, or ``k`` is not a whole number of at least 0.
    """
    values = as_scores(scores)
    k = check_count("The number of tasks", k)
    ties = None if keys is None else as_keys(keys, len(values))
    kept: Indices = np.empty(0, dtype=np.int64)
    bar = -np.inf
    size = max(_BLOCK, 2 * k)
    for start in range(0, len(values) if k else 0, size):
        reaching = np.flatnonzero(values[start : start + size] >= bar) + start  # NaN never does
        kept = np.concatenate([kept, reaching]) if len(kept) else reaching
        if len(kept) > k:
            kept = kept[_best(values[kept], kept if ties is None else ties[kept], k)]
            bar = float(values[kept].min())
    falling = values[kept]
    np.negative(falling, out=falling)
    ranked: Indices = kept[np.lexsort((kept if ties is None else ties[kept], falling))]
    return ranked


def lowest(keys: NDArray[Any], k: int) -> Indices:
    """Places of the ``k`` lowest keys, in no order; equal keys by their place."""
    if k == 0 or k >= len(keys):
        return np.arange(min(k, len(keys)))
    worst = np.partition(keys, k - 1)[k - 1]
    below = np.flatnonzero(keys < worst)
    return np.concatenate([below, np.flatnonzero(keys == worst)[: k - len(below)]])


def as_scores(scores: ArrayLike) -> NDArray[Any]:
    """Scores as a vector of floats, without a copy where they are one; else :class:`InvalidInput`."""
    values = as_floats("Scores", scores)
    if values.ndim != 1:
        raise InvalidInput(f"Scores must have one dimension, not {values.ndim}.")
    return values


def as_floats(name: str, values: ArrayLike) -> NDArray[Any]:
    """Numbers as float32 or float64, without a copy where they are; else :class:`InvalidInput`."""
    try:
        numbers: NDArray[Any] = np.asarray(values)
        return numbers if numbers.dtype in (np.float32, np.float64) else numbers.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be numbers, in rows of equal length.") from error


def as_keys(keys: ArrayLike, count: int) -> NDArray[np.uint64]:
    """One key for each of ``count`` tasks, or :class:`InvalidInput`."""
    ties = np.asarray(keys)
    if ties.shape != (count,) or ties.dtype != np.uint64:
        raise InvalidInput(f"Keys must be {count:,} numbers of type uint64, one a score.", "Use task_keys.")
    return ties


def _best(values: NDArray[Any], ties: NDArray[Any], k: int) -> Indices:
    """Places of the ``k`` highest values, in no order; ``k`` is less than there are."""
    worst = np.partition(values, len(values) - k)[len(values) - k]
    better = np.flatnonzero(values > worst)
    equal = np.flatnonzero(values == worst)
    return np.concatenate([better, equal[lowest(ties[equal], k - len(better))]])
