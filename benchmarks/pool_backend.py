"""An ML backend that takes no time of its own, or as much a task as it is told to.

    python -m benchmarks.pool_backend --port 9191 [--delay 0.02]

Its predictions follow from the text of a task alone, so that any process, asked in any chunks, says the same.
"""

import argparse
import json
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.pool_data import VERSION, prediction


class Backend(BaseHTTPRequestHandler):
    """Health, set-up and predictions, as docs/ml-backend.md wants them."""

    protocol_version = "HTTP/1.1"
    # Header and body leave in one packet: in two the second waits for the receipt of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(self, *args: Any, delay: float, **kwargs: Any) -> None:
        self._delay = delay
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self._answer({"status": "UP", "model_class": "Hash"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path == "/predict":
            # One task after the other, as a model would that knows no batches.
            time.sleep(self._delay * len(body["tasks"]))
            self._answer({"results": [prediction(task["data"]["text"]) for task in body["tasks"]]})
        else:
            self._answer({"model_version": VERSION})

    def log_message(self, *args: Any) -> None:
        """A line a request would cost more than the request."""

    def _answer(self, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve(port: int, delay: float) -> ThreadingHTTPServer:
    """A backend that listens, on any free port where 0 is given."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Backend, delay=delay))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds a task")
    args = parser.parse_args()
    serve(args.port, args.delay).serve_forever()


if __name__ == "__main__":
    main()
