"""Sources of predictions over a Label Studio and a backend at the end of the wire."""

import numpy as np
import pytest

from al_core.label_studio import LabelStudio, label_spaces
from al_core.ml_backend import MLBackend
from al_core.pool import PoolReader, pool_of
from al_core.predictions import PredictionSource, direct, write_back
from al_core.storage import MemoryStore
from tests.servers import BACKEND_URL, PROJECT_ID, TOKEN, URL


class Bench:
    """One project, its backend and one store, for any number of sources."""

    def __init__(self, label_studio, backend):
        self.label_studio = label_studio
        self.backend = backend
        self.store = MemoryStore()

    def source(self, *, ask_backend=True, **settings):
        project = self.label_studio.project(PROJECT_ID)
        spaces = label_spaces(project.label_config)
        client = self.backend if ask_backend else None
        return PredictionSource(self.label_studio, project, spaces, client, **{"store": self.store, **settings})

    def pool(self):
        tasks, changes = PoolReader(self.label_studio, PROJECT_ID).read()
        return pool_of(tasks, changes=changes)

    def model(self, **settings):
        return self.source(**settings).model(self.pool())


@pytest.fixture
def bench(server, backend, monkeypatch):
    monkeypatch.setattr(write_back, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(direct, "MOST_CHUNK", 10)
    label_studio, client = LabelStudio(URL, TOKEN), MLBackend(BACKEND_URL)
    yield Bench(label_studio, client)
    label_studio.close()
    client.close()


@pytest.fixture
def asked(backend):
    """The ids that the backend was asked for since the last call, ascending, each as often as it was."""
    seen = 0

    def since():
        nonlocal seen
        bodies = backend.bodies("/predict")
        new, seen = bodies[seen:], len(bodies)
        return sorted(task["id"] for body in new for task in body["tasks"])

    return since


@pytest.fixture
def reads(server):
    """The paths that predictions were read by since the last call."""
    seen = 0

    def since():
        nonlocal seen
        new, seen = server.requests[seen:], len(server.requests)
        stream = [r for r in new if r.method == "GET" and r.url.path == "/api/predictions/"]
        pages = [r for r in new if "predictions" in r.url.params.get("include", "")]
        return ["stream"] * len(stream) + ["ids" if "query" in r.url.params else "page" for r in pages]

    return since


def same(first, second):
    """Whether two models say the same of the same tasks."""
    assert first.version == second.version
    for one, other in zip(first.probabilities, second.probabilities, strict=True):
        for name in ("task_ids", "starts", "values", "top", "answers", "reasons"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    return True
