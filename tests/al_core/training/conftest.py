"""A backend that is trained, time that passes only while somebody waits, and a trainer between the two."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from al_core.label_studio import LabelStudio, label_spaces
from al_core.ml_backend import MLBackend
from al_core.predictions import PredictionSource
from al_core.training import Before, Lesson, Trainer
from al_core.types import Project, Training, silent
from tests.servers import BACKEND_URL, CONFIG, CREATED_AT, PROJECT_ID, TOKEN, URL, BackendServer, LabelStudioServer

PROJECT = Project(PROJECT_ID, "Moods", CONFIG, 30, 0, datetime.fromisoformat(CREATED_AT))
LABELLED = [{"id": 1, "data": {}, "annotations": []}]
PROBE = [2, 3, 5, 7]


class Clock:
    """Time that passes only while somebody sleeps, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: dict[float, Callable[[], Any]] = {}
        """Seconds → what happens then, once."""

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(moment for moment in self.events if moment <= self.now):
            self.events.pop(moment)()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def label_studio(server: LabelStudioServer) -> Iterator[LabelStudio]:
    with LabelStudio(URL, TOKEN) as client:
        yield client


@pytest.fixture
def make_trainer(backend: BackendServer, label_studio: LabelStudio, clock: Clock) -> Iterator[Callable[..., Trainer]]:
    opened: list[MLBackend] = []

    def make(timeout: float = 100.0, progress: Any = silent, auth: tuple[str, str] | None = None) -> Trainer:
        client = MLBackend(BACKEND_URL, auth)
        opened.append(client)

        source = PredictionSource(label_studio, PROJECT, label_spaces(CONFIG), client)
        predict = partial(source.predict, client)
        return Trainer(
            label_studio, PROJECT, client, predict, progress=progress, timeout=timeout, clock=clock, sleep=clock.sleep
        )

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def train(make_trainer: Callable[..., Trainer]) -> Callable[..., Training]:
    """Train once, from a look at the backend to the verdict; the trainer's settings and the training's together."""

    def run(before: Before | None = None, **given: Any) -> Training:
        settings = {name: given.pop(name) for name in ("timeout", "progress", "auth") if name in given}
        trainer = make_trainer(**settings)
        return trainer.train(Lesson(LABELLED, [4]), before or trainer.before(PROBE), **given)

    return run
