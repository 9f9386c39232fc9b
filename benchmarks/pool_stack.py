"""The servers of the pool benchmarks: a Label Studio and backends of their own, on ports of their own.

Importing 100,000 tasks takes minutes, so it is done once, into var/benchmarks/label-studio. A run works on a copy that
is thrown away: what one run labels and publishes, no later run finds.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pool_data import CONTROL, LABEL_CONFIG, LABELS, TARGET, VERSION, tasks
from examples.digits.server import DemoServer
from stack import processes
from stack.config import BASE_DIR, Config
from stack.processes import Process
from stack.supervise import wait_until_ready

BENCH = BASE_DIR / "var" / "benchmarks"
PREPARED = BENCH / "label-studio"
LOGS = BENCH / "log"
TOKEN_FILE = "token"

IMPORT_AT_ONCE = 5_000
PATIENCE = 600
"""Seconds that Label Studio may take for one answer: some of what it is asked here takes minutes."""


def expect(found: int, wanted: int, what: str) -> None:
    """A figure of work that was not done is none."""
    if found != wanted:
        raise RuntimeError(f"{found:,} {what} came instead of {wanted:,}.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config_in(var: Path) -> Config:
    """Free ports, and a folder to keep things in."""
    python = os.environ.get("LABEL_STUDIO_PYTHON", str(BASE_DIR / ".venv-label-studio" / "bin" / "python"))
    return Config(
        var=var,
        host="127.0.0.1",
        web_port=free_port(),
        broker_port=free_port(),
        label_studio_port=free_port(),
        backend_port=free_port(),
        redis_url="",
        label_studio_python=Path(python),
        demo_token="",
    )


@contextmanager
def running(process: Process, name: str = "", seconds: float = 300) -> Iterator[Path]:
    """A process of the stack while the block lasts; gives its log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name or process.name}.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            process.command,
            env={**os.environ, **process.env},
            cwd=BASE_DIR,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if process.ready_url:
            wait_until_ready(process, seconds)
        yield log
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@contextmanager
def backend(delay: float = 0.0) -> Iterator[str]:
    """A backend that takes this many seconds a task; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.pool_backend", "--port", str(port), "--delay", str(delay)]
    address = f"http://127.0.0.1:{port}"
    with running(Process("pool-backend", command, ready_url=f"{address}/health"), f"pool-backend-{delay}"):
        yield address


# --------------------------------------------------------------------- Label Studio


@dataclass(frozen=True)
class Server:
    """A Label Studio, and what people do there."""

    url: str
    token: str
    api: DemoServer

    def predicted(self, count: int) -> int:
        """The project of this many tasks with a stored prediction each."""
        found = self.api.find_project(predicted_title(count))
        assert found is not None, "prepared before"
        return found

    def bare(self, count: int, title: str) -> int:
        """A new project of tasks that no model has predicted."""
        return self._filled(title, count, predicted=False)

    def predict_all(self, count: int) -> int:
        return self._filled(predicted_title(count), count, predicted=True)

    def _filled(self, title: str, count: int, *, predicted: bool) -> int:
        project = self.api.create_project(title, LABEL_CONFIG, [])
        for first in range(0, count, IMPORT_AT_ONCE):
            self.add(project, min(IMPORT_AT_ONCE, count - first), predicted=predicted, first=first)
        return project

    def add(self, project: int, count: int, *, predicted: bool, first: int) -> None:
        self.post(f"/api/projects/{project}/import", list(tasks(count, predicted=predicted, first=first)))

    def label(self, task_id: int) -> None:
        self.api.annotate(task_id, LABELS[0], CONTROL, TARGET)

    def delete(self, task_id: int) -> None:
        self.api.http.delete(f"/api/tasks/{task_id}/").raise_for_status()

    def get(self, path: str, **params: Any) -> Any:
        response = self.api.http.get(path, params=params)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        response = self.api.http.post(path, json=body)
        response.raise_for_status()
        return response.json() if response.content else None


def predicted_title(count: int) -> str:
    return f"{count:,} tasks predicted by {VERSION}"


@contextmanager
def label_studio(counts: Collection[int]) -> Iterator[Server]:
    """A Label Studio with one untouched project of each size."""
    _prepare(counts)
    BENCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=BENCH) as run:
        shutil.copytree(PREPARED, Path(run) / "label-studio")
        with _serving(Path(run)) as server:
            yield server


def _prepare(counts: Collection[int]) -> None:
    """Import what is missing, in a copy that takes the old one's place when it is whole."""
    known = _prepared_titles()
    missing = sorted(count for count in counts if predicted_title(count) not in known)
    if not missing:
        return
    part = BENCH / "part"
    shutil.rmtree(part, ignore_errors=True)
    if PREPARED.exists():
        shutil.copytree(PREPARED, part / "label-studio")
    with _serving(part) as server:
        for count in missing:
            print(f"Importing {count:,} tasks into Label Studio, once.", flush=True)
            start = time.perf_counter()
            server.predict_all(count)
            print(f"{time.perf_counter() - start:.0f} s.", flush=True)
    titles = known | {predicted_title(count) for count in missing}
    (part / "label-studio" / "titles").write_text("\n".join(sorted(titles)))
    shutil.rmtree(PREPARED, ignore_errors=True)
    (part / "label-studio").rename(PREPARED)
    part.rmdir()


def _prepared_titles() -> set[str]:
    try:
        return set((PREPARED / "titles").read_text().splitlines())
    except FileNotFoundError:
        return set()


@contextmanager
def _serving(var: Path) -> Iterator[Server]:
    config = config_in(var)
    token = _token(var / "label-studio")
    process = processes.label_studio(config, username="bench@example.com", password=token, token=token)
    with running(process):
        api = DemoServer(config.label_studio_url, token)
        api.http.timeout = PATIENCE
        try:
            yield Server(config.label_studio_url, token, api)
        finally:
            api.close()


def _token(folder: Path) -> str:
    """The token that this Label Studio began with."""
    file = folder / TOKEN_FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(20))
    return file.read_text()
