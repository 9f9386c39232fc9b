"""What labels cost: the time that people spent on them."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from al_core.evaluation.values import Interval

LONGEST_SECONDS = 3600
"""A label that took longer counts as one of unknown time: somebody left the page open."""

_FEWEST = 5
"""Of fewer known times no interval is made: it would not keep its word."""
_DRAWS = 2000


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

    Parameters
    ----------
    lead_times : sequence of float or None
        As for :func:`labelling_seconds`.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    Interval or None
        Seconds; None where fewer than five times are known.
    """
    known = np.array(_known(lead_times))
    if len(known) < _FEWEST:
        return None
    draws = np.random.default_rng(seed).choice(known, size=(_DRAWS, len(known))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(known.mean()), float(low), float(high))


def _known(lead_times: Sequence[float | None]) -> list[float]:
    return [
        float(seconds)
        for seconds in lead_times
        if seconds is not None and isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS
    ]
