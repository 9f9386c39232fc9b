"""One score a task where several controls of a labelling configuration count."""

from collections.abc import Sequence

import numpy as np

from al_core.errors import InvalidInput
from al_core.types import Bounds


def combine_controls(scored: Sequence[Bounds]) -> Bounds:
    """Average the scores of several controls, each as a share of the highest that it has in the pool.

    Scores of controls with different classes have different scales (the entropy of ten classes goes to
    log 10, that of two to log 2), so each control is first divided by its own highest score. A control that
    is unknown for a task may be anything: it counts 0 to the lower bound and 1 to the upper.

    Parameters
    ----------
    scored : sequence of Bounds, each (n,)
        One for each control.

    Returns
    -------
    Bounds
        (n,) from 0 to 1; NaN where every control is unknown.

    Raises
    ------
    InvalidInput
        If there is no control.
    """
    if not scored:
        raise InvalidInput("There is no control to combine.")
    if len(scored) == 1:
        return scored[0]
    lows = np.stack([bounds.low / _highest(bounds) for bounds in scored])
    highs = np.stack([bounds.high / _highest(bounds) for bounds in scored])
    unknown = np.isnan(lows)
    low = np.where(unknown, 0.0, lows).mean(axis=0)
    high = np.where(unknown, 1.0, highs).mean(axis=0)
    nothing = unknown.all(axis=0)
    return Bounds(np.where(nothing, np.nan, low), np.where(nothing, np.nan, high))


def _highest(bounds: Bounds) -> float:
    known = bounds.high[np.isfinite(bounds.high)]
    return float(known.max(initial=0.0)) or 1.0
