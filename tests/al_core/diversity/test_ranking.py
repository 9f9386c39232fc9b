"""Top-k: agrees with a full sort, in one pass, with ties by the seed."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.diversity import most_uncertain
from al_core.errors import InvalidInput
from al_core.seeding import task_keys

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, -1.0, np.inf, -np.inf, np.nan]))


@given(SCORES, st.integers(0, 12))
def test_agrees_with_a_full_sort(scores, k):
    known = [index for index, score in enumerate(scores) if not np.isnan(score)]
    expected = sorted(known, key=lambda index: (-scores[index], index))[:k]
    assert most_uncertain(scores, k).tolist() == expected


@given(SCORES, st.integers(0, 12), st.integers(0, 100))
def test_equal_scores_come_in_the_order_of_their_keys(scores, k, seed):
    keys = task_keys(np.arange(len(scores)), seed)
    known = [index for index, score in enumerate(scores) if not np.isnan(score)]
    expected = sorted(known, key=lambda index: (-scores[index], keys[index]))[:k]
    assert most_uncertain(scores, k, keys).tolist() == expected


@pytest.mark.parametrize("distinct", [1, 3, 500, 10**9])
@pytest.mark.parametrize("k", [1, 333, 70_000, 199_999, 200_000])
def test_is_right_over_several_blocks(distinct, k):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, distinct, 200_000) / distinct
    scores[rng.random(200_000) < 0.1] = np.nan
    keys = task_keys(np.arange(200_000), 7)
    order = np.lexsort((keys, -scores))  # NaN last
    expected = order[: min(k, int((~np.isnan(scores)).sum()))]
    np.testing.assert_array_equal(most_uncertain(scores, k, keys), expected)


def test_equal_keys_come_in_the_order_of_their_index():
    assert most_uncertain(np.ones(9), 3, np.zeros(9, dtype=np.uint64)).tolist() == [0, 1, 2]


def test_needs_no_memory_of_the_size_of_the_scores():
    scores = np.random.default_rng(0).random(2_000_000)  # 16 MB, and the keys as much
    keys = task_keys(np.arange(2_000_000), 0)
    tracemalloc.start()
    picked = most_uncertain(scores, 100, keys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(picked) == 100
    assert peak < 4_000_000


def test_float32_scores_are_compared_as_they_are():
    scores = np.array([0.1, 0.3, 0.2], dtype=np.float32)
    assert most_uncertain(scores, 2).tolist() == [1, 2]


@pytest.mark.parametrize("k", [-1, 1.5, None])
def test_a_count_that_makes_no_sense_is_refused(k):
    with pytest.raises(InvalidInput):
        most_uncertain([0.1], k)


@pytest.mark.parametrize("keys", [[1, 2], np.array([1, 2]), np.array([1], dtype=np.uint64)])
def test_keys_that_do_not_fit_are_refused(keys):
    with pytest.raises(InvalidInput, match="task_keys"):
        most_uncertain([0.1, 0.2], 1, keys)


def test_a_matrix_is_no_list_of_scores():
    with pytest.raises(InvalidInput):
        most_uncertain([[0.1]], 1)
