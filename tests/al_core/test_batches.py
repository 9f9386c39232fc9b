"""A batch is put together: test set, control lane, what the strategy asks; equal content once."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from al_core.batches import ALIKE, READ_AHEAD, BatchComposer, BatchRules, Contents, said_of
from al_core.diversity import DIVERSITIES
from al_core.errors import InvalidInput
from al_core.features import Embeddings
from al_core.types import REASONS, Bounds, ClassProbabilities, LabelSpace, Pool, Reason, Scores

SPACE = LabelSpace("kind", "text", ("cat", "dog", "cow"), "text", "text")
NAN = float("nan")


def words(task_id):
    return {"text": f"task {task_id} speaks of thing{task_id % 7} and place{task_id % 11}"}


def model_of(rows):
    """What a model says in full, NaN rows as unknown."""
    rows = np.asarray(rows, dtype=np.float32)
    unknown = np.isnan(rows).any(axis=1)
    return ClassProbabilities(
        task_ids=np.arange(len(rows), dtype=np.int64),
        labels=SPACE.labels,
        form="single",
        starts=np.arange(len(rows) + 1),
        values=rows,
        top=rows.max(axis=1),
        answers=np.where(unknown, -1, rows.argmax(axis=1)).astype(np.int32),
        reasons=np.where(unknown, REASONS.index(Reason.EMPTY_RESULT) + 1, 0).astype(np.uint8),
        model_version="v1",
    )


def scored(count, *, seed=0, models=True, low=None, high=None, ids=None):
    ids = np.arange(1, count + 1, dtype=np.int64) if ids is None else np.asarray(ids, dtype=np.int64)
    rng = np.random.default_rng(5)
    low = rng.random(count) if low is None else np.asarray(low, dtype=float)
    pool = Pool(ids, np.empty(0, dtype=np.int64), count, "digest", datetime.now(UTC))
    bounds = Bounds(low, low if high is None else np.asarray(high, dtype=float))
    said = (model_of(rng.dirichlet(np.ones(3), count)),) if models else ()
    return Scores(pool, "margin" if models else "random", seed, bounds, models=said)


def compose(scores, size, test_size=0, *, test_ids=(), data=words, way="none", labelled=(), answered=(), **rules):
    def read(ids):
        assert len(ids) <= max(READ_AHEAD, len(labelled))
        return {task_id: data(task_id) for task_id in ids if data(task_id) is not None}

    learned, closed = np.array(labelled, dtype=np.int64), np.array(answered, dtype=np.int64)
    composer = BatchComposer(scores, BatchRules(DIVERSITIES[way], SPACE, **rules), Contents(read), learned, closed)
    return composer.compose(size, test_size, test_ids)


def in_lane(batch, lane):
    return [item.task_id for item in batch.items if item.lane == lane]


def test_the_most_uncertain_come_first_and_test_tasks_last():
    scores = scored(100)
    batch = compose(scores, 10, 5)
    test = in_lane(batch, "test")
    assert [item.lane for item in batch.items] == ["strategy"] * 10 + ["test"] * 5
    assert [item.rank for item in batch.items] == list(range(1, 16))
    left = [task_id for task_id in (np.argsort(-scores.values) + 1).tolist() if task_id not in test]
    assert in_lane(batch, "strategy") == left[:10]


def test_the_test_set_is_drawn_from_the_whole_pool_whatever_the_scores():
    low = np.arange(1000) / 1000
    often = np.zeros(1000)
    for seed in range(60):
        drawn = in_lane(compose(scored(1000, seed=seed, low=low), 0, 50), "test")
        assert len(set(drawn)) == 50
        often[np.array(drawn) - 1] += 1
    # 3,000 draws: about 600 in each fifth of the pool, give or take four standard deviations.
    assert np.abs(often.reshape(5, 200).sum(axis=1) - 600).max() < 4 * np.sqrt(3000 * 0.2 * 0.8)


def test_tasks_that_were_named_for_the_test_set_are_in_it_and_the_strategy_gets_none_of_them():
    scores = scored(100)
    torn = (np.argsort(-scores.values)[:4] + 1).tolist()
    batch = compose(scores, 10, 5, test_ids=[*torn, 7, 500], control_share=0.5)
    test = in_lane(batch, "test")
    named = sorted({*torn, 7})
    assert test[: len(named)] == named, "500 is not in the pool: it is labelled, or gone"
    assert len(test) == len(set(test)) == len(named) + 5
    assert not set(named) & {*in_lane(batch, "strategy"), *in_lane(batch, "control")}
    assert (len(in_lane(batch, "strategy")), len(in_lane(batch, "control")), batch.note) == (5, 5, "")
    assert compose(scores, 0, test_ids=[3]).items[0].task_id == 3


def test_named_tasks_stay_though_they_are_alike_and_nobody_else_is_asked_the_same():
    batch = compose(scored(60), 10, test_ids=[1, 2], data=lambda i: {"text": "same"} if i <= 30 else words(i))
    assert in_lane(batch, "test") == [1, 2]
    assert min(in_lane(batch, "strategy")) > 30


def test_of_the_named_tasks_those_are_left_out_that_were_answered_meanwhile_or_are_gone():
    batch = compose(
        scored(60), 5, test_ids=[1, 2, 3], answered=[2], data=lambda i: None if i == 3 else words(i), way="none"
    )
    assert in_lane(batch, "test") == [1]
    assert "Wanted 7 tasks; only 6 could be picked." in batch.note


def test_many_named_tasks_are_read_some_at_a_time():
    named = range(1, 2 * READ_AHEAD + 2)
    assert in_lane(compose(scored(600), 1, test_ids=named), "test") == list(named)


def test_the_control_lane_takes_its_share_and_hides_between_the_others():
    scores = scored(400)
    batch = compose(scores, 40, control_share=0.25)
    control = in_lane(batch, "control")
    assert (len(control), len(in_lane(batch, "strategy"))) == (10, 30)
    ranks = [item.rank for item in batch.items if item.lane == "control"]
    assert min(ranks) < 20 < max(ranks), "not all at one end"
    assert np.median(scores.values[np.array(control) - 1]) < 0.9, "drawn at random, not the most uncertain"
    asked = [item.score for item in batch.items if item.lane == "strategy"]
    assert asked == sorted(asked, reverse=True)


def test_the_control_lane_may_draw_what_is_unknown_and_the_strategy_may_not():
    low = np.where(np.arange(50) < 10, 0.5, NAN)
    batch = compose(scored(50, low=low), 20, control_share=0.5)
    assert set(in_lane(batch, "strategy")) <= set(range(1, 11))
    unknown = [item for item in batch.items if item.task_id > 10]
    assert unknown
    assert {item.lane for item in unknown} == {"control"}
    assert {item.score for item in unknown} == {None}


def test_ties_follow_the_seed_and_not_the_ids():
    same = np.full(300, 0.5)
    first, again, other = (in_lane(compose(scored(300, seed=s, low=same), 20), "strategy") for s in (1, 1, 2))
    assert first == again != other
    assert np.mean(first) == pytest.approx(150, abs=75), "neither the first nor the last ids"


def test_the_order_in_which_a_server_lists_tasks_changes_nothing():
    scores = scored(200)
    order = np.random.default_rng(9).permutation(200)
    model = model_of(scores.models[0].values[order])
    bounds = Bounds(scores.bounds.low[order], scores.bounds.high[order])
    pool = Pool(scores.pool.task_ids[order], scores.pool.labeled_ids, 200, "", scores.pool.read_at)
    shuffled = Scores(pool, "margin", 0, bounds, models=(model,))
    for way in ("none", "kmeans"):
        rules = {"way": way, "candidate_factor": 4, "control_share": 0.2}
        assert compose(shuffled, 10, 5, **rules) == compose(scores, 10, 5, **rules)


def test_equal_content_enters_once_whatever_the_lane():
    def data(task_id):
        return {"text": f"one of {task_id % 30}"}

    batch = compose(scored(300), 20, 8, data=data, control_share=0.2)
    contents = [item.task_id % 30 for item in batch.items]
    assert len(contents) == 28
    assert len(set(contents)) == 28
    everything = compose(scored(300), 50, data=data)
    assert len(everything.items) == 30
    assert "Wanted 50 tasks; only 30 could be picked." in everything.note


def test_a_content_that_fills_the_top_of_a_pool_does_not_keep_others_out():
    scores = scored(2000, low=np.arange(2000))
    batch = compose(scores, 10, data=lambda task_id: {"text": "same"} if task_id > 500 else words(task_id))
    assert in_lane(batch, "strategy") == [2000, *range(500, 491, -1)]


def test_tasks_that_show_nothing_are_not_taken_for_the_same():
    batch = compose(scored(30), 10, data=lambda _: {"text": ""})
    assert len(batch.items) == 10


def test_a_task_that_is_gone_is_not_asked():
    scores = scored(30, low=np.arange(30))
    batch = compose(scores, 5, data=lambda task_id: None if task_id > 27 else words(task_id))
    assert in_lane(batch, "strategy") == [27, 26, 25, 24, 23]


def test_bounds_go_with_the_item_and_exact_scores_have_none():
    batch = compose(scored(3, low=[0.9, 0.5, 0.1], high=[0.9, 0.8, 0.1]), 3)
    assert [(item.score, item.score_high) for item in batch.items] == [(0.9, None), (0.5, 0.8), (0.1, None)]


def test_a_random_strategy_with_a_way_that_ranks_stays_random():
    scores = scored(200, models=False)
    expected = (np.argsort(-scores.values)[:10] + 1).tolist()
    assert in_lane(compose(scores, 10, way="kmeans"), "strategy") == expected
    assert {item.score for item in compose(scores, 10).items} == {None}


def test_a_cold_start_takes_what_is_typical_without_a_model():
    scores = scored(200, models=False)
    batch = compose(scores, 7, way="typiclust", candidate_factor=20)
    assert len(set(in_lane(batch, "strategy"))) == 7
    assert batch == compose(scores, 7, way="typiclust", candidate_factor=20)
    assert in_lane(batch, "strategy") != in_lane(compose(scores, 7), "strategy")


def test_a_balanced_batch_asks_for_every_predicted_class():
    rows = np.tile([0.6, 0.3, 0.1], (120, 1))
    rows[100:110] = [0.2, 0.7, 0.1]
    rows[110:] = [0.1, 0.1, 0.8]
    scores = scored(120, low=np.linspace(1, 0.01, 120))
    scores = Scores(scores.pool, "margin", 0, scores.bounds, models=(model_of(rows),))
    plain = [item.predicted_label for item in compose(scores, 9).items]
    balanced = [item.predicted_label for item in compose(scores, 9, class_balance=True).items]
    assert set(plain) == {"cat"}
    assert sorted(balanced) == ["cat"] * 3 + ["cow"] * 3 + ["dog"] * 3


def test_a_way_that_sees_what_is_labelled_keeps_away_from_it():
    topics = ("sea wave ship harbour", "hill slope stone ridge", "town street house door")

    def data(task_id):
        return {"text": f"{topics[task_id % 3]} number{task_id}"}

    scores = scored(90, low=np.full(90, 0.5))
    labelled = [1000 + 3 * place for place in range(10)]  # all of one topic
    assert {task_id % 3 for task_id in labelled} == {1}
    asked = in_lane(compose(scores, 2, data=data, way="kcenter", labelled=labelled), "strategy")
    assert {task_id % 3 for task_id in asked} == {0, 2}


def test_tasks_are_told_apart_by_what_the_model_sends_along():
    scores = scored(90, low=np.full(90, 0.5), ids=range(1, 91))
    groups = np.eye(3, dtype=np.float32)
    sent = Embeddings.of_tasks({task_id: groups[task_id % 3] for task_id in range(90, 0, -1)})
    scores = replace(scores, embeddings=sent)
    for way in ("kmeans", "kcenter"):
        # The texts differ by the task and the labelled ones are of two groups, and neither has a say.
        batch = compose(scores, 3, way=way, candidate_factor=30, labelled=[1001, 1002])
        assert {task_id % 3 for task_id in in_lane(batch, "strategy")} == {0, 1, 2}


def test_what_has_no_features_stays_out_of_the_diversity_and_in_the_batch():
    low = np.linspace(1, 0.5, 60)
    rules = {"way": "kmeans", "candidate_factor": 10}
    batch = compose(scored(60, low=low), 6, data=lambda i: {"text": ""} if i == 1 else words(i), **rules)
    assert 1 in in_lane(batch, "strategy")
    assert "1 of 60 candidates stayed out of the diversity" in batch.note
    alike = compose(scored(60, low=low), 6, data=lambda _: {"text": ""}, **rules)
    assert in_lane(alike, "strategy") == [1, 2, 3, 4, 5, 6]
    assert ALIKE in alike.note


@pytest.mark.parametrize(("size", "test_size"), [(0, 0), (-1, 5), (5, -1)])
def test_a_batch_of_nothing_is_refused(size, test_size):
    with pytest.raises(InvalidInput, match="at least one task"):
        compose(scored(10), size, test_size)


def test_what_a_model_said_is_told_as_far_as_it_is_known():
    regions = ClassProbabilities(
        task_ids=np.array([1, 2, 3]),
        labels=("car", "person"),
        form="regions",
        starts=np.array([0, 3, 3, 4]),
        values=np.array([[NAN, NAN], [NAN, NAN], [0.6, 0.4], [NAN, NAN]], dtype=np.float32),
        top=np.array([0.9, 0.5, 0.6, NAN], dtype=np.float32),
        answers=np.array([1, 1, 0, -1], dtype=np.int32),
        reasons=np.array([0, 3, 5], dtype=np.uint8),
    )
    assert said_of(regions, 0) == pytest.approx({"person": 0.9, "car": 0.6})
    assert list(said_of(regions, 0)) == ["person", "car"]
    assert said_of(regions, 1) == {}
    assert said_of(regions, 2) == {}
