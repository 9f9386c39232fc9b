"""k-means of our own: as good as scikit-learn's, and the same everywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from al_core.diversity.clustering import _leave_none_empty, gaps_to_own, kmeans, spread
from al_core.diversity.grid import first_of_each, on_grid, squared_distances, squared_norms


def rng(seed=0):
    return np.random.default_rng(seed)


def distances_among(rows):
    return lambda places: squared_distances(rows, squared_norms(rows), rows[places])


@pytest.mark.parametrize("seed", range(3))
def test_clusters_are_nearly_as_tight_as_those_of_scikit_learn(seed):
    rows, _ = on_grid(rng(seed).normal(size=(2000, 8)))
    weights = rng(seed).integers(1, 100, 2000).astype(float)
    groups, centres = kmeans(rows, weights, 30, rng(seed))
    peer = KMeans(30, n_init=1, random_state=seed).fit(rows, sample_weight=weights)
    assert (weights * gaps_to_own(rows, groups, centres)).sum() < 1.04 * peer.inertia_


def test_centres_are_the_weighted_means_of_their_rows():
    rows, _ = on_grid(rng().normal(size=(300, 3)))
    weights = rng().integers(1, 100, 300).astype(float)
    groups, centres = kmeans(rows, weights, 7, rng())
    for group, centre in enumerate(centres):
        own = groups == group
        np.testing.assert_array_equal(centre, np.rint(np.average(rows[own], axis=0, weights=weights[own])))


def test_the_number_of_threads_changes_nothing():
    rows, _ = on_grid(rng().normal(size=(5000, 32)))
    weights = rng().integers(1, 1000, 5000).astype(float)
    with threadpool_limits(1):
        one = kmeans(rows, weights, 40, rng())
    with threadpool_limits(2):
        two = kmeans(rows, weights, 40, rng())
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000))
def test_no_cluster_is_empty_however_the_rows_lie(seed):
    """Points far closer to each other than to the rest, as many clusters as rows, weights far apart."""
    draw = rng(seed)
    m, d = int(draw.integers(1, 60)), int(draw.integers(1, 4))
    rows = draw.normal(size=(m, d)) * 10.0 ** draw.integers(-6, 3, (m, 1)) + draw.choice([0, 1e3], (m, 1))
    rows, _ = on_grid(rows)
    rows = rows[first_of_each(rows)]
    k = int(draw.integers(1, len(rows) + 1))
    groups, _ = kmeans(rows, draw.choice([1.0, 2.0**14], len(rows)), k, draw)
    assert set(groups) == set(range(k))


def test_each_empty_cluster_gets_the_row_furthest_from_its_centre():
    groups, gaps = np.array([0, 0, 0, 3, 3]), np.array([0.0, 5.0, 4.0, 9.0, 1.0])
    _leave_none_empty(groups, gaps, 5)
    assert groups.tolist() == [0, 2, 4, 1, 3]


def test_seeds_are_drawn_by_weight_and_squared_distance():
    rows = np.array([[0.0], [1.0], [2.0], [4.0]])
    weights = np.array([1.0, 8.0, 3.0, 1.0])
    expected = weights * rows[:, 0] ** 2  # from the first
    generator = rng()
    second = [spread(distances_among(rows), 0, weights, 2, generator)[1] for _ in range(4000)]
    shares = np.bincount(second, minlength=4) / 4000
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.03)
    assert shares[0] == 0


def test_several_trials_find_the_seed_that_covers_most():
    rows = np.array([[0.0], [10.0], *[[20.0 + i / 10] for i in range(20)]])
    seeds = [spread(distances_among(rows), 0, np.ones(22), 2, rng(seed), trials=20)[1] for seed in range(20)]
    assert min(seeds) >= 2


def test_where_nothing_lies_apart_the_first_of_the_rest_are_seeds():
    rows = np.array([[0.0], [0.0], [5.0], [0.0], [0.0]])
    assert spread(distances_among(rows), 1, np.ones(5), 4, rng()).tolist() == [1, 2, 0, 3]
