"""What tests of the core share."""

import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from tests.servers import BACKEND_URL, PROJECT_ID, TOKEN, URL


@pytest.fixture
def manager(server, backend):
    """Makes managers, and closes their clients."""
    opened = []

    def make(*, ask_backend=True, **settings):
        opened.append(LabelStudio(URL, TOKEN))
        client = MLBackend(BACKEND_URL) if ask_backend else None
        if client:
            opened.append(client)
        return ActiveLearningManager(opened[0], PROJECT_ID, client, **{"diversity": "none", **settings})

    yield make
    for client in opened:
        client.close()
