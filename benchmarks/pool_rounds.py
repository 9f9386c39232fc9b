"""Whole rounds: what one takes in a process of its own, and whether several workers are faster than one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.pool_stack import BENCH, Server, config_in, running
from stack import processes
from stack.config import BASE_DIR, write_secrets
from stack.processes import Process

NO_BROKER = "memory://"
"""A round that one process does by itself sends its job nowhere."""

READY_SECONDS = 60


@dataclass(frozen=True)
class Spent:
    """What one round took a worker that had done nothing before; sizes in bytes."""

    strategy: str
    tasks: int
    seconds: float
    cpu: float
    """Seconds, of all threads."""
    idle: int
    peak: int

    @property
    def growth(self) -> int:
        return self.peak - self.idle

    @property
    def waiting(self) -> float:
        """Share of the time in which nothing of ours ran."""
        return max(0.0, 1 - self.cpu / self.seconds)


def bytes_a_task(small: Spent, large: Spent) -> float:
    """How much memory each further task takes."""
    return (large.growth - small.growth) / (large.tasks - small.tasks)


@dataclass(frozen=True)
class Site:
    """A TrustAI of one measurement: its environment, and a folder that is thrown away."""

    env: Mapping[str, str]

    def call(self, verb: str, argument: str) -> dict[str, Any]:
        """A process of :mod:`benchmarks.pool_site`, and what it answers."""
        command = [sys.executable, "-m", "benchmarks.pool_site", verb, argument]
        done = subprocess.run(command, cwd=BASE_DIR, env={**os.environ, **self.env}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{verb}: {done.stderr.strip() or done.stdout.strip()}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def begin(self, server: Server, project: int, backend: str, strategy: str) -> str:
        """Start the first round of a new campaign; gives its id."""
        spec = {"url": server.url, "token": server.token, "project": project, "backend": backend, "strategy": strategy}
        return str(self.call("make", json.dumps(spec))["round"])


@contextmanager
def site(workers: int = 0) -> Iterator[Site]:
    """An empty site; with this many worker processes and a broker, or without any."""
    BENCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="site-", dir=BENCH) as folder, ExitStack() as started:
        config = config_in(Path(folder))
        if not workers:
            config = replace(config, redis_url=NO_BROKER)
        write_secrets(config.var)
        keys = dict(line.split("=", 1) for line in (config.var / "secrets.env").read_text().splitlines())
        # What somebody set for a server of their own must not reach this one.
        places = {"DATABASE_URL": f"sqlite:///{config.var / 'trustai.sqlite3'}", "FILES_DIR": str(config.var / "files")}
        env = processes.django_env(config) | keys | places
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=BASE_DIR, env={**os.environ, **env}, check=True)
        if workers:
            started.enter_context(running(processes.broker(config)))
        for number in range(1, workers + 1):
            log = started.enter_context(running(_one_at_a_time(processes.worker(config), env, number)))
            _wait_until_said(log, "ready.")
        yield Site(env)


def _one_at_a_time(worker: Process, env: Mapping[str, str], number: int) -> Process:
    command = [*worker.command, "--hostname", f"pool-{number}@%h"]
    command[command.index("--concurrency") + 1] = "1"
    return replace(worker, name=f"pool-worker-{number}", command=command, env={**worker.env, **env})


def _wait_until_said(log: Path, word: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while word not in log.read_text():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{log} does not say {word!r}.")
        time.sleep(0.1)


# --------------------------------------------------------------------- the measurements


def round_alone(server: Server, project: int, tasks: int, backend: str, strategy: str) -> Spent:
    """Read, score, pick and publish in a fresh process."""
    with site() as ours:
        told = ours.call("work", ours.begin(server, project, backend, strategy))
    if not told["published"] or len(told["batch"]) != min(100, tasks):
        raise RuntimeError(f"A round came to nothing: {told}")
    print(f"{strategy}, {tasks:,} tasks: {told['message']}", flush=True)
    return Spent(strategy, tasks, told["seconds"], told["cpu"], told["idle"], told["peak"])


@dataclass(frozen=True)
class Shared:
    """A scoring job that several workers did together."""

    workers: int
    seconds: float
    batch: list[Any]
    """Task and score by rank."""


def round_shared(server: Server, project: int, backend: str, workers: int) -> Shared:
    with site(workers) as ours:
        told = ours.call("result", ours.begin(server, project, backend, "margin"))
    print(f"{workers} workers: {told['message']}", flush=True)
    return Shared(workers, told["job_seconds"], told["batch"])
