"""The table of tasks: what it keeps, how it is kept, and the pool that comes of it."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from al_core.errors import EmptyPool
from al_core.pool import LABELLED, SKIPPED, TaskTable, microseconds, moment_of, pool_of
from al_core.types import PoolChanges, TaskState

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def state(task_id: int, flag: int = 0, seconds: int = 0) -> TaskState:
    return TaskState(task_id, flag == LABELLED, flag == SKIPPED, NOON + timedelta(seconds=seconds))


def table(*states: TaskState) -> TaskTable:
    return TaskTable.of_states(states, microseconds(NOON))


def test_moments_are_exact_and_in_any_zone() -> None:
    moment = datetime(2026, 11, 24, 12, 34, 56, 789_123, tzinfo=timezone(timedelta(hours=5)))
    assert moment_of(microseconds(moment)) == moment
    assert microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005


def test_a_table_is_in_the_order_of_ids_and_the_last_word_counts() -> None:
    found = table(state(9), state(3, LABELLED), state(5, SKIPPED), state(3, 0, seconds=7))
    assert found.task_ids.tolist() == [3, 5, 9]
    assert found.flags.tolist() == [0, SKIPPED, 0]
    assert [moment_of(moment) - NOON for moment in found.changed_at.tolist()] == [
        timedelta(seconds=seconds) for seconds in (7, 0, 0)
    ]
    later = found.with_states([state(9, LABELLED, 8), state(4)])
    assert later.task_ids.tolist() == [3, 4, 5, 9]
    assert later.flags.tolist() == [0, 0, SKIPPED, LABELLED]
    assert later.mark == found.mark
    assert (later.labelled_count, later.skipped_count) == (1, 1)


def test_tasks_are_taken_out() -> None:
    assert table(state(1), state(2), state(3)).without(np.array([2, 7])).task_ids.tolist() == [1, 3]


def test_tasks_not_read_one_by_one_are_unchanged_since_the_mark() -> None:
    found = TaskTable.open_tasks(np.array([5, 3, 5]), 17)
    assert found.task_ids.tolist() == [3, 5]
    assert (found.flags.tolist(), found.changed_at.tolist(), found.mark) == ([0, 0], [17, 17], 17)


def test_what_became_of_tasks() -> None:
    before = table(state(1), state(2, LABELLED), state(3, SKIPPED), state(4), state(5))
    now = table(state(1, LABELLED), state(2), state(3, LABELLED), state(5), state(6), state(7, SKIPPED))
    assert now.changes_since(before) == PoolChanges(added=2, deleted=1, labelled=2, reopened=1, is_first=False)
    assert now.changes_since(now, is_first=True) == PoolChanges()


def test_a_task_takes_17_bytes() -> None:
    found = TaskTable.open_tasks(np.arange(10_000), 0)
    assert found.task_ids.nbytes + found.flags.nbytes + found.changed_at.nbytes == 170_000
    assert len(found.to_bytes()) < 172_000


def test_a_kept_table_is_the_same() -> None:
    found = replace(table(state(3), state(8, SKIPPED, 5)), miscounted=(2, -1))
    again = TaskTable.from_bytes(found.to_bytes())
    assert again is not None
    assert [(each.tolist(), each.dtype) for each in (again.task_ids, again.flags, again.changed_at)] == [
        (each.tolist(), each.dtype) for each in (found.task_ids, found.flags, found.changed_at)
    ]
    assert (again.mark, again.miscounted) == (found.mark, (2, -1))


def test_an_empty_table_is_kept_too() -> None:
    again = TaskTable.from_bytes(table().to_bytes())
    assert again is not None
    assert len(again) == 0


@pytest.mark.parametrize("cut", [0, 1, 50, 300, -40, -1])
def test_a_damaged_copy_reads_as_none(cut: int) -> None:
    assert TaskTable.from_bytes(table(state(3), state(8)).to_bytes()[:cut]) is None


@pytest.mark.parametrize(
    "arrays",
    [
        {"format": np.int64(0)},
        {"task_ids": np.array([8, 3])},
        {"task_ids": np.array([3, 8, 9])},
        {"flags": np.array([0, 1])},
        {"changed_at": np.array([0.5, 1.0])},
        {"miscounted": np.array([1])},
        {"task_ids": np.array(["a", None], dtype=object)},
    ],
    ids=str,
)
def test_a_copy_of_another_kind_reads_as_none(arrays: dict[str, np.ndarray]) -> None:
    found = table(state(3), state(8))
    kept = dict(np.load(io.BytesIO(found.to_bytes())))
    file = io.BytesIO()
    np.savez(file, **{**kept, **arrays})
    assert TaskTable.from_bytes(file.getvalue()) is None


def test_a_pool_is_what_may_be_asked() -> None:
    found = table(
        state(1), state(2, LABELLED), state(3, SKIPPED), state(4, 0, 9), state(5), state(6), state(7, LABELLED)
    )
    pool = pool_of(found, {5, 7, 99}, [6, 2], PoolChanges(added=3))
    assert pool.task_ids.tolist() == [1, 4]
    assert pool.labeled_ids.tolist() == [2, 7]
    assert pool.changed_at.tolist() == found.changed_at[[0, 3]].tolist()
    assert (pool.total_count, pool.passed_over, pool.changes.added, pool.read_at) == (7, 1, 3, NOON)
    assert pool.digest == pool_of(found.without(np.array([3])), [5], [6]).digest
    assert pool.digest != pool_of(found).digest


def test_a_project_without_tasks_is_an_empty_pool() -> None:
    with pytest.raises(EmptyPool, match="The project has no tasks"):
        pool_of(table())


def test_an_empty_pool_says_where_its_tasks_are() -> None:
    found = table(state(1, LABELLED), state(2, SKIPPED), state(3))
    with pytest.raises(EmptyPool, match=r"all 3 are labelled, skipped or in the test set\."):
        pool_of(found, [3])
    with pytest.raises(EmptyPool, match=r"all 3 are labelled, skipped, in the test set or in an earlier batch\."):
        pool_of(found, [], [3])
