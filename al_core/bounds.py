"""Scores of whatever is known of a task: exact where a model tells enough, else the least and most they can be.

Many models tell the probability of their answer and nothing of the other classes. All distributions that agree
with that number have their uncertainty between two bounds, and both are attained.
"""

import numpy as np
from numpy.typing import NDArray

from al_core.aggregation import aggregate
from al_core.errors import InvalidInput
from al_core.types import REASONS, Aggregation, Bounds, ClassProbabilities, Reason
from al_core.uncertainty import MEASURES, UncertaintySampling

_Scores = NDArray[np.float64]

_MEAN = Aggregation()
_EMPTY = REASONS.index(Reason.EMPTY_RESULT) + 1

# Numbers in a block of multi-label rows: 0.5 MB of float64, so that its few copies stay small.
_BLOCK = 2**16

# float32 holds 1/K only about; a score this close below it is still that of the likeliest class.
_ROUNDING = 1e-6


def score_bounds(probabilities: ClassProbabilities, measure: str, aggregation: Aggregation = _MEAN) -> Bounds:
    """Score n tasks by a measure of uncertainty, as exactly as their probabilities allow.

    =====================  =============================================================================
    what is known          what is scored
    =====================  =============================================================================
    all k probabilities    the measure, exact; form ``multi``: each label as (p, 1 − p), aggregated
    p of the answered one  ``least_confidence``: 1 − p, exact. With two outcomes: (p, 1 − p), exact. With
                           more: the least and most of all distributions that agree with p
    p of a free answer     ``least_confidence``: 1 − p, exact; any other measure is unknown
    =====================  =============================================================================

    The outcomes of a task of form ``single`` are its k labels. Those of a region are the k labels and "none of
    them", as a detector scores them. A task of form ``regions`` aggregates the scores of its regions, and one
    that the model found no region in follows ``aggregation.no_region``.

    Parameters
    ----------
    probabilities : ClassProbabilities
        Of n tasks.
    measure : {"entropy", "least_confidence", "margin", "ratio"}
    aggregation : Aggregation

    Returns
    -------
    Bounds
        (n,) each; NaN where nothing is known, or too little of one part.

    Raises
    ------
    InvalidInput
        If there is no measure or aggregation of that name.
    """
    if measure not in MEASURES:
        raise InvalidInput(f"There is no measure named {measure!r}.", f"Known are: {', '.join(MEASURES)}.")
    if probabilities.form == "multi":
        low = _labels_aggregated(probabilities.values, measure, aggregation)
        high = low
    else:
        low, high = _rows(probabilities, measure)
    if probabilities.form == "regions":
        low, high = (aggregate(scores, probabilities.starts, aggregation.how) for scores in (low, high))
    low, high = (np.where(probabilities.known, scores, np.nan) for scores in (low, high))
    if probabilities.form == "regions":
        empty = probabilities.reasons == _EMPTY
        low[empty] = high[empty] = _of_no_region(measure, len(probabilities.labels), aggregation)
    return Bounds(low, high)


def _rows(probabilities: ClassProbabilities, measure: str) -> tuple[_Scores, _Scores]:
    """Bounds of every row of form ``single`` or ``regions``."""
    labels = len(probabilities.labels)
    low: _Scores = np.full(len(probabilities.top), np.nan)
    partial = np.isfinite(probabilities.top)
    if labels:
        low = UncertaintySampling.score(probabilities.values, measure)
        partial &= np.isnan(probabilities.values[:, 0])
    high = low.copy()
    if partial.any():
        outcomes = labels + 1 if labels and probabilities.form == "regions" else labels
        low[partial], high[partial] = _of_top(measure, probabilities.top[partial].astype(np.float64), outcomes)
    return low, high


def _labels_aggregated(values: NDArray[np.float32], measure: str, aggregation: Aggregation) -> _Scores:
    """(n, k) independent probabilities to (n,) scores."""
    tasks, labels = values.shape
    scores = np.empty(tasks)
    step = max(1, _BLOCK // max(1, labels))
    for start in range(0, tasks, step):
        block = values[start : start + step].astype(np.float64)
        starts = np.arange(len(block) + 1) * labels
        scores[start : start + step] = aggregate(_of_two(measure, block).ravel(), starts, aggregation.how)
    return scores


def _of_no_region(measure: str, labels: int, aggregation: Aggregation) -> float:
    if aggregation.no_region == "unknown":
        return np.nan
    if aggregation.no_region == "certain":
        return 0.0
    # One region of which the model knows nothing; a single label wavers between that and "none".
    if labels:
        outcomes = max(2, labels)
        most = UncertaintySampling.score(np.full((1, outcomes), 1 / outcomes), measure)
    else:
        most = np.array([1.0 if measure == "least_confidence" else np.nan])
    return float(aggregate(most, [0, 1], aggregation.how)[0])


def _of_top(measure: str, p: _Scores, outcomes: int) -> tuple[_Scores, _Scores]:
    """Bounds over all distributions whose answered outcome has probability p; ``outcomes`` is 0 if it is not known."""
    p = _in_range(p)
    if outcomes > 2 and measure != "least_confidence":
        low, high = np.empty_like(p), np.empty_like(p)
        likeliest = p >= 1 / outcomes - _ROUNDING
        low[likeliest], high[likeliest] = _of_likeliest(measure, p[likeliest], outcomes)
        low[~likeliest], high[~likeliest] = _of_another(measure, p[~likeliest], outcomes)
        return low, high
    if outcomes == 1:
        scores = 0 * p
    elif measure == "least_confidence":
        scores = 1 - p
    else:
        scores = _of_two(measure, p) if outcomes else np.full_like(p, np.nan)
    return scores, scores


def _of_two(measure: str, p: _Scores) -> _Scores:
    """Scores of (p, 1 − p), of any shape."""
    p = _in_range(p)
    if measure == "entropy":
        return _minus_p_log_p(p) + _minus_p_log_p(1 - p)
    second = np.minimum(p, 1 - p)
    if measure == "least_confidence":
        return second
    return 2 * second if measure == "margin" else second / (1 - second)


def _of_likeliest(measure: str, p: _Scores, outcomes: int) -> tuple[_Scores, _Scores]:
    """Bounds where p is the highest of more than two probabilities."""
    rest = 1 - p
    even = np.minimum(p, rest / (outcomes - 1))
    if measure == "entropy":
        # Least: as many as can be as likely as the answer, and one with what is left. Most: all others even.
        level = np.clip(np.floor(1 / p), 1, outcomes - 1)
        low = level * _minus_p_log_p(p) + _minus_p_log_p(np.maximum(0, 1 - level * p))
        return low, _minus_p_log_p(p) + (outcomes - 1) * _minus_p_log_p(even)
    alone = np.minimum(p, rest)
    if measure == "margin":
        return 1 - p + even, 1 - p + alone
    return even / p, alone / p


def _of_another(measure: str, p: _Scores, outcomes: int) -> tuple[_Scores, _Scores]:
    """Bounds where p < 1/outcomes, so that another outcome is likelier than the answer, if one nobody named."""
    rest = 1 - p
    if measure == "entropy":
        low = _minus_p_log_p(p) + _minus_p_log_p(rest)
        return low, low + rest * np.log(outcomes - 1)
    low = 2 * p if measure == "margin" else p / rest
    return low, np.where(np.isnan(p), np.nan, 1.0)


def _in_range(p: _Scores) -> _Scores:
    return np.where((p >= 0) & (p <= 1), p, np.nan)


def _minus_p_log_p(p: _Scores) -> _Scores:
    scores: _Scores = 0 - p * np.log(np.maximum(p, np.finfo(np.float64).tiny))  # 0·log 0 = 0, and never −0
    return scores
