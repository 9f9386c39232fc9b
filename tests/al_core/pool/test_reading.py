"""Reading a project that changes meanwhile: whatever happens between two pages, the table ends as the truth."""

from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest

from al_core.errors import Cancelled, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.pool import LABELLED, SKIPPED, PoolReader, TaskTable, reading
from al_core.types import PoolChanges
from tests.al_core.pool.project import PAGE, changes, flags, meanwhile, shorten_pages, told, truth
from tests.servers import PROJECT_ID, TOKEN, URL, LabelStudioServer

TASKS = 95


@pytest.fixture
def big(server: LabelStudioServer, monkeypatch: pytest.MonkeyPatch) -> LabelStudioServer:
    """A project of ten pages, with five labelled tasks and three skipped ones, quiet for a while."""
    shorten_pages(monkeypatch)
    for task_id in range(31, TASKS + 1):
        server.add_task(task_id, {"text": f"sentence {task_id}"})
    for task_id in (4, 11, 40, 41, 90):
        server.annotate(task_id, "good")
    for task_id in (7, 50, 95):
        server.annotate(task_id, None)
    return server


@pytest.fixture
def reader(big: LabelStudioServer) -> Iterator[PoolReader]:
    with LabelStudio(URL, TOKEN) as label_studio:
        yield PoolReader(label_studio, PROJECT_ID)


def grow(server: LabelStudioServer, count: int = 1) -> None:
    for _ in range(count):
        server.add_task(max(server.tasks, default=0) + 1, {"text": "new"})


def remove(server: LabelStudioServer, *task_ids: int) -> Callable[[], None]:
    return lambda: [server.tasks.pop(task_id) for task_id in task_ids] and None  # type: ignore[func-returns-value]


# --------------------------------------------------------------------- for the first time


def test_a_cold_reading_is_one_look_at_every_page(big: LabelStudioServer, reader: PoolReader) -> None:
    said: list[str] = []
    with meanwhile(big) as asked:
        table, found = reader.read(progress=lambda done, total, sentence: said.append(sentence))
    assert told(table) == truth(big)
    assert found == PoolChanges()
    assert table.mark == max(changed_at for _, changed_at in truth(big).values())
    pages = [query for query in asked if "is_labeled" in query]
    assert len(pages) == 10
    assert len(asked) == 10 + 5, "the mark before; the mark, two counts and the mark after"
    assert "Reading tasks: 95 of 95." in said
    assert said[0] == "Reading tasks."


def test_an_empty_project_is_an_empty_table(big: LabelStudioServer, reader: PoolReader) -> None:
    big.tasks.clear()
    table, found = reader.read()
    assert (len(table), found) == (0, PoolChanges())
    grow(big, 12)
    table, found = reader.read(table)
    assert told(table) == truth(big)
    assert found == PoolChanges(added=12, is_first=False)
    big.tasks.clear()
    table, found = reader.read(table)
    assert (len(table), found) == (0, PoolChanges(deleted=12, is_first=False))


def test_a_project_that_is_gone_is_not_found(big: LabelStudioServer) -> None:
    with LabelStudio(URL, TOKEN) as label_studio, pytest.raises(NotFound):
        PoolReader(label_studio, PROJECT_ID + 1).read()


@pytest.mark.parametrize("at", range(1, 17))
def test_deleted_while_pages_are_read(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    with meanwhile(big, (at, remove(big, 2, 44, 45, 91))):
        table, found = reader.read()
    if at < 16:
        assert told(table) == truth(big)
    assert found.is_first
    again, _ = reader.read(table)
    assert told(again) == truth(big)


@pytest.mark.parametrize("at", range(2, 15))
def test_as_many_deleted_as_added_while_pages_are_read(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    def exchange() -> None:
        remove(big, 93)()
        grow(big)

    with meanwhile(big, (at, exchange), (at + 1, remove(big, 3)), (at + 2, lambda: grow(big))):
        table, _ = reader.read()
    assert told(table) == truth(big)


@pytest.mark.parametrize("at", range(2, 15))
def test_added_and_worked_on_while_pages_are_read(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    def work() -> None:
        grow(big, 11)
        big.annotate(1, "good")
        big.annotate(60, None)
        big.delete_annotations(40)
        big.edit_task(30, {"text": "other"})

    with meanwhile(big, (at, work)):
        table, found = reader.read()
    assert told(table) == truth(big)
    assert found.is_first
    assert found.deleted == 0


@pytest.mark.parametrize("late", range(2, 10))
def test_a_deletion_amid_pages_in_flight_is_noticed(late: int, big: LabelStudioServer, reader: PoolReader) -> None:
    """A page may be answered after the one before it; the first task of the late one then is on neither."""
    stash: list[httpx.Response] = []

    def swap(request: httpx.Request) -> httpx.Response | None:
        page = int(request.url.params["page"]) if "is_labeled" in str(request.url) else 0
        if page == late and not swapped:
            earlier = httpx.Request("GET", request.url.copy_set_param("page", late - 1), headers=request.headers)
            stash.append(big.answer(earlier))
            swapped.append(late)
            # Of the earlier page, so that it is seen and the number of tasks comes out right.
            big.tasks.pop(10 * (late - 1) - 5)
        elif page == late - 1 and stash:
            return stash.pop()
        return None

    swapped: list[int] = []
    big.faults["GET /api/tasks"] = swap
    table, _ = reader.read()
    del big.faults["GET /api/tasks"]
    assert (swapped, stash) == ([late], [])
    assert told(table) == truth(big)


def test_a_page_of_a_project_that_has_become_shorter(big: LabelStudioServer, reader: PoolReader) -> None:
    with meanwhile(big, (2, remove(big, *range(6, 96)))):
        table, _ = reader.read()
    assert told(table) == truth(big)
    assert len(table) == 5


# --------------------------------------------------------------------- once more


def test_nothing_changed_is_four_questions(big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    with meanwhile(big) as asked:
        again, found = reader.read(table)
    assert told(again) == truth(big)
    assert found == PoolChanges(is_first=False)
    assert len(asked) == 4
    assert not [query for query in asked if "is_labeled" in query]


def test_again_reads_what_changed(big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    before = truth(big)
    big.annotate(1, "good")
    big.annotate(2, None)
    big.annotate(7, "bad")
    big.delete_annotations(40)
    big.edit_task(12, {"text": "other"})
    grow(big, 3)
    with meanwhile(big) as asked:
        again, found = reader.read(table)
    assert told(again) == truth(big)
    assert found == changes(before, truth(big)) == PoolChanges(3, 0, 2, 1, is_first=False)
    assert len([query for query in asked if "is_labeled" in query]) <= 2
    assert again.mark > table.mark


def test_a_change_that_was_stamped_before_the_mark_and_seen_after_it(
    big: LabelStudioServer, reader: PoolReader
) -> None:
    late = dict(big.tasks[95])
    big.edit_task(95, {"text": "late"})
    seen_late = big.tasks[95]
    big.tasks[95] = late
    big.edit_task(94, {"text": "in time"})
    table, _ = reader.read()
    big.tasks[95] = seen_late
    grow(big)
    again, _ = reader.read(table)
    assert told(again) == truth(big)


def test_deleted_tasks_are_found_by_few_looks(big: LabelStudioServer, reader: PoolReader) -> None:
    grow(big, 700)
    table, _ = reader.read()
    before = truth(big)
    remove(big, 333, 334)()
    with meanwhile(big) as asked:
        again, found = reader.read(table)
    assert told(again) == truth(big)
    assert found == changes(before, truth(big)) == PoolChanges(deleted=2, is_first=False)
    looks = [query for query in asked if "is_labeled" in query and "updated_at%22" not in query]
    assert len(looks) <= 12
    assert not any(query.endswith(f"page_size={PAGE}") for query in looks), "none of eighty pages is read whole"


@pytest.mark.parametrize(
    "gone",
    [[1], [95], [1, 95], list(range(1, 11)), list(range(86, 96)), list(range(1, 95)), list(range(1, 96, 2)), [10, 11]],
    ids=len,
)
def test_whichever_tasks_are_deleted(gone: list[int], big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    remove(big, *gone)()
    again, found = reader.read(table)
    assert told(again) == truth(big)
    assert (found.deleted, found.added) == (len(gone), 0)


@pytest.mark.parametrize("at", range(1, 16))
def test_deleted_and_added_while_it_is_read_again(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    before = truth(big)
    remove(big, 20, 70)()
    grow(big, 2)

    def more() -> None:
        remove(big, 21, 97)()
        grow(big)
        big.annotate(60, "good")

    with meanwhile(big, (at, more)) as asked:
        again, found = reader.read(table)
    if at + 5 < len(asked):
        assert told(again) == truth(big)
        assert found == changes(before, truth(big))
    last, _ = reader.read(again)
    assert told(last) == truth(big)


@pytest.mark.parametrize("at", range(2, 10))
def test_deleted_between_two_pages_of_changes(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    """A new task is read and deleted, and shifts another past the page that is to come."""
    table, _ = reader.read()
    before = truth(big)
    grow(big, 3 * PAGE)
    with meanwhile(big, (at, remove(big, 97))):
        again, found = reader.read(table)
    if at < 9:
        assert told(again) == truth(big)
        assert found == changes(before, truth(big))


def test_a_project_that_needs_several_annotations_a_task(big: LabelStudioServer, reader: PoolReader) -> None:
    big.need_annotations(2)
    table, _ = reader.read()
    assert told(table) == truth(big)
    assert table.labelled_count == 0
    big.annotate(4, "good")
    table, found = reader.read(table)
    assert (found.labelled, table.labelled_count) == (1, 1)
    # Nobody's `updated_at` moves: only the counts tell.
    big.need_annotations(1)
    table, found = reader.read(table)
    assert told(table) == truth(big)
    assert (found.labelled, found.reopened) == (4, 0)
    big.need_annotations(2)
    table, found = reader.read(table)
    assert told(table) == truth(big)
    assert (found.labelled, found.reopened) == (0, 4)


def test_tasks_that_say_something_else_than_is_counted_are_believed(big: LabelStudioServer, reader: PoolReader) -> None:
    big.tasks[4]["completed_at"] = None  # a labelled task whose annotations are lost
    table, _ = reader.read()
    assert told(table) == truth(big)
    assert table.miscounted == (-1, 0)
    kept = TaskTable.from_bytes(table.to_bytes())
    with meanwhile(big) as asked:
        again, found = reader.read(kept)
    assert (told(again), found, len(asked)) == (truth(big), PoolChanges(is_first=False), 4), "and no more asked about"
    big.annotate(4, "good")
    again, _ = reader.read(again)
    assert told(again) == truth(big)
    assert again.miscounted == (0, 0)


def test_a_project_that_people_label_every_second_is_read(big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    free = iter(range(12, 40))
    with meanwhile(big, *((at, lambda: big.annotate(next(free), "good")) for at in range(1, 25))) as asked:
        again, found = reader.read(table)
    assert len(asked) <= 8
    assert flags(told(again)).keys() == truth(big).keys()
    assert found.labelled >= 5
    last, _ = reader.read(again)
    assert told(last) == truth(big)


def test_a_project_that_changes_without_end_is_given_up(big: LabelStudioServer, reader: PoolReader) -> None:
    table, _ = reader.read()
    ids = iter(range(1, 1000))
    shrink = [(at, lambda: big.tasks.pop(next(ids), None)) for at in range(1, 900)]
    grow(big, 900)
    with meanwhile(big, *shrink) as asked, pytest.raises(UnexpectedAnswer, match="faster than it can be read"):
        reader.read(table)
    assert len(asked) < 900
    again, _ = reader.read(table)
    assert told(again) == truth(big)


def test_an_import_does_not_have_the_whole_project_read_again(big: LabelStudioServer, reader: PoolReader) -> None:
    stamp = big.tasks[95]["updated_at"]
    for task in big.tasks.values():
        task["updated_at"] = stamp
    table, _ = reader.read()
    big.annotate(1, "good")
    with meanwhile(big) as asked:
        again, found = reader.read(table)
    assert (told(again), found.labelled) == (truth(big), 1)
    assert len([query for query in asked if "is_labeled" in query]) == 1


# --------------------------------------------------------------------- by ids that came along


def test_by_ids_only_labelled_and_skipped_tasks_are_read(big: LabelStudioServer, reader: PoolReader) -> None:
    said: list[str] = []
    with meanwhile(big) as asked:
        table, found = reader.read(None, np.arange(1, TASKS + 1), lambda done, total, sentence: said.append(sentence))
    assert flags(told(table)) == flags(truth(big))
    assert found == PoolChanges()
    assert len([query for query in asked if "is_labeled" in query]) == 2
    closed = table.flags > 0
    assert {task_id: truth(big)[task_id][1] for task_id in table.task_ids[closed].tolist()} == dict(
        zip(table.task_ids[closed].tolist(), table.changed_at[closed].tolist(), strict=True)
    )
    assert (table.changed_at[~closed] == table.mark).all()
    assert "Reading labelled and skipped tasks: 8." in said


def test_by_ids_what_changed_since_they_came_is_read(big: LabelStudioServer, reader: PoolReader) -> None:
    as_of = max(changed_at for _, changed_at in truth(big).values())
    ids = np.array([task_id for task_id in big.tasks if task_id not in (4, 7)])
    big.edit_task(12, {"text": "other"})
    big.annotate(13, "good")
    big.delete_annotations(40)
    remove(big, 14)()
    grow(big, 2)
    table, found = reader.read(None, ids, as_of=as_of)
    now = truth(big)
    assert flags(told(table)) == flags(now)
    assert {told(table)[task_id][1] for task_id in (12, 13, 40, 96)} == {
        now[task_id][1] for task_id in (12, 13, 40, 96)
    }
    assert told(table)[20][1] in (as_of, now[20][1]), "the mark, or what its page says"
    assert found.is_first


def test_by_ids_that_are_not_all_every_page_is_read(big: LabelStudioServer, reader: PoolReader) -> None:
    with meanwhile(big) as asked:
        table, _ = reader.read(None, np.arange(1, TASKS - 3))
    assert told(table) == truth(big)
    assert len([query for query in asked if "page=7&" in query]) == 1


@pytest.mark.parametrize("at", range(1, 9))
def test_by_ids_while_people_work(at: int, big: LabelStudioServer, reader: PoolReader) -> None:
    def work() -> None:
        remove(big, 12, 40)()
        grow(big, 2)
        big.annotate(60, None)

    as_of = max(changed_at for _, changed_at in truth(big).values())
    with meanwhile(big, (at, work)) as asked:
        table, _ = reader.read(None, np.arange(1, TASKS + 1), as_of=as_of)
    if at + 4 < len(asked):
        assert flags(told(table)) == flags(truth(big))
    again, _ = reader.read(table)
    assert flags(told(again)) == flags(truth(big))


# --------------------------------------------------------------------- when it cannot be read


def test_a_server_that_fails_is_unreachable(big: LabelStudioServer, reader: PoolReader) -> None:
    big.faults["GET /api/tasks"] = httpx.Response(502)
    with pytest.raises(ServerUnreachable):
        reader.read()


def test_a_reading_is_cancelled_between_pages(big: LabelStudioServer, reader: PoolReader) -> None:
    def stop(done: int, total: int | None, sentence: str) -> None:
        if done >= 30:
            raise Cancelled("Enough.")

    with meanwhile(big) as asked, pytest.raises(Cancelled):
        reader.read(progress=stop)
    assert len(asked) <= 1 + 3 + 2 + 2


def test_flags_have_their_numbers() -> None:
    """Files of tables are read by them."""
    assert (LABELLED, SKIPPED, reading.CHECKS > 3) == (1, 2, True)
