"""A real Label Studio, backend, broker and site for the tests, each started once a session when first asked for."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from examples.digits.server import DemoServer
from stack import processes
from stack.config import BASE_DIR, Config, write_secrets
from stack.processes import Process
from stack.supervise import wait_until_ready


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A process of the stack under our hands."""

    def __init__(self, process: Process, log_dir: Path) -> None:
        self.process = process
        self._log = log_dir / f"{process.name}.log"
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 120) -> "Running":
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.process.command,
                env={**os.environ, **self.process.env},
                cwd=BASE_DIR,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self.process.ready_url:
            wait_until_ready(self.process, seconds)
        return self

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its children at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _signal(self, number: int) -> None:
        if self._popen is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)
        try:
            self._popen.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait(20)
        self._popen = None


@pytest.fixture(scope="session")
def stack_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Free ports and a folder that is thrown away."""
    var = tmp_path_factory.mktemp("var")
    write_secrets(var)
    return Config(
        var=var,
        host="127.0.0.1",
        web_port=free_port(),
        broker_port=free_port(),
        label_studio_port=free_port(),
        backend_port=free_port(),
        redis_url=os.environ.get("REDIS_URL", ""),
        label_studio_python=Path(
            os.environ.get("LABEL_STUDIO_PYTHON", str(BASE_DIR / ".venv-label-studio" / "bin" / "python"))
        ),
        demo_token=secrets.token_hex(20),
    )


@dataclass(frozen=True)
class LabelStudioServer:
    """A real Label Studio."""

    url: str
    token: str
    email: str
    password: str
    running: Running
    api: DemoServer
    """What a person does there."""


@pytest.fixture(scope="session")
def label_studio(stack_config: Config) -> Iterator[LabelStudioServer]:
    running = Running(processes.demo_label_studio(stack_config), stack_config.var).start(300)
    api = DemoServer(stack_config.label_studio_url, stack_config.demo_token)
    yield LabelStudioServer(
        url=stack_config.label_studio_url,
        token=stack_config.demo_token,
        email=processes.DEMO_EMAIL,
        password=processes.DEMO_PASSWORD,
        running=running,
        api=api,
    )
    api.close()
    running.stop()


@pytest.fixture(scope="session")
def start_backend(stack_config: Config) -> Iterator[Callable[..., str]]:
    """Start a reference backend with some options, and give its address."""
    started: list[Running] = []

    def start(*options: str) -> str:
        config = replace(stack_config, backend_port=free_port())
        process = processes.ml_backend(config, *options)
        folder = stack_config.var / f"backend-{config.backend_port}"
        folder.mkdir()
        process.command[process.command.index("--data-dir") + 1] = str(folder)
        started.append(Running(process, folder).start())
        return config.backend_url

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def start_misbehaving(stack_config: Config) -> Iterator[Callable[..., str]]:
    """Start a backend of tests.misbehaving_backend in a mode, and give its address."""
    started: list[Running] = []

    def start(mode: str, seconds: float) -> str:
        port = free_port()
        command = [sys.executable, "-m", "tests.misbehaving_backend", mode]
        command += ["--port", str(port), "--seconds", str(seconds)]
        url = f"http://127.0.0.1:{port}"
        started.append(Running(Process(f"{mode}-{port}", command, ready_url=f"{url}/health"), stack_config.var).start())
        return url

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def backend_url(start_backend: Callable[..., str]) -> str:
    """A reference backend without any option."""
    return start_backend()


@dataclass(frozen=True)
class Site:
    """TrustAI itself: web, worker, beat and broker, as `make run` starts them."""

    url: str
    worker: Running
    var: Path
    one_process_worker: Callable[[str], Running]
    """Makes another worker, of a single process and by a name of its own; whoever starts it stops it."""
    manage: Callable[..., str]
    """What a command of ``manage.py`` says about this site."""


@pytest.fixture(scope="module")
def site(stack_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An empty site for each module of tests."""
    var = tmp_path_factory.mktemp("site")
    write_secrets(var)
    config = replace(stack_config, var=var, web_port=free_port(), broker_port=free_port())
    quick = {"JOB_STALE_SECONDS": "6", "JOB_HEARTBEAT_SECONDS": "0.5", "JOB_RETRY_SECONDS": "1"}
    # The settings of the tests must not reach the processes: they are the real thing, with the real settings.
    env = {"SECRET_KEY": "", "ENCRYPTION_KEYS": "", **_secrets(config.var), **quick, "SITE_URL": config.web_url}

    def manage(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *command, "-v0"],
            cwd=BASE_DIR,
            env={**os.environ, **processes.django_env(config), **env},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    # A database of the environment's own holds what the module before has left.
    for command in (["migrate"], ["flush", "--noinput"], ["collectstatic", "--noinput"]):
        manage(*command)
    parts = [processes.web(config), processes.worker(config), processes.beat(config)]
    if not config.redis_url:
        parts.insert(0, processes.broker(config))
    running = [Running(replace(part, env={**part.env, **env}), config.var).start() for part in parts]

    def one_process_worker(name: str) -> Running:
        part = processes.worker(config)
        command = [*part.command, "--concurrency", "1", "--hostname", f"{name}@%h"]
        return Running(replace(part, name=name, command=command, env={**part.env, **env}), config.var)

    yield Site(
        url=config.web_url,
        worker=next(r for r in running if r.process.name == "worker"),
        var=config.var,
        one_process_worker=one_process_worker,
        manage=manage,
    )
    for part in reversed(running):
        part.stop()


def _secrets(var: Path) -> dict[str, str]:
    lines = (var / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)
