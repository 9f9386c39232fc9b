"""The verbs of the manager over a Label Studio and a backend at the end of the wire."""

import functools
import io
import json
import operator
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from PIL import Image

from al_core.batches import ALIKE
from al_core.errors import (
    Cancelled,
    EmptyPool,
    InvalidInput,
    NoLabels,
    NoPredictions,
    UnexpectedAnswer,
    UnsupportedProject,
)
from al_core.ml_backend import MLBackend
from al_core.storage import MemoryStore
from al_core.training import Before
from tests.al_core.leaving import cancel_after
from tests.servers import BOXES, BackendServer, region


def run(manager, size=5, **options):
    return manager.recommend(manager.score(manager.read_pool()), size, **options)


def asked(batch):
    return [item.task_id for item in batch.items]


# --------------------------------------------------------------------- the settings


@pytest.mark.parametrize(
    "settings",
    [
        {"diversity": "circles"},
        {"candidate_factor": 0},
        {"strategy_name": "best"},
        {"control_share": 1.0},
        {"control_share": -0.1},
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused(manager, settings):
    with pytest.raises(InvalidInput):
        manager(**settings)


# --------------------------------------------------------------------- the pool


def test_the_pool_holds_what_may_be_asked(server, manager):
    server.annotate(2, "good")
    server.annotate(3, None)
    pool = manager(held_out=[4, 2]).read_pool()
    assert pool.task_ids.tolist() == [1, *range(5, 31)]
    assert (pool.labeled_count, pool.total_count) == (1, 30)


def test_a_task_that_was_skipped_and_then_labelled_counts_as_labelled(server, manager):
    server.annotate(3, None)
    server.annotate(3, "good")
    pool = manager().read_pool()
    assert 3 not in pool.task_ids
    assert pool.labeled_count == 1


def test_a_label_that_was_deleted_brings_its_task_back(server, manager):
    before = manager().read_pool()
    server.annotate(2, "good")
    during = manager().read_pool()
    server.delete_annotations(2)
    after = manager().read_pool()
    assert before.digest == after.digest
    assert during.digest != before.digest


def test_tasks_of_earlier_batches_are_not_asked_again(server, manager):
    server.annotate(2, "good")
    learner = manager(asked=[1, 2, 3], strategy_name="random")
    pool = learner.read_pool()
    assert pool.task_ids.tolist() == list(range(4, 31))
    assert pool.passed_over == 2
    batch = learner.recommend(learner.score(pool), 30)
    assert not {1, 2, 3} & set(asked(batch))
    assert "2 tasks of earlier batches are still unanswered and were not asked again." in batch.note
    with pytest.raises(EmptyPool, match="in an earlier batch"):
        manager(asked=range(1, 31)).read_pool()


def test_what_was_read_and_predicted_once_is_not_again(server, backend, manager):
    store = MemoryStore()
    first = (learner := manager(store=store)).score(learner.read_pool())
    server.annotate(3, "good")
    server.add_task(31, {"text": "one more"})
    server.requests.clear()
    backend.requests.clear()
    pool = (learner := manager(store=store)).read_pool()
    scores = learner.score(pool)
    assert (pool.changes.is_first, pool.changes.added, pool.changes.labelled) == (False, 1, 1)
    assert (first.kept, scores.kept, scores.failed) == (0, 29, 0)
    assert [[task["id"] for task in body["tasks"]] for body in backend.bodies("/predict")] == [[31]]
    tasks = [request.url.params for request in server.requests if request.url.path == "/api/tasks"]
    assert all("query" in params for params in tasks), "no page of all tasks"


def test_what_a_store_holds_that_cannot_be_read_is_as_if_it_were_not_there(server, manager):
    store = MemoryStore()
    learner = manager(store=store)
    first = learner.score(learner.read_pool())
    for name in store.names(""):
        store.write(name, store.read(name)[:50])
    again = manager(store=store)
    np.testing.assert_array_equal(again.score(again.read_pool()).values, first.values)


def test_an_empty_project_and_an_exhausted_one_say_different_things(server, manager):
    for task_id in server.tasks:
        server.annotate(task_id, "good")
    with pytest.raises(EmptyPool, match="all 30 are labelled, skipped or in the test set"):
        manager().read_pool()
    server.tasks.clear()
    with pytest.raises(EmptyPool, match="has no tasks"):
        manager().read_pool()


def test_reading_the_pool_can_be_cancelled(manager):
    def stop(done, total, sentence):
        if sentence == "Reading tasks: 30 of 30.":
            assert (done, total) == (30, 30)
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        manager().read_pool(stop)


# --------------------------------------------------------------------- scores


def test_the_backend_is_asked_in_pieces_for_what_is_not_stored(server, backend, manager, monkeypatch):
    monkeypatch.setattr("al_core.predictions.direct.MOST_CHUNK", 10)
    for task_id in range(1, 6):
        server.predict(task_id, 0.5, "v1")
    server.predict(6, 0.5, "v0")
    said = []
    learner = manager()
    scores = learner.score(learner.read_pool(), lambda *report: said.append(report))
    pieces = sorted([task["id"] for task in body["tasks"]] for body in backend.bodies("/predict"))
    assert [len(piece) for piece in pieces] == [10, 10, 5]
    assert functools.reduce(operator.iadd, pieces, []) == list(range(6, 31)), (
        "stored of this version: not asked again; of another: asked"
    )
    assert (0, 25, "Predicting: 0 of 25 tasks.") in said
    assert said[-1] == (25, 25, "Predicted 25 tasks.")
    assert scores.model_version == "v1"
    assert np.isfinite(scores.values).all()
    assert (scores.values[:5] > scores.values[5]).all()


def test_without_a_backend_the_most_common_stored_version_is_used(server, manager):
    for task_id in (1, 2, 3):
        server.predict(task_id, 0.6, "new")
    server.predict(1, 0.9, "old")
    learner = manager(ask_backend=False)
    scores = learner.score(learner.read_pool())
    assert scores.model_version == "new"
    assert int(scores.probabilities.known.sum()) == 3
    assert scores.probabilities.unknown == {"no prediction": 27}


def test_without_a_backend_and_predictions_there_is_nothing_to_rank(manager):
    learner = manager(ask_backend=False)
    with pytest.raises(NoPredictions, match="no predictions and no ML backend"):
        learner.score(learner.read_pool())


def test_a_model_that_was_never_trained_is_told_from_a_broken_one(backend, manager):
    backend.version = ""
    learner = manager()
    with pytest.raises(NoPredictions, match="30 × empty result") as caught:
        learner.score(learner.read_pool())
    assert "label a start set and train first" in caught.value.hint


def test_tasks_that_only_another_version_predicted_are_told_apart(server, manager):
    for task_id in (1, 2, 3):
        server.predict(task_id, 0.6, "new")
    server.predict(9, 0.9, "old")
    scores = (learner := manager(ask_backend=False)).score(learner.read_pool())
    assert scores.probabilities.unknown == {"prediction of another model version": 1, "no prediction": 26}


def test_a_score_alone_ranks_by_its_lower_bound_and_says_so(server, manager):
    three = '<View><Text name="words" value="$text"/><Choices name="mood" toName="words">' + "".join(
        f'<Choice value="{label}"/>' for label in ("good", "bad", "so-so")
    )
    server.label_config = three + "</Choices></View>"
    for task_id, score in ((1, 0.9), (2, 0.5), (3, 0.7)):
        server.predictions.append(
            {"task": task_id, "result": [region("good")], "score": score, "model_version": "stock"}
        )
    learner = manager(ask_backend=False)
    scores = learner.score(learner.read_pool())
    batch = learner.recommend(scores, 3)
    assert asked(batch) == [2, 3, 1]
    # Margin of 0.5 with 0.5 left for two classes: the second has 0.25 to 0.5.
    assert (batch.items[0].score, batch.items[0].score_high) == pytest.approx((0.75, 1.0))
    assert batch.items[0].probabilities == {"good": 0.5}
    high = manager(ask_backend=False, rank_by="high")
    assert high.score(high.read_pool()).values[:3] == pytest.approx([0.2, 1.0, 0.6])


# --------------------------------------------------------------------- several models, several controls


def test_a_committee_of_stored_versions_asks_where_they_disagree(server, manager):
    for task_id in range(1, 31):
        server.predict(task_id, 0.9 + task_id / 1000, "v1")
        server.predict(task_id, 0.1 if task_id == 7 else 0.8 + task_id / 1000, "v0")
    learner = manager(strategy_name="vote_entropy")
    scores = learner.score(learner.read_pool())
    assert [model.model_version for model in scores.models] == ["v1", "v0"]
    assert scores.model_version == "v1, v0"
    assert asked(learner.recommend(scores, 1)) == [7]


def test_other_backends_join_the_committee(server, backend, manager, wire):
    second = BackendServer(version="w1")
    second.good = lambda task_id: 0.1 if task_id == 4 else backend.good(task_id)
    wire.route(url__startswith="http://second.test").mock(side_effect=second)
    with_second = manager(strategy_name="kl_divergence", committee=[MLBackend("http://second.test")])
    scores = with_second.score(with_second.read_pool())
    assert [model.model_version for model in scores.models] == ["v1", "w1"]
    assert int(np.nanargmax(scores.values)) == 3
    with_second.committee[0].close()


def test_one_model_is_no_committee(manager):
    learner = manager(strategy_name="consensus_entropy")
    with pytest.raises(NoPredictions, match="A committee needs two models or more"):
        learner.score(learner.read_pool())


TWO_CONTROLS = (
    '<View><Text name="words" value="$text"/><Choices name="mood" toName="words"><Choice value="good"/>'
    '<Choice value="bad"/></Choices><Choices name="tone" toName="words"><Choice value="calm"/><Choice value="loud"/>'
    "</Choices></View>"
)


def with_tone(task_id, good, calm):
    tone = {"from_name": "tone", "to_name": "words", "type": "choices", "value": {"choices": ["calm"]}}
    return {
        "task": task_id,
        "result": [region("good", {"good": good, "bad": 1 - good}), {**tone, "score": calm}],
        "score": None,
        "model_version": "both",
    }


def test_of_several_controls_one_is_chosen_or_all_are_combined(server, manager):
    server.label_config = TWO_CONTROLS
    server.predictions = [with_tone(1, 0.5, 0.99), with_tone(2, 0.8, 0.6), with_tone(3, 0.99, 0.5)]
    first = {}
    for control in ("mood", "tone", "*"):
        learner = manager(ask_backend=False, control=control)
        scores = learner.score(learner.read_pool())
        first[control] = asked(learner.recommend(scores, 1))
        assert len(scores.models) == (2 if control == "*" else 1)
    assert first == {"mood": [1], "tone": [3], "*": [2]}
    with pytest.raises(UnsupportedProject, match=r"mood.*tone"):
        _ = manager(ask_backend=False).label_space


def test_the_doctor_looks_at_every_control_on_a_sample(server, manager):
    server.label_config = TWO_CONTROLS
    server.predictions = [with_tone(task_id, 0.5 + task_id / 100, 0.6 + task_id / 100) for task_id in range(1, 31)]
    server.annotate(1, "good")
    diagnosis = manager(ask_backend=False).diagnose(sample=12)
    assert diagnosis.sampled == 12
    assert [report.control for report in diagnosis.controls] == ["mood", "tone"]
    assert {report.known for report in diagnosis.controls} == {12}
    assert diagnosis == manager(ask_backend=False).diagnose(sample=12)


def test_the_doctor_of_an_empty_project(server, manager):
    server.tasks.clear()
    with pytest.raises(EmptyPool):
        manager().diagnose()


def test_the_random_strategy_asks_no_model(backend, manager):
    batch = run(manager(strategy_name="random"))
    assert len(batch.items) == 5
    assert backend.requests == []
    assert {item.score for item in batch.items} == {None}


def test_a_model_that_changes_between_two_pieces_is_an_error(backend, manager, monkeypatch):
    monkeypatch.setattr("al_core.predictions.direct.MOST_CHUNK", 10)
    monkeypatch.setattr("al_core.predictions.direct.IN_FLIGHT", 1)
    answered = []

    def trained_meanwhile(_):
        answered.append(1)
        backend.version = f"v{len(answered)}"

    backend.faults["/predict"] = trained_meanwhile
    learner = manager()
    with pytest.raises(UnexpectedAnswer, match=r"model changed while it predicted \(v1, v2\)"):
        learner.score(learner.read_pool())


def test_a_model_that_changes_after_it_named_its_version_is_an_error(server, backend, manager):
    """Stored predictions of one model and fresh ones of another would be ranked against each other."""
    server.predict(1, 0.5, "v1")
    backend.faults["/predict"] = lambda _: setattr(backend, "version", "v2")
    learner = manager()
    with pytest.raises(UnexpectedAnswer, match=r"model changed while it predicted \(v1, v2\)"):
        learner.score(learner.read_pool())


def test_a_task_that_vanishes_while_scoring_is_unknown(server, manager):
    learner = manager()
    pool = learner.read_pool()
    del server.tasks[30]
    scores = learner.score(pool)
    assert np.isnan(scores.values[-1])
    assert scores.probabilities.unknown == {"no prediction": 1}
    assert 30 not in asked(learner.recommend(scores, 30))


# --------------------------------------------------------------------- the batch


def test_the_most_torn_are_asked_first(manager):
    batch = run(manager())
    # The nearer to 50, the more torn this backend is.
    assert asked(batch) == [30, 29, 28, 27, 26]
    assert [item.rank for item in batch.items] == [1, 2, 3, 4, 5]
    best = batch.items[0]
    assert best.lane == "strategy"
    assert best.predicted_label == "bad"
    assert list(best.probabilities.values()) == pytest.approx([0.6, 0.4])
    assert (batch.asked, batch.note) == (5, "")


def test_of_equal_contents_one_is_asked(server, manager):
    for task_id in range(21, 31):
        server.tasks[task_id]["data"] = {"text": "the very same words"}
    for diversity in ("none", "kmeans"):
        batch = asked(run(manager(diversity=diversity, candidate_factor=4)))
        assert sum(task_id > 20 for task_id in batch) <= 1
    assert asked(run(manager()))[1:] == [20, 19, 18, 17], "the places go to the next in the ranking"


def test_k_means_asks_only_among_the_candidates(manager):
    diverse = asked(run(manager(diversity="kmeans", candidate_factor=2)))
    assert min(diverse) > 20, "only the 2 × 5 most torn are candidates"
    assert diverse != asked(run(manager()))


def test_k_means_without_anything_to_tell_apart_still_fills_the_batch(server, manager):
    for task in server.tasks.values():
        task["data"] = {"text": ""}
    batch = run(manager(diversity="kmeans"), size=7)
    assert len(set(asked(batch))) == 7


@pytest.mark.parametrize("settings", [{"diversity": "kmeans"}, {"diversity": "none"}, {"strategy_name": "random"}])
def test_the_same_seed_on_the_same_data_asks_the_same(manager, settings):
    first = run(manager(seed=3, **settings), test_size=4)
    assert run(manager(seed=3, **settings), test_size=4) == first


def test_another_seed_draws_another_random_batch(manager):
    assert asked(run(manager(strategy_name="random", seed=1))) != asked(run(manager(strategy_name="random", seed=2)))


@pytest.mark.parametrize("settings", [{"diversity": "kmeans"}, {"diversity": "none"}, {"strategy_name": "random"}])
def test_no_task_is_in_a_batch_twice_and_the_test_set_comes_last(manager, settings):
    batch = run(manager(**settings), size=8, test_size=6)
    assert len(set(asked(batch))) == 14
    assert [item.rank for item in batch.items] == list(range(1, 15))
    assert [item.lane for item in batch.items] == ["strategy"] * 8 + ["test"] * 6


def test_a_test_set_alone_can_be_asked(manager):
    batch = run(manager(strategy_name="random"), size=0, test_size=6)
    assert [item.lane for item in batch.items] == ["test"] * 6


def test_what_is_held_out_is_never_picked(manager):
    batch = run(manager(held_out=[30, 28]), size=30)
    assert not {30, 28} & set(asked(batch))


def test_uploaded_pictures_are_read_with_the_token_and_others_are_not_asked_for(server, manager):
    server.label_config = server.label_config.replace("<Text", "<Image").replace("$text", "$image")
    for task_id, task in server.tasks.items():
        host = "" if task_id % 2 else "http://elsewhere.test"
        task["data"] = {"image": f"{host}/data/upload/7/{task_id}.png"}
        pixels = np.full((16, 16), 8 * task_id, dtype=np.uint8)
        pixels[: task_id % 16] = 255
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG")
        server.files[f"/data/upload/7/{task_id}.png"] = png.getvalue()
    said = []
    batch = run(manager(diversity="kmeans", candidate_factor=20), 4, progress=lambda *report: said.append(report[2]))
    assert len({item.cluster for item in batch.items if item.cluster is not None}) >= 2
    assert batch.note == (
        "15 of 30 candidates stayed out of the diversity: the picture could not be read from its address."
    )
    assert "Reading pictures: 3 of 30." in said


@pytest.mark.parametrize(("diversity", "said"), [("kmeans", ALIKE), ("none", "")])
def test_tasks_whose_content_cannot_be_read_are_not_called_diverse(server, manager, diversity, said):
    for task in server.tasks.values():
        task["data"] = {"text": ""}
    batch = run(manager(diversity=diversity), size=4)
    plain = run(manager(diversity="none"), size=4)
    assert asked(batch) == asked(plain)
    assert batch.note.startswith(said)
    assert bool(batch.note) == bool(said)


@pytest.mark.parametrize("diversity", ["kmeans", "none"])
def test_what_was_answered_since_the_pool_was_read_is_left_out(server, manager, diversity):
    learner = manager(diversity=diversity)
    scores = learner.score(learner.read_pool())
    server.annotate(30, "good")
    server.annotate(29, None)
    del server.tasks[28]
    batch = learner.recommend(scores, 27, test_size=3)
    assert not {28, 29, 30} & set(asked(batch))
    assert "2 tasks were answered meanwhile and left out." in batch.note


@pytest.mark.parametrize("diversity", ["kmeans", "none"])
def test_a_batch_larger_than_the_pool_takes_all_and_says_so(manager, diversity):
    batch = run(manager(diversity=diversity), size=50)
    assert sorted(asked(batch)) == list(range(1, 31))
    assert (batch.asked, batch.note) == (50, "Wanted 50 tasks; only 30 could be picked.")


@pytest.mark.parametrize(("size", "test_size"), [(0, 0), (-1, 5), (5, -1)])
def test_a_batch_of_nothing_is_refused(manager, size, test_size):
    with pytest.raises(InvalidInput, match="at least one task"):
        run(manager(strategy_name="random"), size, test_size=test_size)


# --------------------------------------------------------------------- publish and hear


def test_publishing_the_same_title_again_finds_its_tab(server, manager):
    learner = manager()
    first = learner.publish([3, 1], "Round 1")
    assert learner.publish([3, 1], "Round 1") == first
    other = learner.publish([5], "Round 2")
    assert [server.tab_ids(view_id) for view_id in (first.view_id, other.view_id)] == [[3, 1], [5]]
    assert len(server.tabs) == 2


def test_retracting_keeps_the_labels_and_may_be_repeated(server, manager):
    learner = manager()
    publication = learner.publish([3], "Round 1")
    server.annotate(3, "good")
    learner.retract(publication.view_id)
    learner.retract(publication.view_id)
    assert server.tabs == {}
    assert server.tasks[3]["is_labeled"]


def test_only_what_changed_is_read(server, manager):
    learner = manager()
    view_id = learner.publish([1, 2, 3], "Round 1").view_id
    first = learner.read_labels(view_id, {})
    assert {task_id: label for task_id, (_, label) in first.items()} == {1: None, 2: None, 3: None}
    seen = {task_id: moment for task_id, (moment, _) in first.items()}
    assert learner.read_labels(view_id, seen) == {}
    server.annotate(2, "bad")
    server.requests.clear()
    ((task_id, (_, label)),) = learner.read_labels(view_id, seen).items()
    assert (task_id, label.value, label.annotator) == (2, "bad", "bob@example.com")
    asked_whole = [r.url.params for r in server.requests if r.url.params.get("fields") == "all"]
    asked_for = [json.loads(params["query"])["filters"]["items"][0]["value"] for params in asked_whole]
    assert asked_for == [{"min": 2, "max": 2}]


def test_labels_outside_the_batch_are_found(server, manager):
    since = datetime.now(UTC) - timedelta(seconds=1)
    for task_id in (9, 1, 4):
        server.annotate(task_id, "good")
    assert manager().labeled_outside([1, 2], since) == [4, 9]
    assert manager().labeled_outside([1, 2], datetime.now(UTC) + timedelta(minutes=1)) == []


# --------------------------------------------------------------------- evaluate


def test_evaluating_counts_what_the_model_answers_rightly(server, backend, manager):
    # Below 50 this backend says "bad".
    for task_id, label in {1: "bad", 2: "bad", 3: "bad", 4: "good"}.items():
        server.annotate(task_id, label)
    evaluation = manager().evaluate([1, 2, 3, 4])
    assert evaluation.model_version == "v1"
    found = evaluation.headline
    assert (found.name, found.value, found.correct, found.count) == ("accuracy", 0.75, 3, 4)
    assert 0 < found.low < 0.75 < found.high < 1
    assert evaluation.confusion.labels == ("good", "bad")
    assert evaluation.confusion.counts == ((0, 1, 0), (0, 3, 0))
    answer = evaluation.answers[3]
    assert (answer.task_id, answer.truth, answer.predicted, answer.is_right) == (4, "good", "bad", False)
    good = backend.good(4)
    assert answer.confidence == pytest.approx(1 - good)
    assert answer.uncertainty == pytest.approx(1 - (1 - 2 * good)), "the margin, which is the strategy's measure"


def test_only_the_tasks_with_an_answer_are_measured(server, backend, manager):
    server.annotate(1, "bad")
    server.annotate(2, None)
    server.annotate(3, "good")
    server.annotate(3, "bad")
    server.annotate(5, "bad")
    server.annotate(5, "good")
    server.tasks[5]["annotations"][0]["ground_truth"] = True
    evaluation = manager(strategy_name="random").evaluate([1, 2, 3, 4, 5, 99])
    assert [(answer.task_id, answer.truth) for answer in evaluation.answers] == [(1, "bad"), (3, "bad"), (5, "bad")]
    first = evaluation.answers[0]
    assert first.uncertainty == pytest.approx(1 - first.confidence), "where no strategy says how uncertain it is"


def test_what_the_model_cannot_answer_counts_as_wrong(server, backend, manager):
    server.annotate(1, "bad")
    server.annotate(2, "bad")
    backend.faults["/predict"] = httpx.Response(200, json={"results": [{"result": []}], "model_version": "v1"})
    evaluation = manager().evaluate([1, 2])
    assert (evaluation.headline.correct, evaluation.headline.count, evaluation.unanswered) == (0, 2, 2)


def test_a_test_set_without_labels_measures_nothing(server, backend, manager):
    server.annotate(1, None)
    for test_ids in ([], [1, 2]):
        with pytest.raises(NoLabels):
            manager().evaluate(test_ids)
    assert not backend.bodies("/predict")


def test_regions_that_nothing_measures_are_named(server, manager):
    server.label_config = BOXES.replace("RectangleLabels", "PolygonLabels")
    server.annotate(1, "cat")
    with pytest.raises(UnsupportedProject, match="PolygonLabels"):
        manager().evaluate([1])


# --------------------------------------------------------------------- leaving


VERBS = {
    "read_pool": (lambda learner, scores, stop: learner.read_pool(stop), "GET /api/tasks"),
    "the project": (lambda learner, scores, stop: learner.read_pool(stop), "GET /api/projects/7/$"),
    "score": (lambda learner, scores, stop: learner.score(scores.pool, stop), "/predict"),
    "the version": (lambda learner, scores, stop: learner.score(scores.pool, stop), "/setup"),
    "recommend": (lambda learner, scores, stop: learner.recommend(scores, 3, progress=stop), "GET /api/tasks"),
    "diagnose": (lambda learner, scores, stop: learner.diagnose(5, stop), "model-versions"),
    "the labels": (lambda learner, scores, stop: learner.train(Before("v1"), progress=stop), "GET /api/tasks"),
    "train": (lambda learner, scores, stop: learner.train(Before("v1"), progress=stop), "POST /train"),
    "watch": (lambda learner, scores, stop: learner.train(Before("v1"), progress=stop), "GET /is_training"),
    "evaluate": (lambda learner, scores, stop: learner.evaluate([1], stop), "/predict"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_left_at_once_while_a_server_hangs(server, backend, manager, verb):
    work, line = VERBS[verb]
    earlier = manager()
    scores = earlier.score(earlier.read_pool())
    server.annotate(1, "good")
    learner = manager()
    released = threading.Event()
    for broken in (server, backend):
        broken.faults[line] = lambda _: released.wait(20) and None
    began, stop = time.monotonic(), cancel_after(0.4)

    try:
        with pytest.raises(Cancelled):
            work(learner, scores, stop)
        assert time.monotonic() - began < 2.4
    finally:
        released.set()
