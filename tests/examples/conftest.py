"""A backend under our hands, what it learns from, and somebody who waits for its call."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from werkzeug.serving import make_server

from examples.ml_backend.app import Options, create_app

ROOT = Path(__file__).parents[2]
PROJECT = "7.1795465490"
LABELS = [str(digit) for digit in range(10)]
CHOICES = "".join(f'<Choice value="{label}"/>' for label in LABELS)
DIGITS = f'<View><Image name="img" value="$image"/><Choices name="digit" toName="img">{CHOICES}</Choices></View>'
SENTENCES = (
    '<View><Text name="t" value="$text"/><Choices name="mood" toName="t">'
    '<Choice value="good" alias="+"/><Choice value="bad" alias="-"/></Choices></View>'
)

Serve = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def digits() -> list[dict[str, Any]]:
    """Labelled tasks in the shape of Label Studio's export, ids from 1."""
    bunch = load_digits()
    return [
        labelled(number, {"image": data_uri(pixels)}, "digit", "img", str(target))
        for number, (pixels, target) in enumerate(zip(bunch.images[:400], bunch.target[:400], strict=True), start=1)
    ]


def data_uri(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray((pixels / 16 * 255).astype("uint8")).resize((64, 64)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def labelled(number: int, data: dict[str, str], control: str, target: str, label: str) -> dict[str, Any]:
    region = {"from_name": control, "to_name": target, "type": "choices", "value": {"choices": [label]}}
    return {"id": number, "data": data, "annotations": [{"result": [region], "was_cancelled": False}]}


def unlabelled(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": task["id"], "data": task["data"]} for task in tasks]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start backends on free ports; all of a test share one folder, as after a restart."""
    running: list[tuple[Any, threading.Thread, httpx.Client]] = []

    def start(auth: tuple[str, str] | None = None, **options: Any) -> httpx.Client:
        server = make_server("127.0.0.1", 0, create_app(Options(tmp_path, **options)), threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        client = httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", timeout=10, auth=auth)
        running.append((server, thread, client))
        return client

    yield start
    for server, thread, client in running:
        client.close()
        server.shutdown()
        thread.join(5)


def train(backend: httpx.Client, tasks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Train to the end and give the last status."""
    body = {"project": PROJECT, "label_config": DIGITS, "annotations": tasks, "params": {}, **more}
    answer = backend.post("/train", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "training_started"
    status = wait(backend)
    assert status["job"] == answer.json()["job"]
    return status


def wait(backend: httpx.Client, project: str = PROJECT) -> dict[str, Any]:
    for _ in range(500):
        status = backend.get("/is_training", params={"project": project}).json()
        if not status["is_training"]:
            return status
        time.sleep(0.02)
    raise AssertionError("the training never ended")


class Listener:
    """Somebody who gave an address to call back: answers with the statuses of ``answers`` one by one, then with 204."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        self.on_call: Callable[[], None] = lambda: None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.on_call()
                listener.paths.append(self.path)
                self.send_response(listener.answers.pop(0) if listener.answers else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                listener.heard.append(json.loads(body))

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/training/a-secret/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, calls: int = 1, seconds: float = 10) -> list[dict[str, Any]]:
        """What was said in so many calls."""
        ends = time.monotonic() + seconds
        while len(self.heard) < calls:
            assert time.monotonic() < ends, f"{len(self.heard)} calls of {calls}"
            time.sleep(0.01)
        return self.heard


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()
