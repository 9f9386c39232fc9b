"""Over a thousand made-up campaigns the 95 % intervals of the measures hold the truth in 93 to 97 % of cases.

The campaigns are as large as real ones: test sets of 100 to 400 tasks, 3 to 10 classes of unlike sizes and unlike
difficulty, models that are right in 60 to 98 % of all tasks. ``docs/measuring.md`` has the figures of larger sweeps.
"""

from statistics import NormalDist

import numpy as np
import pytest

from al_core.evaluation import uncertainty_and_error
from al_core.evaluation.calibration import BINS, reliability
from al_core.evaluation.classes import class_metrics
from al_core.evaluation.intervals import ratio_of_sums
from al_core.evaluation.values import Confusion

CAMPAIGNS = 1000
SIZES = (100, 200, 400)
NORMAL = np.array([NormalDist().inv_cdf((place + 0.5) / 4000) for place in range(4000)])
"""What is normally distributed, in equal steps of probability: for the truths."""

pytestmark = pytest.mark.timeout(180)


def kept_word(held):
    assert 0.93 <= np.mean(held) <= 0.97, f"{np.mean(held):.1%} of {len(held):,} intervals held the truth"


def rightness(rng):
    """In what share of its tasks a model is right."""
    return rng.uniform(0.6, 0.98)


def logistic(values):
    return 1 / (1 + np.exp(-values))


def shaken(rng, share, spread, count):
    """Shares around one: what is easy, and what is hard."""
    return logistic(np.log(share / (1 - share)) + spread * rng.standard_normal(count))


# --------------------------------------------------------------------- one class


def confusion_in_truth(rng):
    """(k, k + 1) chances of each class to be answered with each."""
    k = int(rng.integers(3, 11))
    right = shaken(rng, rightness(rng), 0.5, k)
    chances = np.zeros((k, k + 1))
    for row in range(k):
        others = np.delete(np.arange(k), row)
        chances[row, others] = rng.dirichlet(np.ones(k - 1)) * (1 - right[row])
        chances[row, row] = right[row]
    return chances * rng.dirichlet(np.full(k, 5.0))[:, None]


def in_truth(chances):
    """Accuracy, balanced accuracy and macro F1."""
    right, support, said = np.diagonal(chances), chances.sum(axis=1), chances[:, :-1].sum(axis=0)
    return right.sum(), (right / support).mean(), (2 * right / (support + said)).mean()


@pytest.fixture(scope="module")
def of_classes():
    """(campaigns, 3) whether the intervals of accuracy, balanced accuracy and macro F1 hold them."""
    held = []
    for campaign in range(CAMPAIGNS):
        rng = np.random.default_rng([1, campaign])
        chances = confusion_in_truth(rng)
        counts = rng.multinomial(rng.choice(SIZES), chances.ravel()).reshape(chances.shape)
        confusion = Confusion(tuple(map(str, range(len(counts)))), tuple(map(tuple, counts.tolist())))
        metrics, _ = class_metrics(confusion, seed=0)
        held.append([m.low <= truth <= m.high for m, truth in zip(metrics, in_truth(chances), strict=True)])
    return np.array(held)


MEASURES = ["accuracy", "balanced accuracy", "macro F1"]


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_of_classes(of_classes, measure):
    kept_word(of_classes[:, MEASURES.index(measure)])


# --------------------------------------------------------------------- spans


def spans_of_tasks(rng, right, a_task, count):
    """(count, 3) for each task how many spans are right, people's and the model's; some tasks are harder."""
    wanted = rng.poisson(a_task, count) * (rng.random(count) < 0.85)
    found = shaken(rng, right, 0.8, count)
    rightly = rng.binomial(wanted, found)
    made_up = rng.binomial(wanted, 1 - found) + rng.poisson(0.3 * (1 - found))
    return np.stack([rightly, wanted, rightly + made_up], axis=1).astype(np.float64)


def test_f1_of_spans():
    held = []
    for campaign in range(CAMPAIGNS):
        rng = np.random.default_rng([2, campaign])
        right, a_task = rightness(rng), rng.uniform(1.5, 4)
        found = logistic(np.log(right / (1 - right)) + 0.8 * NORMAL).mean()
        wanted, rightly = 0.85 * a_task, 0.85 * a_task * found
        said = rightly + (wanted + 0.3) * (1 - found)
        seen = spans_of_tasks(rng, right, a_task, rng.choice(SIZES))
        _, low, high = ratio_of_sums(2 * seen[:, 0], seen[:, 1] + seen[:, 2], seed=0)
        held.append(low <= 2 * rightly / (wanted + said) <= high)
    kept_word(held)


# --------------------------------------------------------------------- what the model's numbers mean


def test_the_area_under_the_roc():
    held = []
    for campaign in range(CAMPAIGNS):
        rng = np.random.default_rng([3, campaign])
        apart = rng.uniform(0.0, 1.8)
        wrong = rng.random(rng.choice(SIZES)) > rightness(rng)
        found = uncertainty_and_error(rng.standard_normal(len(wrong)) + apart * wrong, wrong)
        area = NormalDist().cdf(apart / np.sqrt(2))
        if found:
            held.append(found.area.low <= area <= found.area.high)
    kept_word(held)


def test_the_calibration_error_of_models_that_are_too_sure():
    held = []
    for campaign in range(300):
        rng = np.random.default_rng([4, campaign])
        right, sharpness = rightness(rng), rng.uniform(1.2, 2.5)
        odds = np.log(right / (1 - right)) + NORMAL
        places = np.minimum((logistic(odds * sharpness) * BINS).astype(int), BINS - 1)
        error = np.abs(np.bincount(places, logistic(odds * sharpness) - logistic(odds))).sum() / len(NORMAL)
        odds = np.log(right / (1 - right)) + rng.standard_normal(rng.choice(SIZES))
        found = reliability(logistic(odds * sharpness), rng.random(len(odds)) < logistic(odds)).error
        held.append(found.low <= error <= found.high)
    assert np.mean(held) >= 0.9, "it may be a few points short of its word: see docs/measuring.md"
