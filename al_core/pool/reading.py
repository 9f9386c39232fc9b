"""Reading the tasks of a project that people work on meanwhile: all once, then what changed, and checked each time.

Label Studio gives tasks by pages, and a task that is deleted shifts all that come after it. It tells cheaply when a
task changed last and how many there are, labelled or skipped ones among them: what was read has to agree with that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from al_core.errors import UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.label_studio.client import PAGE_SIZE
from al_core.pool.asking import Look, Page, Questions, page_count
from al_core.pool.table import LABELLED, SKIPPED, TaskTable
from al_core.types import PoolChanges, Progress, silent

OVERLAP = 60_000_000
"""Microseconds before the mark that are read once more: a change is stamped before it can be seen."""

SHORT = 4
"""So many short spans, of which all tasks are read to see which are gone, make one page."""

OVERLAP_TASKS = PAGE_SIZE // SHORT
"""Tasks that are read once more at most: an import stamps a whole project within a minute."""

IN_FLIGHT = 2

LUMP = 16
"""Pages that become one table at once."""

CHECKS = 5
"""How often what was read may disagree with what Label Studio counts before it is given up."""


class PoolReader:
    """Reads the tasks of one project.

    Parameters
    ----------
    label_studio : LabelStudio
        The server.
    project_id : int
        The project on it.
    """

    def __init__(self, label_studio: LabelStudio, project_id: int) -> None:
        self._label_studio = label_studio
        self._project_id = project_id

    def read(
        self,
        known: TaskTable | None = None,
        ids: NDArray[np.int64] | None = None,
        progress: Progress = silent,
        *,
        as_of: int | None = None,
    ) -> tuple[TaskTable, PoolChanges]:
        """Every task as it stands now.

        Parameters
        ----------
        known : TaskTable, optional
            What an earlier reading gave: only what changed since is read.
        ids : (n,) array of int64, optional
            Where nothing is known: ids of tasks that are there, as they came along with something else. Only those
            that are labelled or skipped are then read one by one.
        as_of : int, optional
            Microseconds since 1970 by the clock of Label Studio: the ids were there then, or later; what changed since
            is read. None: they are there now.

        Returns
        -------
        tuple of TaskTable and PoolChanges
            The tasks, and what became of them since ``known``; without it, while they were read.

        Raises
        ------
        UnexpectedAnswer
            The project changes faster than it can be read.
        NotFound
            There is no such project.
        """
        reading = _Reading(Questions(self._label_studio, self._project_id, progress))
        if known is not None and len(known):
            table = before = known
        else:
            table = reading.all_pages() if ids is None else reading.of_ids(ids, as_of)
            before = table if known is None else known
        table = reading.settled(table)
        return table, table.changes_since(before, is_first=known is None)


class _Reading:
    """One reading."""

    def __init__(self, questions: Questions) -> None:
        self._ask = questions
        self._ask.tick()
        self._read = 0

    # ----------------------------------------------------------------- ways to read

    def all_pages(self) -> TaskTable:
        """Every task, by pages."""
        self._read = 0
        mark, total = self._ask.newest()
        numbers = range(page_count(total), 0, -1)
        # The last page comes before all others, as what they hold is checked against it.
        last = next(self._pages(numbers[:1], 1), None)
        if last is None:
            return TaskTable.merged([], mark)
        table = _gathered(chain([last], self._pages(numbers[1:], IN_FLIGHT)), mark)
        return table if _is_gapless(table, last) else self._all_pages_one_by_one()

    def _all_pages_one_by_one(self) -> TaskTable:
        """Every task that stays, whatever is deleted meanwhile; a deleted one may be among them.

        From the last page to the first, and none before the one behind it has come: what a deletion shifts then
        moves to a page that is still to be read.
        """
        self._read = 0
        mark, total = self._ask.newest()
        return _gathered(self._pages(range(page_count(total), 0, -1), 1), mark)

    def _pages(self, numbers: range, most: int) -> Iterator[Page]:
        for page in self._ask.pages(numbers, most):
            self._read += len(page.tasks)
            done = min(self._read, page.total)
            self._ask.say(done, page.total, f"Reading tasks: {done:,} of {page.total:,}.")
            yield page

    def of_ids(self, ids: NDArray[np.int64], as_of: int | None) -> TaskTable:
        """These tasks, and all that are labelled or skipped."""
        mark = self._ask.newest()[0] if as_of is None else as_of
        parts = [TaskTable.open_tasks(ids, mark)]
        for which in ("labelled", "skipped"):
            for part in self._ask.states_where(which):
                parts.append(part)
                done = sum(len(part) for part in parts[1:])
                self._ask.say(done, None, f"Reading labelled and skipped tasks: {done:,}.")
        return TaskTable.merged(parts, mark)

    def _caught_up(self, table: TaskTable, mark: int) -> tuple[TaskTable, bool]:
        """The table with what changed between its mark and a newer one, and whether that came as one page."""
        if mark <= table.mark:
            return table, True
        parts: list[TaskTable] = []
        for part in self._ask.changed_since(_overlapped(table)):
            parts.append(part)
            done = sum(len(part) for part in parts)
            self._ask.say(done, None, f"Reading changed tasks: {done:,}.")
        return table.with_tasks(parts, mark), len(parts) <= 1

    # ----------------------------------------------------------------- until it agrees

    def settled(self, table: TaskTable) -> TaskTable:
        """The table caught up, checked against what Label Studio counts, and healed where that is something else.

        Raises
        ------
        UnexpectedAnswer
            It never agrees.
        """
        start, is_reread = table.mark, False
        for check in range(CHECKS):
            mark, total = self._ask.newest()
            before, table = table, replace(table, mark=start)
            table, is_one_page = self._caught_up(table, mark)
            look = self._ask.look()
            after, _ = self._caught_up(table, look.newest)
            if not is_one_page and look.total < total + np.count_nonzero(_added(before, after) > mark):
                # A task may have been deleted between two pages of changes, and have hidden another from us.
                table = after
            elif _agrees(look, table, after):
                return after
            elif look.total < _least_total(look, table, after):
                table = self._without_deleted(after)
            elif is_reread and after is table and look.total == len(table):
                # Nothing changed, so it is the counting that is wrong, or a task's word: its word is what people see.
                return replace(after, miscounted=_surplus(look, after))
            elif check:
                table, is_reread = self.all_pages(), True
                start = table.mark
        raise UnexpectedAnswer(
            "The project changes faster than it can be read.",
            "Wait until tasks are no longer imported or deleted in Label Studio, then try again.",
        )

    def _without_deleted(self, table: TaskTable) -> TaskTable:
        """The table without the tasks that are gone, found by counting.

        Wherever a span of ids has fewer tasks than are known of it, those of its first half are counted, until it is
        so short that what is left of it is read.
        """
        ids, total = table.task_ids, self._ask.newest()[1]
        # Where many are gone most spans are looked at, and a long page costs less than several short ones.
        short = PAGE_SIZE // SHORT if (len(ids) - total) * PAGE_SIZE <= total else PAGE_SIZE
        gone: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        seen: list[TaskTable] = []
        spans = [(0, len(ids), total)]  # places in the table, and how many of its tasks are still there
        while spans:
            halved: list[tuple[int, int, int]] = []
            for start, stop, left in spans:
                known = ids[start:stop]
                if left == 0:
                    gone.append(known)
                elif 0 < left < len(known) <= short:
                    there = list(self._ask.states_between(known[0], known[-1]))
                    gone.append(known[~np.isin(known, np.concatenate([part.task_ids for part in there]))])
                    seen += there
                    self._ask.say(len(seen), None, f"Looking for deleted tasks: {sum(map(len, gone)):,} found.")
                elif 0 < left < len(known):
                    halved.append((start, stop, left))
                # Else it is whole, or changes again: what is found so far holds.
            middles = [(start + stop) // 2 for start, stop, _ in halved]
            firsts = [(ids[start], ids[middle - 1]) for (start, _, _), middle in zip(halved, middles, strict=True)]
            counts = self._ask.counts_between(firsts, IN_FLIGHT)
            spans = []
            for (start, stop, left), middle, before in zip(halved, middles, counts, strict=True):
                spans += [(start, middle, before), (middle, stop, left - before)]
        return table.with_tasks(seen, table.mark).without(np.concatenate(gone))


def _gathered(pages: Iterable[Page], mark: int) -> TaskTable:
    """The tasks of all pages; of a task that is on two of them the later one counts.

    A few pages at a time become one: small arrays that stay, amid all that comes with a page and goes, would leave
    holes in memory that nothing fits into.
    """
    lumps: list[TaskTable] = []
    parts: list[TaskTable] = []
    for page in pages:
        parts.append(page.tasks)
        if len(parts) == LUMP:
            lumps.append(TaskTable.merged(parts, mark))
            parts = []
    return TaskTable.merged([*lumps, *parts], mark)


def _is_gapless(table: TaskTable, last: Page) -> bool:
    """Whether no task was deleted while pages were read two at a time, so that none can have slipped through.

    The last page, which was read first, tells how many tasks there are up to its last one: as many have to be in the
    table.
    """
    if not len(last.tasks):
        return False
    found = np.searchsorted(table.task_ids, last.tasks.task_ids[-1], side="right")
    return int(found) == last.ranks.stop


def _overlapped(table: TaskTable) -> int:
    """The moment from which changes are read: a little before the mark."""
    moment = table.mark - OVERLAP
    if len(table) > OVERLAP_TASKS:
        moment = max(moment, int(np.partition(table.changed_at, -OVERLAP_TASKS)[-OVERLAP_TASKS]))
    return min(moment, table.mark)


def _added(table: TaskTable, after: TaskTable) -> NDArray[np.int64]:
    """When each task that only the later table has changed last."""
    return after.changed_at[np.isin(after.task_ids, table.task_ids, assume_unique=True, invert=True)]


def _least_total(look: Look, table: TaskTable, after: TaskTable) -> int:
    """How many tasks there were at the look, if none is gone: those known, and those that came no later."""
    return len(table) + int(np.count_nonzero(_added(table, after) <= look.newest))


def _agrees(look: Look, table: TaskTable, after: TaskTable) -> bool:
    """Whether a look fits between two tables, of which one was read before it and the other after.

    On a project that people work on every second no two readings are ever the same; what changed between the two
    may or may not be counted.
    """
    surplus = _surplus(look, table)
    fitting = [_least_total(look, table, after) <= look.total <= len(after)]
    for flag, excess, expected in zip((LABELLED, SKIPPED), surplus, table.miscounted, strict=True):
        then, now = (part.task_ids[part.flags == flag] for part in (table, after))
        lost, gained = (len(np.setdiff1d(*pair, assume_unique=True)) for pair in ((then, now), (now, then)))
        fitting.append(-lost <= excess - expected <= gained)
    return all(fitting)


def _surplus(look: Look, table: TaskTable) -> tuple[int, int]:
    return look.labelled - table.labelled_count, look.skipped - table.skipped_count
