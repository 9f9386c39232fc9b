"""What each way picks, against its definition."""

from itertools import combinations

import numpy as np
import pytest

from al_core.diversity import Badge, Candidates, FacilityLocation, KCenter, KMeans, KMeansPlusPlus, TypiClust, typiclust
from al_core.diversity.clustering import kmeans, spread
from al_core.diversity.grid import LEVELS, on_grid
from al_core.errors import InvalidInput
from tests.al_core.diversity.pools import Pool, clouds


def rng(seed=0):
    return np.random.default_rng(seed)


def candidates(features, scores=None, probabilities=None, labelled=None):
    features = np.asarray(features, dtype=np.float64)
    scores = np.linspace(1, 0.5, len(features)) if scores is None else np.asarray(scores)
    rows, known = on_grid(features, None if labelled is None else np.asarray(labelled))
    return Candidates(rows, scores, probabilities, known)


# ----------------------------------------------------------------- k-means


def test_kmeans_takes_the_most_uncertain_of_each_cloud_if_told_to():
    features, cloud = clouds(6, 30)
    scores = rng(1).uniform(0.5, 1, len(cloud))
    scores[cloud == 2] += 1
    picks = Pool(scores, features, None, np.arange(len(cloud))).pick(KMeans(pick="most_uncertain"), 6)
    best = [np.flatnonzero(cloud == c)[scores[cloud == c].argmax()] for c in range(6)]
    assert set(picks.indices) == set(best)
    assert set(picks.groups) == set(range(6))


def test_kmeans_takes_the_one_nearest_to_each_centre():
    features, cloud = clouds(4, 50, spread=3)
    scores = np.sort(rng(1).uniform(0.2, 1, len(cloud)))[::-1]
    shuffled = rng(2).permutation(len(cloud))
    features, cloud = features[shuffled], cloud[shuffled]
    choice = KMeans().choose(candidates(features, scores), 4, rng())
    for index in choice.indices:
        own = np.flatnonzero(cloud == cloud[index])
        centre = np.average(features[own], axis=0, weights=scores[own] ** 2)
        assert index == own[np.linalg.norm(features[own] - centre, axis=1).argmin()]
    assert len(set(choice.groups[choice.indices])) == 4


def test_an_uncertain_task_pulls_its_centre():
    line = [[0.0], [1.0], [2.0], [50.0], [51.0]]
    even = KMeans().choose(candidates(line, [1, 1, 1, 1, 1]), 2, rng())
    pulled = KMeans().choose(candidates(line, [1, 1e-3, 1e-3, 1e-3, 1e-3]), 2, rng())
    assert (1 in even.indices, 0 in even.indices) == (True, False)
    assert (1 in pulled.indices, 0 in pulled.indices) == (False, True)


def test_kmeans_refuses_another_way_to_pick():
    with pytest.raises(InvalidInput):
        KMeans(pick="furthest")


# ----------------------------------------------------------------- k-center


def greedy(rows, k, known):
    """The definition, with every distance written down."""
    picked = [] if len(known) else [0]
    while len(picked) < k:
        near = [min(np.linalg.norm(row - other) for other in [*known, *rows[picked]]) for row in rows]
        picked.append(int(np.argmax(near)))
    return picked


@pytest.mark.parametrize("labelled", [np.empty((0, 3)), rng(9).normal(size=(6, 3))], ids=["none", "some"])
def test_kcenter_takes_the_furthest_at_each_step(labelled):
    given = candidates(rng(3).normal(size=(80, 3)), labelled=labelled)
    known = np.empty((0, 3)) if given.labelled is None else given.labelled
    assert KCenter().choose(given, 12, rng()).indices.tolist() == greedy(given.features, 12, known)


@pytest.mark.parametrize("seed", range(5))
def test_kcenter_is_within_twice_the_least_radius(seed):
    given = candidates(rng(seed).normal(size=(14, 2)))
    apart = np.linalg.norm(given.features[:, None] - given.features[None], axis=2)

    def radius(picked):
        return apart[:, list(picked)].min(axis=1).max()

    least = min(radius(picked) for picked in combinations(range(14), 3))
    assert radius(KCenter().choose(given, 3, rng()).indices) <= 2 * least


def test_kcenter_takes_what_is_labelled_already_last():
    given = candidates([[0.0], [5.0], [9.0]], labelled=[[5.0], [5.0]])
    assert set(KCenter().choose(given, 2, rng()).indices) == {0, 2}
    all_known = candidates([[0.0], [5.0], [9.0]], labelled=[[0.0], [5.0], [9.0]])
    assert KCenter().choose(all_known, 2, rng()).indices.tolist() == [0, 1]


# ----------------------------------------------------------------- k-means++


def test_kmeanspp_starts_from_the_most_uncertain_and_draws_by_score_and_distance():
    given = candidates([[0.0], [1.0], [2.0], [2.5]], scores=[1.0, 0.8, 0.4, 0.1])
    generator = rng()
    pairs = [KMeansPlusPlus().choose(given, 2, generator).indices for _ in range(4000)]
    assert {first for first, _ in pairs} == {0}
    mass = np.array([0, 0.8 * 1, 0.4 * 4, 0.1 * 6.25])
    np.testing.assert_allclose(np.bincount([second for _, second in pairs]) / 4000, mass / mass.sum(), atol=0.03)


# ----------------------------------------------------------------- BADGE


@pytest.mark.parametrize("seed", range(5))
def test_badge_seeds_the_gradients_that_it_never_writes_down(seed):
    draw = rng(seed)
    probabilities = draw.dirichlet(np.ones(4), 60)
    given = candidates(draw.normal(size=(60, 3)), probabilities=probabilities)
    errors = probabilities.copy()
    errors[np.arange(60), errors.argmax(axis=1)] -= 1
    with_bias = np.column_stack([given.features, np.full(60, LEVELS)])
    gradients = np.einsum("ij,ik->ijk", errors, with_bias).reshape(60, -1)
    first = int(np.linalg.norm(gradients, axis=1).argmax())
    expected = spread(
        lambda places: ((gradients - gradients[places][:, None]) ** 2).sum(axis=2), first, np.ones(60), 15, rng(seed)
    )
    assert Badge().choose(given, 15, rng(seed)).indices.tolist() == expected.tolist()


def test_badge_asks_about_no_task_that_the_model_is_sure_of_while_others_are_left():
    probabilities = np.tile([1.0, 0.0], (40, 1))
    unsure = [3, 17, 30]
    probabilities[unsure] = [0.6, 0.4]
    given = candidates(rng().normal(size=(40, 3)), probabilities=probabilities)
    assert set(Badge().choose(given, 4, rng()).indices) > set(unsure)


def test_badge_leaves_out_tasks_without_full_probabilities():
    probabilities = rng().dirichlet(np.ones(3), 50)
    probabilities[10:] = np.nan
    pool = Pool(np.linspace(1, 0.5, 50), rng(1).normal(size=(50, 4)), probabilities, np.arange(50))
    assert pool.pick(Badge(), 8).indices.max() < 10
    assert pool.pick(Badge(), 14).indices.tolist() == list(range(14))


# ----------------------------------------------------------------- TypiClust


def test_typiclust_takes_the_densest_place_of_the_largest_clusters():
    cloud = np.repeat([0, 1, 2], [60, 40, 5])
    features = np.eye(3)[cloud] * 100 + rng().normal(size=(105, 3))
    dense = np.flatnonzero(cloud == 0)[:25]
    features[dense] = [100.5, 0, 0] + 0.01 * rng(1).normal(size=(25, 3))
    features[2] = [100.5, 0, 0]
    indices = TypiClust().choose(candidates(features), 3, rng()).indices
    assert cloud[indices].tolist() == [0, 1, 2]
    assert indices[0] in dense


def test_typiclust_passes_by_what_is_labelled():
    features, cloud = clouds(5, 20)
    labelled = features[[0, 25]] + 0.5  # of clouds 0 and 1
    indices = TypiClust().choose(candidates(features, labelled=labelled), 3, rng()).indices
    assert set(cloud[indices]) == {2, 3, 4}


@pytest.mark.parametrize(("labelled", "k", "clusters"), [(0, 3, 3), (40, 3, 43), (900, 3, 500), (900, 501, 501)])
def test_typiclust_makes_a_cluster_for_each_label_and_place_up_to_a_limit(monkeypatch, labelled, k, clusters):
    counts = []

    def counting(rows, weights, count, rng):
        counts.append(count)
        return kmeans(rows, weights, count, rng)

    monkeypatch.setattr(typiclust, "kmeans", counting)
    features = rng().normal(size=(1600, 2))
    TypiClust().choose(candidates(features[900:], labelled=features[:labelled] if labelled else None), k, rng())
    assert counts == [clusters]


def test_typiclust_gives_the_next_typical_ones_where_clusters_run_out():
    features, cloud = clouds(2, 600)
    labelled = clouds(2, 300, seed=1)[0]
    indices = TypiClust().choose(candidates(features, labelled=labelled), 550, rng()).indices
    assert len(set(indices.tolist())) == 550
    assert np.bincount(cloud[indices]).min() > 200


def test_typiclust_looks_at_a_sample_of_very_many():
    features = rng().normal(size=(40_000, 2))
    indices = TypiClust().choose(candidates(features), 4, rng()).indices
    assert len(set(indices.tolist())) == 4
    assert (indices % 3 == 0).all()
    assert np.linalg.norm(features[indices], axis=1).max() < 2.5  # dense places, no outliers


# ----------------------------------------------------------------- facility location


@pytest.mark.parametrize("labelled", [None, rng(9).normal(size=(6, 3))], ids=["none", "some"])
@pytest.mark.parametrize("m", [40, 300])
def test_facility_takes_what_lowers_the_weighted_distances_most_at_each_step(m, labelled):
    given = candidates(rng(3).normal(size=(m, 3)), scores=np.sort(rng(4).random(m))[::-1], labelled=labelled)
    apart = np.linalg.norm(given.features[:, None] - given.features[None], axis=2)
    gaps = np.full(m, 1e9)
    if given.labelled is not None:
        gaps = np.linalg.norm(given.features[:, None] - given.labelled[None], axis=2).min(axis=1)
    expected: list[int] = []
    for _ in range(15):
        expected.append(int((given.scores**2 * np.minimum(gaps, apart)).sum(axis=1).argmin()))
        gaps = np.minimum(gaps, apart[expected[-1]])
    assert FacilityLocation().choose(given, 15, rng()).indices.tolist() == expected


def test_facility_takes_the_more_uncertain_of_equals():
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert FacilityLocation().choose(candidates(corners, scores=np.ones(4)), 3, rng()).indices.tolist() == [0, 1, 2]


def test_facility_has_nothing_to_gain_next_to_a_label():
    features, cloud = clouds(4, 30)
    given = candidates(features, labelled=features[[0, 5, 40]])
    assert set(cloud[FacilityLocation().choose(given, 2, rng()).indices]) == {2, 3}


def test_facility_picks_from_a_sample_of_very_many():
    features = rng().normal(size=(40_000, 2))
    indices = FacilityLocation().choose(candidates(features), 30, rng()).indices
    assert len(set(indices.tolist())) == 30
    assert (indices % 5 == 0).all()


# ----------------------------------------------------------------- all that need features


def test_labelled_tasks_may_look_exactly_like_candidates():
    features = rng().normal(size=(30, 3))
    for way in (KCenter(), TypiClust(), FacilityLocation()):
        indices = way.choose(candidates(features, labelled=features[:10]), 5, rng()).indices
        assert len(set(indices.tolist())) == 5
