"""One scoring shared by workers, on the real stack: how many there are, and who dies, changes nothing of the batch."""

import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from examples.digits.data import LABEL_CONFIG, tasks, true_label
from tests.lead import Lead, RoundPage
from tests.real_stack import LabelStudioServer, Running, Site

Found = tuple[dict[str, np.ndarray], list[int]]
"""The arrays of a round's file, and the ids of its batch."""

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

numbers = itertools.count(1)
TASKS, LABELLED = 420, 20
POOL = TASKS - LABELLED
SETTINGS = {
    "name": "Shared digits",
    "strategy": "margin",
    "diversity": "none",
    "batch_size": 10,
    "start_size": 0,
    "test_size": 0,
    "seed": 7,
    "rank_by": "low",
    "control_share": 0,
    "source": "stored_then_direct",
}


@pytest.fixture(scope="module")
def trained(label_studio: LabelStudioServer, start_backend: Callable[..., str]) -> int:
    """A project with a backend that has a model and takes its time over each task."""
    backend_url = start_backend("--predict-delay", "0.1")
    project_id = label_studio.api.create_project("Shared digits", LABEL_CONFIG, tasks(TASKS))
    label_studio.api.connect_backend(project_id, backend_url, "Slow backend")
    backend = MLBackend(backend_url)
    with LabelStudio(label_studio.url, label_studio.token) as client:
        manager = ActiveLearningManager(client, project_id, backend)
        some = manager.read_pool().task_ids[:LABELLED].tolist()
        for task_id, data in client.task_data(project_id, some).items():
            label_studio.api.annotate(task_id, true_label(data))
        manager.train(manager.before_training())
    backend.close()
    return project_id


@dataclass(frozen=True)
class Shared:
    """A campaign on that project, on a site whose own worker rests."""

    site: Site
    lead: Lead
    campaign: int

    def begin(self) -> RoundPage:
        """Begin a round with nothing kept from before."""
        shutil.rmtree(self.site.var / "files" / "work", ignore_errors=True)
        return self.lead.start_round(self.campaign)

    def come_to_an_end(self, round_: RoundPage) -> Found:
        """The arrays of the round's file and the batch; the round is given up after that, so that another may begin."""
        round_.wait_for("Publish 10 tasks", 120)
        batch = round_.batch
        with np.load(self.site.var / "files" / "rounds" / f"{round_.number}.npz") as file:
            arrays = {name: file[name] for name in file.files}
        round_.press("cancel")
        return arrays, batch


@pytest.fixture(scope="module")
def shared(site: Site, label_studio: LabelStudioServer, trained: int) -> Iterator[Shared]:
    site.worker.stop()
    lead = Lead(site.url)
    connection = lead.connect("Lab", label_studio.url, label_studio.token)
    yield Shared(site, lead, lead.start_campaign(connection, trained, **SETTINGS))
    lead.close()


@contextmanager
def workers(site: Site, count: int) -> Iterator[list[Running]]:
    with ExitStack() as running:
        started = [site.one_process_worker(f"worker-{next(numbers)}") for _ in range(count)]
        for worker in started:
            running.callback(worker.stop)
            worker.start()
        for worker in started:
            wait_for(lambda worker=worker: "ready." in worker.log)
        yield started


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


def assert_the_same(found: Found, before: Found):
    assert found[1] == before[1]
    assert found[0].keys() == before[0].keys()
    for name, array in before[0].items():
        np.testing.assert_array_equal(found[0][name], array, err_msg=name)


def helpers_of(running: list[Running]) -> list[Running]:
    """Those that did parts of somebody else's job."""
    return [worker for worker in running if re.search(r"Helped with part \d+ of job \d+", worker.log)]


@pytest.fixture(scope="module")
def alone(shared: Shared) -> Found:
    """What one worker comes to."""
    with workers(shared.site, 1):
        found = shared.come_to_an_end(shared.begin())
    arrays, batch = found
    assert len(arrays["task_ids"]) == POOL
    assert np.isfinite(arrays["scores"]).all()
    assert len(set(batch)) == 10
    return found


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_workers_comes_to_the_same(shared: Shared, alone: Found, count: int) -> None:
    with workers(shared.site, count) as running:
        found = shared.come_to_an_end(shared.begin())
        assert helpers_of(running), "all by one worker would say nothing"
    assert_the_same(found, alone)
    assert not list((shared.site.var / "files" / "work").glob("*/parts/*"))


@pytest.mark.parametrize("who", ["the helper", "the one whose job it is"])
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(shared: Shared, alone: Found, who: str) -> None:
    with workers(shared.site, 2) as running:
        round_ = shared.begin()
        round_.wait_for(r"Predicting: [1-9]\d* of 400 tasks, 2 workers at it", 120)
        (owner,) = (worker for worker in running if "Took job" in worker.log)
        (helper,) = (worker for worker in running if worker is not owner)
        (helper if who == "the helper" else owner).kill()
        found = shared.come_to_an_end(round_)
    assert_the_same(found, alone)
    assert not list((shared.site.var / "files" / "work").glob("*/parts/*"))
