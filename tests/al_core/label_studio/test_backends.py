"""What the client asks Label Studio of ML backends, of webhooks, and of ground truths."""

import httpx
import pytest

from al_core.errors import AccessRefused, NotFound, ServerUnreachable
from al_core.label_studio import LabelStudio
from al_core.types import Webhook
from tests.servers import PROJECT_ID, TOKEN, URL, region

FAILED = "500 Server Error: Internal Server Error for url: http://backend.test/webhook"


@pytest.fixture
def client(server):
    with LabelStudio(URL, TOKEN) as client:
        yield client


def test_what_went_wrong_with_a_backend_is_read_before_it_is_forgotten(server, backend, client):
    server.on_train = lambda row: row.update(state="ER", error_message=FAILED)
    client.train_backend(3)
    for _ in range(2):
        found = client.backend_state(PROJECT_ID, 3)
        assert (found.state, found.error, found.model_version) == ("error", FAILED, "v1")
    assert client.backends(PROJECT_ID)[0].error == ""
    assert client.backend_state(PROJECT_ID, 3).state == "connected"


def test_an_error_of_a_backend_is_short_and_without_a_password(server, backend, client):
    server.backends[0]["error_message"] = "HTTPError for url: http://lead:geheim99@backend.test/ " + "x" * 900
    found = client.backend_state(PROJECT_ID, 3)
    assert len(found.error) == 300
    assert "geheim" not in found.error
    assert "http://backend.test/" in found.error


def test_an_older_label_studio_is_asked_by_the_list(server, backend, client):
    server.faults["model-versions"] = httpx.Response(200, json={"v1": 4})
    assert client.backend_state(PROJECT_ID, 3).url == "http://backend.test"


def test_a_backend_that_is_gone_from_the_project(server, backend, client):
    with pytest.raises(NotFound, match="no backend 4"):
        client.backend_state(PROJECT_ID, 4)
    with pytest.raises(NotFound, match="no such backend"):
        client.train_backend(4)


def test_asking_to_train_says_nothing_and_is_waited_for(server, backend, client):
    assert client.train_backend(3) is None
    assert server.backends[0]["state"] == "TR"
    assert server.requests[-1].extensions["timeout"]["read"] > 100, "the time that Label Studio gives a backend"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.Response(403), AccessRefused),
        (httpx.Response(502), ServerUnreachable),
        (httpx.ReadTimeout("slow"), ServerUnreachable),
        (httpx.ReadError("cut"), ServerUnreachable),
    ],
)
def test_asking_to_train_fails_as_other_requests_do_and_is_never_repeated(server, backend, client, fault, error):
    server.faults["/train"] = fault
    with pytest.raises(error):
        client.train_backend(3)
    assert len(server.requests) == 1


HOOK = {
    "id": 5,
    "project": PROJECT_ID,
    "url": "http://backend.test/webhook",
    "is_active": True,
    "send_for_all_actions": False,
    "headers": {"authorization": "Token s3cret"},
    "actions": ["ANNOTATION_CREATED"],
}


def test_webhooks_are_listed_without_their_headers(server, client):
    server.webhooks[5] = dict(HOOK)
    assert client.webhooks(PROJECT_ID) == [Webhook(5, "http://backend.test/webhook", True, False)]
    assert dict(server.requests[-1].url.params) == {"project": str(PROJECT_ID)}


def test_a_webhook_is_switched_and_keeps_its_events(server, client):
    server.webhooks[5] = dict(HOOK)
    client.set_webhook(5, active=False)
    assert server.webhooks[5] == HOOK | {"is_active": False}
    client.set_webhook(5, active=True)
    assert server.webhooks[5] == HOOK
    with pytest.raises(NotFound, match="no webhook 6"):
        client.set_webhook(6, active=True)


def test_ground_truths_are_found_also_where_a_task_needs_more_answers(server, client):
    server.need_annotations(2)
    for task_id in (9, 4, 5, 6):
        server.annotate(task_id, "good")
    for task_id in (9, 4):
        server.tasks[task_id]["annotations"][0]["ground_truth"] = True
    server.tasks[6]["annotations"].append({"result": [region("bad")], "was_cancelled": True, "ground_truth": True})
    assert client.ground_truth_ids(PROJECT_ID) == [4, 9]
