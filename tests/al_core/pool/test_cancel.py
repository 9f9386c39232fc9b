"""A reading that is cancelled while Label Studio hangs."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from al_core.errors import Cancelled
from al_core.label_studio import LabelStudio
from al_core.pool import PoolReader, TaskTable
from tests.servers import PROJECT_ID, TOKEN, URL, LabelStudioServer


class Hanging:
    """A fault: requests from the n-th on are not answered until the test is over."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = 0
        self.since: float | None = None
        self.over = threading.Event()

    def __call__(self, request: httpx.Request) -> None:
        self.count += 1
        if self.count >= self.first:
            self.since = time.monotonic()
            self.over.wait(30)

    def cancel(self, done: int, total: int | None, sentence: str) -> None:
        """What a lead does who sees it."""
        if self.since is not None:
            raise Cancelled("The job was cancelled.")


@pytest.fixture
def reader() -> Iterator[PoolReader]:
    with LabelStudio(URL, TOKEN) as label_studio:
        yield PoolReader(label_studio, PROJECT_ID)


@pytest.fixture
def table(server: LabelStudioServer, reader: PoolReader) -> TaskTable:
    return reader.read()[0]


@pytest.mark.parametrize("question", range(1, 7))
def test_a_first_reading_ends_within_a_second(question: int, server: LabelStudioServer, reader: PoolReader) -> None:
    cancel_while_it_hangs(question, server, reader, None)


@pytest.mark.parametrize("question", range(1, 7))
def test_a_later_reading_ends_within_a_second(
    question: int, server: LabelStudioServer, reader: PoolReader, table: TaskTable
) -> None:
    server.annotate(3, "good")
    server.tasks.pop(7)
    cancel_while_it_hangs(question, server, reader, table)


def cancel_while_it_hangs(
    question: int, server: LabelStudioServer, reader: PoolReader, known: TaskTable | None
) -> None:
    hanging = Hanging(question)
    server.faults["GET /api/tasks"] = hanging
    try:
        with pytest.raises(Cancelled):
            reader.read(known, None, hanging.cancel)
        ended = time.monotonic()
    finally:
        hanging.over.set()
    assert hanging.since is not None
    assert ended - hanging.since < 1
