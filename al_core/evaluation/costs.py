"""What labels cost: the time that people spent on them."""

from collections.abc import Sequence
from math import isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from al_core.evaluation.values import Interval

LONGEST_SECONDS = 3600
"""A label that took longer counts as one of unknown time: somebody left the page open."""

_FEWEST = 10
"""Of fewer known times no interval is made: it would not keep its word."""
_MANY = 1000
"""From so many times on the mean is as good as normal, and drawing again shows nothing new."""
_DRAWS = 2000
_Z = NormalDist().inv_cdf(0.975)


def labelling_seconds(lead_times: Sequence[float | None]) -> tuple[float | None, int]:
    """Sum up what people spent on some labels; a label of unknown time counts as the mean of the known ones.

    Parameters
    ----------
    lead_times : sequence of float or None, shape (n,)
        Label Studio's ``lead_time`` of each label, in seconds. Unknown are None, what is not above 0 (the label was
        uploaded), and what is over :data:`LONGEST_SECONDS`.

    Returns
    -------
    seconds : float or None
        Mean of the known times · n; None where no time is known.
    known : int
        Labels of known time.
    """
    known = _known(lead_times)
    if not known:
        return None, 0
    return sum(known) / len(known) * len(lead_times), len(known)


def seconds_per_label(lead_times: Sequence[float | None], seed: int = 0) -> Interval | None:
    """Mean time of a label, with the 95 % interval of that mean.

    Times are skewed: a few labels take very long. The plain bootstrap is too narrow then (ten times of a log-normal
    distribution: 80 to 86 % hold the mean), so this is the studentised one, bootstrap-t: with mean m and standard
    error s of the times, and m*, s* of times drawn from them again, it goes from m − t₉₇.₅·s to m − t₂.₅·s, where t are
    quantiles of (m* − m)/s*.

    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5.

    Parameters
    ----------
    lead_times : sequence of float or None
        As for :func:`labelling_seconds`.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    Interval or None
        Seconds; None where fewer than ten times are known.
    """
    known = np.array(_known(lead_times))
    if len(known) < _FEWEST:
        return None
    mean, error = float(known.mean()), float(known.std(ddof=1) / sqrt(len(known)))
    low, high = _students(known, mean, seed) if len(known) < _MANY else (-_Z, _Z)
    return Interval(mean, max(0.0, min(mean, mean - high * error)), max(mean, mean - low * error))


def _students(times: NDArray[np.float64], mean: float, seed: int) -> tuple[float, float]:
    """The 2.5 and 97.5 % quantiles of (m* − m)/s*."""
    draws = np.random.default_rng(seed).choice(times, size=(_DRAWS, len(times)))
    errors = draws.std(axis=1, ddof=1) / sqrt(len(times))
    told = errors > 1e-9 * mean  # draws of one and the same time have no spread to divide by
    if not told.any():
        return 0.0, 0.0
    low, high = np.quantile((draws.mean(axis=1)[told] - mean) / errors[told], [0.025, 0.975])
    return float(low), float(high)


def _known(lead_times: Sequence[float | None]) -> list[float]:
    return [
        float(seconds)
        for seconds in lead_times
        if seconds is not None and isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS
    ]
