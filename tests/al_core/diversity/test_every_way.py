"""What every registered way of diversity keeps, also one that a package adds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from tests.al_core.diversity.pools import Pool, clouds, random_pool

pytestmark = pytest.mark.parametrize("way", DIVERSITIES.values(), ids=lambda way: way.name)


def test_says_what_it_is(way):
    assert way.name
    assert way.label
    assert way.help.endswith(".")
    assert len(way.help) < 120
    assert way.needs in ("nothing", "features", "probabilities")
    assert next(iter(DIVERSITIES)) == DEFAULT_DIVERSITY


@pytest.mark.parametrize("factor", [1, 3, None])
@pytest.mark.parametrize("k", [1, 2, 17])
def test_picks_exactly_k_distinct_tasks_the_most_uncertain_first(way, k, factor):
    pool = random_pool(200)
    picks = pool.pick(way, k, candidate_factor=factor)
    assert len(set(picks.indices.tolist())) == len(picks.indices) == len(picks.groups) == k
    assert (np.diff(pool.scores[picks.indices]) <= 0).all()


def test_takes_no_task_from_beyond_the_candidates(way):
    pool = random_pool(300)
    allowed = np.sort(pool.scores)[::-1][39]
    assert pool.scores[pool.pick(way, 10, candidate_factor=4).indices].min() >= allowed


@pytest.mark.parametrize("factor", [4, None])
def test_equal_input_and_seed_give_an_equal_batch(way, factor):
    pool = random_pool(300)
    first, again = (pool.pick(way, 12, seed=5, candidate_factor=factor) for _ in range(2))
    np.testing.assert_array_equal(first.indices, again.indices)
    np.testing.assert_array_equal(first.groups, again.groups)
    assert pool.pick(way, 12, seed=-3, candidate_factor=factor).indices.size == 12


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_tasks_changes_nothing_but_their_places(way, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    pool = random_pool(n, d=3, seed=seed)
    pool.scores[rng.random(n) < 0.1] = np.nan
    pool.features[rng.random(n) < 0.1] = np.nan
    pool.features[rng.random(n) < 0.3] = pool.features[0]
    pool.probabilities[rng.random(n) < 0.1] = np.nan
    more = {"labelled": rng.normal(size=(4, 3))}
    if seed % 2:
        more["classes"] = rng.integers(-1, 3, n)
    pool = pool.with_(more=more)
    order = rng.permutation(n)
    k, factor = int(rng.integers(1, 20)), (2, 5, None)[seed % 3]
    picks = pool.pick(way, k, seed=seed, candidate_factor=factor)
    moved = pool.permuted(order).pick(way, k, seed=seed, candidate_factor=factor)
    assert len(picks.indices) == min(k, int((~np.isnan(pool.scores)).sum()))
    np.testing.assert_array_equal(order[moved.indices], picks.indices)
    np.testing.assert_array_equal(moved.groups, picks.groups)


@pytest.mark.parametrize("k", [9, 10, 1000])
def test_a_batch_as_large_as_the_pool_is_all_that_is_known(way, k):
    pool = random_pool(12)
    pool.scores[[2, 5, 7]] = np.nan
    assert set(pool.pick(way, k, candidate_factor=3).indices) == set(range(12)) - {2, 5, 7}


def test_an_empty_pool_and_an_unknown_one_give_an_empty_batch(way):
    assert random_pool(0).pick(way, 3).indices.shape == (0,)
    unknown = random_pool(9).with_(scores=np.full(9, np.nan))
    picks = unknown.pick(way, 3, candidate_factor=2)
    assert (picks.indices.shape, picks.groups.shape) == ((0,), (0,))
    assert unknown.pick(way, 3, classes=np.arange(9)).indices.shape == (0,)


def test_features_that_say_nothing_leave_the_most_uncertain(way):
    scores = np.array([0.1, 0.5, 0.3, 0.2, 0.4])
    for features in (np.zeros((5, 3)), np.empty((5, 0)), np.full((5, 3), np.nan), np.full((5, 1), 1e30)):
        pool = Pool(scores, features, np.full((5, 2), 0.5), np.arange(5))
        picks = pool.pick(way, 3)
        assert picks.indices.tolist() == [1, 4, 2]
        assert picks.groups.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("factor", [1, 4, None])
def test_a_content_comes_once_while_other_content_is_left(way, factor):
    """Even where the candidates by score alone would all be of one content."""
    pool = random_pool(15)
    copies = np.repeat(np.arange(15), 40)
    pool = Pool(pool.scores[copies], pool.features[copies], pool.probabilities[copies], np.arange(600))
    picks = pool.pick(way, 15, candidate_factor=factor)
    assert sorted(copies[picks.indices]) == list(range(15))
    more = pool.pick(way, 20, candidate_factor=factor)
    assert set(copies[more.indices]) == set(range(15))
    assert len(set(more.indices.tolist())) == 20


def test_nearly_equal_content_is_equal(way):
    pool = random_pool(20)
    twice = np.tile(np.arange(20), 2)
    noise = 1e-9 * np.random.default_rng(0).normal(size=(40, 5))
    pool = Pool(pool.scores[twice], pool.features[twice] + noise, pool.probabilities[twice], np.arange(40))
    assert sorted(twice[pool.pick(way, 20).indices]) == list(range(20))


def test_float32_and_float64_give_the_same_batch(way):
    single, double = random_pool(200, dtype=np.float32), random_pool(200, dtype=np.float64)
    double = double.with_(probabilities=single.probabilities.astype(np.float64))
    for factor in (5, None):
        np.testing.assert_array_equal(
            single.pick(way, 9, candidate_factor=factor).indices, double.pick(way, 9, candidate_factor=factor).indices
        )


@pytest.mark.parametrize("factor", [3, None])
def test_does_not_write_to_its_input(way, factor):
    pool = random_pool(60)
    labelled = np.random.default_rng(1).normal(size=(5, 5))
    for array in (pool.scores, pool.features, pool.probabilities, pool.ids, labelled):
        array.flags.writeable = False
    assert len(pool.pick(way, 6, candidate_factor=factor, labelled=labelled).indices) == 6


def test_a_task_without_features_is_left_out_of_the_diversity_and_not_of_the_batch(way):
    """Two of the five most uncertain cannot be compared: they stay, and no other that cannot joins them."""
    pool = random_pool(100)
    pool.scores[:] = np.linspace(1, 0.5, 100)
    pool.features[[1, 3, 7, 20, 60]] = [np.nan, 0, 0, 0, 0]
    batch = set(pool.pick(way, 5, candidate_factor=10).indices)
    if way.needs == "nothing":
        assert batch == {0, 1, 2, 3, 4}
    else:
        assert batch & {1, 3, 7, 20, 60} == {1, 3}


def test_covers_more_than_the_most_uncertain_do(way):
    """One cloud holds the top scores, as where a model finds one kind of task hard."""
    features, cloud = clouds(12, 40)
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.5, 1, len(cloud))
    scores[cloud == 2] += 0.5
    pool = Pool(scores, features, rng.dirichlet(np.ones(12), len(cloud)), np.arange(len(cloud)))
    covered = len(set(cloud[pool.pick(way, 12).indices]))
    assert covered == 1 if way.needs == "nothing" else covered >= 9


def test_its_share_of_a_class_is_its_own(way):
    pool = random_pool(300)
    classes = np.repeat([0, 1, 2], [200, 80, 20])
    batch = pool.pick(way, 12, candidate_factor=3, classes=classes)
    assert np.bincount(classes[batch.indices]).tolist() == [4, 4, 4]
    assert (np.diff(pool.scores[batch.indices]) <= 0).all()
