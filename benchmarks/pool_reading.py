"""Reading a pool with its stored predictions, for the first time and again, beside what everybody writes first."""

import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from label_studio_sdk import LabelStudio as Sdk

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.storage import FolderStore, Store
from al_core.types import Scores
from benchmarks.pool_stack import PATIENCE, Server, expect

LABELLED, SKIPPED, ADDED, DELETED = 30, 10, 5, 5
"""What people do between two readings."""

FIRST_NEW = 10**9
"""The number of the first added task: none of the imported ones has it."""

PLAIN_PAGE = 1_000


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def sdk_seconds(server: Server, project: int, count: int) -> float:
    """The SDK's own list of whole tasks, which brings their predictions along."""
    sdk = Sdk(base_url=server.url, api_key=server.token, timeout=PATIENCE)
    return seconds_of(lambda: expect(sum(1 for _ in sdk.tasks.list(project=project, fields="all")), count, "tasks"))


def plain_seconds(server: Server, project: int, count: int) -> float:
    """The same by plain requests, in large pages, without the SDK's models of what comes."""

    def read() -> None:
        pages = range(1, -(-count // PLAIN_PAGE) + 1)
        asked = {"project": project, "page_size": PLAIN_PAGE, "fields": "all"}
        expect(sum(len(server.get("/api/tasks", page=page, **asked)["tasks"]) for page in pages), count, "tasks")

    return seconds_of(read)


def scored(server: Server, project: int, store: Store) -> Scores:
    """Which tasks there are, what their stored predictions say, and how uncertain that is."""
    with closing(LabelStudio(server.url, server.token, patience=60)) as client:
        manager = ActiveLearningManager(client, project, strategy_name="margin", store=store)
        return manager.score(manager.read_pool())


@dataclass(frozen=True)
class Readings:
    """Seconds of one project."""

    count: int
    first: float
    """The best of several, each with nothing kept."""
    again: float
    """With what the first one kept, after people worked on the project."""


def read_twice(server: Server, project: int, count: int, repeats: int) -> Readings:
    """Time both readings, and see that the second finds what a first one would."""
    firsts = []
    with TemporaryDirectory() as folder:
        for repeat in range(repeats):
            store = FolderStore(Path(folder) / str(repeat))
            start = time.perf_counter()
            before = scored(server, project, store)
            firsts.append(time.perf_counter() - start)
        expect(int(np.isfinite(before.values).sum()), count, "tasks")
        people_work(server, project, before.pool.task_ids.tolist())
        start = time.perf_counter()
        after = scored(server, project, store)
        again = time.perf_counter() - start
        _same(after, scored(server, project, FolderStore(Path(folder) / "afresh")))
    expect(len(after.pool.task_ids), count - LABELLED - SKIPPED - DELETED + ADDED, "tasks")
    return Readings(count, min(firsts), again)


def people_work(server: Server, project: int, task_ids: list[int]) -> None:
    """Fifty changes, all over the project: labels, skips, tasks that come with a prediction and tasks that go."""
    changed = LABELLED + SKIPPED + DELETED
    some = iter(random.Random(0).sample(task_ids, changed))
    for _ in range(LABELLED):
        server.label(next(some))
    for _ in range(SKIPPED):
        server.api.skip(next(some))
    for task_id in some:
        server.delete(task_id)
    server.add(project, ADDED, predicted=True, first=FIRST_NEW)


def _same(ours: Scores, afresh: Scores) -> None:
    if not np.array_equal(ours.pool.task_ids, afresh.pool.task_ids) or not np.array_equal(ours.values, afresh.values):
        raise RuntimeError("The second reading found something else than a first one does.")
