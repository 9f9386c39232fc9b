"""Features and weights as whole numbers, so that sums and products of them are exact.

A float64 holds every whole number up to 2⁵³. On a grid of 2¹⁸ steps to each side of the middle, scalar products
and squared distances of up to 2¹⁵ features stay below that, and so do weighted sums of two million rows. They
come out the same whatever order a machine adds up in, however many threads it has: a batch can be replayed
anywhere, and features that round to the same steps are equal and not merely close.
"""

from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

LEVELS = 2**18
"""Steps of the grid from the middle of the features to their furthest value: a step is 4·10⁻⁶ of the spread."""
_EXACT_COLUMNS = 2**15
"""With more features than that the grid is coarser, as distances must stay below 2⁵³."""
_WEIGHT_LEVELS = 2**14
_BLOCK = 1 << 19
"""Distances worked out at once, 4 MB: they should not leave the cache before they are looked at."""


def on_grid(rows: NDArray[Any], labelled: NDArray[Any] | None = None) -> tuple[Floats, Floats | None]:
    """Centre the features, scale them by their widest spread and round them to whole numbers.

    Parameters
    ----------
    rows : ndarray, shape (m, d), m ≥ 1, d ≥ 1
        Finite.
    labelled : ndarray, shape (l, d), optional
        Finite; put on the same grid.

    Returns
    -------
    tuple of ndarray of float64
        New arrays of the shapes given.
    """
    parts = [rows] if labelled is None or not len(labelled) else [rows, labelled]
    # Halves, so that no sum or difference of two large numbers can overflow.
    low = np.min([part.min(axis=0) for part in parts], axis=0).astype(np.float64) / 2
    high = np.max([part.max(axis=0) for part in parts], axis=0).astype(np.float64) / 2
    centre = low + high
    reach = float((high - low).max()) or 1.0
    reach *= 2 ** ceil(max(0.0, log2(rows.shape[1] / _EXACT_COLUMNS)) / 2)
    gridded = [_rounded(part, centre, reach) for part in parts]
    return gridded[0], gridded[1] if len(gridded) > 1 else None


def first_of_each(rows: Floats) -> Indices:
    """Places of the first row of each content, ascending; for rows on the grid."""
    contents = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    return np.sort(np.unique(contents, return_index=True)[1])


def whole_weights(scores: NDArray[Any], power: int = 1) -> Floats:
    """(m,) weights in proportion to a power of the scores: whole numbers from 1 to 2¹⁴, so that none has no weight."""
    above = scores - min(0.0, float(scores.min()))
    top = float(above.max())
    if top == 0:
        return np.ones(len(scores))
    weights: Floats = np.maximum(np.rint((above / top) ** power * _WEIGHT_LEVELS), 1.0)
    return weights


def squared_norms(rows: Floats) -> Floats:
    """(m,) the squared length of each row."""
    norms: Floats = np.einsum("ij,ij->i", rows, rows)
    return norms


def squared_distances(rows: Floats, norms: Floats, points: Floats) -> Floats:
    """(p, m) squared distances of m rows on the grid to p points on it; ``norms`` are those of the rows."""
    distances: Floats = points @ rows.T
    distances *= -2
    distances += norms
    distances += squared_norms(points)[:, None]
    return distances


def nearest(rows: Floats, norms: Floats, points: Floats) -> tuple[Indices, Floats]:
    """(m,) which of the points is nearest to each row, the first of equals, and (m,) its squared distance."""
    places = np.empty(len(rows), dtype=np.int64)
    gaps = np.empty(len(rows))
    point_norms = squared_norms(points)
    size = max(1, _BLOCK // len(points))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        distances = rows[part] @ points.T
        distances *= -2
        distances += point_norms
        places[part] = distances.argmin(axis=1)
        gaps[part] = np.take_along_axis(distances, places[part, None], axis=1)[:, 0] + norms[part]
    return places, gaps


def _rounded(rows: NDArray[Any], centre: Floats, reach: float) -> Floats:
    gridded = rows.astype(np.float64)
    gridded -= centre
    gridded /= reach
    gridded *= LEVELS
    np.rint(gridded, out=gridded)
    gridded += 0.0  # −0 and 0 are one content
    return gridded
