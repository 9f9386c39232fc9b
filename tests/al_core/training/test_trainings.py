"""From asking for a training to its verdict, against backends of every kind and all that can go wrong on the way."""

import threading
import time

import httpx
import pytest

from al_core.errors import AccessRefused, Cancelled, ServerUnreachable, TrainEndpointMissing
from al_core.training import Before, CallBack, Lesson, watching
from tests.al_core.leaving import cancel_after
from tests.al_core.training.conftest import PROBE
from tests.servers import BACKEND_URL

HOOK = "https://site.test/hooks/training/q7Zt0ken/"


def ends(backend, *, version="", error="", learned=True):
    """What happens when the training of a backend that is at it ends."""

    def end():
        backend.running, backend.error = False, error
        backend.version = version or backend.version
        backend.lessons += learned

    return end


def begins(backend):
    """A training that goes on behind the answer."""

    def answer(request):
        backend.running = True
        return httpx.Response(200, json={"status": "training_started"})

    return answer


def silent_one(backend):
    """A backend without /is_training, whose /setup always says v1."""
    backend.faults["/is_training"] = httpx.Response(404)
    backend.faults["/train"] = httpx.Response(200, json={"status": "training_started"})


# --------------------------------------------------------------------- what came of it


def test_a_new_version_that_predicts_otherwise_is_a_new_model(backend, train):
    found = train()
    assert (found.verdict, found.route, found.label_count) == ("new_model", "train", 1)
    assert (found.version_before, found.version_after) == ("v1", "v2")
    assert (found.probed, found.probe_changed) == (4, 4)
    assert found.reason == "The backend has v2 now, and 4 of 4 predictions are others than before."
    assert found.said == ("POST /train → 200 training_started",)
    (body,) = backend.bodies("POST /train")
    assert body["holdout_task_ids"] == [4]
    assert "callback_url" not in body


def test_a_new_name_for_the_same_predictions_is_the_same_model(backend, train):
    backend.learns = False
    found = train()
    assert (found.verdict, found.version_after, found.probe_changed) == ("same_model", "v2", 0)
    assert "a new name for the model that it had" in found.reason


def test_a_new_name_is_doubted_where_answers_have_no_numbers(backend, train):
    backend.result = lambda task_id: [{"from_name": "mood", "type": "choices", "value": {"choices": ["good"]}}]
    found = train()
    assert found.verdict == "new_model"
    assert "That is in doubt: all 4 predictions" in found.reason


def test_other_predictions_of_the_same_version_are_a_new_model(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    clock.events[3] = ends(backend)
    found = train()
    assert (found.verdict, found.version_after, found.probe_changed) == ("new_model", "v1", 4)
    assert found.reason == "4 of 4 predictions are others than before, although the backend kept its version v1."


def test_stored_predictions_of_the_model_before_are_told_of_where_the_name_stays(server, backend, train, clock):
    for task_id in (8, 9):
        server.predict(task_id, 0.7, "v1")
    backend.faults["/train"] = begins(backend)
    clock.events[2] = ends(backend)
    assert "Label Studio has 2 stored predictions under that name, by the model before" in train().reason
    backend.faults["/train"] = begins(backend)
    clock.events[20] = ends(backend, version="v2")
    assert "stored" not in train().reason


def test_a_backend_that_says_200_and_does_nothing_has_the_same_model(backend, train, clock):
    backend.trains = False
    found = train()
    assert (found.verdict, found.version_after, found.probe_changed) == ("same_model", "v1", 0)
    assert "the version is still v1, and all 4 predictions that were compared are what they were" in found.reason
    assert 5 <= clock.now <= 6, "it is given the time to begin"


def test_predictions_that_are_others_each_time_tell_nothing(backend, train):
    backend.trains = False
    asked = iter(range(1000))
    backend.good = lambda task_id: 0.2 + next(asked) / 2000
    found = train()
    assert (found.verdict, found.probe_changed) == ("same_model", 0)
    assert "4 of 4 predictions are others each time, so they tell nothing" in found.reason


def test_a_backend_that_could_not_predict_before_and_can_now(backend, train, clock, make_trainer):
    backend.faults |= {"/predict": httpx.Response(400, json={"error": "Not trained."})}
    before = make_trainer().before(PROBE)
    assert before == Before("v1", dict.fromkeys(PROBE, ""))
    backend.faults.clear()
    backend.faults["/train"] = httpx.Response(200)
    found = train(before)
    assert (found.verdict, found.version_after, found.probe_changed) == ("new_model", "v1", 4)


def test_a_model_that_gets_its_name_when_it_is_loaded_has_that_name(backend, train, clock):
    """As of label-studio-ml 1.0.9, which loads what it has trained when it is asked to predict."""

    def predicts(request):
        if backend.version == "when it was trained":
            backend.version = "as it predicts"

    def trains(request):
        ends(backend, version="when it was trained")()
        return httpx.Response(201, json={})

    backend.faults["/predict"] = predicts
    backend.faults["POST /train"] = trains
    found = train()
    assert (found.verdict, found.version_after) == ("new_model", "as it predicts")


def test_a_backend_that_only_trains_is_judged_by_its_version(backend, train):
    backend.faults["/predict"] = httpx.Response(404)
    found = train()
    assert (found.verdict, found.version_after, found.probed) == ("new_model", "v2", 0)


def test_a_new_version_that_cannot_be_asked_yet_is_believed(backend, train, clock):
    before = Before("v1", dict.fromkeys(PROBE, "a-b-c"))
    backend.faults["/predict"] = httpx.ConnectError("loading")
    found = train(before)
    assert (found.verdict, found.version_after, found.probed) == ("new_model", "v2", 0)
    assert "could not be tried" in found.reason


def test_a_model_that_is_loading_is_asked_again(backend, train, clock):
    looked = []

    def loading(request):
        looked.append(1)
        return httpx.ConnectError("loading") if backend.version == "v2" and len(looked) < 4 else None

    backend.faults["/predict"] = loading
    found = train()
    assert (found.verdict, found.probed) == ("new_model", 4)


def test_what_people_spent_is_told(backend, make_trainer):
    live = [{"was_cancelled": False, "lead_time": 12.0}, {"was_cancelled": True, "lead_time": 500.0}]
    tasks = [
        {"id": 1, "data": {}, "annotations": live},
        {"id": 2, "data": {}, "annotations": [{"lead_time": 4.0}, {"lead_time": 4.0}]},
        {"id": 3, "data": {}, "annotations": [{"lead_time": None}]},
    ]
    trainer = make_trainer()
    found = trainer.train(Lesson(tasks, []), trainer.before(PROBE))
    assert (found.lead_seconds, found.lead_known, found.label_count) == (30.0, 2, 3)


# --------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (httpx.Response(500, json={"error": "CUDA out of memory"}), "POST /train → 500 CUDA out of memory"),
        (httpx.Response(400, json={"error": "No annotations found."}), "POST /train → 400 No annotations found."),
        (httpx.Response(200, json={"error": "Only one class."}), "POST /train → 200 Only one class."),
    ],
)
def test_a_refusal_is_a_failure_in_the_words_of_the_backend(backend, train, clock, fault, words):
    backend.faults["/train"] = fault
    found = train()
    assert (found.verdict, found.version_after, found.said) == ("failed", "v1", (words,))
    assert found.reason == f"The training failed. The backend says: {words}"
    assert clock.now == 0
    assert not backend.bodies("POST /webhook"), "a train that fails is not taken for a missing one"


def test_a_failure_behind_the_answer_is_told(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    clock.events[4] = ends(backend, error="Only one class is labelled.", learned=False)
    found = train()
    assert found.verdict == "failed"
    assert found.reason == "The training failed. The backend says: Only one class is labelled."
    assert found.said[-1] == "GET /is_training → Only one class is labelled."
    assert clock.now == 4


def test_an_error_of_before_counts_only_when_the_backend_has_had_time_to_begin(backend, train, clock):
    backend.error = "yesterday's"
    backend.faults["/train"] = httpx.Response(200)
    clock.events[3] = ends(backend, version="v2", error="yesterday's")
    assert train().verdict == "new_model"
    backend.error = "the same again"
    found = train()
    assert (found.verdict, clock.now >= 8) == ("failed", True)


def test_a_refusal_by_one_that_trains_is_watched_all_the_same(backend, train, clock):
    def refuses(request):
        backend.running = True
        return httpx.Response(409, json={"error": "in progress"})

    backend.faults["/train"] = refuses
    clock.events[3] = ends(backend, version="v2")
    assert train().verdict == "new_model"


def test_the_time_is_over_while_it_trains(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    found = train(timeout=300)
    assert found.verdict == "failed"
    assert found.reason.startswith("The backend was still training after 5 minutes; the version is still v1")


def test_a_backend_that_dies_while_it_trains_has_failed(backend, train, clock):
    def dies(request):
        backend.faults["."] = httpx.ConnectError("refused")
        return httpx.Response(200, json={"status": "training_started"})

    backend.faults["POST /train"] = dies
    found = train(timeout=100)
    assert (found.verdict, found.version_after, found.probed) == ("failed", "v1", 0)
    assert found.reason.startswith("After 100 s the backend does not answer any more")
    assert found.said == ("POST /train → 200 training_started",)


def test_a_training_longer_than_a_minute_is_looked_at_less_often(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    clock.events[400] = ends(backend, version="v2")
    assert train(timeout=1000).verdict == "new_model"
    assert len([r for r in backend.requests if r.url.path == "/is_training"]) < 140


def test_a_wrong_password_and_a_backend_without_time_are_errors(backend, train, make_trainer):
    before = make_trainer().before(PROBE)
    backend.faults["/train"] = httpx.Response(401)
    with pytest.raises(AccessRefused):
        train(before)
    backend.faults["/train"] = httpx.Response(503)
    with pytest.raises(ServerUnreachable, match="no time for /train"):
        train(before)


# --------------------------------------------------------------------- inside the request


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), httpx.Response(504)])
@pytest.mark.parametrize("path", ["/train", "/webhook"])
def test_a_request_without_an_answer_may_train_all_the_same(backend, train, clock, fault, path):
    if path == "/webhook":
        backend.faults["/train"] = httpx.Response(404)

    def trains_inside(request):
        clock.events[clock.now + 40] = ends(backend, version="v2")
        return fault

    backend.faults[path] = trains_inside
    found = train(timeout=600)
    assert (found.verdict, found.route) == ("new_model", path[1:])
    assert found.said[0].startswith(f"POST {path} →")
    assert 40 <= clock.now < 60


def test_without_an_answer_and_without_a_change_it_has_failed_or_is_what_it_was(backend, train, clock):
    backend.faults["/train"] = httpx.ReadError("cut")
    found = train(timeout=600)
    assert found.verdict == "same_model"
    assert clock.now >= 60
    backend.faults["/is_training"] = httpx.Response(404)
    found = train(timeout=50)
    assert found.verdict == "failed"
    assert found.reason.startswith("No new model after 50 s: the version is still v1")


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("busy"), httpx.ConnectError("busy"), httpx.Response(503)])
def test_a_backend_that_is_too_busy_to_answer_is_waited_for(backend, train, clock, fault):
    said = []

    def busy(request):
        backend.faults["."] = fault
        clock.events[30] = lambda: (backend.faults.clear(), ends(backend, version="v2")())
        return httpx.Response(201)

    backend.faults["POST /train"] = busy
    found = train(progress=lambda done, total, sentence: said.append(sentence))
    assert found.verdict == "new_model"
    assert "The backend does not answer, as one may that trains, 12 s so far." in said


# --------------------------------------------------------------------- call-backs, jobs and numbers


def test_a_call_back_alone_tells_the_end(backend, train, clock):
    backend.version = ""
    silent_one(backend)
    backend.good = lambda task_id: 0.5 + task_id / 100
    backend.result = lambda task_id: [
        {"from_name": "mood", "type": "choices", "value": {"choices": ["good"]}, "score": backend.good(task_id)}
    ]
    sent = []

    def end():
        backend.good = lambda task_id: 0.4 + task_id / 100
        sent.append(CallBack("done", "v9", "", {"accuracy": 0.875}))

    clock.events[12] = end
    found = train(call_back_url=HOOK, heard=lambda: sent[-1] if sent else None)
    assert backend.bodies("/train")[0]["callback_url"] == HOOK
    assert (found.verdict, found.version_before, found.version_after) == ("new_model", "", "v9")
    assert found.reported == {"accuracy": 0.875}
    assert found.said == ("POST /train → 200 training_started", "call-back → done v9")
    assert clock.now < 20


def test_a_call_back_is_not_believed_against_the_predictions(backend, train, clock):
    silent_one(backend)
    found = train(heard=lambda: CallBack("done", "v2"))
    assert (found.verdict, found.version_after) == ("same_model", "v1")
    assert watching.GRACE_SECONDS <= clock.now <= 10, "it may be loading what it has trained"


def test_a_call_back_of_a_failure_ends_the_wait(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    calls = [CallBack("epoch 1 of 9"), CallBack("failed", error="The disk is full.")]
    found = train(heard=lambda: calls[0] if clock.now < 3 else calls[1])
    assert found.verdict == "failed"
    assert found.reason == "The training failed. The backend says: The disk is full."
    assert found.said[1:] == ("call-back → epoch 1 of 9", "call-back → failed The disk is full.")


def test_the_job_is_asked_for_by_its_id(backend, train, clock):
    asked = []
    backend.faults["/train"] = httpx.Response(201, json={"job": "5f0c"})

    def state(request):
        asked.append(request.url.params.get("job"))
        if "job" not in request.url.params or clock.now < 4:
            return httpx.Response(200, json={"is_training": "job" in request.url.params, "model_version": "v1"})
        backend.lessons += 1
        backend.faults.pop("/is_training")
        metrics = {"f1": 0.5}
        return httpx.Response(200, json={"is_training": False, "model_version": "v2", "metrics": metrics})

    backend.faults["/is_training"] = state
    found = train()
    assert (found.verdict, found.reported) == ("new_model", {"f1": 0.5})
    assert set(asked) == {None, "5f0c"}


# --------------------------------------------------------------------- backends that say nothing


def test_a_silent_backend_is_found_out_by_what_it_predicts(backend, train, clock):
    silent_one(backend)
    clock.events[45] = ends(backend)
    said = []
    found = train(timeout=600, progress=lambda done, total, sentence: said.append(sentence))
    assert (found.verdict, found.version_after) == ("new_model", "v1")
    assert 45 <= clock.now < 100
    assert "The backend says nothing of its training; looking for a new model, 7 s so far." in said


def test_a_silent_backend_without_a_change_is_watched_until_the_time_is_over(backend, train, clock):
    silent_one(backend)
    found = train(timeout=200)
    assert found.verdict == "same_model"
    assert found.reason.startswith("No new model after 3 minutes: the version is still v1, and all 4 predictions")
    assert clock.now >= 200


def test_where_nothing_is_known_nothing_is_claimed(backend, train, clock):
    silent_one(backend)
    backend.version = ""
    backend.faults["/predict"] = httpx.ReadError("cut")
    found = train(Before(""), timeout=60)
    assert (found.verdict, found.probed) == ("failed", 0)
    assert "the backend names no version, and whether it predicts otherwise could not be tried" in found.reason


def test_a_version_that_only_predictions_name_is_known(backend, train, clock):
    silent_one(backend)
    backend.faults["/setup"] = httpx.Response(200, json={})
    clock.events[20] = ends(backend, version="v2")
    found = train(timeout=600)
    assert (found.verdict, found.version_before, found.version_after) == ("new_model", "v1", "v2")


# --------------------------------------------------------------------- by which way


@pytest.mark.parametrize("status", [404, 405])
def test_without_train_the_webhook_is_asked(backend, train, status):
    backend.faults["/train"] = httpx.Response(status)
    found = train(call_back_url=HOOK)
    assert (found.verdict, found.route) == ("new_model", "webhook")
    (body,) = backend.bodies("POST /webhook")
    assert (body["holdout_task_ids"], body["callback_url"]) == ([4], HOOK)


def test_a_named_way_is_gone_alone(server, backend, train):
    assert train(route="webhook").route == "webhook"
    assert not backend.bodies("POST /train")
    backend.faults["/webhook"] = httpx.Response(404)
    with pytest.raises(TrainEndpointMissing, match="has no POST /webhook"):
        train(route="webhook")
    assert not backend.bodies("POST /train")
    with pytest.raises(TrainEndpointMissing, match="Label Studio does not reach the ML backend"):
        train(route="label_studio")


def test_with_none_at_all_it_is_said_what_to_do(server, backend, train):
    backend.faults["/train|/webhook"] = httpx.Response(404)
    for connected in (True, False):
        server.backends = server.backends if connected else []
        with pytest.raises(TrainEndpointMissing, match=r"neither POST /train nor POST /webhook") as caught:
            train()
        assert BACKEND_URL in caught.value.message
        assert "docs/ml-backend.md" in caught.value.hint


def test_through_label_studio(server, backend, train):
    found = train(route="label_studio")
    assert (found.verdict, found.route, found.version_after) == ("new_model", "label_studio", "v2")
    assert [r.url.path for r in server.requests if r.method == "POST"] == ["/api/ml/3/train"]
    assert found.said == ("Label Studio → 200, it has asked the backend",)


def test_what_label_studio_keeps_of_a_failure_is_read_before_it_forgets(server, backend, train, clock):
    backend.faults["/webhook"] = httpx.Response(500, json={"error": "out of memory"})
    found = train(route="label_studio")
    assert found.verdict == "failed"
    assert found.said == (f"Label Studio → 500 Server Error: for url: {BACKEND_URL}/webhook",)
    assert clock.now == 0


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), httpx.Response(201)])
def test_label_studio_takes_a_slow_or_empty_answer_for_an_error_and_we_do_not(server, backend, train, clock, fault):
    def trains_inside(request):
        clock.events[clock.now + 20] = ends(backend, version="v2")
        return fault

    backend.faults["/webhook"] = trains_inside
    found = train(route="label_studio", timeout=600)
    assert found.verdict == "new_model"
    assert found.said[0].startswith("Label Studio → ")


def test_a_label_studio_that_breaks_off_may_have_asked(server, backend, train, clock):
    def asked_and_cut(request):
        clock.events[clock.now + 10] = ends(backend, version="v2")
        return httpx.ReadError("cut")

    server.faults["/train"] = asked_and_cut
    assert train(route="label_studio").verdict == "new_model"


def test_a_backend_that_only_label_studio_reaches_is_trained_through_it(server, backend, train, clock):
    backend.faults["."] = httpx.ConnectError("no route")

    def asks(row):
        clock.events[15] = lambda: row.update(model_version="v2")

    server.on_train = asks
    found = train(timeout=600)
    assert (found.verdict, found.route, found.version_before, found.version_after) == (
        "new_model",
        "label_studio",
        "v1",
        "v2",
    )
    assert 15 <= clock.now < 25


def test_a_backend_that_nobody_reaches_is_an_error(server, backend, train):
    backend.faults["."] = httpx.ConnectError("refused")
    server.backends[0]["state"] = "DI"
    with pytest.raises(ServerUnreachable, match="No ML backend answers"):
        train()


def test_a_backend_that_dies_before_it_is_asked_was_not_asked(server, backend, train, make_trainer):
    before = make_trainer().before(PROBE)
    server.backends[0]["state"] = "DI"
    backend.faults["POST"] = httpx.ConnectError("refused")
    with pytest.raises(ServerUnreachable, match="No ML backend answers"):
        train(before)


# --------------------------------------------------------------------- trainings of others


def test_a_training_of_somebody_else_is_waited_for_and_not_taken_for_ours(backend, train, make_trainer, clock):
    said = []
    before = make_trainer().before(PROBE)
    backend.running = True
    clock.events[8] = ends(backend, version="v2")
    found = train(before, progress=lambda done, total, sentence: said.append(sentence))
    assert (found.version_before, found.version_after) == ("v2", "v3")
    assert len(backend.bodies("POST /train")) == 1
    assert "The backend is at another training; waiting for that, 5 s so far." in said


def test_looking_before_waits_for_it_too(backend, make_trainer, clock):
    backend.running = True
    clock.events[8] = ends(backend, version="v2")
    assert make_trainer().before(PROBE).model_version == "v2"
    assert clock.now == 8


def test_a_training_of_somebody_else_that_does_not_end(backend, train, make_trainer, clock):
    before = make_trainer().before(PROBE)
    backend.running = True
    found = train(before, timeout=60)
    assert (found.verdict, found.route, found.version_after) == ("failed", None, "v1")
    assert found.reason == "The backend was at another training for 60 s, so ours was not asked for."
    assert not backend.bodies("POST /train")


def test_an_answer_that_it_is_at_another_training_is_no_yes(backend, train, clock):
    answers = iter([httpx.Response(200, json={"status": "already_training"})])
    backend.faults["POST /train"] = lambda _: next(answers, None)
    found = train()
    assert (found.verdict, found.version_after) == ("new_model", "v2")
    assert len(backend.bodies("POST /train")) == 2
    backend.faults["POST /train"] = httpx.Response(200, json={"status": "already_training"})
    found = train(timeout=60)
    assert (found.verdict, found.route) == ("failed", None)


# --------------------------------------------------------------------- going on after a restart


@pytest.fixture
def before(backend, make_trainer):
    """What it was like before the worker died; what came of its request is for the test to say."""
    return make_trainer().before(PROBE)


def test_coming_back_to_a_training_that_ended_does_not_start_another(backend, train, before):
    ends(backend, version="v2")()
    found = train(before, resume=True)
    assert (found.verdict, found.route, found.version_after) == ("new_model", None, "v2")
    assert not backend.bodies("POST /train")


def test_coming_back_to_one_that_ended_under_the_same_name(backend, train, before, clock):
    ends(backend)()
    for answer in (None, httpx.Response(404)):
        backend.faults["/is_training"] = lambda _, answer=answer: answer
        found = train(before, resume=True)
        assert (found.verdict, found.route, found.probe_changed) == ("new_model", None, 4)
    assert not backend.bodies("POST /train")
    assert clock.now < 20


def test_coming_back_to_a_training_that_runs_does_not_start_another(backend, train, before, clock):
    backend.running = True
    clock.events[5] = ends(backend, version="v2")
    assert train(before, resume=True).version_after == "v2"
    assert not backend.bodies("POST /train")


def test_coming_back_to_one_that_is_too_busy_to_answer(backend, train, before, clock):
    backend.faults["."] = httpx.ReadTimeout("busy")
    clock.events[20] = lambda: (backend.faults.clear(), ends(backend, version="v2")())
    assert train(before, resume=True).version_after == "v2"
    assert not backend.bodies("POST /train")


def test_coming_back_when_the_backend_has_called_meanwhile(backend, train, before):
    backend.lessons += 1
    found = train(before, resume=True, heard=lambda: CallBack("done", "v1"))
    assert (found.verdict, found.route) == ("new_model", None)
    assert not backend.bodies("POST /train")


def test_coming_back_to_one_that_says_only_on_being_asked_that_it_is_at_it(backend, train, before, clock):
    backend.faults |= {
        "POST /train": httpx.Response(200, json={"status": "already_training"}),
        "/is_training": httpx.Response(404),
    }
    clock.events[30] = ends(backend, version="v2")
    found = train(before, resume=True, timeout=600)
    assert (found.verdict, found.route) == ("new_model", None)
    assert len(backend.bodies("POST /train")) == 1


def test_coming_back_to_a_training_that_never_began_starts_it(backend, train, before):
    assert train(before, resume=True).route == "train"
    assert len(backend.bodies("POST /train")) == 1


def test_without_resume_a_training_is_always_asked_for(backend, train, before):
    ends(backend, version="v2")()
    found = train(before)
    assert (found.route, found.version_before, found.version_after) == ("train", "v2", "v3")


def test_coming_back_to_a_backend_that_is_gone_is_an_error(server, backend, train, before):
    server.backends[0]["state"] = "DI"
    backend.faults["."] = httpx.ConnectError("refused")
    with pytest.raises(ServerUnreachable):
        train(before, resume=True)


# --------------------------------------------------------------------- leaving, and secrets


@pytest.mark.parametrize("line", ["POST /setup", "GET /is_training", "POST /train", "POST /webhook", "/api/ml/3/train"])
def test_a_training_can_be_left_at_once_while_a_server_hangs(server, backend, train, before, line):
    released = threading.Event()
    for broken in (server, backend):
        broken.faults[line] = lambda _: released.wait(20) and None
    if line == "POST /setup":
        backend.faults["GET /is_training"] = httpx.Response(404)
    if line != "POST /train":
        backend.faults["POST /train"] = httpx.Response(404)
    if line == "/api/ml/3/train":
        backend.faults["POST /webhook"] = httpx.Response(404)
    began, stop = time.monotonic(), cancel_after(0.3)

    try:
        with pytest.raises(Cancelled):
            train(before, progress=stop)
        assert time.monotonic() - began < 2
    finally:
        released.set()


def test_a_wait_is_left_when_the_caller_wants(backend, train, clock):
    backend.faults["/train"] = begins(backend)

    def progress(done, total, sentence):
        if sentence == "The backend is training, 3 s so far.":
            assert (done, total) == (3, None)
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        train(progress=progress)
    assert clock.now == 3


def test_a_probe_that_takes_too_long_is_given_up(backend, label_studio, clock, make_trainer):
    def slow(ids, progress):
        for number in range(1000):
            progress(number, 1000, "Predicting.")
            clock.now += 1
        raise AssertionError

    trainer = make_trainer()
    trainer._predict = slow
    assert trainer.before(PROBE) == Before("v1", {})
    assert clock.now < 130


def test_no_secret_is_ever_told(server, backend, train, clock):
    leaky = f"geheim99 and {HOOK} and token q7Zt0ken"
    backend.faults["/train"] = begins(backend)
    clock.events[2] = ends(backend, error=f"state {leaky}", learned=False)
    told = [train(auth=("lead", "geheim99"), call_back_url=HOOK)]
    clock.now = 0.0
    backend.error = ""
    backend.faults["/train"] = httpx.Response(500, json={"error": f"answer {leaky}"})
    told.append(train(auth=("lead", "geheim99"), call_back_url=HOOK))
    backend.faults["/train"] = begins(backend)
    call = CallBack("failed", error=f"call {leaky}")
    told.append(train(Before("v1"), auth=("lead", "geheim99"), call_back_url=HOOK, heard=lambda: call))
    for training, word in zip(told, ("state", "answer", "call"), strict=True):
        assert training.verdict == "failed"
        assert word in training.reason
        for secret in ("geheim99", "q7Zt0ken"):
            assert secret not in repr(training)


def test_a_talkative_backend_is_cut_short(backend, train, clock):
    backend.faults["/train"] = begins(backend)
    clock.events[50] = ends(backend, version="v2")
    found = train(heard=lambda: CallBack(f"epoch {int(clock.now)} {'x' * 500}"))
    assert len(found.said) == watching.MOST_SAID
    assert all(len(line) <= 300 for line in found.said)
    assert found.said[-1].startswith("call-back → epoch 50")
