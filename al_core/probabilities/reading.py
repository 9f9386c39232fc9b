"""Read the predictions of a pool into arrays."""

from array import array
from collections.abc import Iterable
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.probabilities.regions import Reader, Row, Unknown
from al_core.types import REASONS, ClassProbabilities, LabelSpace, Prediction, Reason

CONSTANT_TASKS = 20
"""From how many tasks on equal numbers count as no numbers. Some examples of backends score everything 0.1; but a
few easy tasks may well all score 1.0, and 20 of 20 alike are no chance any more."""


def from_predictions(
    predictions: Iterable[Prediction], task_ids: ArrayLike, space: LabelSpace, *, model_version: str | None = None
) -> ClassProbabilities:
    """Read what a model says of each task through one control.

    How a prediction is read depends on the form of the control:

    - ``single``: the object ``probabilities`` of its region, which must name known labels and sum to 1 ± 0.001 (a
      label that it does not name has 0); it is scaled to sum to 1. Without it the score, of the region or else of the
      task, is the probability of the chosen class: with two classes that is everything, with more the row is
      top-only. A score below 1/k cannot be the likeliest class's and makes the task unknown.
    - ``multi``: the object alone, an independent probability for each label. An empty choice with it is known.
    - ``regions``: every region of the control is a row, full by its object ``probabilities``, else top-only by its
      own score. Where no region has either, the task's score stands for all of them, as backends give there the mean
      over the regions: the task then has one row, whose answer is the class that all regions share, or none. One
      unusable region makes its task unknown, as an aggregate over the others would be one of something else.

    Where labels are free (Number, TextArea) there is only the score. Scores of exactly 0.0 and 2.0 mean "none".

    Parameters
    ----------
    predictions : iterable of Prediction
        Those of other tasks are ignored, and of several for one task the last counts.
    task_ids : array_like of int, shape (n,)
        Distinct ids, in the order that is wanted.
    space : LabelSpace
        The control whose results are read, and its k classes.
    model_version : str, optional
        Read the predictions of this version alone; a task that has only others is unknown for that reason.

    Returns
    -------
    ClassProbabilities
        ``model_version`` is that of the predictions used, empty if they differ. Where at least ``CONSTANT_TASKS``
        tasks have scores and all these scores are equal, the tasks are unknown: such a model ranks nothing. The same
        holds where the probabilities of all classes are those of every other task.

    Raises
    ------
    InvalidInput
        If the control is a choice without a class.
    """
    if not space.labels and space.form != "regions":
        raise InvalidInput(f"The control {space.control!r} has no class.")
    ids = np.asarray(task_ids, dtype=np.int64)
    latest, passed_over = _latest(predictions, set(ids.tolist()), model_version)
    reader = Reader(space)
    table = _Table(space)
    for task_id in ids.tolist():
        try:
            if task_id not in latest:
                raise Unknown(Reason.OTHER_VERSION if task_id in passed_over else Reason.NO_PREDICTION)
            table.add(reader.rows(latest[task_id]))
        except Unknown as unknown:
            table.add_unknown(unknown.reason)
    versions = {found.model_version for found in latest.values()}
    return table.probabilities(ids, versions.pop() if len(versions) == 1 else "")


def _latest(
    predictions: Iterable[Prediction], wanted: set[int], model_version: str | None
) -> tuple[dict[int, Prediction], set[int]]:
    """The prediction that counts for each task, and the tasks that have one of another version."""
    latest: dict[int, Prediction] = {}
    passed_over: set[int] = set()
    for found in predictions:
        if found.task_id not in wanted:
            continue
        if model_version is None or found.model_version == model_version:
            latest[found.task_id] = found
        else:
            passed_over.add(found.task_id)
    return latest, passed_over


class _Table:
    """Rows as they come, in the machine's numbers from the start: a list of Python's would take eight times as much."""

    def __init__(self, space: LabelSpace) -> None:
        self._space = space
        self._nothing = [nan] * len(space.labels)
        self._values = array("f")
        self._top = array("f")
        self._answers = array("i")
        self._scores = array("d")
        self._starts = array("q", [0])
        self._reasons = array("B")

    def add(self, rows: list[Row]) -> None:
        """The rows of the next task."""
        for values, top, answer, score in rows:
            self._values.extend(self._nothing if values is None else values)
            self._top.append(top)
            self._answers.append(answer)
            self._scores.append(score)
        self._starts.append(len(self._top))
        self._reasons.append(0)

    def add_unknown(self, reason: Reason) -> None:
        """The next task is unknown: a choice keeps its row, regions have none."""
        self.add([] if self._space.form == "regions" else [Row(None, nan, -1)])
        self._reasons[-1] = _CODES[reason]

    def probabilities(self, ids: NDArray[np.int64], model_version: str) -> ClassProbabilities:
        rows, classes = len(self._top), len(self._space.labels)
        read = ClassProbabilities(
            task_ids=ids,
            labels=self._space.labels,
            form=self._space.form,
            starts=_array(self._starts, np.int64),
            values=_array(self._values, np.float32).reshape(rows, classes),
            top=_array(self._top, np.float32),
            answers=_array(self._answers, np.int32),
            reasons=_array(self._reasons, np.uint8),
            model_version=model_version,
        )
        constant = _constant(read, _array(self._scores, np.float64))
        return _without(read, constant) if constant.any() else read


_CODES = {reason: place for place, reason in enumerate(REASONS, start=1)}


def _array(numbers: "array[Any]", dtype: Any) -> NDArray[Any]:
    """The same memory as an array of numpy, which takes none that is empty."""
    return np.frombuffer(numbers, dtype=dtype) if len(numbers) else np.empty(0, dtype=dtype)


def _constant(read: ClassProbabilities, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) True where a task's numbers are those of every task."""
    owners = np.repeat(np.arange(len(read.task_ids)), np.diff(read.starts))
    constant = np.zeros(len(read.task_ids), dtype=np.bool_)
    by_score = np.flatnonzero(np.isfinite(scores))
    by_vector = np.flatnonzero(np.isfinite(read.top) & np.isnan(scores))
    for rows, numbers in ((by_score, scores), (by_vector, read.values)):
        tasks = np.unique(owners[rows])
        if len(tasks) >= CONSTANT_TASKS and all((numbers[row] == numbers[rows[0]]).all() for row in rows):
            constant[tasks] = True
    return constant


def _without(read: ClassProbabilities, tasks: NDArray[np.bool_]) -> ClassProbabilities:
    """The same with some tasks unknown as constant: a choice keeps its row, regions go."""
    lost = np.repeat(tasks, np.diff(read.starts))
    reasons = np.where(tasks, np.uint8(_CODES[Reason.CONSTANT]), read.reasons)
    if read.form != "regions":
        read.values[lost], read.top[lost], read.answers[lost] = np.nan, np.nan, -1
        return replace(read, reasons=reasons)
    counts = np.where(tasks, 0, np.diff(read.starts))
    return replace(
        read,
        starts=np.concatenate(([0], np.cumsum(counts))),
        values=read.values[~lost],
        top=read.top[~lost],
        answers=read.answers[~lost],
        reasons=reasons,
    )
