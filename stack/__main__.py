"""``python -m stack secrets | run | demo``."""

import os
import subprocess
import sys
from collections.abc import Callable

from stack import config as configuration
from stack import processes
from stack.config import BASE_DIR, Config, PortTaken
from stack.processes import BrokerMissing, Process, django_env
from stack.supervise import check_ports, supervise


def secrets(config: Config) -> int:
    print(f"The keys of this machine are in {config.var / 'secrets.env'}.")
    return 0


def run(config: Config) -> int:
    """Web, worker, beat and broker, for a Label Studio of your own."""
    wanted = _own(config)
    check_ports(config, wanted)
    _prepare(config)
    print(f"TrustAI comes up at {config.web_url}. Ctrl-C ends it. Logs: {config.var / 'log'}", flush=True)
    return supervise(config, wanted)


def demo(config: Config) -> int:
    """The same with Label Studio, the reference backend, and a seeded campaign on the digits."""
    wanted = [*_own(config), processes.demo_label_studio(config), processes.ml_backend(config)]
    check_ports(config, wanted)
    _prepare(config)
    print(f"Starting {', '.join(process.name for process in wanted)}. Logs: {config.var / 'log'}", flush=True)
    seed = Process("demo", [sys.executable, "-m", "examples.digits"], django_env(config))
    return supervise(config, wanted, foreground=[seed])


def _own(config: Config) -> list[Process]:
    own = [processes.web(config), processes.worker(config), processes.beat(config)]
    return own if config.redis_url else [processes.broker(config), *own]


def _prepare(config: Config) -> None:
    for command in (["migrate"], ["collectstatic", "--noinput"]):
        subprocess.run(
            [sys.executable, "manage.py", *command, "--verbosity", "0"],
            cwd=BASE_DIR,
            env={**os.environ, **django_env(config)},
            check=True,
        )


COMMANDS: dict[str, Callable[[Config], int]] = {"secrets": secrets, "run": run, "demo": demo}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m stack {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](configuration.load())
    except (PortTaken, BrokerMissing) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
