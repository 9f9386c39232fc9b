"""Starting a training, watching it, and knowing what came of it."""

from datetime import UTC, datetime

import httpx
import pytest

from al_core import training
from al_core.errors import Cancelled, ServerUnreachable, TrainEndpointMissing, TrainingFailed, UnexpectedAnswer
from al_core.ml_backend import MLBackend
from al_core.types import Project
from tests.servers import BACKEND_URL, CONFIG, PROJECT_ID

PROJECT = Project(PROJECT_ID, "Moods", CONFIG, 30, 0, datetime(2026, 1, 2, tzinfo=UTC))
LABELLED = [{"id": 1, "data": {}, "annotations": []}]


class Clock:
    """Time that passes only while somebody sleeps, and what happens meanwhile."""

    def __init__(self, events=None):
        self.now = 0.0
        self.events = events or {}

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.events.get(self.now, lambda: None)()


@pytest.fixture
def client(backend):
    client = MLBackend(BACKEND_URL)
    yield client
    client.close()


def watch(client, clock, timeout=60.0, progress=training.silent):
    return training.watch(client, PROJECT, "v1", timeout=timeout, progress=progress, clock=clock, sleep=clock.sleep)


# --------------------------------------------------------------------- dispatch


def test_train_is_asked_first_and_alone(backend, client):
    assert training.dispatch(client, PROJECT, LABELLED, [4]) == "train"
    assert [request.url.path for request in backend.requests] == ["/train"]


@pytest.mark.parametrize("status", [404, 405])
def test_without_train_the_webhook_is_asked(backend, client, status):
    backend.faults["/train"] = httpx.Response(status)
    assert training.dispatch(client, PROJECT, LABELLED, [4]) == "webhook"
    (body,) = backend.bodies("/webhook")
    assert body["holdout_task_ids"] == [4]


def test_with_neither_both_are_named_and_what_to_do(backend, client):
    backend.faults["/train|/webhook"] = httpx.Response(404)
    with pytest.raises(TrainEndpointMissing, match=r"POST /train nor POST /webhook") as caught:
        training.dispatch(client, PROJECT, LABELLED, [])
    assert BACKEND_URL in caught.value.message
    assert "docs/ml-backend.md" in caught.value.hint


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.Response(400, json={"error": "no labels"}), UnexpectedAnswer),
        (httpx.Response(500), ServerUnreachable),
        (httpx.ConnectError("refused"), ServerUnreachable),
    ],
)
def test_a_train_that_fails_is_not_taken_for_a_missing_one(backend, client, fault, error):
    backend.faults["/train"] = fault
    with pytest.raises(error):
        training.dispatch(client, PROJECT, LABELLED, [])
    assert not backend.bodies("/webhook")


# --------------------------------------------------------------------- watch


def test_a_new_version_ends_the_wait(backend, client):
    backend.running = True

    def done():
        backend.running, backend.version = False, "v2"

    clock = Clock({5.0: done})
    said = []
    assert watch(client, clock, progress=lambda done, total, sentence: said.append((done, total, sentence))) == "v2"
    assert clock.now == 5.0
    assert said[3] == (3, None, "The backend is training, 3 s so far.")


def test_a_new_version_does_not_count_while_the_training_runs(backend, client):
    backend.running, backend.version = True, "v2"
    clock = Clock({3.0: lambda: setattr(backend, "running", False)})
    assert watch(client, clock) == "v2"
    assert clock.now == 3.0


def test_a_failure_is_told_in_the_words_of_the_backend(backend, client):
    backend.error = "Only one class is labelled."
    clock = Clock()
    with pytest.raises(TrainingFailed, match="The backend says: Only one class is labelled"):
        watch(client, clock)
    assert clock.now == 0


def test_an_error_of_before_does_not_end_a_training_that_runs(backend, client):
    backend.running, backend.error = True, "yesterday's"

    def done():
        backend.running, backend.version, backend.error = False, "v2", ""

    assert watch(client, Clock({4.0: done})) == "v2"


def test_the_time_runs_out(backend, client):
    clock = Clock()
    with pytest.raises(TrainingFailed, match="No new model version after 10 s; the backend still has v1"):
        watch(client, clock, timeout=10)
    assert clock.now == 10


def test_cancelling_ends_the_wait(backend, client):
    backend.running = True

    def progress(done, total, sentence):
        if done >= 2:
            raise Cancelled("Cancelled.")

    clock = Clock()
    with pytest.raises(Cancelled):
        watch(client, clock, progress=progress)
    assert clock.now == 2


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("busy"), httpx.ConnectError("busy"), httpx.Response(503)])
def test_a_backend_that_is_too_busy_to_answer_is_waited_for(backend, client, fault):
    backend.faults["."] = fault

    def answers_again():
        backend.faults.clear()
        backend.version = "v2"

    clock = Clock({3.0: answers_again})
    assert watch(client, clock) == "v2"
    assert clock.now == 3.0


# --------------------------------------------------------------------- both together


def train(client, **changes):
    return training.train(client, PROJECT, LABELLED, [4], **{"version_before": "v1", "timeout": 5.0, **changes})


def test_a_training_tells_what_came_of_it(backend, client):
    found = train(client)
    assert (found.method, found.label_count, found.version_before, found.version_after) == ("train", 1, "v1", "v2")
    assert found.seconds >= 0


def test_coming_back_to_a_training_that_ended_does_not_start_another(backend, client):
    backend.version = "v2"
    found = train(client, resume=True)
    assert (found.method, found.version_after) == (None, "v2")
    assert not backend.bodies("/train")


def test_coming_back_to_a_training_that_runs_does_not_start_another(backend, client):
    backend.running = True
    asked = []

    def state(_):
        asked.append(1)
        if len(asked) == 2:
            backend.running, backend.version = False, "v2"

    backend.faults["/is_training"] = state
    assert train(client, resume=True).version_after == "v2"
    assert not backend.bodies("/train")


def test_coming_back_to_a_training_that_never_began_starts_it(backend, client):
    assert train(client, resume=True).method == "train"
    assert len(backend.bodies("/train")) == 1


def test_without_resume_a_training_is_always_asked_for(backend, client):
    backend.version = "v2"
    assert train(client).method == "train"
    assert len(backend.bodies("/train")) == 1
