"""``python -m tests.services COMMAND …``: run a command beside a PostgreSQL and a Redis of its own."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_stack import free_port


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL cluster that lives as long as the block; gives its DATABASE_URL."""
    binaries = max(glob.glob("/usr/lib/postgresql/*/bin"))
    data, port = folder / "postgresql", free_port()
    data.mkdir()
    # PostgreSQL refuses to run as root; its package brings a user of its own.
    as_user: list[str] = []
    if os.getuid() == 0:
        folder.chmod(0o755)
        shutil.chown(data, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, f"{binaries}/{program}", "-D", str(data), *arguments]
        subprocess.run(command, check=True, cwd=data, stdout=subprocess.DEVNULL)

    run("initdb", "--auth", "trust", "--username", "trustai", "--encoding", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off"
    run("pg_ctl", "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgres://trustai@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that lives as long as the block; gives its REDIS_URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="trustai-services-") as name:
        folder = Path(name)
        with postgresql(folder) as database_url, redis(folder) as redis_url:
            env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
            return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
