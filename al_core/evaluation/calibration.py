"""Whether a model's numbers mean what they say: its confidence as a probability, its uncertainty as a warning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput
from al_core.evaluation.intervals import CONFIDENCE, DRAWS, drawn_interval, halves, shape_of, weights, wilson_interval
from al_core.evaluation.values import Interval

BINS = 10

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in one tenth."""

    low: float
    high: float
    """``low`` ≤ confidence < ``high``; 1 belongs to the last one."""
    count: int
    confidence: float
    """Their mean confidence."""
    right: Interval
    """The share of them that is right, with its Wilson interval."""


@dataclass(frozen=True)
class Reliability:
    """How far confidence and being right go together."""

    bins: tuple[Bin, ...]
    """Ascending; a bin without an answer is left out."""
    error: Interval
    """The expected calibration error: by how much confidence is off, on average."""
    count: int
    """Answers whose confidence is known."""


def reliability(confidences: Sequence[float], rights: Sequence[bool], *, seed: int = 0) -> Reliability | None:
    """Reliability diagram and expected calibration error of a model's answers.

    The error is Σ (count of the bin / count) · \\|share right − mean confidence\\| over ten bins of equal width (M.
    Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015).
    Chance makes every gap wider and none narrower, so that sum is too high on small sets. What it is too high by is
    estimated by draws and taken off, down to 0 at most (A. Kumar, P. Liang and T. Ma, "Verified uncertainty
    calibration", NeurIPS 2019). The interval is that of :mod:`al_core.evaluation.intervals`, and begins at 0 where
    answers of a model that is perfectly calibrated would show such an error in 1 of 20 sets or more.

    Parameters
    ----------
    confidences : sequence of float, shape (n,)
        From 0 to 1.
    rights : sequence of bool, shape (n,)
    seed : int
        Of the draws.

    Returns
    -------
    Reliability or None
        None where there is no answer.

    Raises
    ------
    InvalidInput
        If they are not as many, or a confidence is out of its range.
    """
    sure, right = np.asarray(confidences, dtype=np.float64), np.asarray(rights, dtype=np.float64)
    if sure.shape != right.shape or sure.ndim != 1:
        raise InvalidInput(f"There are {len(confidences)} confidences for {len(rights)} answers.")
    if not ((sure >= 0) & (sure <= 1)).all():
        raise InvalidInput("A confidence must be from 0 to 1.")
    if not len(sure):
        return None
    places = np.minimum((sure * BINS).astype(np.intp), BINS - 1)
    there, places = np.unique(places, return_inverse=True)
    member = np.eye(len(there))[places]
    counts, rightly, total = member.sum(axis=0), right @ member, sure @ member
    bins = [
        _bin(int(place), int(count), float(sum_), int(correct))
        for place, count, sum_, correct in zip(there, counts, total, rightly, strict=True)
    ]
    return Reliability(tuple(bins), _calibration_error(sure, right, member, seed), len(sure))


def _bin(place: int, count: int, total: float, correct: int) -> Bin:
    right = Interval(correct / count, *wilson_interval(correct, count))
    return Bin(place / BINS, (place + 1) / BINS, count, total / count, right)


def _calibration_error(sure: _Array, right: _Array, member: _Array, seed: int) -> Interval:
    counts = member.sum(axis=0)
    found = float(_gaps(counts, right @ member, sure @ member))
    drawn = weights(shape_of(np.ones(len(sure)), member @ counts), seed)
    parts = drawn @ member, drawn @ (member * right[:, None]), drawn @ (member * sure[:, None])
    plain = _gaps(*parts)
    more_right, more_wrong = halves(len(counts), seed)
    more = more_right + more_wrong
    means = (sure @ member) / counts
    smoothed = _gaps(parts[0] + more, parts[1] + more_right, parts[2] + more * means)
    value = max(0.0, 2 * found - float(plain.mean()))
    bias = float(plain.mean()) - found
    low, high = drawn_interval(value, plain - bias, smoothed - bias)
    if found <= _by_chance(sure, member, seed):
        low = 0.0
    return Interval(value, low, high)


def _gaps(counts: _Array, right: _Array, total: _Array) -> _Array:
    """(…,) calibration errors of (…, bins) sums of weights, of those that are right, and of confidences."""
    gaps: _Array = np.abs(right - total).sum(axis=-1) / counts.sum(axis=-1)
    return gaps


def _by_chance(sure: _Array, member: _Array, seed: int) -> float:
    """The error that 1 of 20 sets shows although every answer is right with just the probability of its confidence."""
    right = np.random.default_rng([seed, 3]).random((DRAWS, len(sure))) < sure
    return float(np.quantile(np.abs((right - sure) @ member).sum(axis=1) / len(sure), CONFIDENCE))


@dataclass(frozen=True)
class ErrorRanking:
    """Whether what the model was unsure of is what it got wrong."""

    area: Interval
    """The area under the ROC: how often, of a wrong and a right answer, the wrong one was the more uncertain."""
    count: int
    """Answers whose uncertainty is known."""
    wrong: int
    """Those of them that are wrong."""

    @property
    def verdict(self) -> Literal["useful", "chance", "misleading"]:
        """``chance``: that it is no better than one half cannot be ruled out."""
        if self.area.low > 0.5:
            return "useful"
        return "misleading" if self.area.high < 0.5 else "chance"


def uncertainty_and_error(uncertainties: Sequence[float], wrongs: Sequence[bool]) -> ErrorRanking | None:
    """How well uncertainty tells the answers that are wrong from those that are right.

    The area under the ROC is the Mann–Whitney statistic U / (m n) of m wrong and n right answers, equals counting half
    (J. Hanley and B. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143 (1982)). Its interval is the score interval of R. Newcombe, "Confidence intervals for an effect size
    measure based on the Mann–Whitney statistic. Part 2", Statistics in Medicine 25 (2006), method 5: it needs no draws,
    and holds for few errors and at 0 and 1.

    Parameters
    ----------
    uncertainties : sequence of float, shape (n,)
        Finite; only their order counts.
    wrongs : sequence of bool, shape (n,)

    Returns
    -------
    ErrorRanking or None
        None where nothing is wrong, or nothing is right: there is nothing to tell apart.

    Raises
    ------
    InvalidInput
        If they are not as many, or an uncertainty is not finite.
    """
    unsure, wrong = np.asarray(uncertainties, dtype=np.float64), np.asarray(wrongs, dtype=np.bool_)
    if unsure.shape != wrong.shape or unsure.ndim != 1:
        raise InvalidInput(f"There are {len(uncertainties)} uncertainties for {len(wrongs)} answers.")
    if not np.isfinite(unsure).all():
        raise InvalidInput("An uncertainty must be finite.")
    m = int(wrong.sum())
    n = len(wrong) - m
    if not m or not n:
        return None
    right = np.sort(unsure[~wrong])
    below, not_above = (np.searchsorted(right, unsure[wrong], side=side) for side in ("left", "right"))
    area = float((below + not_above).sum() / (2 * m * n))
    return ErrorRanking(Interval(area, *_area_interval(area, m, n)), len(wrong), m)


def _area_interval(area: float, m: int, n: int) -> tuple[float, float]:
    """The areas t with \\|t − area\\| ≤ z · standard error of an area that is t in truth."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    extra = (m + n) / 2 - 1

    def is_in(t: float) -> bool:
        variance = t * (1 - t) * (1 + extra * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n)
        return abs(t - area) <= z * sqrt(variance)

    return _end(is_in, area, 0.0), _end(is_in, area, 1.0)


def _end(is_in: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where a property ends between a number that has it and one that has not, by halving."""
    for _ in range(50):
        middle = (inside + outside) / 2
        if is_in(middle):
            inside = middle
        else:
            outside = middle
    return inside
