"""Whether a model's numbers mean what they say: its confidence as a probability, its uncertainty as a warning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput
from al_core.evaluation.intervals import CONFIDENCE, DRAWS, wilson_interval
from al_core.evaluation.values import Interval

BINS = 10

_MOST_SPREAD = 0.5
"""Of the gaps of the bins around their common one, in terms of probability."""

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
    Chance makes gaps wider, so that this plain sum is too high on small sets (A. Kumar, P. Liang and T. Ma, "Verified
    uncertainty calibration", NeurIPS 2019). The error told is √(sum² − c²), with c the mean of the sums that the same
    confidences give by chance where each is just the probability of being right: a normal number of mean δ and spread
    s is off by about √(δ² + 2 s² / π) on average. For the interval the true gaps of the bins are drawn from their
    posterior, each normally around one that is common to all, by a spread that is as likely as the bins show (A. Gelman
    et al., "Bayesian Data Analysis", 3rd edition (2013), section 5.4): it is the middle 95 % of the errors that they
    give, and begins at 0 where chance alone would bring such a sum in 1 of 20 sets or more.

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
    """The calibration error by draws of every bin's true gap."""
    counts = member.sum(axis=0)
    gaps = (sure - right) @ member / counts
    chance = (right @ member + 0.5) / (counts + 1)
    errors = np.abs(_true_gaps(gaps, chance * (1 - chance) / counts, seed)) @ (counts / len(sure))
    low, high = np.quantile(errors, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]).tolist()
    found, by_chance = float(np.abs(gaps) @ counts / len(sure)), _by_chance(sure, member, seed)
    value = sqrt(max(0.0, found**2 - float(by_chance.mean()) ** 2))
    if found <= np.quantile(by_chance, CONFIDENCE):
        low = 0.0
    return Interval(value, min(low, value), min(max(high, value), 1.0))


def _true_gaps(gaps: _Array, variances: _Array, seed: int) -> _Array:
    """(draws, bins) what the gaps may be in truth: normal around a common one, by Gelman et al., (5.17) to (5.21)."""
    rng = np.random.default_rng(seed)
    spreads = np.linspace(0.0, _MOST_SPREAD, 60)[:, None] ** 2
    precisions = 1 / (variances + spreads)
    common_variances = 1 / precisions.sum(axis=1)
    commons = (gaps * precisions).sum(axis=1) * common_variances
    misfits = ((gaps - commons[:, None]) ** 2 * precisions).sum(axis=1)
    likelihoods = (np.log(common_variances) + np.log(precisions).sum(axis=1) - misfits) / 2
    chances = np.exp(likelihoods - likelihoods.max())
    drawn = rng.choice(len(spreads), size=DRAWS, p=chances / chances.sum())
    common = commons[drawn] + np.sqrt(common_variances[drawn]) * rng.standard_normal(DRAWS)
    # What a bin's own gap counts beside the common one.
    trust = spreads[drawn] / (variances + spreads[drawn])
    means = trust * gaps + (1 - trust) * common[:, None]
    true: _Array = means + np.sqrt(trust * variances) * rng.standard_normal(means.shape)
    return true


def _by_chance(sure: _Array, member: _Array, seed: int) -> _Array:
    """(draws,) the plain sums of sets where every answer is right with just the probability of its confidence."""
    right = np.random.default_rng([seed, 3]).random((DRAWS, len(sure))) < sure
    sums: _Array = np.abs((right - sure) @ member).sum(axis=1) / len(sure)
    return sums


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
