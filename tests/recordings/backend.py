"""A real ML backend over HTTP that answers what it was told to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Prediction = dict[str, Any]


class PreparedBackend:
    """Answers ``/predict`` with the prediction that was prepared for the state of each task.

    Use it as a context manager: it listens on a free port of this machine from ``__enter__`` on.
    """

    def __init__(self) -> None:
        self.prepared: dict[int, dict[str, Prediction]] = {}
        """Project id → state (``data.state`` of a task) → what the backend says of such a task."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "PreparedBackend":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if path == "/health":
            return {"status": "UP"}
        if path == "/setup":
            return {"model_version": "setup"}
        if path == "/predict":
            return {"results": [self.prepared[task["project"]][task["data"]["state"]] for task in body["tasks"]]}
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply(backend.answer(self.path, {}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._reply(backend.answer(self.path, json.loads(body)))

            def _reply(self, answer: dict[str, Any] | None) -> None:
                body = json.dumps(answer).encode()
                self.send_response(200 if answer is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        return Handler
