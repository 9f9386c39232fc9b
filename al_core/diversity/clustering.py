"""Seeds that lie far apart, and k-means from them: what several ways of diversity are made of.

Both work on the whole numbers of :mod:`al_core.diversity.grid`, and centres are rounded to it, so equal input
gives equal clusters on any machine.
"""

from collections.abc import Callable
from math import log

import numpy as np
from scipy import sparse

from al_core.diversity.grid import Floats, Indices, nearest, squared_distances, squared_norms

DistancesTo = Callable[[Indices], Floats]
"""(p,) places → (p, m) the squared distance of each of m candidates to these."""

_MOST_SEEDED = 1 << 13
_ROUNDS = 10
"""Rounds of k-means at most: on clustered data the next fifty lower the sum of squares by less than 1 %."""


def spread(
    distances_to: DistancesTo, first: int, weights: Floats, k: int, rng: np.random.Generator, trials: int = 1
) -> Indices:
    """Seeds by k-means++: each is drawn in proportion to its weight times the squared distance to the nearest so far.

    After D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

    Parameters
    ----------
    distances_to : callable
        Places → their squared distances to all m candidates.
    first : int
        The place of the first seed.
    weights : ndarray, shape (m,)
        Not negative.
    k : int
        At most m.
    rng : numpy.random.Generator
    trials : int
        How many are drawn at each step, of which the one that brings the weighted distances down most stays.

    Returns
    -------
    ndarray of int64, shape (k,)
        Distinct places. Where no candidate with a weight is apart from the seeds any more, the first of the rest.
    """
    chosen = [first]
    gaps = distances_to(np.array([first]))[0]
    while len(chosen) < k:
        mass = np.cumsum(weights * gaps)  # one after another, so that rounding is the same everywhere
        if mass[-1] <= 0:
            rest = np.setdiff1d(np.arange(len(gaps)), chosen)
            return np.concatenate([chosen, rest[: k - len(chosen)]])
        # Targets are above 0, so that what has no mass is never drawn.
        drawn = np.searchsorted(mass, (1 - rng.random(trials)) * mass[-1])
        closer = np.minimum(distances_to(drawn), gaps)
        best = 0 if trials == 1 else int(np.cumsum(weights * closer, axis=1)[:, -1].argmin())
        chosen.append(int(drawn[best]))
        gaps = closer[best]
    return np.array(chosen)


def kmeans(rows: Floats, weights: Floats, k: int, rng: np.random.Generator) -> tuple[Indices, Floats]:
    """Weighted k-means by Lloyd's rounds, from the better of several k-means++ seeds at each step.

    After S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28 (1982).

    Parameters
    ----------
    rows : ndarray, shape (m, d)
        On the grid, no two equal.
    weights : ndarray, shape (m,)
        Whole numbers of at least 1.
    k : int
        At most m.

    Returns
    -------
    groups : ndarray of int64, shape (m,)
        The cluster of each row; none of the ``k`` is empty.
    centres : ndarray, shape (k, d)
        The weighted mean of each cluster, rounded to the grid.
    """
    centres = _seeds(rows, weights, k, rng)
    norms = squared_norms(rows)
    groups: Indices | None = None
    for _ in range(_ROUNDS):
        places, gaps = nearest(rows, norms, centres)
        _leave_none_empty(places, gaps, k)
        if groups is not None and np.array_equal(places, groups):
            break
        groups = places
        members = sparse.csr_array((weights, groups, np.arange(len(rows) + 1)), shape=(len(rows), k))
        centres = np.rint((members.T @ rows) / np.bincount(groups, weights, k)[:, None])
    assert groups is not None
    return groups, centres


def gaps_to_own(rows: Floats, groups: Indices, centres: Floats) -> Floats:
    """(m,) the squared distance of each row to the centre of its cluster."""
    gaps = np.empty(len(rows))
    for group, centre in enumerate(centres):
        members = np.flatnonzero(groups == group)
        gaps[members] = squared_norms(rows[members] - centre)
    return gaps


def _seeds(rows: Floats, weights: Floats, k: int, rng: np.random.Generator) -> Floats:
    """(k, d) rows to start from; of very many, evenly some are looked at."""
    step = -(-len(rows) // max(_MOST_SEEDED, 8 * k))
    rows, weights = rows[::step], weights[::step]
    norms = squared_norms(rows)
    mass = np.cumsum(weights)
    first = int(np.searchsorted(mass, (1 - rng.random()) * mass[-1]))
    trials = 2 + int(log(k))
    return rows[spread(lambda places: squared_distances(rows, norms, rows[places]), first, weights, k, rng, trials)]


def _leave_none_empty(groups: Indices, gaps: Floats, k: int) -> None:
    """Give each empty cluster the row that lies furthest from its own centre; changes both arrays.

    Of two unequal rows in a cluster one is apart from its centre, so while a cluster is empty there is such a row.
    """
    while len(empty := np.flatnonzero(np.bincount(groups, minlength=k) == 0)):
        for group in empty:
            furthest = int(gaps.argmax())
            groups[furthest] = group
            gaps[furthest] = 0.0
