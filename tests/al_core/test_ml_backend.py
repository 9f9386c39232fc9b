"""The client of an ML backend against its answers, and against all that is not one."""

import base64
import json
import math
import re
from datetime import UTC, datetime

import httpx
import pytest

from al_core.errors import AccessRefused, BackendFailed, InvalidInput, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.ml_backend import MLBackend
from al_core.types import Project
from tests.servers import BACKEND_URL, CONFIG, PROJECT_ID, BackendServer, region

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


# --------------------------------------------------------------------- training


def test_train_names_the_labels_and_what_is_held_out(backend, client):
    answer = client.train(PROJECT, [{"id": 1}], [4, 8])
    assert (answer.outcome, answer.words, answer.job) == ("started", "POST /train → 200 training_started", "")
    assert backend.bodies("POST /train") == [
        {
            "project": PROJECT.uid,
            "label_config": CONFIG,
            "annotations": [{"id": 1}],
            "params": {},
            "holdout_task_ids": [4, 8],
        }
    ]


def test_the_webhook_speaks_as_label_studio_does(backend, client):
    assert client.start_training_webhook(PROJECT, [4]).outcome == "started"
    assert backend.bodies("POST /webhook") == [
        {
            "action": "START_TRAINING",
            "project": {"id": PROJECT_ID, "title": "Moods", "label_config": CONFIG},
            "holdout_task_ids": [4],
        }
    ]


def test_a_call_back_address_is_sent_where_there_is_one(backend, client):
    client.train(PROJECT, [], [], "http://site.test/hooks/abc/")
    client.start_training_webhook(PROJECT, [], "http://site.test/hooks/abc/")
    assert [body["callback_url"] for body in backend.bodies("POST")] == ["http://site.test/hooks/abc/"] * 2


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        (httpx.Response(201, json={"job": "5f0c"}), "started", "POST /train → 201"),
        (httpx.Response(200, text="OK"), "started", "POST /train → 200"),
        (httpx.Response(200, json={"message": "Queued."}), "started", "POST /train → 200 Queued."),
        (httpx.Response(200, json={"status": "already_training"}), "busy", "POST /train → 200 already_training"),
        (httpx.Response(200, json={"error": "No labels."}), "refused", "POST /train → 200 No labels."),
        (httpx.Response(400, json={"detail": "No such label."}), "refused", "POST /train → 400 No such label."),
        (httpx.Response(413), "refused", "POST /train → 413"),
        (httpx.Response(302), "refused", "POST /train → 302"),
        (httpx.Response(500, text="out of memory"), "refused", "POST /train → 500 out of memory"),
        (httpx.Response(504, html="<h1>Time-out</h1>"), "unheard", "POST /train → 504"),
        (httpx.Response(502), "unheard", "POST /train → 502"),
        (httpx.ReadTimeout("slow"), "unheard", "POST /train → no answer. The ML backend at .* did not answer"),
        (httpx.ReadError("reset"), "unheard", "POST /train → no answer. The ML backend at .* broke off"),
        (httpx.RemoteProtocolError("cut"), "unheard", "POST /train → no answer. .* broke off"),
    ],
)
def test_what_a_backend_answers_when_it_is_asked_to_train(backend, client, fault, outcome, words):
    backend.faults["/train"] = fault
    answer = client.train(PROJECT, [{"id": 1}], [])
    assert answer.outcome == outcome
    assert re.fullmatch(rf"{words}.*", answer.words)
    assert len(backend.requests) == 1, "followed nowhere, repeated never"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.Response(404), NotFound),
        (httpx.Response(405), NotFound),
        (httpx.Response(401), AccessRefused),
        (httpx.Response(503), ServerUnreachable),
        (httpx.Response(429), ServerUnreachable),
        (httpx.ConnectError("refused"), ServerUnreachable),
        (httpx.ConnectTimeout("slow"), ServerUnreachable),
    ],
)
def test_where_nothing_can_have_begun_it_is_an_error(backend, client, fault, error):
    backend.faults["/train"] = fault
    with pytest.raises(error):
        client.train(PROJECT, [{"id": 1}], [])


def test_the_job_is_named_by_the_backend_and_asked_for(backend, client):
    backend.faults["/train"] = httpx.Response(201, json={"job": 17})
    assert client.train(PROJECT, [], []).job == "17"
    client.training_state(PROJECT, job="17")
    assert dict(backend.requests[-1].url.params) == {"project": PROJECT.uid, "job": "17"}


def test_what_is_secret_is_never_among_the_words(wire):
    server = BackendServer()
    wire.route(url__startswith=BACKEND_URL).mock(side_effect=server)
    hook = "https://site.test/hooks/training/q7Zt0ken/"
    basic = base64.b64encode(b"lead:geheim99").decode()
    words = f"lead:geheim99 with {basic} calls {hook} by q7Zt0ken at http://x:y1z2@host/"
    server.faults["/train|/predict|/setup"] = httpx.Response(400, json={"error": words})
    server.faults["/is_training"] = httpx.Response(200, json={"is_training": False, "error": words})
    with MLBackend(BACKEND_URL, auth=("lead", "geheim99")) as client:
        told = [client.train(PROJECT, [], [], hook).words, client.training_state(PROJECT).error]
        with pytest.raises(UnexpectedAnswer) as caught:
            client.predict(PROJECT, TASKS)
    assert "q7Zt0ken" not in told[0]
    for text in (*told, str(caught.value)):
        assert "geheim" not in text
        assert basic not in text
        assert "y1z2" not in text
        assert "calls" in text


def test_the_state_of_a_training(backend, client):
    backend.running, backend.error = True, "e" * 1000
    state = client.training_state(PROJECT)
    assert (state.running, state.model_version, len(state.error)) == (True, "v1", 300)
    assert dict(backend.requests[0].url.params) == {"project": PROJECT.uid}


def test_numbers_of_the_model_are_read_as_far_as_they_are_some(backend, client):
    told = {"accuracy": 0.5, "epochs": 3, "note": "fine", "is_best": True, "loss": math.nan, "more": math.inf}
    many = {f"m{number}": number for number in range(50)}
    for metrics, found in ((told, {"accuracy": 0.5, "epochs": 3.0}), (["a list"], {}), (None, {})):
        answer = json.dumps({"is_training": False, "metrics": metrics})
        backend.faults["/is_training"] = httpx.Response(200, text=answer)
        assert client.training_state(PROJECT).reported == found
    backend.faults["/is_training"] = httpx.Response(200, json={"is_training": False, "metrics": many})
    assert len(client.training_state(PROJECT).reported) == 20


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(404),
        httpx.Response(405),
        httpx.Response(400),
        httpx.Response(500),
        httpx.Response(200, text="<h1>no</h1>"),
        httpx.Response(200, json={"is_training": "perhaps"}),
    ],
)
def test_without_is_training_the_version_of_setup_tells(backend, client, fault):
    backend.faults["/is_training"] = fault
    state = client.training_state(PROJECT)
    assert (state.running, state.model_version, state.error) == (None, "v1", "")


@pytest.mark.parametrize("fault", [httpx.Response(404), httpx.Response(400)])
def test_a_backend_that_says_nothing_at_all_has_a_state_too(backend, client, fault):
    backend.faults["/is_training|/setup"] = fault
    state = client.training_state(PROJECT)
    assert (state.running, state.model_version) == (None, "")


@pytest.mark.parametrize("fault", [httpx.Response(503), httpx.ReadTimeout("busy"), httpx.ConnectError("refused")])
def test_a_backend_that_is_too_busy_for_its_state_is_told_from_one_without(backend, client, fault):
    backend.faults["/is_training"] = fault
    with pytest.raises(ServerUnreachable):
        client.training_state(PROJECT)


def test_the_state_is_not_waited_for_as_long_as_a_prediction(backend, client):
    client.training_state(PROJECT)
    assert backend.requests[-1].extensions["timeout"]["read"] == 10
    client.predict(PROJECT, TASKS)
    assert backend.requests[-1].extensions["timeout"]["read"] == 100


def test_what_a_backend_offers(backend, client):
    backend.faults["GET /train"] = httpx.Response(405)
    backend.faults["GET /webhook"] = httpx.Response(401)
    assert client.offers() == {"/train": True, "/webhook": None, "/is_training": True}
    backend.faults |= {"GET /train": httpx.Response(404), "GET /webhook": httpx.ReadTimeout("slow")}
    backend.faults["GET /is_training"] = httpx.Response(400)
    assert client.offers() == {"/train": False, "/webhook": None, "/is_training": True}
    assert {request.method for request in backend.requests} == {"GET"}, "looking starts no training"
