"""Whether confidence means what it says, and whether uncertainty finds the errors."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from al_core.errors import InvalidInput
from al_core.evaluation import reliability, uncertainty_and_error, wilson_interval


def test_bins_hold_the_answers_of_their_confidence():
    found = reliability([0.05, 0.31, 0.39, 0.4, 1.0, 0.95], [False, True, False, True, True, False])
    assert [(b.low, b.high, b.count) for b in found.bins] == [(0, 0.1, 1), (0.3, 0.4, 2), (0.4, 0.5, 1), (0.9, 1.0, 2)]
    middle = found.bins[1]
    assert middle.confidence == pytest.approx(0.35)
    assert (middle.right.value, middle.right.low, middle.right.high) == (0.5, *wilson_interval(1, 2))
    assert found.count == 6


def simulated(seed, tasks, power):
    """Confidences, and answers that are right with a probability that is the confidence to a power."""
    rng = np.random.default_rng(seed)
    sure = rng.beta(6, 2, tasks)
    return sure, rng.random(tasks) < sure**power, np.abs(sure - sure**power).mean()


def test_a_model_that_is_too_sure_is_found_out():
    sure, right, gap = simulated(1, 2000, 3)
    error = reliability(sure, right).error
    assert error.low < gap < error.high
    assert error.low > 0.2
    assert error.high - error.low < 0.06


def test_a_perfect_model_is_not_accused_by_chance():
    found = [reliability(*simulated(seed, 100, 1)[:2]) for seed in range(20)]
    assert sum(one.error.low == 0 for one in found) >= 17
    plain = [sum(b.count * abs(b.right.value - b.confidence) for b in one.bins) / one.count for one in found]
    assert np.mean([one.error.value for one in found]) < 0.6 * np.mean(plain), "less than what chance makes of nothing"


def test_the_same_seed_gives_the_same_error():
    sure, right, _ = simulated(2, 100, 2)
    assert reliability(sure, right, seed=5) == reliability(sure, right, seed=5)
    assert reliability(sure, right, seed=5).error != reliability(sure, right, seed=6).error


def test_one_answer_and_none():
    found = reliability([0.8], [True]).error
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert reliability([], []) is None


@pytest.mark.parametrize("wrong", [([0.5], []), ([1.2], [True]), ([-0.1], [True]), ([float("nan")], [True])])
def test_what_is_no_confidence_is_refused(wrong):
    with pytest.raises(InvalidInput):
        reliability(*wrong)


@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    wrong = rng.random(80) < 0.3
    unsure = np.round(rng.normal(wrong * 0.8, 1), 1)  # with ties
    found = uncertainty_and_error(unsure, wrong)
    assert found.area.value == pytest.approx(roc_auc_score(wrong, unsure))
    assert (found.count, found.wrong) == (80, wrong.sum())
    assert 0 < found.area.low < found.area.value < found.area.high < 1


def test_uncertainty_is_useful_misleading_or_chance():
    wrong = [True] * 15 + [False] * 60
    up, down = list(range(75, 0, -1)), list(range(75))
    assert uncertainty_and_error(up, wrong).verdict == "useful"
    assert uncertainty_and_error(down, wrong).verdict == "misleading"
    assert uncertainty_and_error([0.5] * 75, wrong).verdict == "chance"
    perfect = uncertainty_and_error(up, wrong).area
    assert perfect.value == perfect.high == 1
    assert 0.8 < perfect.low < 0.95


def test_one_error_alone_proves_nothing():
    assert uncertainty_and_error([0.9, 0.1, 0.2], [True, False, False]).verdict == "chance"


@pytest.mark.parametrize("wrongs", [[], [True, True], [False, False]])
def test_where_nothing_is_to_be_told_apart_there_is_no_area(wrongs):
    assert uncertainty_and_error([0.5] * len(wrongs), wrongs) is None


@pytest.mark.parametrize("wrong", [([0.5], []), ([float("nan")], [True]), ([float("inf")], [True])])
def test_what_is_no_uncertainty_is_refused(wrong):
    with pytest.raises(InvalidInput):
        uncertainty_and_error(*wrong)
