"""From the scores of a task's regions, or of its labels, to one score of the task."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.types import Aggregate

_REDUCTIONS: dict[Aggregate, np.ufunc] = {
    "mean": np.add,
    "sum": np.add,
    "count_weighted": np.add,
    "max": np.maximum,
    "min": np.minimum,
}


def aggregate(scores: ArrayLike, starts: ArrayLike, how: Aggregate = "mean") -> NDArray[np.float64]:
    """Make one score a task of the scores of its rows.

    Every way grows with each score, so lower bounds of rows give a lower bound of the task, and upper ones an
    upper one.

    Parameters
    ----------
    scores : array_like, shape (m,)
    starts : array_like of int, shape (n + 1,)
        The rows of task i are ``starts[i]:starts[i + 1]``; the first is 0 and the last m.
    how : {"mean", "max", "sum", "min", "count_weighted"}
        ``count_weighted`` is the mean times log(1 + number of rows).

    Returns
    -------
    ndarray, shape (n,)
        NaN for a task without rows, and for one with a row that is NaN: what is unknown of a part is unknown of
        the whole.

    Raises
    ------
    InvalidInput
        If there is no way of that name, or ``starts`` does not fit.
    """
    if how not in _REDUCTIONS:
        raise InvalidInput(f"There is no aggregation named {how!r}.", f"Known are: {', '.join(_REDUCTIONS)}.")
    rows = np.asarray(scores, dtype=np.float64)
    bounds = np.asarray(starts, dtype=np.int64)
    counts = np.diff(bounds)
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != len(rows) or (counts < 0).any():
        raise InvalidInput(f"The rows of the tasks must run from 0 to {len(rows)} without a step back.")
    totals = np.full(len(counts), np.nan)
    filled = counts > 0
    if filled.any():
        # Tasks without rows lie between the others and take nothing from them, so the filled ones suffice.
        totals[filled] = _REDUCTIONS[how].reduceat(rows, bounds[:-1][filled])
    if how in ("mean", "count_weighted"):
        totals[filled] /= counts[filled]
    if how == "count_weighted":
        totals *= np.log1p(counts)
    return totals
