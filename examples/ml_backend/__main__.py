"""Serve the backend: python -m examples.ml_backend --port 9090 --data-dir DIR."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from werkzeug.serving import make_server

from .app import Options, create_app
from .label_studio import LabelStudio

log = logging.getLogger("ml_backend")


def main() -> None:
    """Read the command line and serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="ml_backend", description="A reference ML backend for Label Studio.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--data-dir", type=Path, required=True, help="where trained models are kept")
    parser.add_argument("--train-delay", type=float, default=0.0, metavar="SECONDS", help="wait before each training")
    parser.add_argument("--predict-delay", type=float, default=0.0, metavar="SECONDS", help="wait for each task")
    parser.add_argument("--without-train", action="store_true", help="answer 404 to /train")
    parser.add_argument("--without-webhook", action="store_true", help="answer 404 to /webhook")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = Options(
        data_dir=arguments.data_dir,
        basic_auth=os.environ.get("BACKEND_BASIC_AUTH", ""),
        label_studio=_label_studio(),
        train_delay=arguments.train_delay,
        predict_delay=arguments.predict_delay,
        with_train=not arguments.without_train,
        with_webhook=not arguments.without_webhook,
    )
    server = make_server(arguments.host, arguments.port, create_app(options), threaded=True)
    # Every other thread is a daemon and every file is replaced whole, so leaving at once loses nothing.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log.info("serving on http://%s:%d", arguments.host, server.server_port)
    server.serve_forever()


def _label_studio() -> LabelStudio:
    """Take address and token from the environment; only as a pair, or any server could get the token."""
    url = os.environ.get("LABEL_STUDIO_URL", "").rstrip("/")
    token = os.environ.get("LABEL_STUDIO_API_KEY", "")
    return LabelStudio(url, token) if url and token else LabelStudio()


if __name__ == "__main__":
    main()
