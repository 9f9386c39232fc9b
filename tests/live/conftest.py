"""Projects on the real Label Studio."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from examples.digits.data import LABEL_CONFIG, tasks
from tests.real_stack import LabelStudioServer

numbers = count(1)


@pytest.fixture
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudio]:
    with LabelStudio(label_studio.url, label_studio.token) as client:
        yield client


@pytest.fixture
def make_project(label_studio: LabelStudioServer) -> Callable[..., int]:
    """Make a project with so many digits; give its id."""

    def make(digits: int = 60, config: str = LABEL_CONFIG, backend: str | None = None) -> int:
        title = f"Live test {next(numbers)}"
        project_id = label_studio.api.create_project(title, config, tasks(digits) if digits else [])
        if backend:
            label_studio.api.connect_backend(project_id, backend, "Reference backend")
        return project_id

    return make


@pytest.fixture
def manager(
    client: LabelStudio, make_project: Callable[..., int], backend_url: str
) -> Iterator[Callable[..., ActiveLearningManager]]:
    """Make a manager of a new project, or of a given one."""
    backends: list[MLBackend] = []

    def make(project_id: int | None = None, digits: int = 60, **settings: object) -> ActiveLearningManager:
        backends.append(MLBackend(str(settings.pop("backend", backend_url))))
        return ActiveLearningManager(client, project_id or make_project(digits), backends[-1], **settings)  # type: ignore[arg-type]

    yield make
    for backend in backends:
        backend.close()
