"""All tasks of a project as three arrays: 17 bytes a task, whatever Label Studio says of it."""

import hashlib
import io
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from al_core.errors import EmptyPool
from al_core.types import Pool, PoolChanges, TaskState

LABELLED = 1
SKIPPED = 2

_FORMAT = 1
"""Moves when what a kept table means does; a table of another format is read anew from Label Studio."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, UTC; exact, where a float of seconds would not be."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    """The moment of so many microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True)
class TaskTable:
    """Every task of a project, and where each stands."""

    task_ids: NDArray[np.int64]
    """(n,) ascending."""
    flags: NDArray[np.uint8]
    """(n,) ``LABELLED``, ``SKIPPED``, or 0 where a task is open."""
    changed_at: NDArray[np.int64]
    """(n,) microseconds since 1970, UTC, by the clock of Label Studio: when a task changed last. Where tasks were not
    read one by one: a moment since when it is known not to have changed."""
    mark: int
    """A moment of the same clock: whatever changed up to it is in the table."""
    miscounted: tuple[int, int] = (0, 0)
    """How many more tasks Label Studio counts as labelled, and as skipped, than say so themselves."""

    @classmethod
    def of_states(cls, states: Sequence[TaskState], mark: int = 0) -> "TaskTable":
        """Tasks that were read one by one; of a task that comes twice the last state counts."""
        count = len(states)
        ids = np.fromiter((state.task_id for state in states), np.int64, count)
        flags = np.fromiter((LABELLED * state.labeled or SKIPPED * state.skipped for state in states), np.uint8, count)
        changed_at = np.fromiter((microseconds(state.updated_at) for state in states), np.int64, count)
        return cls.merged([cls(ids, flags, changed_at, mark)], mark)

    @classmethod
    def open_tasks(cls, task_ids: NDArray[np.int64], mark: int) -> "TaskTable":
        """Tasks of which no more is known than that they are there, and unchanged since the mark."""
        ids = np.unique(np.asarray(task_ids, dtype=np.int64))
        return cls(ids, np.zeros(len(ids), np.uint8), np.full(len(ids), mark, np.int64), mark)

    @classmethod
    def merged(cls, parts: Sequence["TaskTable"], mark: int) -> "TaskTable":
        """All tasks of several tables; of a task that is in more than one the last table counts."""
        joined = cls._joined(
            sorted((part for part in parts if len(part)), key=lambda part: int(part.task_ids[0])), mark
        )
        if joined._is_ascending():
            return joined  # as pages do: they hold every task once
        joined = cls._joined(parts, mark)
        # A stable sort leaves the copies of a task in the order of the tables.
        order = np.argsort(joined.task_ids, kind="stable")
        ids = joined.task_ids[order]
        is_last = np.ones(len(ids), dtype=np.bool_)
        is_last[:-1] = ids[1:] > ids[:-1]
        order = order[is_last]
        return cls(ids[is_last], joined.flags[order], joined.changed_at[order], mark)

    @classmethod
    def _joined(cls, parts: Sequence["TaskTable"], mark: int) -> "TaskTable":
        """Several tables one after the other."""
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.task_ids for part in parts)]),
            np.concatenate([np.empty(0, np.uint8), *(part.flags for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.changed_at for part in parts)]),
            mark,
        )

    def __len__(self) -> int:
        return len(self.task_ids)

    @property
    def labelled_count(self) -> int:
        return int(np.count_nonzero(self.flags == LABELLED))

    @property
    def skipped_count(self) -> int:
        return int(np.count_nonzero(self.flags == SKIPPED))

    def with_states(self, states: Sequence[TaskState]) -> "TaskTable":
        """The table with these tasks as they stand now, new ones among them; the mark stays."""
        return self.with_tasks([self.of_states(states)], self.mark)

    def with_tasks(self, parts: Sequence["TaskTable"], mark: int) -> "TaskTable":
        """The table with the tasks of other tables as they stand there, up to a later mark."""
        return replace(self.merged([self, *parts], mark), miscounted=self.miscounted)

    def without(self, ids: NDArray[np.int64]) -> "TaskTable":
        """The table without these tasks; the mark stays."""
        kept = ~np.isin(self.task_ids, ids)
        return replace(self, task_ids=self.task_ids[kept], flags=self.flags[kept], changed_at=self.changed_at[kept])

    def changes_since(self, known: "TaskTable", *, is_first: bool = False) -> PoolChanges:
        """What became of the tasks between an earlier table and this one."""
        # Both are ascending: no array of both together has to be put in order.
        place = np.minimum(np.searchsorted(known.task_ids, self.task_ids), max(len(known) - 1, 0))
        is_old = known.task_ids[place] == self.task_ids if len(known) else np.zeros(len(self), dtype=np.bool_)
        was_open, is_open = known.flags[place[is_old]] == 0, self.flags[is_old] == 0
        return PoolChanges(
            added=len(self) - len(is_open),
            deleted=len(known) - len(is_open),
            labelled=int(np.count_nonzero(was_open & ~is_open) + np.count_nonzero(self.flags[~is_old])),
            reopened=int(np.count_nonzero(~was_open & is_open)),
            is_first=is_first,
        )

    # ----------------------------------------------------------------- kept between two readings

    def to_bytes(self) -> bytes:
        """The table as an ``.npz``, not compressed."""
        file = io.BytesIO()
        np.savez(
            file,
            format=np.int64(_FORMAT),
            task_ids=self.task_ids,
            flags=self.flags,
            changed_at=self.changed_at,
            mark=np.int64(self.mark),
            miscounted=np.array(self.miscounted, dtype=np.int64),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "TaskTable | None":
        """The table of an ``.npz``; None where that is damaged, or of another format."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                if int(file["format"]) != _FORMAT:
                    return None
                labelled, skipped = file["miscounted"].tolist()
                arrays = (file["task_ids"], file["flags"], file["changed_at"])
                table = cls(*arrays, int(file["mark"]), (labelled, skipped))
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return table if table._is_sound() else None

    def _is_sound(self) -> bool:
        arrays = ((self.task_ids, np.int64), (self.flags, np.uint8), (self.changed_at, np.int64))
        shaped = all(array.dtype == kind and array.shape == self.task_ids.shape for array, kind in arrays)
        return shaped and self.task_ids.ndim == 1 and self._is_ascending()

    def _is_ascending(self) -> bool:
        return bool((self.task_ids[1:] > self.task_ids[:-1]).all())


def pool_of(
    table: TaskTable,
    held_out: Collection[int] = (),
    asked: Collection[int] = (),
    changes: PoolChanges = PoolChanges(),  # noqa: B008  frozen
) -> Pool:
    """The tasks that may be asked: open, not held out, and not asked before.

    Parameters
    ----------
    held_out : collection of int
        Ids of the test set.
    asked : collection of int
        Ids of earlier batches; those that nobody has answered yet are passed over.
    changes : PoolChanges
        What the reading of the table found.

    Raises
    ------
    EmptyPool
        The project has no task, or none that may be asked.
    """
    if not len(table):
        raise EmptyPool("The project has no tasks.", "Import some in Label Studio, then try again.")
    free = (table.flags == 0) & ~_among(table.task_ids, held_out)
    passed_over = free & _among(table.task_ids, asked)
    free &= ~passed_over
    task_ids = table.task_ids[free]
    if not len(task_ids):
        where = "skipped, in the test set or in an earlier batch" if passed_over.any() else "skipped or in the test set"
        raise EmptyPool(
            f"No task is left to ask: all {len(table):,} are labelled, {where}.",
            "Import more tasks in Label Studio, or stop here.",
        )
    return Pool(
        task_ids,
        table.task_ids[table.flags == LABELLED],
        len(table),
        hashlib.sha256(task_ids.tobytes()).hexdigest(),
        moment_of(table.mark),
        table.changed_at[free],
        changes,
        int(np.count_nonzero(passed_over)),
    )


def _among(task_ids: NDArray[np.int64], some: Collection[int]) -> NDArray[np.bool_]:
    return np.isin(task_ids, np.fromiter(some, np.int64, len(some)))
