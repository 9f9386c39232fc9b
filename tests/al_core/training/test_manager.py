"""Training by the manager: which labels, compared with what, and what is kept afterwards."""

import httpx
import pytest

from al_core.errors import InvalidInput, NoLabels
from al_core.storage import MemoryStore
from al_core.training import PROBE_TASKS, Before, CallBack


@pytest.fixture
def labelled(server):
    server.annotate(1, "good", lead_time=7.5)


def test_training_gets_every_label_but_the_test_set_and_names_it(server, backend, manager):
    for task_id in (1, 2, 3):
        server.annotate(task_id, "good")
    server.annotate(5, None)
    learner = manager(held_out=[3, 4])
    training = learner.train(learner.before_training())
    (body,) = backend.bodies("POST /train")
    assert [task["id"] for task in body["annotations"]] == [1, 2]
    assert body["holdout_task_ids"] == [3, 4]
    assert (training.verdict, training.label_count, training.version_after) == ("new_model", 2, "v2")
    assert (training.lead_seconds, training.lead_known) == (5.0, 2)


def test_answers_that_chose_nothing_are_no_labels(server, backend, manager):
    server.annotate(1, "good")
    server.tasks[1]["annotations"][0]["result"] = []
    with pytest.raises(NoLabels):
        manager().train(Before("v1"))
    assert not backend.bodies("/train")


def test_labels_of_the_test_set_alone_train_nothing(server, backend, manager):
    server.annotate(3, "good")
    with pytest.raises(NoLabels, match="outside the test set"):
        manager(held_out=[3]).train(Before("v1"))
    assert not backend.bodies("/train")


def test_a_training_that_fails_says_so(labelled, backend, manager):
    backend.faults["POST /train"] = lambda _: setattr(backend, "error", "Only one class.")
    backend.trains = False
    found = manager().train(Before("v1"))
    assert found.verdict == "failed"
    assert "Only one class" in found.reason


def test_the_call_back_and_the_way_are_passed_on(labelled, backend, manager):
    backend.trains = False
    found = manager().train(
        Before("v1"),
        route="webhook",
        call_back_url="http://site.test/x/",
        heard=lambda: CallBack("failed", error="No."),
    )
    assert (found.verdict, found.route) == ("failed", "webhook")
    assert backend.bodies("POST /webhook")[0]["callback_url"] == "http://site.test/x/"


def test_without_a_backend_nothing_trains(manager):
    learner = manager(ask_backend=False)
    train, evaluate = lambda: learner.train(Before("")), lambda: learner.evaluate([1])
    for verb in (learner.model_version, learner.before_training, train, evaluate):
        with pytest.raises(InvalidInput, match="no ML backend to train"):
            verb()


def test_the_probe_is_drawn_by_the_seed_from_all_tasks(server, backend, manager):
    for task_id in range(31, 200):
        server.add_task(task_id, {"text": "more"})
    drawn = [set(manager(seed=seed).before_training().probe) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == PROBE_TASKS
    assert drawn[0] <= set(server.tasks)
    assert all(manager().before_training().probe.values())


def test_the_tasks_are_not_read_for_the_probe_where_the_pool_was(server, backend, manager):
    store = MemoryStore()
    learner = manager(store=store)
    pool = learner.read_pool()
    asked = len(server.requests)
    server.add_task(99, {"text": "new"})
    before = learner.before_training()
    assert set(before.probe) == set(pool.task_ids.tolist())
    # Nothing of the pool's readings is moved on: the next reading still tells what is new since the last.
    assert learner.read_pool().changes.added == 1
    assert not [r for r in server.requests[asked:] if "page_size=1000" in str(r.url) and "in_list" in str(r.url)]


def test_what_a_backend_was_like_survives_being_stored(backend, manager):
    before = manager().before_training()
    assert Before.from_dict(before.as_dict()) == before
    assert Before.from_dict({}) == Before("")


def test_another_model_under_the_same_name_is_not_scored_by_what_was_kept(labelled, server, backend, manager):
    store = MemoryStore()
    learner = manager(store=store)
    first = learner.score(learner.read_pool())

    def trains(request):
        backend.lessons += 50
        return httpx.Response(200)

    backend.faults["POST /train"] = trains
    training = manager(store=store).train(learner.before_training(), heard=lambda: CallBack("done"))
    assert (training.verdict, training.version_after) == ("new_model", "v1")
    again = manager(store=store)
    second = again.score(again.read_pool())
    assert second.kept == 0
    assert (second.values != first.values[-len(second.values) :]).any()


def test_the_same_model_under_the_same_name_keeps_what_was_predicted(labelled, backend, manager):
    store = MemoryStore()
    learner = manager(store=store)
    learner.score(learner.read_pool())
    backend.trains = False
    training = learner.train(learner.before_training(), heard=lambda: CallBack("done"))
    assert training.verdict == "same_model"
    again = manager(store=store)
    pool = again.read_pool()
    assert again.score(pool).kept == len(pool.task_ids)
