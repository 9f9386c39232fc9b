"""Intervals of the numbers of an evaluation: where the number may lie if the test set had been another one."""

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput
from al_core.validation import check_count

DRAWS = 2000
"""Resamples of a bootstrap: the ends of an interval then move by less than a twentieth of its width."""

CONFIDENCE = 0.95


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion: honest for few tasks and near 0 or 1, where ± of the mean is not.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).

    Parameters
    ----------
    correct, total : int
        ``correct`` of ``total`` trials succeeded.
    confidence : float
        Between 0 and 1, both excluded.

    Returns
    -------
    low, high : float
        (0, 1) if nothing was tried.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    total = check_count("The total", total)
    correct = check_count("The number correct", correct)
    if correct > total:
        raise InvalidInput(f"{correct} correct of {total} is not possible.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"A confidence must be between 0 and 1, not {confidence}.")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = correct / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At the ends the interval touches 0 or 1 exactly; rounding would miss it.
    low = 0.0 if correct == 0 else centre - half
    high = 1.0 if correct == total else centre + half
    return low, high


def percentiles(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the middle 95 % of resampled numbers; (0, 1) where none of them is known."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return 0.0, 1.0
    low, high = np.quantile(known, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return float(low), float(high)
