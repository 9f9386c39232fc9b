"""The wire: nothing of a test leaves this machine."""

from collections.abc import Iterator

import pytest
import respx
from hypothesis import settings

from al_core.label_studio import transport
from tests.servers import BACKEND_URL, URL, BackendServer, LabelStudioServer, asks_to_train

# A busy machine is slow, and that is no defect of what is tested.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

pytest_plugins = ["tests.real_stack"]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[respx.MockRouter]:
    """Every request of httpx; one that no route takes fails the test. Nobody waits before trying again."""
    monkeypatch.setattr(transport, "sleep", lambda _: None)
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def server(wire: respx.MockRouter) -> LabelStudioServer:
    """A Label Studio with a project of 30 tasks."""
    answering = LabelStudioServer(task_count=30)
    wire.route(url__startswith=URL).mock(side_effect=answering)
    return answering


@pytest.fixture
def backend(wire: respx.MockRouter, server: LabelStudioServer) -> BackendServer:
    """An ML backend that is connected to that project."""
    answering = BackendServer()
    wire.route(url__startswith=BACKEND_URL).mock(side_effect=answering)
    server.backends = [{"id": 3, "title": "Reference", "url": BACKEND_URL, "state": "CO", "model_version": "v1"}]
    server.on_train = asks_to_train(answering)
    return answering
