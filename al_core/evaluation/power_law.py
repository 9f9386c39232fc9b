"""How a measure of the model grows with the labels, and what more of them will bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri, ndtri_exp

from al_core.evaluation.values import Interval

Array = NDArray[np.float64]

_Z = float(ndtri(0.975))
_LEAST_SD = 0.0025
"""No measurement counts as more exact than this: an interval without width is no certainty."""

_EXPONENTS = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0])
_SCATTERS = np.array([0.25, 0.5, 0.75, 1.0, 1.5])
_SCATTER_PRIOR = np.array([0.2, 0.25, 0.25, 0.2, 0.1])
_WANDERINGS = np.array([0.0, 0.005, 0.01, 0.02, 0.04])
_WANDERING_PRIOR = np.array([0.2, 0.2, 0.25, 0.2, 0.15])
_NODES = (np.arange(7) + 0.5) / 7
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
    prior = np.log(np.outer(_SCATTER_PRIOR, _WANDERING_PRIOR).ravel())
    noise = _Noise(labels, sds, scatter, wandering)
    # Axes from here on: exponent, noise, and then what each is about.
    basis = _basis(labels, labels, _EXPONENTS)  # (c, N)
    design = np.stack([np.ones_like(basis), -basis], axis=2)  # (c, N, 2)
    solved = noise.precision[None] @ design[:, None]  # (c, k, N, 2)
    precision = np.einsum("cnp,cknq->ckpq", design, solved)
    projected = np.einsum("cknp,n->ckp", solved, values)
    covariance = np.linalg.inv(precision)
    mean = np.einsum("ckpq,ckq->ckp", covariance, projected)
    misfit = np.einsum("n,knm,m->k", values, noise.precision, values)[None] - np.einsum("ckp,ckp->ck", projected, mean)
    evidence = -0.5 * (misfit + noise.log_determinant + np.linalg.slogdet(precision)[1]) + prior
    # The value at the last point lies below 1, the rise up to there is at least 0, the plateau at most 1.
    last_sd = np.sqrt(covariance[..., 0, 0])
    ceiling = (1 - mean[..., 0]) / last_sd
    evidence += log_ndtr(ceiling)
    last = mean[..., 0, None] + last_sd[..., None] * ndtri_exp(np.log(_NODES) + log_ndtr(ceiling)[..., None])
    slope = covariance[..., 0, 1] / covariance[..., 0, 0]
    centre = mean[..., 1, None] + slope[..., None] * (last - mean[..., 0, None])
    spread = np.sqrt(covariance[..., 1, 1] - slope * covariance[..., 0, 1])[..., None]
    beyond = -_basis(np.array([np.inf]), labels, _EXPONENTS)[:, 0]
    most = np.maximum(1 - last, 0) / beyond[:, None, None]
    share, rise = _truncated(centre, spread, most)
    log_weights = (evidence[..., None] + share)[..., None] + np.zeros(len(_NODES))
    weights = np.exp(log_weights - log_weights.max()).ravel()
    generator = np.random.default_rng(seed)
    picked = _resampled(weights / weights.sum(), generator)
    exponent, kind, at_last, _ = np.unravel_index(picked, log_weights.shape)
    return PowerLaw(
        _labels=labels,
        _values=values,
        _noise=noise,
        _exponent=_EXPONENTS[exponent],
        _kind=kind,
        _last=last[exponent, kind, at_last],
        _rise=rise.ravel()[picked],
        _chance=generator.permutation(ndtri((np.arange(_DRAWS) + 0.5) / _DRAWS)),
    )


@dataclass(frozen=True)
class PowerLaw:
    """A posterior of learning curves; made by :func:`fit_power_law`."""

    _labels: Array
    _values: Array
    _noise: "_Noise"
    _exponent: Array
    _kind: NDArray[np.intp]
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
        now, then = np.array([max(labels_now, 1)]), np.array([max(labels_now, 1) + more])
        before, weights_before = self._curve(now), self._noise.weights(now)
        after, weights_after = self._curve(then), self._noise.weights(then)
        weights = (weights_after - weights_before)[self._kind, 0]
        spread = self._noise.step_sd(now[0], then[0])[self._kind]
        draws = (after - before)[:, 0] + (weights * self._residuals()).sum(axis=1) + spread * self._chance
        low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
        return Interval(float(middle), float(low), float(high))

    def _band(self, labels: ArrayLike, is_measured: bool) -> tuple[Array, Array, Array]:
        wanted = np.maximum(np.asarray(labels, dtype=np.float64), 1)
        weights = self._noise.weights(wanted, is_measured)[self._kind]
        spread = self._noise.sd(wanted, is_measured)[self._kind]
        draws = self._curve(wanted) + np.einsum("dmn,dn->dm", weights, self._residuals())
        draws += spread * self._chance[:, None]
        low, middle, high = np.clip(np.quantile(draws, [0.025, 0.5, 0.975], axis=0), 0, 1)
        return middle, low, high

    def _curve(self, labels: Array) -> Array:
        """(draws, m): the power laws alone."""
        kinds, place = np.unique(self._exponent, return_inverse=True)
        return self._last[:, None] - self._rise[:, None] * _basis(labels, self._labels, kinds)[place]

    def _residuals(self) -> Array:
        return self._values - self._curve(self._labels)


class _Noise:
    """How measurements lie about a power law, for each of k kinds of noise."""

    def __init__(self, labels: Array, sds: Array, scatter: Array, wandering: Array) -> None:
        self._labels, self._sds = labels, sds
        self._scatter, self._wandering = scatter, wandering
        self._shared = np.maximum(0, 1 - scatter**2)
        covariance = self._covariance(labels, labels, sds, True)
        covariance += (scatter**2)[:, None, None] * np.diag(sds**2)
        self.precision: Array = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        self.log_determinant: Array = np.linalg.slogdet(covariance)[1]

    def _covariance(self, labels: Array, others: Array, sds: Array, is_measured: bool) -> Array:
        here, there = np.log(labels / self._labels[0]), np.log(others / self._labels[0])
        walk = np.clip(np.minimum.outer(here, there), 0, None) + np.clip(-np.maximum.outer(here, there), 0, None)
        found: Array = (self._wandering**2)[:, None, None] * walk
        if is_measured:
            found = found + self._shared[:, None, None] * np.outer(sds, self._sds)
        return found

    def _measured_sds(self, labels: Array) -> Array:
        return np.asarray(np.interp(labels, self._labels, self._sds), dtype=np.float64)

    def weights(self, labels: Array, is_measured: bool = False) -> Array:
        """(k, m, N): what residuals tell of the deviation there."""
        return self._covariance(labels, self._labels, self._measured_sds(labels), is_measured) @ self.precision

    def sd(self, labels: Array, is_measured: bool = False) -> Array:
        """(k, m): what they leave open."""
        sds = self._measured_sds(labels)
        known = self._covariance(labels, self._labels, sds, is_measured)
        explained: Array = np.einsum("kmn,kpn,kmp->km", known, self.precision, known)
        whole: Array = (self._wandering**2)[:, None] * np.abs(np.log(labels / self._labels[0]))
        if is_measured:
            whole = whole + (self._shared + self._scatter**2)[:, None] * sds**2
        return np.asarray(np.sqrt(np.maximum(whole - explained, 0)))

    def step_sd(self, labels: float, then: float) -> Array:
        """(k,): the same of the deviation's change between two counts."""
        both = np.array([labels, then])
        known = self._covariance(both, self._labels, both, False)
        step = known[:, 1] - known[:, 0]
        explained = np.einsum("kn,knm,km->k", step, self.precision, step)
        return np.asarray(np.sqrt(np.maximum(self._wandering**2 * np.log(then / labels) - explained, 0)))


def _basis(labels: Array, known: Array, exponents: Array) -> Array:
    """(c, m): n^−c moved and scaled to be 1 at the first known count of labels and 0 at the last."""
    first, last, wanted = (
        np.power(there[None] / known[0], -exponents[:, None]) for there in (known[:1], known[-1:], labels)
    )
    return np.asarray((wanted - last) / (first - last))


def _truncated(centre: Array, spread: Array, most: Array) -> tuple[Array, Array]:
    """Of a normal distribution, the logarithm of its share from 0 to ``most``, and quantiles of that part."""
    low, high = -centre / spread, (most - centre) / spread
    is_right = low > 0  # mirrored, so that what is calculated is the left tail, where logarithms stay exact
    low, high = np.where(is_right, -high, low), np.where(is_right, -low, high)
    whole = log_ndtr(high)
    below = np.minimum(log_ndtr(low) - whole, 0)
    with np.errstate(divide="ignore"):
        share = whole + np.log1p(-np.exp(below))
    quantiles = ndtri_exp(whole[..., None] + np.log(np.exp(below)[..., None] * (1 - _NODES) + _NODES))
    signed = np.where(is_right[..., None], -quantiles, quantiles)
    return share, np.clip(centre[..., None] + spread[..., None] * signed, 0, most[..., None])


def _resampled(weights: Array, generator: "np.random.Generator") -> NDArray[Any]:
    """Places drawn in proportion to their weights, evenly rather than each by itself: that scatters less."""
    steps = (np.arange(_DRAWS) + generator.random()) / _DRAWS
    return np.minimum(np.searchsorted(np.cumsum(weights), steps), len(weights) - 1)
