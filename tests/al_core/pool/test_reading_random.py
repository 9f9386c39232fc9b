"""Any sequence of what people do, between readings and during them."""

from collections.abc import Iterator

import numpy as np
import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from al_core.errors import UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.pool import PoolReader, TaskTable, reading
from tests.al_core.pool.project import changes, flags, meanwhile, shorten_pages, told, truth
from tests.servers import PROJECT_ID, TOKEN, URL, LabelStudioServer

Deed = tuple[str, int]
"""What is done, and to which task: its place among all, counted round and round."""

DEEDS = ("add", "delete", "label", "skip", "unlabel", "edit", "add many", "delete many")
LAST_LOOK = 5
"""Questions after which nothing may happen if a reading is to end as the truth: the last look and what follows."""


class GrowingServer(LabelStudioServer):
    """Gives ids as a database does: on SQLite that of a deleted task once more, if it was the last one."""

    def __init__(self, task_count: int, reuses_ids: bool) -> None:
        super().__init__(task_count)
        self.reuses_ids = reuses_ids
        self.last_id = task_count

    def grow(self, count: int) -> None:
        if self.reuses_ids:
            self.last_id = max(self.tasks, default=0)
        for _ in range(count):
            self.last_id += 1
            self.add_task(self.last_id, {"text": "new"})


def do(server: GrowingServer, deed: Deed) -> None:
    what, place = deed
    ids = sorted(server.tasks)
    if what.startswith("add"):
        server.grow(1 if what == "add" else 13)
    elif not ids:
        return
    elif what.startswith("delete"):
        start = place % len(ids)
        for task_id in ids[start : start + (1 if what == "delete" else 13)]:
            del server.tasks[task_id]
    else:
        task_id = ids[place % len(ids)]
        match what:
            case "label":
                server.annotate(task_id, "good")
            case "skip":
                server.annotate(task_id, None)
            case "unlabel":
                server.delete_annotations(task_id)
            case "edit":
                server.edit_task(task_id, {"text": "other"})


deeds = st.tuples(st.sampled_from(DEEDS), st.integers(0, 400))


@st.composite
def stretches(draw: st.DrawFn) -> tuple[list[Deed], list[tuple[int, Deed]]]:
    """What happens before a reading, and before which of its questions what else does."""
    before = draw(st.lists(deeds, max_size=8))
    during = draw(st.lists(st.tuples(st.integers(1, 25), deeds), max_size=6))
    return before, during


@pytest.fixture
def router(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> respx.MockRouter:
    shorten_pages(monkeypatch)
    return wire


@pytest.fixture
def label_studio(router: respx.MockRouter) -> Iterator[LabelStudio]:
    with LabelStudio(URL, TOKEN) as label_studio:
        yield label_studio


@pytest.mark.timeout(300)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    task_count=st.integers(0, 120),
    first=st.lists(deeds, max_size=10),
    course=st.lists(stretches(), min_size=1, max_size=4),
    by_ids=st.booleans(),
    reuses_ids=st.booleans(),
)
def test_the_table_is_the_truth(
    router: respx.MockRouter,
    label_studio: LabelStudio,
    task_count: int,
    first: list[Deed],
    course: list[tuple[list[Deed], list[tuple[int, Deed]]]],
    by_ids: bool,
    reuses_ids: bool,
) -> None:
    server = GrowingServer(task_count, reuses_ids)
    router.routes.clear()
    router.route(url__startswith=URL).mock(side_effect=server)
    reader = PoolReader(label_studio, PROJECT_ID)
    for deed in first:
        do(server, deed)
    known: TaskTable | None = None
    ids = np.array(sorted(server.tasks), dtype=np.int64) if by_ids else None
    as_of = max((changed_at for _, changed_at in truth(server).values()), default=0)
    before: dict[int, tuple[int, int]] = {}
    for between, during in course:
        for deed in between:
            do(server, deed)
        happened: list[int] = []

        def happen(at: int, deed: Deed, happened: list[int] = happened) -> None:
            do(server, deed)
            happened.append(at)

        deletions = sum(what.startswith("delete") for _, (what, _) in during)
        with meanwhile(server, *((at, lambda at=at, deed=deed: happen(at, deed)) for at, deed in during)) as asked:
            try:
                table, found = reader.read(known, ids, as_of=as_of)
            except UnexpectedAnswer:
                assert deletions >= reading.CHECKS - 1, "a deletion amid every check"
                continue
        if all(at + LAST_LOOK < len(asked) for at in happened):
            assert flags(told(table)) == flags(truth(server))
            if known is not None:
                assert found == changes(before, truth(server))
        # What is read in the quiet heals whatever a busy reading may have left open.
        before = told(table)
        table, found = reader.read(table)
        now = truth(server)
        assert flags(told(table)) == flags(now)
        assert found == changes(before, now)
        for task_id, (_, changed_at) in told(table).items():
            exact = now[task_id][1]
            assert changed_at == exact or (by_ids and exact <= changed_at == as_of)
        assert TaskTable.from_bytes(table.to_bytes()) is not None
        known, ids, before = table, None, told(table)
