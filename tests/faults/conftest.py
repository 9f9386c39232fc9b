"""Real servers behind proxies that break, and what comes out of them while nothing does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.types import Batch, Pool, Prediction, Scores
from examples.digits.data import LABEL_CONFIG, tasks, true_label
from stack import processes
from stack.config import Config
from tests.faults.proxy import Proxy
from tests.real_stack import LabelStudioServer, Running, free_port

numbers = count(1)

SEED = 5
BATCH = 8
CANDIDATES = 4
"""Times the batch, that diversity may choose from: so the least uncertain tasks may be unknown, and nothing changes."""
ASKING: dict[str, Any] = {"seed": SEED, "candidate_factor": CANDIDATES}
LABELLED = 30
DIGITS = 120
PATIENCE = 10.0
"""Seconds that a client of these tests goes on asking; the workers of the web have more of it."""

TIMEOUT = 20.0
"""Seconds that a request may take where a test is not about that: a busy machine is no fault."""

SHORT = 2.0
"""Where it is."""


@dataclass(frozen=True)
class Outcome:
    """What scoring a pool and asking for a batch came to."""

    pool: Pool
    scores: Scores
    batch: Batch

    @property
    def batch_ids(self) -> list[int]:
        return [item.task_id for item in self.batch.items]

    @property
    def unknown(self) -> dict[str, int]:
        """Reason → how many tasks."""
        assert self.scores.probabilities
        return self.scores.probabilities.unknown


def outcome_of(manager: ActiveLearningManager) -> Outcome:
    """One round's way from the pool to the batch."""
    pool = manager.read_pool()
    scores = manager.score(pool)
    return Outcome(pool, scores, manager.recommend(scores, BATCH))


def assert_same(found: Outcome, calm: Outcome, *, unknown: NDArray[np.int64] | None = None) -> None:
    """Faults changed nothing, except that of these tasks nothing is known."""
    assert found.pool.task_ids.tolist() == calm.pool.task_ids.tolist()
    assert found.pool.labeled_ids.tolist() == calm.pool.labeled_ids.tolist()
    probabilities, expected = found.scores.probabilities, calm.scores.probabilities
    assert probabilities
    assert expected
    assert probabilities.model_version == expected.model_version
    known = ~np.isin(calm.pool.task_ids, [] if unknown is None else unknown)
    assert not probabilities.known[~known].any()
    np.testing.assert_array_equal(probabilities.values[known], expected.values[known])
    np.testing.assert_array_equal(probabilities.reasons[known], expected.reasons[known])
    np.testing.assert_array_equal(found.scores.bounds.low[known], calm.scores.bounds.low[known])
    np.testing.assert_array_equal(found.scores.bounds.high[known], calm.scores.bounds.high[known])
    assert found.batch_ids == calm.batch_ids


@dataclass(frozen=True)
class Place:
    """A project, and the servers that it lives on."""

    project_id: int
    label_studio: LabelStudioServer
    backend_url: str | None = None


@pytest.fixture(scope="session")
def backend_process(stack_config: Config) -> Iterator[Running]:
    """A reference backend that may be killed and started again."""
    process = processes.ml_backend(replace(stack_config, backend_port=free_port()))
    folder = stack_config.var / "mortal-backend"
    folder.mkdir()
    process.command[process.command.index("--data-dir") + 1] = str(folder)
    running = Running(process, folder).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def mortal_backend(backend_process: Running) -> str:
    return backend_process.process.ready_url.removesuffix("/health")


@pytest.fixture(scope="session")
def make_place(label_studio: LabelStudioServer, proxies: "Between") -> Callable[..., Place]:
    """Make a project of digits, the first of them labelled; train the backend on these, where there is one.

    Label Studio knows the backend by the address of the proxy.
    """

    def make(backend_url: str | None = None, digits: int = DIGITS, labelled: int = LABELLED) -> Place:
        imported = tasks(digits)
        for task in imported[:labelled]:
            task["annotations"] = [{"result": [answer(true_label(task["data"]))]}]
        project_id = label_studio.api.create_project(f"Faults {next(numbers)}", LABEL_CONFIG, imported)
        place = Place(project_id, label_studio, backend_url)
        if backend_url:
            label_studio.api.connect_backend(project_id, proxies.backend.url, "Reference backend")
            with direct_manager(place) as manager:
                manager.train(manager.before_training())
        return place

    return make


@pytest.fixture(scope="session")
def make_stored_place(make_place: Callable[..., Place]) -> Callable[..., Place]:
    """Make a project with stored predictions of two model versions for a share of its tasks; no backend."""

    def make(share: float = 1.0, **sizes: int) -> Place:
        place = make_place(**sizes)
        with direct_client(place) as client:
            ids = sorted(state.task_id for page, _ in client.task_states(place.project_id) for state in page)
            current, old = ids[: int(share * len(ids))], ids[: len(ids) // 2]
            client.import_predictions(place.project_id, [made_up(task_id, "current") for task_id in current])
            client.import_predictions(place.project_id, [made_up(task_id, "old") for task_id in old])
            # The newest prediction of a version counts, whatever way they are read.
            client.import_predictions(place.project_id, [made_up(task_id, "current", 1) for task_id in ids[20:40]])
        return place

    return make


@pytest.fixture(scope="session")
def asked_place(make_place: Callable[..., Place], mortal_backend: str) -> Place:
    """A project that has no predictions, with a backend that makes them. Nobody changes it."""
    return make_place(mortal_backend)


@pytest.fixture(scope="session")
def stored_place(make_stored_place: Callable[..., Place]) -> Place:
    """A project whose predictions are all stored. Nobody changes it."""
    return make_stored_place()


def answer(label: str) -> dict[str, Any]:
    """What is said of a digit, by whomever."""
    return {"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": [label]}}


def made_up(task_id: int, version: str, turn: int = 0) -> Prediction:
    """What a model might say of a task: always the same, but for the turn."""
    random = np.random.default_rng([task_id, len(version), turn])
    probabilities = random.dirichlet(np.full(10, 0.5)).round(6)
    shares = {str(digit): float(share) for digit, share in enumerate(probabilities / probabilities.sum())}
    best = max(shares, key=lambda digit: shares[digit])
    return Prediction(task_id, [{**answer(best), "probabilities": shares}], shares[best], version)


@dataclass(frozen=True)
class Between:
    """The proxies between us and the servers."""

    label_studio: Proxy
    backend: Proxy

    def heal(self) -> None:
        self.label_studio.heal()
        self.backend.heal()


@pytest.fixture(scope="session")
def proxies(label_studio: LabelStudioServer, mortal_backend: str) -> Iterator[Between]:
    with Proxy(label_studio.url) as to_label_studio, Proxy(mortal_backend) as to_backend:
        yield Between(to_label_studio, to_backend)


@pytest.fixture
def between(proxies: Between) -> Iterator[Between]:
    """The proxies; every test begins with nothing broken."""
    proxies.heal()
    yield proxies
    proxies.heal()


@pytest.fixture
def manager_at(between: Between) -> Iterator[Callable[..., ActiveLearningManager]]:
    """Make a manager of a place whose servers are behind the proxies."""
    with ExitStack() as opened:

        def make(
            place: Place, *, timeout: float = TIMEOUT, patience: float = PATIENCE, **settings: object
        ) -> ActiveLearningManager:
            server = place.label_studio
            client = LabelStudio(between.label_studio.url, server.token, timeout=timeout, patience=patience)
            opened.callback(client.close)
            backend = MLBackend(between.backend.url, timeout=timeout) if place.backend_url else None
            if backend:
                opened.callback(backend.close)
            return ActiveLearningManager(client, place.project_id, backend, **(ASKING | settings))  # type: ignore[arg-type]

        yield make


@contextmanager
def direct_client(place: Place) -> Iterator[LabelStudio]:
    """With no proxy between."""
    with LabelStudio(place.label_studio.url, place.label_studio.token) as client:
        yield client


@contextmanager
def direct_manager(place: Place) -> Iterator[ActiveLearningManager]:
    """With no proxy between."""
    with direct_client(place) as client:
        backend = MLBackend(place.backend_url) if place.backend_url else None
        yield ActiveLearningManager(client, place.project_id, backend, **ASKING)
        if backend:
            backend.close()


def calm_outcome(place: Place) -> Outcome:
    """What comes of a place when nothing is broken."""
    with direct_manager(place) as manager:
        return outcome_of(manager)


@pytest.fixture(scope="session")
def calm_asked(asked_place: Place) -> Outcome:
    return calm_outcome(asked_place)


@pytest.fixture(scope="session")
def calm_stored(stored_place: Place) -> Outcome:
    return calm_outcome(stored_place)
