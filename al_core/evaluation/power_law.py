"""How a measure of the model grows with the labels, and what more of them will bring.

Learning curves follow value(n) = 1 − a − b·n^−c more often than not (C. Cortes et al., "Learning curves: asymptotic
values and rate of convergence", NIPS 1993; T. Viering and M. Loog, "The shape of learning curves: a review", IEEE
Transactions on Pattern Analysis and Machine Intelligence 45, 2023, who show how often they do not). With few noisy
points nothing tells one such curve from many others, and a best fit would hide that. So this is no best fit but a
posterior, on a grid: there is nothing that could fail to converge. What is measured at n labels is

    y(n) = 1 − a − b·n^−c + w(n) + shared + own(n)

w(n)    How the true curve leaves the power law: its slope over log n wanders (an integrated random walk of τ per
        e-fold, with a little of a plain one), nothing at the first point and more from there on. τ is not known.
shared  How far the test set is easier or harder than the rest of the pool. All rounds use the same test tasks, so it
        is the same in all: sd as wide as the intervals say. However many rounds there are, they do not make the test
        set any larger, so the band of the curve stays about as wide as one interval; but a gain, a difference of two
        values, is free of it, and much better known than either.
own(n)  What is each measurement's own: luck of a training, tasks that flip. Its sd is κ times the interval's; as the
        tasks are the same, κ may be well below 1, and luck of training may bring it above. κ is not known.

c, κ and τ have a grid with a prior; given them the rest is a normal distribution, cut to what can be: values up to 1,
b ≥ 0, a ≥ 0. All of it is weighed by its evidence, and 4 000 curves are drawn from the whole.
The priors were set by simulation: ``tests/simulations/test_predicted_gain.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri, ndtri_exp

from al_core.evaluation.values import Interval

Array = NDArray[np.float64]
Places = NDArray[np.intp]

_Z = float(ndtri(0.975))
_LEAST_SD = 0.0025
"""No measurement counts as more exact than this: an interval without width is no certainty."""

_EXPONENTS = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0])
"""c; all equally likely."""
_SCATTERS = np.array([0.25, 0.5, 0.75, 1.0, 1.5])
"""κ, and its prior."""
_SCATTER_PRIOR = np.array([0.05, 0.2, 0.3, 0.3, 0.15])
_WANDERINGS = np.array([0.0, 0.01, 0.03, 0.1, 0.3])
"""τ, and its prior."""
_WANDERING_PRIOR = np.array([0.2, 0.2, 0.25, 0.2, 0.15])
_ROUGHNESS = 0.1
"""The plain random walk's sd per e-fold, as a share of τ."""
_STRATA = 15
"""Parts of equal probability in which the value at the last point is laid out."""
_DRAWS = 4000


@dataclass(frozen=True)
class Point:
    """One measurement: with so many labels to learn from, the model had this value, with its 95 % interval."""

    labels: int
    value: float
    low: float
    high: float


def fit_power_law(points: Sequence[Point], seed: int = 0) -> "PowerLaw | None":
    """Fit value(n) = 1 − (a + b·n^−c) to measurements on one test set.

    Parameters
    ----------
    points : sequence of Point
        In any order; one without a label is left out.
    seed : int
        The same seed gives the same curve.

    Returns
    -------
    PowerLaw or None
        None for fewer than three different counts of labels.
    """
    known = sorted((point for point in points if point.labels >= 1), key=lambda point: point.labels)
    if len({point.labels for point in known}) < 3:
        return None
    labels = np.array([point.labels for point in known], dtype=np.float64)
    values = np.array([point.value for point in known])
    sds = np.array([max((point.high - point.low) / (2 * _Z), _LEAST_SD) for point in known])
    scatter, wandering = (grid.ravel() for grid in np.meshgrid(_SCATTERS, _WANDERINGS, indexing="ij"))
    noise = _Noise(labels, sds, scatter, wandering)
    prior = np.log(np.outer(_SCATTER_PRIOR, _WANDERING_PRIOR).ravel())
    generator = np.random.default_rng(seed)
    exponent, kind, last, rise = _drawn(labels, values, noise, prior, generator)
    return PowerLaw(
        _labels=labels,
        _values=values,
        _noise=noise,
        _exponent=_EXPONENTS[exponent],
        _kind=kind,
        _last=last,
        _rise=rise,
        _chance=ndtri(_shuffled_strata(generator)),
    )


def _drawn(
    labels: Array, values: Array, noise: "_Noise", prior: Array, generator: np.random.Generator
) -> tuple[Places, Places, Array, Array]:
    """Draws of the posterior: the places of exponent and kind of noise, the value at the last point, the rise up to it.

    The power law is written as last − rise·basis(n), which the points tell of directly, instead of by a and b. Given
    exponent and noise, both are normal; (c, k) are the axes of those below, 2 the axis of last and rise.
    """
    basis = _basis(labels, labels, _EXPONENTS)
    design = np.stack([np.ones_like(basis), -basis], axis=2)  # (c, N, 2)
    solved = noise.precision[None] @ design[:, None]  # (c, k, N, 2)
    precision = np.einsum("cnp,cknq->ckpq", design, solved)
    projected = np.einsum("cknp,n->ckp", solved, values)
    covariance = np.linalg.inv(precision)
    mean = np.einsum("ckpq,ckq->ckp", covariance, projected)
    misfit = np.einsum("n,knm,m->k", values, noise.precision, values) - np.einsum("ckp,ckp->ck", projected, mean)
    evidence = prior - 0.5 * (misfit + noise.log_determinant + np.linalg.slogdet(precision)[1])
    # The value at the last point is at most 1 …
    sd = np.sqrt(covariance[..., 0, 0])
    ceiling = log_ndtr((1 - mean[..., 0]) / sd)
    # … and the rise from the first to it at least 0, and not so much that the plateau would lie above 1.
    slope = covariance[..., 0, 1] / covariance[..., 0, 0]
    spread = np.sqrt(covariance[..., 1, 1] - slope * covariance[..., 0, 1])
    beyond = -_basis(np.array([np.inf]), labels, _EXPONENTS)

    def last_at(share: Array, at: Any) -> Array:
        return np.asarray(mean[..., 0][at] + sd[at] * ndtri_exp(np.log(share) + ceiling[at]))

    def rise_given(last: Array, at: Any) -> "_Cut":
        centre = mean[..., 1][at] + slope[at] * (last - mean[..., 0][at])
        return _Cut(centre, spread[at], np.maximum(1 - last, 0) / np.broadcast_to(beyond, sd.shape)[at])

    nodes = last_at((np.arange(_STRATA) + 0.5) / _STRATA, (..., None))  # (c, k, strata)
    log_weights = (evidence + ceiling)[..., None] + rise_given(nodes, (..., None)).log_share
    weights = np.exp(log_weights - log_weights.max())
    exponent, kind, stratum = np.unravel_index(_resampled(weights.ravel(), generator), weights.shape)
    at = (exponent, kind)
    last = last_at((stratum + generator.uniform(1e-9, 1 - 1e-9, _DRAWS)) / _STRATA, at)
    return exponent, kind, last, rise_given(last, at).quantile(_shuffled_strata(generator))


@dataclass(frozen=True)
class PowerLaw:
    """A posterior of learning curves; made by :func:`fit_power_law`."""

    _labels: Array
    _values: Array
    _noise: "_Noise"
    _exponent: Array
    _kind: Places
    _last: Array
    _rise: Array
    _chance: Array

    def at(self, labels: ArrayLike) -> tuple[Array, Array, Array]:
        """Where the curve lies: the model's true value, as on all tasks there are.

        Parameters
        ----------
        labels : array_like, shape (m,)
            Counts from 1.

        Returns
        -------
        middle, low, high : ndarray, shape (m,)
            Median and 95 % band of the curve, point by point, from 0 to 1. What a test set would *show* scatters
            more: see :meth:`measured_at`.
        """
        return self._band(labels, is_measured=False)

    def measured_at(self, labels: ArrayLike) -> tuple[Array, Array, Array]:
        """Where a next measurement on the same test set will lie: the prediction band.

        Parameters, shapes and ranges are those of :meth:`at`.
        """
        return self._band(labels, is_measured=True)

    def gain(self, labels_now: int, more: int) -> Interval:
        """How much higher the curve lies after some more labels.

        Parameters
        ----------
        labels_now : int
            At least 1.
        more : int
            At least 0.

        Returns
        -------
        Interval
            As a share: 0.01 is one point. Below 0 the model gets worse.
        """
        now = float(max(labels_now, 1))
        both = np.array([now, now + more])
        mean, covariance = self._deviation(both)
        mean += self._curve(both)
        sd = np.sqrt(np.maximum(covariance[:, 0, 0] + covariance[:, 1, 1] - 2 * covariance[:, 0, 1], 0))
        draws = mean[:, 1] - mean[:, 0] + sd[self._kind] * self._chance
        value = np.clip(mean[:, 0], 0, 1)
        draws = np.clip(draws, -value, 1 - value)  # the random walk knows no ends
        low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
        return Interval(float(middle), float(low), float(high))

    def _band(self, labels: ArrayLike, is_measured: bool) -> tuple[Array, Array, Array]:
        wanted = np.maximum(np.asarray(labels, dtype=np.float64), 1)
        mean, covariance = self._deviation(wanted, is_measured)
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        draws = self._curve(wanted) + mean + np.sqrt(np.maximum(variance, 0))[self._kind] * self._chance[:, None]
        low, middle, high = np.clip(np.quantile(draws, [0.025, 0.5, 0.975], axis=0), 0, 1)
        return middle, low, high

    def _deviation(self, labels: Array, is_measured: bool = False) -> tuple[Array, Array]:
        """(draws, m) and (k, m, m): from the power law, as the residuals tell: mean, and covariance of what is left."""
        noise = self._noise
        known = noise.between(labels, self._labels, is_measured)
        weights = known @ noise.precision
        left = noise.between(labels, labels, is_measured) - weights @ np.swapaxes(known, 1, 2)
        if is_measured:
            left = left + noise.scattered(labels)
        residuals = self._values - self._curve(self._labels)
        mean = np.empty((len(residuals), len(labels)))
        for kind in np.unique(self._kind):  # all at once would hold an array of draws · m · N
            is_kind = self._kind == kind
            mean[is_kind] = residuals[is_kind] @ weights[kind].T
        return mean, left

    def _curve(self, labels: Array) -> Array:
        """(draws, m): the power laws alone."""
        kinds, place = np.unique(self._exponent, return_inverse=True)
        return self._last[:, None] - self._rise[:, None] * _basis(labels, self._labels, kinds)[place]


class _Noise:
    """How measurements lie about a power law, for each of k kinds of noise."""

    def __init__(self, labels: Array, sds: Array, scatter: Array, wandering: Array) -> None:
        self._labels, self._sds = labels, sds
        self._scatter, self._wandering = scatter, wandering
        covariance = self.between(labels, labels, is_measured=True) + self.scattered(labels)
        self.precision: Array = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        self.log_determinant: Array = np.linalg.slogdet(covariance)[1]

    def between(self, labels: Array, others: Array, is_measured: bool = False) -> Array:
        """(k, m, n): covariance of the deviation at some counts of labels with that at others."""
        found: Array = self._wandering[:, None, None] ** 2 * self._walk(labels, others)
        if is_measured:
            found = found + np.outer(self.sds(labels), self.sds(others))
        return found

    def _walk(self, labels: Array, others: Array) -> Array:
        here, there = np.log(labels / self._labels[0])[:, None], np.log(others / self._labels[0])[None]
        near, far = np.minimum(abs(here), abs(there)), np.maximum(abs(here), abs(there))
        smooth = near**2 * (3 * far - near) / 6
        return np.where(here * there > 0, smooth + _ROUGHNESS**2 * near, 0)

    def scattered(self, labels: Array) -> Array:
        """(k, m, m): covariance of what is each measurement's own."""
        return np.asarray(self._scatter[:, None, None] ** 2 * np.diag(self.sds(labels) ** 2))

    def sds(self, labels: Array) -> Array:
        return np.asarray(np.interp(labels, self._labels, self._sds), dtype=np.float64)


def _basis(labels: Array, known: Array, exponents: Array) -> Array:
    """(c, m): n^−c moved and scaled to be 1 at the first known count of labels and 0 at the last."""
    first, last, wanted = (
        np.power(there[None] / known[0], -exponents[:, None]) for there in (known[:1], known[-1:], labels)
    )
    return np.asarray((wanted - last) / (first - last))


class _Cut:
    """Normal distributions, of which the part from 0 to ``most`` is left."""

    def __init__(self, centre: Array, spread: Array, most: Array) -> None:
        self._centre, self._spread, self._most = centre, spread, most
        low, high = -centre / spread, (most - centre) / spread
        # Mirrored where it lies right, so that what is calculated is the left tail, where logarithms stay exact.
        self._is_right = low > 0
        low, high = np.where(self._is_right, -high, low), np.where(self._is_right, -low, high)
        self._whole = log_ndtr(high)
        self._below = np.minimum(log_ndtr(low) - self._whole, 0)

    @property
    def log_share(self) -> Array:
        """The logarithm of how much that part is of the whole."""
        with np.errstate(divide="ignore"):
            return np.asarray(self._whole + np.log1p(-np.exp(self._below)))

    def quantile(self, share: Array) -> Array:
        """The value below which such a share of the part lies."""
        below = np.exp(self._below)
        from_left = ndtri_exp(self._whole + np.log(below + np.where(self._is_right, 1 - share, share) * (1 - below)))
        standard = np.where(self._is_right, -from_left, from_left)
        return np.asarray(np.clip(self._centre + self._spread * standard, 0, self._most))


def _shuffled_strata(generator: np.random.Generator) -> Array:
    """Evenly spread over (0, 1), in an order of chance."""
    return generator.permutation((np.arange(_DRAWS) + 0.5) / _DRAWS)


def _resampled(weights: Array, generator: np.random.Generator) -> Places:
    """Places drawn in proportion to their weights, evenly rather than each by itself: that scatters less."""
    up_to = np.cumsum(weights)
    steps = (np.arange(_DRAWS) + generator.random()) / _DRAWS * up_to[-1]
    places: Places = np.minimum(np.searchsorted(up_to, steps), len(weights) - 1)
    return places
