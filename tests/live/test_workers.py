"""One scoring shared by workers, on the real stack: how many there are, and who dies, changes nothing of the batch."""

import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from examples.digits.data import LABEL_CONFIG, tasks, true_label
from tests.real_stack import LabelStudioServer, Running, Site

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


class Lead:
    """Somebody who leads a campaign, without a browser."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)

    def look(self, path: str) -> str:
        answer = self.http.get(path)
        answer.raise_for_status()
        return answer.text

    def send(self, path: str, on: str, **values: object) -> httpx.Response:
        """Send a form that stands on a page."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.look(on))
        assert token
        answer = self.http.post(path, data={**values, "csrfmiddlewaretoken": token[1]})
        answer.raise_for_status()
        return answer


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
        manager.train(version_before=manager.model_version())
    backend.close()
    return project_id


@pytest.fixture(scope="module")
def lead(site: Site, label_studio: LabelStudioServer, trained: int) -> Iterator[Lead]:
    """Who has put that project under active learning, on a site whose own worker rests."""
    site.worker.stop()
    lead = Lead(site.url)
    password = {"password1": "correct horse battery", "password2": "correct horse battery"}
    lead.send("/setup/", "/setup/", username="alice", **password)
    lead.send("/connections/new/", "/connections/new/", name="Lab", url=label_studio.url, token=label_studio.token)
    page = f"/connections/1/projects/{trained}/"
    assert lead.send(page, page, **SETTINGS).url.path == "/campaigns/1/"
    yield lead
    lead.http.close()


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


def begin(lead: Lead, site: Site) -> str:
    """Begin a round with nothing kept from before; gives the path of its page."""
    shutil.rmtree(site.var / "files" / "work", ignore_errors=True)
    return lead.send("/campaigns/1/rounds/", "/campaigns/1/").url.path


def come_to_an_end(lead: Lead, site: Site, page: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of the round's file and the batch; the round is given up after that, so that another may begin."""
    wait_for(lambda: "Publish 10 tasks" in lead.look(page))
    text = lead.look(page)
    batch = re.findall(r'data-task-id="(\d+)"', text)
    with np.load(site.var / "files" / "rounds" / f"{page.split('/')[2]}.npz") as file:
        arrays = {name: file[name] for name in file.files}
    lead.send(f"{page}cancel/", page)
    return arrays, batch


def assert_the_same(found: tuple[dict[str, np.ndarray], list[str]], before: tuple[dict[str, np.ndarray], list[str]]):
    assert found[1] == before[1]
    assert found[0].keys() == before[0].keys()
    for name, array in before[0].items():
        np.testing.assert_array_equal(found[0][name], array, err_msg=name)


def helpers_of(running: list[Running]) -> list[Running]:
    """Those that did parts of somebody else's job."""
    return [worker for worker in running if re.search(r"Helped with part \d+ of job \d+", worker.log)]


@pytest.fixture(scope="module")
def alone(lead: Lead, site: Site) -> tuple[dict[str, np.ndarray], list[str]]:
    """What one worker comes to."""
    with workers(site, 1):
        found = come_to_an_end(lead, site, begin(lead, site))
    arrays, batch = found
    assert len(arrays["task_ids"]) == POOL
    assert np.isfinite(arrays["scores"]).all()
    assert len(set(batch)) == 10
    return found


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_workers_comes_to_the_same(
    lead: Lead, site: Site, alone: tuple[dict[str, np.ndarray], list[str]], count: int
) -> None:
    with workers(site, count) as running:
        found = come_to_an_end(lead, site, begin(lead, site))
        assert helpers_of(running), "all by one worker would say nothing"
    assert_the_same(found, alone)
    assert not list((site.var / "files" / "work").glob("*/parts/*"))


@pytest.mark.parametrize("who", ["the helper", "the one whose job it is"])
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    lead: Lead, site: Site, alone: tuple[dict[str, np.ndarray], list[str]], who: str
) -> None:
    with workers(site, 2) as running:
        page = begin(lead, site)
        wait_for(lambda: re.search(r"Predicting: [1-9]\d* of 400 tasks, 2 workers at it", lead.look(page)))
        (owner,) = (worker for worker in running if "Took job" in worker.log)
        (helper,) = (worker for worker in running if worker is not owner)
        (helper if who == "the helper" else owner).kill()
        found = come_to_an_end(lead, site, page)
    assert_the_same(found, alone)
    assert not list((site.var / "files" / "work").glob("*/parts/*"))
