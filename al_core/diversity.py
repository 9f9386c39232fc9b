"""Which of the uncertain tasks to ask about together."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from al_core.errors import InvalidInput
from al_core.validation import check_count

Indices = NDArray[np.int64]

# Features that differ by less than this share of their spread count as equal. A squared distance in float64
# is good to about 1e-16 of the squared spread, so what differs by more is told apart reliably.
_GRAIN = 1e-6


def most_uncertain(scores: ArrayLike, k: int) -> Indices:
    """Indices of the ``k`` highest scores, highest first.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher is more uncertain; NaN is unknown and never picked.
    k : int
        How many at most.

    Returns
    -------
    ndarray of int64, shape (≤ k,)
        Equal scores come in the order of their index, so the answer is always the same.

    Raises
    ------
    InvalidInput
        If ``scores`` is not one-dimensional or ``k`` is not a whole number of at least 0.
    """
    values = _vector(scores)
    k = check_count("The number of tasks", k)
    lows = -values  # ascending: the most uncertain first, NaN last
    worst = np.partition(lows, k - 1)[k - 1] if 0 < k < len(lows) else np.nan
    picked: Indices
    if k == 0:
        picked = np.empty(0, dtype=np.int64)
    elif np.isnan(worst):  # there are no more than k to pick from
        picked = np.flatnonzero(~np.isnan(lows))
    else:
        better = np.flatnonzero(lows < worst)
        picked = np.concatenate([better, np.flatnonzero(lows == worst)[: k - len(better)]])
    return picked[np.argsort(lows[picked], kind="stable")]


def kmeans_batch(features: ArrayLike, scores: ArrayLike, k: int, seed: int) -> tuple[Indices, Indices]:
    """Cluster the candidates by weighted k-means and take the most uncertain of each cluster.

    After F. Zhdanov, "Diverse mini-batch Active Learning", arXiv:1901.05954 (2019).

    Parameters
    ----------
    features : array_like, shape (m, d)
        What the candidates look like; finite.
    scores : array_like, shape (m,)
        Higher is more uncertain, and pulls the centres harder. NaN is unknown and never picked.
    k : int
        Size of the batch.
    seed : int
        Equal input and seed give an equal batch.

    Returns
    -------
    indices : ndarray of int64, shape (≤ k,)
        Most uncertain first; all known candidates if there are no more than ``k``.
    clusters : ndarray of int64, shape (≤ k,)
        The cluster each stands for. Duplicates (equal up to a millionth of the spread) share one, and are
        picked once while any other content is left; what is then missing is filled up with the most
        uncertain of the rest.

    Raises
    ------
    InvalidInput
        If the shapes do not agree, a feature is not finite, a known score is infinite, or ``k`` is below 1.
    """
    rows = np.asarray(features, dtype=np.float64)
    values = _vector(scores)
    k = check_count("The batch size", k, minimum=1)
    if rows.ndim != 2 or len(rows) != len(values):
        raise InvalidInput(f"Features of shape {rows.shape} do not fit {len(values)} scores.")

    order = most_uncertain(values, len(values))
    rows, values = rows[order], values[order]
    if not (np.isfinite(rows).all() and np.isfinite(values).all()):
        raise InvalidInput("Features and scores of the candidates must be finite.")

    # From here on a candidate is its place in the order, so that the smaller place is the more uncertain one.
    rows = _on_grid(rows)
    leaders, content = _distinct(rows)
    groups: NDArray[Any] = np.arange(len(leaders))
    if len(leaders) > k:
        groups = _clusters(rows[leaders], values[leaders], k, seed)
    picked = leaders[np.unique(groups, return_index=True)[1]]
    rest = np.concatenate([np.setdiff1d(leaders, picked), np.setdiff1d(np.arange(len(rows)), leaders)])
    picked = np.sort(np.concatenate([picked, rest[: k - len(picked)]]))
    return order[picked], groups[content[picked]].astype(np.int64)


def _vector(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise InvalidInput(f"Scores must have one dimension, not {values.ndim}.")
    return values


def _on_grid(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre, scale to a spread of 1 and round to the grain, so that rows are either equal or well apart."""
    if rows.size == 0:
        return rows
    centred = rows - rows.mean(axis=0)
    grain = float(np.abs(centred).max()) * _GRAIN or 1.0
    gridded: NDArray[np.float64] = np.round(centred / grain) * _GRAIN
    return gridded


def _distinct(rows: NDArray[Any]) -> tuple[Indices, Indices]:
    """Places of the first row of each content, ascending, and for every row which of those it equals."""
    if rows.shape[1] == 0 or len(rows) == 0:  # without a feature all contents are the same
        return np.arange(min(1, len(rows))), np.zeros(len(rows), dtype=np.int64)
    _, first, content = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.sort(first), rank[content.ravel()]


def _clusters(rows: NDArray[Any], scores: NDArray[Any], k: int, seed: int) -> NDArray[Any]:
    weights = scores - min(0.0, scores.min()) + 1e-6  # a weight must be above 0
    # One thread: several add up in the order they finish, and then a batch could not be replayed.
    with threadpool_limits(limits=1, user_api="openmp"):
        groups: NDArray[Any] = KMeans(k, n_init=1, random_state=seed).fit_predict(rows, sample_weight=weights)
    return groups
