"""What a backend is to learn from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_core.answers import answer_of
from al_core.errors import NoLabels
from al_core.evaluation.costs import labelling_seconds
from al_core.types import LabelSpace


@dataclass(frozen=True)
class Lesson:
    """Labelled tasks for a training."""

    tasks: Sequence[Mapping[str, Any]]
    """Each as ``{"id", "data", "annotations"}``."""
    holdout: Sequence[int]
    """Ascending ids of the tasks that must not be learned from."""

    @property
    def cost(self) -> tuple[float | None, int]:
        """Seconds that people spent on the labels, None where no time is known, and of how many tasks it is known."""
        return labelling_seconds([_lead_time(task) for task in self.tasks])


def lesson_of(tasks: Iterable[Mapping[str, Any]], held_out: Collection[int], spaces: Sequence[LabelSpace]) -> Lesson:
    """The labelled tasks outside of the test set.

    Parameters
    ----------
    tasks : iterable of mappings
        Tasks with their annotations.
    held_out : collection of int
        Ids of the test set.
    spaces : sequence of LabelSpace
        The controls that are scored: an annotation counts as a label where it answers one of them.

    Raises
    ------
    NoLabels
        There are none.
    """
    chosen = [task for task in tasks if task["id"] not in held_out and _has_label(task, spaces)]
    if not chosen:
        raise NoLabels("No task is labelled yet outside the test set.", "Label some, then train.")
    return Lesson(chosen, sorted(held_out))


def _live(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in task["annotations"] if not each.get("was_cancelled")]


def _has_label(task: Mapping[str, Any], spaces: Sequence[LabelSpace]) -> bool:
    return any(answer_of(each.get("result") or [], space) for each in _live(task) for space in spaces)


def _lead_time(task: Mapping[str, Any]) -> float | None:
    """What all who labelled it spent on it; None where one of the times is unknown."""
    times = [each.get("lead_time") for each in _live(task)]
    known = [float(time) for time in times if isinstance(time, int | float)]
    return sum(known) if len(known) == len(times) else None
