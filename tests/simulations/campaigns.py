"""Campaigns that are made up, so that the truth is known: curves of several families, measured on one test set."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from al_core.evaluation import Point, wilson_interval

Curve = Callable[[np.ndarray], np.ndarray]


def power_law(rng: np.random.Generator) -> Curve:
    plateau = rng.uniform(0, 0.25)
    power = rng.uniform(0.3, 1.5)
    rise = rng.uniform(0.25, 0.6)
    return lambda n: 1 - plateau - rise * (n / 10) ** -power


def endless_power_law(rng: np.random.Generator) -> Curve:
    power, error = rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.7)
    return lambda n: 1 - error * (n / 10) ** -power


def saturation(rng: np.random.Generator) -> Curve:
    plateau, rise, pace = rng.uniform(0, 0.25), rng.uniform(0.25, 0.6), 10 ** rng.uniform(1.3, 2.7)
    return lambda n: 1 - plateau - rise * np.exp(-n / pace)


def logistic(rng: np.random.Generator) -> Curve:
    low, high = rng.uniform(0.2, 0.5), rng.uniform(0.75, 0.98)
    middle, pace = np.log(10 ** rng.uniform(1.3, 2.7)), rng.uniform(0.3, 0.9)
    return lambda n: low + (high - low) / (1 + np.exp(-(np.log(n) - middle) / pace))


def dip(rng: np.random.Generator) -> Curve:
    rising = power_law(rng)
    depth, middle, width = rng.uniform(0.02, 0.08), np.log(10 ** rng.uniform(1.5, 3)), rng.uniform(0.2, 0.6)
    return lambda n: rising(n) - depth * np.exp(-(((np.log(n) - middle) / width) ** 2) / 2)


def flat(rng: np.random.Generator) -> Curve:
    value = rng.uniform(0.5, 0.98)
    return lambda n: np.full(np.shape(n), value)


FAMILIES = (power_law, endless_power_law, saturation, logistic, dip, flat)


@dataclass(frozen=True)
class Simulated:
    """One campaign: what was measured, and what is true."""

    points: list[Point]
    curve: Curve
    labels: int
    """Labels of the last round."""
    tests: int


def campaign(family: Callable[[np.random.Generator], Curve], rng: np.random.Generator) -> Simulated:
    """Rounds of one curve, each measured on the same test tasks, of which some are hard for all models.

    A task is right where a normal variable is below the curve's quantile: its part of the task's own is the same in
    all rounds, another drifts from model to model, and the rest is luck of one training.
    """
    curve = family(rng)
    rounds, batch, tests = int(rng.integers(4, 13)), int(rng.integers(10, 101)), int(rng.integers(100, 501))
    labels = np.arange(1, rounds + 1) * batch
    jitter = rng.choice([0.0, 0.005, 0.01])
    shares = np.clip(curve(labels) + rng.normal(0, jitter, rounds), 0.001, 0.999)
    own, drift = rng.uniform(0.3, 0.8), rng.uniform(0, 0.9)
    difficulty = rng.normal(size=tests)
    luck = rng.normal(size=(rounds, tests))
    for place in range(1, rounds):
        luck[place] = drift * luck[place - 1] + np.sqrt(1 - drift**2) * luck[place]
    latent = np.sqrt(own) * difficulty + np.sqrt(1 - own) * luck
    correct = (latent < ndtri(shares)[:, None]).sum(axis=1)
    points = [
        Point(int(count), right / tests, *wilson_interval(int(right), tests))
        for count, right in zip(labels, correct, strict=True)
    ]
    return Simulated(points, curve, int(labels[-1]), tests)
