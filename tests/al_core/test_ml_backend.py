"""The client of an ML backend against its answers, and against all that is not one."""

import json
import math
from datetime import UTC, datetime

import httpx
import pytest

from al_core.errors import AccessRefused, BackendFailed, InvalidInput, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.ml_backend import MLBackend
from al_core.types import Project
from tests.servers import BACKEND_URL, CONFIG, PROJECT_ID, region

PROJECT = Project(PROJECT_ID, "Moods", CONFIG, 30, 0, datetime(2026, 1, 2, tzinfo=UTC))
TASKS = [{"id": 1, "data": {"text": "one"}}, {"id": 2, "data": {"text": "two"}}]


@pytest.fixture
def client(backend):
    client = MLBackend(BACKEND_URL)
    yield client
    client.close()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InvalidInput):
        MLBackend("backend.test:9090")


def test_a_backend_below_a_path_is_asked_there(wire):
    route = wire.get("http://backend.test/models/a/health").respond(json={})
    MLBackend("http://backend.test/models/a/").health()
    assert route.called


def test_basic_authentication_is_sent_where_it_is_given(wire):
    route = wire.get("http://backend.test/health").respond(json={})
    MLBackend(BACKEND_URL, auth=("lead", "geheim")).health()
    assert route.calls.last.request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (httpx.Response(401), AccessRefused, "user and password"),
        (httpx.Response(403), AccessRefused, "user and password"),
        (httpx.Response(404), NotFound, "has no /predict"),
        (httpx.Response(405), NotFound, "has no /predict"),
        (httpx.Response(302, headers={"location": "http://elsewhere.test/"}), UnexpectedAnswer, "302"),
        (httpx.Response(400, json={"error": "No such label."}), UnexpectedAnswer, "No such label"),
        (httpx.Response(422, json={"detail": "No such field."}), UnexpectedAnswer, "No such field"),
        (httpx.Response(400, text="plain words"), UnexpectedAnswer, "plain words"),
        (httpx.Response(400, json=["a list"]), UnexpectedAnswer, "refused /predict"),
        (httpx.Response(429), ServerUnreachable, "no time for /predict now"),
        (httpx.Response(503), ServerUnreachable, "no time for /predict now"),
        (httpx.ConnectError("refused"), ServerUnreachable, "No ML backend answers"),
        (httpx.ConnectTimeout("slow"), ServerUnreachable, "No ML backend answers"),
        (httpx.Response(500), BackendFailed, "failed at /predict"),
        (httpx.Response(500, text="list index out of range"), BackendFailed, "list index out of range"),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), BackendFailed, r"failed at /predict \(502\)\.$"),
        (httpx.Response(413), BackendFailed, "refused /predict"),
        (httpx.ReadTimeout("slow"), BackendFailed, "did not answer /predict in time"),
        (httpx.RemoteProtocolError("cut off"), BackendFailed, "broke off while it answered /predict"),
        (httpx.DecodingError("no gzip"), BackendFailed, "broke off while it answered"),
        (httpx.ReadError("reset"), BackendFailed, "broke off while it answered /predict"),
        (
            httpx.Response(200, html="<h1>Hello</h1>"),
            BackendFailed,
            "answered /predict with something that is not JSON",
        ),
        (httpx.Response(200, text='{"results": [{"resu'), BackendFailed, "something that is not JSON"),
        (httpx.Response(200, content=b'{"results": "\xff"}'), BackendFailed, "something that is not JSON"),
        (httpx.Response(200, text="[" * 100_000), BackendFailed, "something that is not JSON"),
        (httpx.Response(200, content=b""), BackendFailed, "answered /predict with nothing"),
        (httpx.Response(200, json=["a list"]), BackendFailed, "no results for 2 tasks"),
    ],
)
def test_each_failure_is_one_of_ours_and_names_the_backend(backend, client, fault, error, said):
    backend.faults["/predict"] = fault
    with pytest.raises(error, match=said) as caught:
        client.predict(PROJECT, TASKS)
    assert BACKEND_URL in str(caught.value)
    assert len(backend.requests) == 1, "followed nowhere, repeated never"


def test_long_words_of_a_backend_are_cut(backend, client):
    backend.faults["/predict"] = httpx.Response(400, text="x" * 5000)
    with pytest.raises(UnexpectedAnswer) as caught:
        client.predict(PROJECT, TASKS)
    assert len(str(caught.value)) < 300


def test_health_is_quiet_where_all_is_well(backend, client):
    assert client.health() is None
    backend.faults["/health"] = httpx.Response(503)
    with pytest.raises(ServerUnreachable):
        client.health()


def test_setup_tells_the_version_and_is_given_no_token(backend, client):
    assert client.model_version(PROJECT) == "v1"
    (body,) = backend.bodies("POST /setup")
    assert body == {"project": PROJECT.uid, "schema": CONFIG, "extra_params": {}}


@pytest.mark.parametrize(
    "answer", [{"json": {}}, {"json": {"model_version": None}}, {"json": []}, {"text": "ok"}, {"content": b""}]
)
def test_a_backend_that_tells_no_version_has_none(backend, client, answer):
    backend.faults["/setup"] = httpx.Response(200, **answer)
    assert client.model_version(PROJECT) == ""


def test_predictions_come_in_the_order_of_the_tasks(backend, client):
    first, second = client.predict(PROJECT, TASKS)
    assert (first.task_id, second.task_id) == (1, 2)
    assert first.model_version == "v1"
    assert first.result[0]["probabilities"]["good"] == pytest.approx(backend.good(1))
    (body,) = backend.bodies("POST /predict")
    assert body == {"tasks": TASKS, "project": PROJECT.uid, "label_config": CONFIG, "params": {}}


@pytest.mark.parametrize(
    ("results", "count"), [([{"result": []}], "1 results"), ([{}] * 3, "3 results"), (None, "no results")]
)
def test_results_that_cannot_be_matched_are_refused(backend, client, results, count):
    backend.faults["/predict"] = httpx.Response(200, json={"results": results})
    with pytest.raises(BackendFailed, match=f"{count} for 2 tasks"):
        client.predict(PROJECT, TASKS)


def test_what_fails_elsewhere_than_at_predicting_is_not_the_fault_of_tasks(backend, client):
    for fault in (httpx.Response(500), httpx.ReadTimeout("slow"), httpx.ReadError("reset")):
        backend.faults["/setup"] = fault
        with pytest.raises(ServerUnreachable):
            client.model_version(PROJECT)
    backend.faults["/train"] = httpx.Response(413)
    with pytest.raises(UnexpectedAnswer, match="413"):
        client.train(PROJECT, [{"id": 1}], [])


def test_a_backend_says_when_to_come_back(backend, client):
    backend.faults["/predict"] = httpx.Response(503, headers={"retry-after": "7"})
    with pytest.raises(ServerUnreachable) as caught:
        client.predict(PROJECT, TASKS)
    assert caught.value.retry_after == 7


def test_a_number_that_is_none_costs_that_number_only(backend, client):
    results = [{"result": [], "score": math.nan}, {"result": [region("good")], "score": 0.5}]
    backend.faults["/predict"] = httpx.Response(200, text=json.dumps({"results": results}))
    first, second = client.predict(PROJECT, TASKS)
    assert math.isnan(first.score)
    assert second.score == 0.5


def test_a_task_with_half_a_surrogate_pair_is_predicted_too(backend, client):
    (prediction,) = client.predict(PROJECT, [{"id": 1, "data": {"text": "cut in an emoji: \ud83d"}}])
    assert prediction.task_id == 1


def test_results_of_a_sloppy_backend_are_read_as_unknown(backend, client):
    results = [None, {"result": "words", "score": "high"}]
    backend.faults["/predict"] = httpx.Response(200, json={"results": results, "model_version": "v4"})
    for prediction in client.predict(PROJECT, TASKS):
        assert (prediction.result, prediction.score, prediction.model_version) == ([], None, "v4")


def test_of_several_predictions_of_one_task_the_first_counts(backend, client):
    first, second = ({"result": [], "score": score, "model_version": "v5"} for score in (0.75, 0.25))
    backend.faults["/predict"] = httpx.Response(200, json={"results": [[first, second], [first]]})
    assert [found.score for found in client.predict(PROJECT, TASKS)] == [0.75, 0.75]


def test_a_result_keeps_its_own_version_and_score(backend, client):
    results = [{"result": [region("good")], "score": 1, "model_version": "v5"}, {"result": [], "score": 0.0}]
    backend.faults["/predict"] = httpx.Response(200, json={"results": results, "model_version": "v4"})
    first, second = client.predict(PROJECT, TASKS)
    assert (first.score, first.model_version) == (1.0, "v5")
    assert (second.score, second.model_version) == (0.0, "v4")


def test_train_names_the_labels_and_what_is_held_out(backend, client):
    client.train(PROJECT, [{"id": 1}], [4, 8])
    (body,) = backend.bodies("POST /train")
    assert body["annotations"] == [{"id": 1}]
    assert body["holdout_task_ids"] == [4, 8]
    assert body["project"] == PROJECT.uid


def test_the_webhook_speaks_as_label_studio_does(backend, client):
    client.start_training_webhook(PROJECT, [4])
    (body,) = backend.bodies("POST /webhook")
    assert body["action"] == "START_TRAINING"
    assert body["project"]["id"] == PROJECT_ID
    assert body["holdout_task_ids"] == [4]


def test_the_state_of_a_training(backend, client):
    backend.running, backend.error = True, "e" * 1000
    state = client.training_state(PROJECT)
    assert (state.running, state.model_version, len(state.error)) == (True, "v1", 300)
    assert dict(backend.requests[0].url.params) == {"project": PROJECT.uid}


@pytest.mark.parametrize(
    "fault", [httpx.Response(404), httpx.Response(405), httpx.Response(400), httpx.Response(200, text="<h1>no</h1>")]
)
def test_without_is_training_the_version_of_setup_tells(backend, client, fault):
    backend.faults["/is_training"] = fault
    state = client.training_state(PROJECT)
    assert (state.running, state.model_version, state.error) == (False, "v1", "")
