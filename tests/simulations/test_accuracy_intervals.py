"""The 95 % interval of an accuracy holds the truth in 93 to 97 % of 1 000 campaigns."""

import numpy as np
import pytest

from al_core.evaluation import wilson_interval

CAMPAIGNS = 1000


def held(share, tests, rng):
    correct = rng.binomial(tests, share, CAMPAIGNS)
    ends = np.array([wilson_interval(int(right), int(size)) for right, size in zip(correct, tests, strict=True)])
    return float(((ends[:, 0] <= share) & (share <= ends[:, 1])).mean())


def test_over_models_and_test_sets_of_all_kinds():
    rng = np.random.default_rng(3)
    shares = rng.uniform(0.5, 0.98, CAMPAIGNS)
    assert 0.93 <= held(shares, rng.integers(50, 501, CAMPAIGNS), rng) <= 0.97


@pytest.mark.parametrize("share", [0.6, 0.8, 0.9, 0.95])
def test_for_good_models_and_bad_ones(share):
    rng = np.random.default_rng(int(100 * share))
    tests = rng.integers(50, 501, CAMPAIGNS)
    assert 0.93 <= held(np.full(CAMPAIGNS, share), tests, rng) <= 0.97


@pytest.mark.parametrize("low", [20, 50, 100, 300])
def test_for_small_test_sets_and_large_ones(low):
    rng = np.random.default_rng(low)
    tests = rng.integers(low, 2 * low, CAMPAIGNS)
    assert 0.93 <= held(rng.uniform(0.5, 0.95, CAMPAIGNS), tests, rng) <= 0.97
