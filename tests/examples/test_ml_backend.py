"""The reference ML backend over real HTTP, with scikit-learn's digits and a few sentences."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from examples.ml_backend.label_studio import LabelStudio
from tests.examples.conftest import DIGITS, LABELS, PROJECT, ROOT, SENTENCES, Serve, labelled, train, unlabelled, wait


def predict(backend: httpx.Client, tasks: list[dict[str, Any]], config: str = DIGITS) -> dict[str, Any]:
    answer = backend.post("/predict", json={"project": PROJECT, "label_config": config, "tasks": tasks})
    assert answer.status_code == 200, answer.text
    return answer.json()


def set_up(backend: httpx.Client, hostname: str = "", token: str = "") -> httpx.Response:
    body = {
        "project": PROJECT,
        "schema": DIGITS,
        "hostname": hostname,
        "access_token": token,
        "extra_params": None,
    }
    return backend.post("/setup", json=body)


class TestPredicting:
    def test_untrained_says_so_and_answers_every_task(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        assert backend.get("/health").json()["status"] == "UP"
        assert backend.post("/setup", json={"project": PROJECT}).status_code == 400
        assert set_up(backend).json() == {"model_version": "untrained"}
        assert backend.post("/setup", json={"project": PROJECT}).json() == {"model_version": "untrained"}
        empty = {"result": [], "score": 0.0, "model_version": "untrained"}
        expected = {"results": [empty] * 3, "model_version": "untrained"}
        assert predict(backend, unlabelled(digits[:3])) == expected

    def test_trained_gives_every_label_a_probability(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        status = train(backend, digits[:300])
        assert (status["status"], status["trained_on"], status["error"]) == ("done", 300, "")
        answer = predict(backend, unlabelled(digits[300:]))
        right = 0
        for task, result in zip(digits[300:], answer["results"], strict=True):
            (region,) = result["result"]
            assert (region["from_name"], region["to_name"], region["type"]) == ("digit", "img", "choices")
            assert list(region["probabilities"]) == LABELS
            assert sum(region["probabilities"].values()) == pytest.approx(1.0)
            (label,) = region["value"]["choices"]
            assert result["score"] == region["score"] == region["probabilities"][label]
            assert region["score"] == max(region["probabilities"].values())
            assert result["model_version"] == answer["model_version"] == status["model_version"]
            right += label == task["annotations"][0]["result"][0]["value"]["choices"][0]
        assert right >= 85

    def test_unreadable_tasks_keep_their_place(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        train(backend, digits[:100])
        broken: list[Any] = [
            {"image": "data:image/png;base64,AAAA"},
            {"image": "s3://bucket/x.png"},
            {},
            None,
        ]
        broken += [{"image": 5}, {"image": "http://127.0.0.1:1/x.png"}, {"image": "/data/upload/7/x.png"}]
        tasks = [{"id": 1, "data": digits[0]["data"]}, *({"id": 2, "data": data} for data in broken)]
        results = predict(backend, tasks)["results"]
        assert [len(result["result"]) for result in results] == [1] + [0] * len(broken)

    def test_text_project(self, serve: Serve) -> None:
        backend = serve()
        words = {"+": "lovely sunny wonderful day", "-": "awful rainy terrible night"}
        tasks = [labelled(n, {"text": f"{words[m]} {n}"}, "mood", "t", m) for n, m in enumerate("+-" * 10)]
        status = train(backend, tasks, label_config=SENTENCES)
        assert status["classes"] == ["+", "-"]
        answer = predict(backend, [{"id": 99, "data": {"text": "what a terrible night"}}], SENTENCES)
        assert answer["results"][0]["result"][0]["value"] == {"choices": ["-"]}

    def test_label_added_or_removed_after_training(self, serve: Serve) -> None:
        backend = serve()
        tasks = [labelled(n, {"text": f"word{n % 2}"}, "mood", "t", "+-"[n % 2]) for n in range(10)]
        train(backend, tasks, label_config=SENTENCES)
        changed = SENTENCES.replace('<Choice value="bad" alias="-"/>', '<Choice value="new"/>')
        answer = predict(backend, [{"id": 1, "data": {"text": "word1"}}], changed)
        assert answer["results"][0]["result"][0]["probabilities"] == {"+": 1.0, "new": 0.0}


class TestTraining:
    def test_holdout_is_never_learned(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        tasks = digits[:200]
        nines = [task["id"] for task in tasks if task["annotations"][0]["result"][0]["value"]["choices"] == ["9"]]
        status = train(backend, tasks, holdout_task_ids=nines)
        assert status["trained_on"] == 200 - len(nines)
        assert status["classes"] == LABELS[:9]
        results = predict(backend, unlabelled(tasks))["results"]
        assert all(result["result"][0]["probabilities"]["9"] == 0.0 for result in results)

    def test_holdout_is_remembered_until_it_is_named_anew(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        assert train(serve(), digits[:50], holdout_task_ids=[1, 2, 3])["trained_on"] == 47
        restarted = serve()
        assert train(restarted, digits[:50])["trained_on"] == 47
        assert train(restarted, digits[:50], holdout_task_ids=[])["trained_on"] == 50

    def test_every_training_has_its_own_version_and_a_restart_keeps_it(
        self, serve: Serve, digits: list[dict[str, Any]]
    ) -> None:
        backend = serve()
        versions = [train(backend, digits[:60])["model_version"] for _ in range(2)]
        assert len(set(versions)) == 2
        before = predict(backend, unlabelled(digits[:5]))
        restarted = serve()
        assert set_up(restarted).json() == {"model_version": versions[-1]}
        assert wait(restarted)["status"] == "idle"
        assert predict(restarted, unlabelled(digits[:5])) == before

    def test_one_training_at_a_time(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve(train_delay=0.5)
        body = {"project": PROJECT, "label_config": DIGITS, "annotations": digits[:50]}
        first, second = (backend.post("/train", json=body) for _ in range(2))
        assert second.status_code == 200
        assert second.json() == {"status": "already_training", "job": first.json()["job"]}
        status = backend.get("/is_training", params={"project": "7"}).json()
        assert (status["is_training"], status["status"], status["finished_at"]) == (True, "training", None)
        other = backend.get("/is_training", params={"project": "8"}).json()
        assert (other["is_training"], other["status"]) == (False, "idle")
        assert wait(backend)["status"] == "done"

    def test_failure_keeps_its_reason_and_the_model_before(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        version = train(backend, digits[:60])["model_version"]
        zeros = [task for task in digits if task["annotations"][0]["result"][0]["value"]["choices"] == ["0"]]
        status = train(backend, zeros[:5])
        assert status["status"] == "failed"
        assert "at least two classes; all 5 are '0'" in status["error"]
        assert status["model_version"] == version
        unreadable = [task | {"data": {"image": "data:,"}} for task in digits[:5]]
        assert "could be read" in train(backend, unreadable)["error"]

    def test_skipped_and_foreign_annotations_are_no_labels(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve()
        skipped = [task | {"annotations": [task["annotations"][0] | {"was_cancelled": True}]} for task in digits[:10]]
        foreign = [labelled(900, digits[0]["data"], "other", "img", "1"), {"id": 901}, {"annotations": "?"}]
        assert train(backend, [*digits[10:60], *skipped, *foreign])["trained_on"] == 50

    def test_newest_annotation_counts(self, serve: Serve) -> None:
        backend = serve()
        tasks = [labelled(n, {"text": f"word{n % 2}"}, "mood", "t", "+-"[n % 2]) for n in range(4)]
        changed = labelled(9, {"text": "third"}, "mood", "t", "+")
        old = labelled(9, {}, "mood", "t", "not a label")["annotations"][0]
        changed["annotations"] = [changed["annotations"][0] | {"id": 2}, old | {"id": 1}]
        assert train(backend, [*tasks, changed], label_config=SENTENCES)["trained_on"] == 5

    def test_no_annotations(self, serve: Serve) -> None:
        answer = serve().post("/train", json={"project": PROJECT, "label_config": DIGITS, "annotations": []})
        assert answer.status_code == 400
        assert "No annotations found" in answer.json()["error"]


class FakeLabelStudio(BaseHTTPRequestHandler):
    """Answers an export and one upload, and only with the right token."""

    tasks: bytes = b"[]"
    picture: bytes = b""

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") in ("Token secret", "Bearer short-lived")
        found = {"/api/projects/7/export": self.tasks, "/data/upload/7/x.png": self.picture}
        body = found.get(self.path.partition("?")[0])
        self.send_response(401 if not allowed else 404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"" if allowed else b"")

    def do_POST(self) -> None:
        """Renew a personal access token."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.path == "/api/token/refresh/" and json.loads(sent) == {"refresh": "eyJ-personal"}
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"access": "short-lived"}')

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def label_studio(digits: list[dict[str, Any]]) -> Iterator[str]:
    FakeLabelStudio.tasks = httpx.Response(200, json=digits[:60]).content
    FakeLabelStudio.picture = base64.b64decode(digits[0]["data"]["image"].partition(",")[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeLabelStudio)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestWebhook:
    start: ClassVar = {"action": "START_TRAINING", "project": {"id": 7, "label_config": DIGITS}}

    def test_fetches_and_trains_without_the_holdout(self, serve: Serve, label_studio: str, tmp_path: Path) -> None:
        backend = serve()
        set_up(backend, label_studio, "secret")
        answer = backend.post("/webhook", json=self.start | {"holdout_task_ids": [1, 2]})
        assert answer.status_code == 201
        assert (wait(backend)["status"], wait(backend)["trained_on"]) == ("done", 58)
        backend.post("/webhook", json=self.start)
        assert wait(backend)["trained_on"] == 58
        assert (tmp_path / "7" / "project.json").stat().st_mode & 0o777 == 0o600

    def test_uploaded_files_are_read_with_the_token(self, serve: Serve, label_studio: str) -> None:
        backend = serve()
        set_up(backend, label_studio, "secret")
        set_up(backend)  # as from a client that only asks for the version
        backend.post("/webhook", json=self.start)
        wait(backend)
        tasks = [{"id": 1, "data": {"image": path}} for path in ("/data/upload/7/x.png", "/data/upload/7/no.png")]
        assert [len(result["result"]) for result in predict(backend, tasks)["results"]] == [1, 0]

    def test_wrong_token_is_a_readable_failure(self, serve: Serve, label_studio: str) -> None:
        backend = serve()
        set_up(backend, label_studio, "wrong")
        backend.post("/webhook", json=self.start)
        status = wait(backend)
        assert status["status"] == "failed"
        assert "answered 401" in status["error"]
        assert "wrong" not in status["error"]

    @pytest.mark.parametrize(("token", "status"), [("eyJ-personal", "done"), ("eyJ-revoked", "failed")])
    def test_personal_access_token(self, serve: Serve, label_studio: str, token: str, status: str) -> None:
        backend = serve()
        set_up(backend, label_studio, token)
        backend.post("/webhook", json=self.start)
        assert wait(backend)["status"] == status

    def test_token_of_the_environment_goes_before_that_of_setup(self, serve: Serve, label_studio: str) -> None:
        backend = serve(label_studio=LabelStudio(label_studio, "secret"))
        set_up(backend, "http://127.0.0.1:1", "unreachable")
        backend.post("/webhook", json=self.start)
        assert wait(backend)["status"] == "done"

    def test_without_setup_it_refuses(self, serve: Serve) -> None:
        answer = serve().post("/webhook", json=self.start)
        assert answer.status_code == 400
        assert "connect it again" in answer.json()["error"]

    def test_other_actions_are_ignored(self, serve: Serve) -> None:
        answer = serve().post("/webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 7}})
        assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})


class TestRefusals:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>&b;</View>'
    several = DIGITS.replace('toName="img"', 'toName="img" choice="multiple"')

    @pytest.mark.parametrize("route", ["/setup", "/predict", "/train", "/webhook"])
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
    def test_not_json(self, serve: Serve, route: str, body: bytes) -> None:
        answer = serve().post(route, content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]

    @pytest.mark.parametrize("project", [None, "", "../../x", "1/2", [], "²"])
    def test_project(self, serve: Serve, project: object) -> None:
        backend = serve()
        body = {
            "project": project,
            "schema": DIGITS,
            "label_config": DIGITS,
            "tasks": [],
            "annotations": [{}],
        }
        for route in ("/setup", "/predict", "/train"):
            assert backend.post(route, json=body).status_code == 400
        webhook = {"action": "START_TRAINING", "project": {"id": project}}
        assert backend.post("/webhook", json=webhook).status_code == 400
        assert backend.get("/is_training", params={"project": str(project)}).status_code == 400

    @pytest.mark.parametrize("config", ["", "<View>", "<View/>", bomb, several, 5, "\ud800"])
    def test_label_config(self, serve: Serve, config: object) -> None:
        backend = serve()
        body = {
            "project": PROJECT,
            "schema": config,
            "label_config": config,
            "tasks": [],
            "annotations": [{}],
        }
        for route in ("/setup", "/predict", "/train"):
            answer = backend.post(route, content=json.dumps(body))
            assert answer.status_code == 400, route
            assert answer.json()["error"]

    def test_fields(self, serve: Serve) -> None:
        backend = serve()
        good = {"project": PROJECT, "label_config": DIGITS}
        for tasks in (None, {}, [1]):
            assert backend.post("/predict", json=good | {"tasks": tasks}).status_code == 400
            assert backend.post("/train", json=good | {"annotations": tasks}).status_code == 400
        for holdout in ("1", [True], ["x"]):
            body = good | {"annotations": [{}], "holdout_task_ids": holdout}
            assert backend.post("/train", json=body).status_code == 400

    def test_unknown_routes_and_methods_answer_json(self, serve: Serve) -> None:
        backend = serve()
        assert backend.get("/nothing").status_code == 404
        assert backend.get("/train").status_code == 405
        assert backend.get("/train").json()["error"]


class TestOptions:
    def test_without_train_or_webhook(self, serve: Serve) -> None:
        assert serve(with_train=False).post("/train", json={}).status_code == 404
        assert serve(with_webhook=False).post("/webhook", json={}).status_code == 404

    def test_basic_auth(self, serve: Serve) -> None:
        stranger = serve(basic_auth="anna:pass:wörd")
        assert stranger.get("/health").status_code == 200
        refused = set_up(stranger)
        assert refused.status_code == 401
        assert "Basic" in refused.headers["WWW-Authenticate"]
        assert set_up(serve(auth=("anna", "no"), basic_auth="anna:pass:wörd")).status_code == 401
        assert set_up(serve(auth=("anna", "pass:wörd"), basic_auth="anna:pass:wörd")).status_code == 200

    def test_predict_delay_and_concurrent_requests(self, serve: Serve, digits: list[dict[str, Any]]) -> None:
        backend = serve(predict_delay=0.2)
        begun = time.monotonic()
        threads = [threading.Thread(target=predict, args=(backend, unlabelled(digits[:2]))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0.4 <= time.monotonic() - begun < 1.4


def test_command_line_serves_and_ends_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.ml_backend", "--port", "0", "--data-dir", str(tmp_path)]
    environment = os.environ | {"BACKEND_BASIC_AUTH": "a:b"}
    command.append("--without-train")
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        assert httpx.get(f"{address}/health").status_code == 200
        assert httpx.get(f"{address}/is_training?project=7").status_code == 401
        assert httpx.post(f"{address}/train", auth=("a", "b"), json={}).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert "Traceback" not in process.stderr.read()


def test_stands_on_its_own() -> None:
    sources = [path.read_text() for path in (ROOT / "examples" / "ml_backend").glob("*.py")]
    assert not any(name in source for source in sources for name in ("al_core", "trustai_web", "django"))
