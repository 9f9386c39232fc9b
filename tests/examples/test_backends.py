"""The two small backends of docs/ml-backend.md, each in a process of its own, over HTTP."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.examples.conftest import PROJECT, ROOT, SENTENCES, Listener, labelled, unlabelled
from tests.real_stack import free_port

FOLDER = ROOT / "examples" / "backends"
PYTHONS = {
    "flask_backend.py": sys.executable,
    "label_studio_ml_backend.py": str(ROOT / ".venv-label-studio-ml" / "bin" / "python"),
}
WORDS = {"+": "lovely sunny wonderful day", "-": "awful rainy terrible night"}
TASKS = [labelled(n, {"text": f"{WORDS[mood]} {n}"}, "mood", "t", mood) for n, mood in enumerate("+-" * 10, start=1)]

Start = Callable[[], httpx.Client]


@pytest.fixture(params=list(PYTHONS))
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start the backend, or start it again: what it keeps is in one folder."""
    running: list[tuple[subprocess.Popen[bytes], httpx.Client]] = []

    def stop() -> None:
        while running:
            process, client = running.pop()
            client.close()
            process.terminate()
            process.wait(10)

    def again() -> httpx.Client:
        stop()
        port = free_port()
        command = [PYTHONS[request.param], str(FOLDER / request.param), "--port", str(port), "--data-dir", "models"]
        # As on a reader's machine: nothing of ours is there to be imported.
        process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
        running.append((process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)))
        wait_for(lambda: is_up(running[-1][1]))
        return running[-1][1]

    yield again
    stop()


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/health").json()["status"] == "UP"
    except httpx.TransportError:
        return False


def wait_for(what: Callable[[], Any], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.05)


def version_of(backend: httpx.Client) -> str:
    body = {"project": PROJECT, "schema": SENTENCES, "hostname": "", "access_token": "", "extra_params": None}
    return str(backend.post("/setup", json=body).raise_for_status().json()["model_version"])


def predict(backend: httpx.Client, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"project": PROJECT, "label_config": SENTENCES, "tasks": tasks, "params": {}}
    answer: dict[str, Any] = backend.post("/predict", json=body).raise_for_status().json()
    return answer


def train(backend: httpx.Client, tasks: list[dict[str, Any]], **more: Any) -> httpx.Response:
    body = {"project": PROJECT, "label_config": SENTENCES, "annotations": tasks, "params": {}, **more}
    return backend.post("/train", json=body)


def is_training(backend: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = backend.get("/is_training", params={"project": PROJECT}).raise_for_status().json()
    return answer


def test_it_keeps_the_contract_from_the_first_task_to_the_second_start(start: Start, listener: Listener) -> None:
    backend = start()
    untrained = version_of(backend)
    assert [answer["result"] for answer in predict(backend, unlabelled(TASKS[:3]))["results"]] == [[], [], []]
    assert backend.post("/webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 7}}).is_success

    time.sleep(1)  # label-studio-ml names a version by the second
    ghost = labelled(99, {"text": "ghost"}, "mood", "t", "held out")
    skipped = labelled(98, {"text": "skipped"}, "mood", "t", "skipped")
    skipped["annotations"][0]["was_cancelled"] = True
    answer = train(backend, [*TASKS, ghost, skipped], holdout_task_ids=[99], callback_url=listener.url)
    assert answer.status_code in (200, 201)
    (heard,) = listener.wait_for()
    assert heard["status"] == "done"
    assert heard["metrics"]["training_accuracy"] == 1
    trained = version_of(backend)
    assert heard["model_version"] == trained != untrained
    assert is_training(backend)["is_training"] is False

    answer = predict(backend, [{"id": 50, "data": {"text": "what a terrible night"}}, {"id": 51, "data": {}}])
    first, second = answer["results"]
    (region,) = first["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("mood", "t", "choices")
    assert region["value"] == {"choices": ["-"]}
    assert set(region["probabilities"]) == {"+", "-"}
    assert sum(region["probabilities"].values()) == pytest.approx(1)
    assert first["score"] == region["score"] == region["probabilities"]["-"] == max(region["probabilities"].values())
    assert len(second["result"]) == 1
    assert first["model_version"] == answer["model_version"] == trained

    backend = start()
    assert version_of(backend) == trained
    assert predict(backend, [{"id": 50, "data": {"text": "what a terrible night"}}, {"id": 51, "data": {}}]) == answer


def test_what_cannot_be_trained_is_said_and_the_model_stays(start: Start, listener: Listener) -> None:
    backend = start()
    before = version_of(backend)
    assert train(backend, []).status_code == 400
    one_class = [task for task in TASKS if task["annotations"][0]["result"][0]["value"]["choices"] == ["+"]]
    answer = train(backend, one_class, callback_url=listener.url)
    (heard,) = listener.wait_for()
    assert heard["status"] == "failed"
    assert "at least 2 classes" in heard["error"]
    if answer.status_code == 500:  # label-studio-ml trains inside the request
        assert "at least 2 classes" in answer.json()["detail"]
    else:
        assert is_training(backend)["error"] == heard["error"]
        assert version_of(backend) == before
    assert predict(backend, unlabelled(TASKS[:1]))["results"][0]["result"] == []


def test_the_documentation_shows_them_as_they_are() -> None:
    page = (ROOT / "docs" / "ml-backend.md").read_text()
    for name in PYTHONS:
        assert f"```python\n{(FOLDER / name).read_text()}```\n" in page, f"docs/ml-backend.md shows another {name}"
