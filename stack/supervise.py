"""Start processes together, and end them together."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from honcho.manager import Manager
from honcho.printer import Printer

from stack.config import BASE_DIR, Config, check_port
from stack.processes import Process


class NotReady(Exception):
    """A process did not come up in time."""


def check_ports(config: Config, processes: Sequence[Process]) -> None:
    for process in processes:
        if process.port is not None:
            check_port(config.host, process.port, process.port_setting, process.name)


def supervise(config: Config, processes: Sequence[Process], foreground: Sequence[Process] = ()) -> int:
    """Run all until one ends or Ctrl-C comes, then end the rest; gives an exit code.

    The output of ``foreground`` is printed, the rest goes to ``var/log``.
    """
    logs = config.var / "log"
    logs.mkdir(parents=True, exist_ok=True)
    manager = Manager(Printer(prefix=False))
    quiet = [(process, process.shell(str(logs / f"{process.name}.log"))) for process in processes]
    for process, command in [*quiet, *((process, process.shell()) for process in foreground)]:
        manager.add_process(process.name, command, env={**os.environ, **process.env}, cwd=str(BASE_DIR))
    manager.loop()
    return int(manager.returncode or 0)


def wait_until_ready(process: Process, seconds: float) -> None:
    """Return when the process answers, raise ``NotReady`` when it does not within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(process.ready_url, timeout=3) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    raise NotReady(f"{process.name} does not answer at {process.ready_url} after {seconds:.0f} s; see its log.")
