"""The questions that a reading of the pool puts to Label Studio, with ticks while it answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from al_core.flights import awaited, in_flight
from al_core.label_studio import LabelStudio
from al_core.label_studio.client import PAGE_SIZE
from al_core.label_studio.queries import Standing
from al_core.pool.table import TaskTable, microseconds, moment_of
from al_core.types import Progress, TaskState

R = TypeVar("R")


@dataclass(frozen=True)
class Look:
    """What Label Studio counts, without a look at single tasks."""

    newest: int
    """When the task that changed last did so, as :attr:`TaskTable.mark`; 0 where there is no task."""
    total: int
    labelled: int
    skipped: int


@dataclass(frozen=True)
class Page:
    """A thousand tasks in the order of their ids, as they stood at one moment."""

    number: int
    """From 1."""
    tasks: TaskTable
    total: int
    """Tasks of the project at that moment."""

    @property
    def ranks(self) -> range:
        """The places of its tasks among all, by id."""
        start = (self.number - 1) * PAGE_SIZE
        return range(start, start + len(self.tasks))


class Questions:
    """Questions about one project. Each ticks: it repeats the last report, which raises where work is cancelled."""

    def __init__(self, label_studio: LabelStudio, project_id: int, progress: Progress) -> None:
        self._label_studio = label_studio
        self._project_id = project_id
        self._progress = progress
        self._said: tuple[int, int | None, str] = (0, None, "Reading tasks.")

    def say(self, done: int, total: int | None, sentence: str) -> None:
        """Report, and repeat it while there is nothing but waiting."""
        self._said = (done, total, sentence)
        self.tick()

    def tick(self) -> None:
        self._progress(*self._said)

    def newest(self) -> tuple[int, int]:
        """When the task that changed last did so (0 where there is none), and how many tasks there are."""
        moment, total = self._await(lambda: self._label_studio.newest_change(self._project_id))
        return (microseconds(moment) if moment else 0), total

    def look(self) -> Look:
        """All that can be counted. The newest change is asked for last: it then tells of one amid the counting."""
        labelled = self._await(lambda: self._label_studio.count(self._project_id, "labelled"))
        skipped = self._await(lambda: self._label_studio.count(self._project_id, "skipped"))
        return Look(*self.newest(), labelled, skipped)

    def counts_between(self, spans: Sequence[tuple[int, int]], most: int) -> list[int]:
        """How many tasks have an id from the first to the last of each span; so many are asked for at a time."""

        def count(place: int) -> tuple[int, int]:
            return place, self._label_studio.count_between(self._project_id, *spans[place])

        return [found for _, found in sorted(in_flight(count, range(len(spans)), most, self.tick))]

    def states_between(self, first: int, last: int) -> Iterator[TaskTable]:
        """Pages of the tasks with an id from the first to the last."""
        return self._each_page(self._label_studio.states_between(self._project_id, first, last))

    def pages(self, numbers: range, most: int) -> Iterator[Page]:
        """Several pages, so many of them asked for at a time, as they come."""
        return in_flight(self._page, numbers, most, self.tick)

    def changed_since(self, mark: int) -> Iterator[TaskTable]:
        """Pages of the tasks that changed after a moment."""
        return self._each_page(self._label_studio.changed_since(self._project_id, moment_of(mark)))

    def states_where(self, which: Standing) -> Iterator[TaskTable]:
        """Pages of the tasks that are labelled, or were skipped and not labelled."""
        return self._each_page(self._label_studio.states_where(self._project_id, which))

    def _page(self, number: int) -> Page:
        # Run by a thread of its own: states become arrays there, and a page of them is all that is ever held.
        states, total = self._label_studio.state_page(self._project_id, number)
        return Page(number, TaskTable.of_states(states), total)

    def _each_page(self, pages: Iterator[list[TaskState]]) -> Iterator[TaskTable]:
        while (states := self._await(lambda: next(pages, None))) is not None:
            yield TaskTable.of_states(states)

    def _await(self, question: Callable[[], R]) -> R:
        return awaited(question, self.tick)


def page_count(total: int) -> int:
    return int(np.ceil(total / PAGE_SIZE))
