"""How many candidates a batch is picked among."""

import numpy as np
import pytest

from al_core.diversity import adaptive_factor
from al_core.errors import InvalidInput

EVEN = np.full(100_000, 0.9)


@pytest.mark.parametrize(("size", "most"), [(1, 2_000), (10, 200), (39, 51), (40, 50), (41, 50), (1_000, 50)])
def test_where_all_is_uncertain_it_is_wide_and_wider_for_a_small_batch(size, most):
    assert adaptive_factor(EVEN, size) == most


def test_counts_the_squares_in_proportion_to_the_highest():
    halves = np.repeat([0.8, 0.4, 0.0], [100, 400, 5_000])  # as 100 + 400 / 4 tasks
    assert adaptive_factor(halves, 10) == adaptive_factor(halves / 4, 10) == 20


def test_a_model_that_is_sure_of_nearly_all_has_few_candidates():
    late = np.full(2_000, 0.01)
    late[:30] = 1.0
    assert adaptive_factor(late, 10) == 5


def test_narrows_as_scores_fall():
    factors = [adaptive_factor(np.append(np.full(3_000, level), 1.0), 10) for level in (1.0, 0.7, 0.5, 0.3, 0.1)]
    assert factors == sorted(factors, reverse=True)
    assert len(set(factors)) == len(factors)


def test_what_is_unknown_does_not_count():
    assert adaptive_factor(np.append(EVEN[:200], np.full(500, np.nan)), 10) == 20


@pytest.mark.parametrize("scores", [[], [np.nan, 0.0], [-1.0, -2.0], [0.0, 0.0]])
def test_is_wide_where_no_score_tells_the_tasks_apart(scores):
    assert adaptive_factor(scores, 10) == 200


def test_negative_scores_count_as_certain():
    assert adaptive_factor(np.append(np.full(5_000, -9.0), np.full(100, 1.0)), 10) == 10


@pytest.mark.parametrize(("scores", "size"), [(EVEN, 0), (EVEN, 1.5), ([[0.5]], 10), (["a"], 10)])
def test_nonsense_is_refused(scores, size):
    with pytest.raises(InvalidInput):
        adaptive_factor(scores, size)
