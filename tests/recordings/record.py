"""Record what a real Label Studio answers: ``python -m tests.recordings.record [NAME …]``.

Takes the server that ``LABEL_STUDIO_URL`` and ``LABEL_STUDIO_TOKEN`` name (started with ``ML_BLOCK_LOCAL_IP=false``
and ``SSRF_PROTECTION_ENABLED=false``), or starts one and throws it away afterwards. Writes one file a control into
this folder, or only those named.
"""

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.digits.server import DemoServer
from stack import processes
from stack.config import BASE_DIR, Config
from tests.real_stack import Running, free_port
from tests.recordings.backend import PreparedBackend
from tests.recordings.controls import CONTROLS
from tests.recordings.round_trip import FOLDER, Recording, round_trip


def main(names: list[str]) -> None:
    with label_studio() as server, PreparedBackend() as backend:
        for control in CONTROLS:
            if not names or control.name in names:
                write(FOLDER / f"{control.name}.json", round_trip(server, backend, control))


def write(path: Path, recording: Recording) -> None:
    """One line a task and a prediction, so that a change of one is a change of one line."""
    lists = [
        f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
        for name, rows in (("tasks", recording.tasks), ("predictions", recording.predictions))
    ]
    config = f'"label_config": {json.dumps(recording.label_config, ensure_ascii=False)}'
    path.write_text("{\n" + ",\n".join([config, *lists]) + "\n}\n")


@contextmanager
def label_studio() -> Iterator[DemoServer]:
    """The server of the environment, or one of our own for as long as this lasts."""
    url, token = os.environ.get("LABEL_STUDIO_URL"), os.environ.get("LABEL_STUDIO_TOKEN")
    if url and token:
        yield DemoServer(url, token)
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Config(
            var=Path(folder),
            host="127.0.0.1",
            web_port=free_port(),
            broker_port=free_port(),
            label_studio_port=free_port(),
            backend_port=free_port(),
            redis_url="",
            label_studio_python=Path(
                os.environ.get("LABEL_STUDIO_PYTHON", str(BASE_DIR / ".venv-label-studio" / "bin" / "python"))
            ),
            demo_token=secrets.token_hex(20),
        )
        running = Running(processes.demo_label_studio(config), config.var).start(300)
        try:
            yield DemoServer(config.label_studio_url, config.demo_token)
        finally:
            running.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
