"""A project that people work on while it is read."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
import pytest

from al_core.label_studio import client
from al_core.pool import LABELLED, SKIPPED, TaskTable, asking, microseconds, reading
from al_core.types import PoolChanges
from tests.servers import LabelStudioServer

PAGE = 10


def shorten_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small project has many."""
    for module in (client, asking, reading):
        monkeypatch.setattr(module, "PAGE_SIZE", PAGE)
    monkeypatch.setattr(reading, "OVERLAP_TASKS", PAGE)


def truth(server: LabelStudioServer) -> dict[int, tuple[int, int]]:
    """Task id → (how it is flagged, when it changed last)."""
    return {
        task_id: (
            LABELLED if task["is_labeled"] else SKIPPED if task["cancelled_annotations"] else 0,
            microseconds(datetime.fromisoformat(task["updated_at"])),
        )
        for task_id, task in server.tasks.items()
    }


def told(table: TaskTable) -> dict[int, tuple[int, int]]:
    """The same, as a table has it."""
    rows = zip(table.task_ids.tolist(), table.flags.tolist(), table.changed_at.tolist(), strict=True)
    return {task_id: (flag, changed_at) for task_id, flag, changed_at in rows}


def flags(tasks: dict[int, tuple[int, int]]) -> dict[int, int]:
    return {task_id: flag for task_id, (flag, _) in tasks.items()}


def changes(before: dict[int, tuple[int, int]], now: dict[int, tuple[int, int]]) -> PoolChanges:
    """What became of tasks, by hand."""
    closed = [task_id for task_id, (flag, _) in now.items() if flag and not before.get(task_id, (0, 0))[0]]
    reopened = [task_id for task_id, (flag, _) in before.items() if flag and now.get(task_id, (1, 0))[0] == 0]
    return PoolChanges(
        added=len(now.keys() - before.keys()),
        deleted=len(before.keys() - now.keys()),
        labelled=len(closed),
        reopened=len(reopened),
        is_first=False,
    )


@contextmanager
def meanwhile(server: LabelStudioServer, *deeds: tuple[int, Callable[[], None]]) -> Iterator[list[str]]:
    """Do something before the n-th request for tasks is answered, from 1; give the queries of all."""
    asked: list[str] = []
    numbers = itertools.count(1)

    def interfere(request: httpx.Request) -> None:
        asked.append(request.url.query.decode())
        number = next(numbers)
        for at, deed in deeds:
            if at == number:
                deed()

    server.faults["GET /api/tasks"] = interfere
    try:
        yield asked
    finally:
        del server.faults["GET /api/tasks"]
