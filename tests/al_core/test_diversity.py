"""Top-k, and batches that do not repeat themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.diversity import kmeans_batch, most_uncertain
from al_core.errors import InvalidInput


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, -1.0, np.inf, -np.inf, np.nan])), st.integers(0, 12))
def test_most_uncertain_agrees_with_a_full_sort(scores, k):
    known = [index for index, score in enumerate(scores) if not np.isnan(score)]
    expected = sorted(known, key=lambda index: (-scores[index], index))[:k]
    assert most_uncertain(scores, k).tolist() == expected


def test_most_uncertain_is_right_on_many_scores():
    scores = np.random.default_rng(0).integers(0, 500, 20_000) / 500
    expected = np.lexsort((np.arange(20_000), -scores))[:333]
    np.testing.assert_array_equal(most_uncertain(scores, 333), expected)


def test_most_uncertain_refuses_what_makes_no_sense():
    for k in (-1, 1.5, None):
        with pytest.raises(InvalidInput):
            most_uncertain([0.1], k)
    with pytest.raises(InvalidInput):
        most_uncertain([[0.1]], 1)


def blobs(count, each, seed=0):
    """``count`` clouds of ``each`` points, far apart; returns the features and the cloud of each."""
    rng = np.random.default_rng(seed)
    cloud = np.repeat(np.arange(count), each)
    centres = 100.0 * np.eye(count)
    return (centres[cloud] + rng.normal(size=(len(cloud), count))).astype(np.float32), cloud


def test_one_of_each_cloud_and_there_the_most_uncertain():
    features, cloud = blobs(6, 30)
    scores = np.random.default_rng(1).uniform(0.5, 1, len(cloud))
    # One cloud holds all the top scores: without diversity the batch would be of that cloud alone.
    scores[cloud == 2] += 1
    assert set(cloud[most_uncertain(scores, 6)]) == {2}
    indices, clusters = kmeans_batch(features, scores, 6, seed=0)
    best = [np.flatnonzero(cloud == c)[scores[cloud == c].argmax()] for c in range(6)]
    assert set(indices) == set(best)
    assert len(set(clusters)) == 6
    assert (np.diff(scores[indices]) <= 0).all()


def test_equal_input_and_seed_give_an_equal_batch():
    rng = np.random.default_rng(0)
    features, scores = rng.normal(size=(600, 8)), rng.random(600)
    first = kmeans_batch(features, scores, 20, seed=3)
    again = kmeans_batch(features, scores, 20, seed=3)
    other = kmeans_batch(features, scores, 20, seed=4)
    np.testing.assert_array_equal(first, again)
    assert set(first[0]) != set(other[0])


def test_a_content_comes_once_while_other_content_is_left():
    features = np.repeat(np.random.default_rng(0).normal(size=(10, 3)), 5, axis=0)
    scores = np.random.default_rng(1).random(50)
    indices, clusters = kmeans_batch(features, scores, 10, seed=0)
    assert sorted(indices // 5) == list(range(10))
    assert len(set(clusters)) == 10
    assert all(scores[i] == scores[i // 5 * 5 : i // 5 * 5 + 5].max() for i in indices)


def test_fewer_contents_than_asked_are_filled_up_with_the_most_uncertain_of_the_rest():
    features = [[0.0], [-0.0], [1.0], [0.0], [1.0]]
    scores = [0.1, 0.5, 0.2, 0.9, 0.3]
    indices, clusters = kmeans_batch(features, scores, 3, seed=0)
    assert indices.tolist() == [3, 1, 4]  # 3 and 4 lead their contents, 1 is the best of the rest
    assert clusters[0] == clusters[1] != clusters[2]


@pytest.mark.parametrize("k", [4, 5, 100])
def test_no_more_candidates_than_asked_are_all_returned(k):
    indices, clusters = kmeans_batch(np.eye(4), [0.1, 0.4, 0.2, 0.3], k, seed=0)
    assert indices.tolist() == [1, 3, 2, 0]
    assert len(set(clusters)) == 4


def test_unknown_scores_are_never_picked():
    features, _ = blobs(3, 10)
    scores = np.linspace(0, 1, 30)
    scores[20:] = np.nan
    assert set(kmeans_batch(features, scores, 30, seed=0)[0]) == set(range(20))
    assert kmeans_batch(features, scores, 5, seed=0)[0].max() < 20
    assert kmeans_batch(features, np.full(30, np.nan), 5, seed=0)[0].size == 0


def test_features_that_say_nothing_leave_the_most_uncertain():
    for features in (np.zeros((5, 3)), np.empty((5, 0))):
        assert kmeans_batch(features, [0.1, 0.5, 0.3, 0.2, 0.4], 3, seed=0)[0].tolist() == [1, 4, 2]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_nearly_equal_features_are_no_trouble(seed):
    """Points far closer to each other than to the rest: distances round off, and k-means would warn."""
    rng = np.random.default_rng(seed)
    m, d, k = int(rng.integers(1, 150)), int(rng.integers(1, 5)), int(rng.integers(1, 50))
    features = rng.normal(size=(m, d)) * 10.0 ** rng.integers(-7, 3) + rng.choice([0, 1e4], size=(m, 1))
    scores = rng.choice([0.0, 0.5, -3.0, 1.0], m)
    indices, clusters = kmeans_batch(features.astype(np.float32), scores, k, seed)
    assert len(set(indices)) == len(indices) == len(clusters) == min(m, k)
    assert (np.diff(scores[indices]) <= 0).all()


@pytest.mark.parametrize(
    ("features", "scores", "k"),
    [
        (np.eye(3), [0.1, 0.2], 1),
        (np.zeros(3), [0.1, 0.2, 0.3], 1),
        (np.eye(3), [0.1, 0.2, 0.3], 0),
        (np.eye(3), [0.1, 0.2, 0.3], 1.5),
        (np.full((3, 3), np.nan), [0.1, 0.2, 0.3], 1),
        (np.eye(3), [0.1, np.inf, 0.3], 1),
    ],
)
def test_what_makes_no_sense_is_refused(features, scores, k):
    with pytest.raises(InvalidInput):
        kmeans_batch(features, scores, k, seed=0)
