"""McNemar's test, kappa's interval and that of a label's time keep their word."""

from functools import cache

import numpy as np
import pytest
from scipy.special import ndtri

from al_core.evaluation import kappa, seconds_per_label
from al_core.evaluation.difference import mcnemar, paired_change

CAMPAIGNS = 2000
p_value = cache(mcnemar)


def flips(before, after, tests, rng):
    """How many tasks each campaign gained and lost: two models of such accuracies that find the same tasks hard."""
    difficulty = rng.normal(size=(CAMPAIGNS, tests))
    one, other = (
        np.sqrt(0.6) * difficulty + np.sqrt(0.4) * rng.normal(size=(CAMPAIGNS, tests)) < ndtri(share)
        for share in (before, after)
    )
    return list(zip((other & ~one).sum(axis=1).tolist(), (one & ~other).sum(axis=1).tolist(), strict=True))


@pytest.mark.parametrize(("share", "tests"), [(0.7, 50), (0.7, 300), (0.9, 100), (0.9, 300), (0.97, 200)])
def test_of_equal_models_one_in_twenty_at_most_seems_better(share, tests):
    found = flips(share, share, tests, np.random.default_rng(tests))
    seems = np.mean([p_value(gained, lost) < 0.05 for gained, lost in found])
    assert seems <= 0.06  # 0.05, and three standard errors of 2 000 campaigns
    changes = [paired_change(gained, lost, tests) for gained, lost in found]
    assert np.mean([change.low <= 0 <= change.high for change in changes]) >= 0.935


def test_a_better_model_is_found_out():
    found = flips(0.85, 0.92, 300, np.random.default_rng(5))
    assert np.mean([p_value(gained, lost) < 0.05 for gained, lost in found]) > 0.85
    changes = [paired_change(gained, lost, 300) for gained, lost in found]
    assert 0.93 <= np.mean([change.low <= 0.07 <= change.high for change in changes]) <= 0.98


@pytest.mark.parametrize(("classes", "true", "tasks"), [(2, 0.6, 200), (5, 0.9, 200), (10, 0.99, 2000)])
def test_the_interval_of_kappa_holds_the_true_one(classes, true, tasks):
    rng = np.random.default_rng(classes)
    holds = []
    for _ in range(600):
        shares = rng.dirichlet(np.full(classes, 2.0))
        before, other = rng.choice(classes, (2, tasks), p=shares)
        found = kappa(before, np.where(rng.random(tasks) < true, before, other))
        holds.append(found.low <= true <= found.high)
    assert 0.92 <= np.mean(holds) <= 0.98


@pytest.mark.parametrize("labels", [10, 30, 100])
def test_the_interval_of_a_labels_time_holds_the_mean_of_skewed_times(labels):
    rng = np.random.default_rng(labels)
    found = [seconds_per_label(rng.lognormal(3, 0.7, labels).tolist(), seed) for seed in range(400)]
    mean = np.exp(3 + 0.7**2 / 2)
    assert 0.9 <= np.mean([interval.low <= mean <= interval.high for interval in found]) <= 0.98
