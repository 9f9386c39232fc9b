"""Where the processes of this machine listen and keep their state; every value comes from the environment."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent


class PortTaken(Exception):
    """Another program listens where one of ours should."""


@dataclass(frozen=True)
class Config:
    """One machine's set of addresses and folders."""

    var: Path
    host: str
    web_port: int
    broker_port: int
    label_studio_port: int
    backend_port: int
    redis_url: str
    """A Redis of the user's own; empty where the embedded broker is to be started."""
    label_studio_python: Path
    demo_token: str
    """The token of the demo's own Label Studio."""
    own_site_url: str = ""
    """Where ML backends reach the site; empty where that is where it listens."""

    @property
    def web_url(self) -> str:
        return f"http://{self.host}:{self.web_port}"

    @property
    def site_url(self) -> str:
        return self.own_site_url or self.web_url

    @property
    def label_studio_url(self) -> str:
        return f"http://{self.host}:{self.label_studio_port}"

    @property
    def backend_url(self) -> str:
        return f"http://{self.host}:{self.backend_port}"

    @property
    def broker_url(self) -> str:
        return self.redis_url or f"redis://{self.host}:{self.broker_port}/0"


def load() -> Config:
    """Read the environment, `.env` and `var/secrets.env`, and make the secrets that are missing."""
    env = Env()
    env.read_env(str(BASE_DIR / ".env"), recurse=False)
    var = Path(env.str("TRUSTAI_VAR_DIR", str(BASE_DIR / "var"))).resolve()
    write_secrets(var)
    env.read_env(str(var / "secrets.env"), recurse=False)
    return Config(
        var=var,
        host=env.str("TRUSTAI_HOST", "127.0.0.1"),
        web_port=env.int("TRUSTAI_PORT", 8000),
        broker_port=env.int("BROKER_PORT", 6390),
        label_studio_port=env.int("LABEL_STUDIO_PORT", 8080),
        backend_port=env.int("ML_BACKEND_PORT", 9090),
        redis_url=env.str("REDIS_URL", ""),
        label_studio_python=Path(
            env.str("LABEL_STUDIO_PYTHON", str(BASE_DIR / ".venv-label-studio" / "bin" / "python"))
        ),
        demo_token=env.str("DEMO_LABEL_STUDIO_TOKEN"),
        own_site_url=env.str("SITE_URL", ""),
    )


def write_secrets(var: Path) -> None:
    """Make keys for this machine once; later starts find them."""
    path = var / "secrets.env"
    if path.exists():
        return
    var.mkdir(parents=True, exist_ok=True)
    lines = [
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"ENCRYPTION_KEYS={Fernet.generate_key().decode()}",
        f"DEMO_LABEL_STUDIO_TOKEN={secrets.token_hex(20)}",
    ]
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def check_port(host: str, port: int, setting: str, what: str) -> None:
    """Raise ``PortTaken``, naming the setting to change, if somebody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            raise PortTaken(
                f"Port {port} is taken by another program, and {what} needs one. "
                f"End that program, or choose another port: {setting}={port + 1} make …"
            )
