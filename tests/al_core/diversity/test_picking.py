"""The rules around a way: candidates, what cannot be compared, duplicates, classes, and what is refused."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from al_core.diversity import Badge, Choice, KCenter, KMeans, NoDiversity, candidates, pick_batch
from al_core.diversity.ranking import most_uncertain
from al_core.errors import InvalidInput
from al_core.seeding import task_keys
from tests.al_core.diversity.pools import Pool, random_pool


class Recorder:
    """A way that notes what it is given, and picks the last ones."""

    name = "recorder"
    label = "Recorder"
    help = "Notes."
    needs = "features"
    ranks = True
    sees_labelled = False

    def __init__(self, answer=None):
        self.given = []
        self.answer = answer

    def choose(self, candidates, k, rng):
        self.given.append(candidates)
        return Choice(np.arange(len(candidates.scores))[-k:] if self.answer is None else np.array(self.answer))


def test_a_way_sees_the_candidates_most_uncertain_first_each_content_once():
    pool = random_pool(100)
    pool.features[50:] = pool.features[:50]
    way = Recorder()
    pool.pick(way, 5, candidate_factor=4, labelled=np.array([[0.0] * 5, [np.nan] * 5]))
    (given,) = way.given
    assert (np.diff(given.scores) <= 0).all()
    assert len(np.unique(given.features, axis=0)) == len(given.features) == len(given.scores)
    assert len(given.scores) >= 20
    assert given.probabilities is None
    assert given.labelled.shape == (1, 5)


def test_a_way_works_on_one_thread():
    class Counting(Recorder):
        def choose(self, candidates, k, rng):
            self.threads = {library["num_threads"] for library in threadpool_info()}
            return super().choose(candidates, k, rng)

    way = Counting()
    random_pool(20).pick(way, 2)
    assert way.threads == {1}


def test_of_very_many_labelled_tasks_evenly_some_are_looked_at(monkeypatch):
    way = Recorder()
    labelled = np.arange(100.0)[:, None] + np.zeros(5)
    random_pool(20).pick(way, 2, labelled=labelled)
    assert way.given[0].labelled.shape == (100, 5)
    monkeypatch.setattr(candidates, "_MOST_LABELLED", 30)
    random_pool(20).pick(way, 2, labelled=labelled)
    steps = np.diff(way.given[1].labelled[:, 0])
    assert len(way.given[1].labelled) == 25
    assert np.ptp(steps) <= 1


def test_labelled_tasks_without_features_are_as_none():
    way = Recorder()
    random_pool(20).pick(way, 2, labelled=np.full((3, 5), np.nan))
    assert way.given[0].labelled is None


def test_where_there_is_no_choice_the_way_is_not_asked():
    way = Recorder()
    random_pool(20).pick(way, 20)
    random_pool(20).pick(way, 5, candidate_factor=1)
    assert way.given == []


def test_only_the_features_of_candidates_are_read():
    pool = random_pool(100)
    pool.scores[:] = np.linspace(1, 0, 100)
    pool.features[50:] = np.inf
    assert len(pool.pick(KMeans(), 5, candidate_factor=10).indices) == 5
    with pytest.raises(InvalidInput, match="finite"):
        pool.pick(KMeans(), 5, candidate_factor=11)


def test_equal_scores_are_in_the_order_of_the_seed_and_not_of_the_tasks():
    batches = [
        set(pick_batch(NoDiversity(), np.ones(100), 10, keys=task_keys(np.arange(100), seed), seed=seed).indices)
        for seed in range(3)
    ]
    assert batches[0] != batches[1] != batches[2]
    assert all(batch != set(range(10)) for batch in batches)


def test_of_very_many_candidates_a_way_sees_the_best_and_a_sample(monkeypatch):
    monkeypatch.setattr(candidates, "_MOST_CANDIDATES", 200)
    pool = random_pool(3000)
    way = Recorder()
    pool.pick(way, 20)
    (given,) = way.given
    assert len(given.scores) == 200
    best = pool.scores[most_uncertain(pool.scores, 20)]
    np.testing.assert_array_equal(given.scores[:20], best)
    assert 0.3 < given.scores[20:].mean() < 0.6  # of the whole pool, whose mean is about a half
    pool.pick(way, 150)
    assert len(way.given[1].scores) == 300  # twice the batch
    monkeypatch.setattr(candidates, "_MOST_NUMBERS", 250 * pool.features.shape[1])
    monkeypatch.setattr(candidates, "_MOST_CANDIDATES", 10_000)
    pool.pick(way, 10, candidate_factor=100)
    assert len(way.given[2].scores) == 250
    assert way.given[2].scores.min() >= np.sort(pool.scores)[-1000]


def test_a_task_that_cannot_be_compared_keeps_its_place_only_among_the_first():
    pool = random_pool(60)
    pool.scores[:] = np.linspace(1, 0.5, 60)
    pool.features[[0, 4, 9, 10]] = np.nan
    pool.features[2] = pool.features[1]  # does not count: the tenth content is task 10
    indices = pool.pick(Recorder(), 10).indices.tolist()
    assert indices == [0, 4, 9, 10, *range(54, 60)]


def test_if_too_few_can_be_compared_the_most_uncertain_of_the_rest_fill_up():
    pool = random_pool(30)
    pool.scores[:] = np.linspace(1, 0.5, 30)
    pool.features[:] = np.nan
    pool.features[[20, 25]] = [[0.0], [1.0]]
    assert pool.pick(KMeans(), 5).indices.tolist() == [0, 1, 2, 3, 4]


def test_fewer_contents_than_asked_are_filled_up_with_the_most_uncertain_of_the_rest():
    scores = np.array([0.1, 0.5, 0.2, 0.9, 0.3])
    pool = Pool(scores, np.array([[0.0], [-0.0], [1.0], [0.0], [1.0]]), None, np.arange(5))
    assert pool.pick(KMeans(), 3).indices.tolist() == [
        3,
        1,
        4,
    ]  # 3 and 4 lead their contents, 1 is the best of the rest


def test_classes_have_candidates_of_their_own():
    """Class 1 is far less uncertain: without its share it would not be asked at all."""
    pool = random_pool(200)
    classes = np.repeat([0, 1], 100)
    pool.scores[:] = np.where(classes == 0, 0.9, 0.1) + 0.001 * np.random.default_rng(0).random(200)
    assert set(classes[pool.pick(KMeans(), 10, candidate_factor=5).indices]) == {0}
    way = Recorder()
    batch = pool.pick(way, 10, candidate_factor=5, classes=classes)
    assert np.bincount(classes[batch.indices]).tolist() == [5, 5]
    assert [len(given.scores) for given in way.given] == [25, 25]


def test_groups_of_two_classes_are_not_mixed_up():
    pool = random_pool(200)
    batch = pool.pick(KMeans(), 10, classes=np.repeat([0, 1], 100))
    assert sorted(batch.groups) == list(range(10))


def test_what_a_class_has_no_content_for_goes_to_the_most_uncertain_of_other_content():
    pool = random_pool(60)
    classes = np.repeat([0, 1], [50, 10])
    pool.features[50:] = pool.features[50]
    batch = pool.pick(KMeans(), 8, classes=classes).indices
    assert np.bincount(classes[batch]).tolist() == [7, 1]


def test_a_class_without_a_place_is_passed_by():
    pool = random_pool(30)
    batch = pool.pick(KMeans(), 2, classes=np.arange(30) % 3).indices
    assert len(batch) == 2


@pytest.mark.parametrize("answer", [[0, 0], [0], [0, 99], [-1, 0], [0, 1, 2]])
def test_a_way_that_breaks_its_promise_is_found_out(answer):
    with pytest.raises(InvalidInput, match="recorder"):
        random_pool(20).pick(Recorder(answer), 2)


@pytest.mark.parametrize(
    ("way", "changes"),
    [
        (KMeans(), {"k": 0}),
        (KMeans(), {"k": 1.5}),
        (KMeans(), {"candidate_factor": 0}),
        (KMeans(), {"candidate_factor": 2.5}),
        (KMeans(), {"scores": [0.1, np.inf, 0.3]}),
        (KMeans(), {"scores": [0.1, 0.2]}),
        (KMeans(), {"scores": [[0.1, 0.2, 0.3]]}),
        (KMeans(), {"keys": np.arange(3)}),
        (KMeans(), {"scores": ["high", "low", "low"]}),
        (KMeans(), {"features": None}),
        (KMeans(), {"features": [[0.1], [0.2], [0.3, 0.4]]}),
        (KMeans(), {"features": np.zeros(3)}),
        (KMeans(), {"features": np.eye(2)}),
        (KMeans(), {"features": np.diag([1.0, np.inf, 1.0])}),
        (KCenter(), {"labelled": np.zeros((2, 4))}),
        (KCenter(), {"labelled": np.full((2, 3), np.inf)}),
        (KMeans(), {"classes": [0, 1]}),
        (KMeans(), {"classes": [0.0, 1.0, 0.5]}),
        (Badge(), {}),
        (Badge(), {"probabilities": np.ones((2, 2))}),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(way, changes):
    given = {"scores": [0.1, 0.2, 0.3], "k": 1, "keys": task_keys(np.arange(3), 0), "features": np.eye(3), **changes}
    with pytest.raises(InvalidInput):
        pick_batch(way, given.pop("scores"), given.pop("k"), seed=0, **given)
