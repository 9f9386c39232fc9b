"""What must survive a restart: each project's model, test set and way back to Label Studio."""

import io
import json
import logging
import os
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import joblib

from .label_studio import LabelStudio
from .model import Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Project:
    """What others told this backend of a project."""

    label_config: str = ""
    url: str = ""
    token: str = ""
    holdout: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Project({self.url!r})"

    @property
    def label_studio(self) -> LabelStudio:
        return LabelStudio(self.url, self.token)


class Store:
    """One folder a project; files are replaced whole, and only their owner may read them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._models: dict[str, Model | None] = {}
        self._lock = threading.Lock()

    def project(self, key: str) -> Project:
        """Read what is known of a project; nothing at first."""
        try:
            known = json.loads((self.root / key / "project.json").read_text())
        except FileNotFoundError:
            return Project()
        return Project(**known | {"holdout": tuple(known["holdout"])})

    def update_project(self, key: str, **changes: Any) -> Project:
        """Change some of what is known of a project."""
        with self._lock:
            known = self.project(key)
            project = replace(known, **changes)
            if project != known:
                self._write(self.root / key / "project.json", json.dumps(asdict(project)).encode())
        return project

    def model(self, key: str) -> Model | None:
        """Give the newest model of a project, or None while it is untrained."""
        with self._lock:
            if key not in self._models:
                self._models[key] = self._load(self.root / key / "model.joblib")
            return self._models[key]

    def save_model(self, key: str, model: Model) -> None:
        """Make this the newest model of a project."""
        content = io.BytesIO()
        joblib.dump(model, content)
        with self._lock:
            self._write(self.root / key / "model.joblib", content.getvalue())
            self._models[key] = model

    def _load(self, path: Path) -> Model | None:
        if not path.exists():
            return None
        try:
            model = joblib.load(path)
        except Exception:  # a pickle of another library version fails in any way
            log.exception("%s cannot be read; the project counts as untrained", path)
            return None
        return model if isinstance(model, Model) else None

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
