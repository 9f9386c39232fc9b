"""The reference ML backend tells who asked for a training how it ended, and nobody else."""

import logging
from typing import Any

import httpx
import pytest

from examples.ml_backend import call_back
from tests.examples.conftest import DIGITS, PROJECT, Listener, Serve, train, wait


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_back, "WAITS", (0.0, 0.01, 0.01))


def test_the_end_is_told_once_the_new_model_answers(
    serve: Serve, digits: list[dict[str, Any]], listener: Listener
) -> None:
    backend = serve()
    seen: list[str] = []
    listener.on_call = lambda: seen.append(wait(backend)["model_version"])
    status = train(backend, digits[:60], callback_url=listener.url)
    (heard,) = listener.wait_for()
    assert heard == {
        "job": status["job"],
        "status": "done",
        "error": "",
        "model_version": status["model_version"],
        "metrics": status["metrics"],
    }
    assert seen == [status["model_version"]]
    assert listener.paths == ["/hooks/training/a-secret/"]
    assert 0.9 < heard["metrics"]["training_accuracy"] <= 1
    assert 0 < heard["metrics"]["training_log_loss"] < 1


def test_a_failure_is_told_with_its_reason(serve: Serve, digits: list[dict[str, Any]], listener: Listener) -> None:
    zeros = [task for task in digits if task["annotations"][0]["result"][0]["value"]["choices"] == ["0"]]
    status = train(serve(), zeros[:5], callback_url=listener.url)
    (heard,) = listener.wait_for()
    assert (heard["status"], heard["model_version"], heard["metrics"]) == ("failed", "untrained", {})
    assert heard["error"] == status["error"] != ""


@pytest.mark.parametrize(("answers", "calls"), [([500] * 9, 3), ([404], 1), ([302], 1)])
def test_it_calls_again_where_that_may_help_and_follows_nobody(
    serve: Serve, digits: list[dict[str, Any]], listener: Listener, answers: list[int], calls: int
) -> None:
    listener.answers = answers
    backend = serve()
    train(backend, digits[:30], callback_url=listener.url)
    assert len({call["job"] for call in listener.wait_for(calls)}) == 1
    listener.answers = []
    train(backend, digits[:30], callback_url=listener.url)
    assert len(listener.wait_for(calls + 1)) == calls + 1
    assert set(listener.paths) == {"/hooks/training/a-secret/"}


def test_nobody_is_called_who_was_not_named_by_this_request(
    serve: Serve, digits: list[dict[str, Any]], listener: Listener
) -> None:
    backend = serve(train_delay=0.3)
    body = {"project": PROJECT, "label_config": DIGITS, "annotations": digits[:30]}
    backend.post("/train", json=body)
    late = backend.post("/train", json=body | {"callback_url": listener.url})
    assert late.json()["status"] == "already_training"
    wait(backend)
    train(backend, digits[:30])
    assert listener.heard == []


def test_the_address_is_in_no_log_and_in_no_file(
    serve: Serve, digits: list[dict[str, Any]], listener: Listener, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="examples")
    backend = serve()
    listener.answers = [500]
    train(backend, digits[:30], callback_url=listener.url)
    listener.wait_for(2)
    train(backend, digits[:30], callback_url="http://127.0.0.1:1/a-secret/")
    for _ in range(500):
        if "could not call back" in caplog.text:
            break
        wait(backend)
    assert "called back about job" in caplog.text
    assert "could not call back" in caplog.text
    assert "a-secret" not in caplog.text
    assert not any(b"a-secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    "address", ["ftp://x/y", "file:///etc/passwd", "/hooks/", "http://", "http://[", 5, ["http://x"]]
)
def test_what_is_no_web_address_is_refused(serve: Serve, digits: list[dict[str, Any]], address: object) -> None:
    backend = serve()
    body = {"project": PROJECT, "label_config": DIGITS, "annotations": digits[:30], "callback_url": address}
    answer = backend.post("/train", json=body)
    assert answer.status_code == 400
    assert "callback_url" in answer.json()["error"]
    assert wait(backend)["status"] == "idle"


def test_a_job_is_asked_about_by_its_id(serve: Serve, digits: list[dict[str, Any]]) -> None:
    backend = serve()
    first = train(backend, digits[:60])
    zeros = [task for task in digits if task["annotations"][0]["result"][0]["value"]["choices"] == ["0"]]
    second = train(backend, zeros[:5])
    assert (first["status"], second["status"]) == ("done", "failed")

    def asked(backend: httpx.Client, job: str) -> dict[str, Any]:
        answer: dict[str, Any] = backend.get("/is_training", params={"project": PROJECT, "job": job}).json()
        return answer

    assert asked(backend, first["job"]) == first
    assert asked(backend, second["job"]) == second
    restarted = serve()
    gone = asked(restarted, first["job"])
    assert (gone["is_training"], gone["status"], gone["model_version"]) == (False, "failed", first["model_version"])
    assert "restart" in gone["error"]
    assert asked(restarted, "")["status"] == "idle"
