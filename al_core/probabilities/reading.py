"""Read the predictions of a pool into arrays."""

from array import array
from collections.abc import Iterable
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.probabilities.regions import Reader, Row, Unknown
from al_core.probabilities.rows import CODES, Rows, unknown_rows
from al_core.types import ClassProbabilities, LabelSpace, Prediction, Reason


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
    ids = np.asarray(task_ids, dtype=np.int64)
    wanted = set(ids.tolist())
    reader = RowReader(space, model_version)
    versions: dict[int, str] = {}
    for prediction in predictions:
        if prediction.task_id in wanted:
            reader.add(prediction)
            if model_version in (None, prediction.model_version):
                versions[prediction.task_id] = prediction.model_version
    used = set(versions.values())
    return reader.rows().of(ids).probabilities(space, used.pop() if len(used) == 1 else "")


class RowReader:
    """Reads predictions one by one, and holds of each no more than its numbers: 4 k + 29 bytes at k classes.

    Parameters
    ----------
    space : LabelSpace
        The control whose results are read, and its k classes.
    model_version : str, optional
        Read the predictions of this version alone; a task that has only others is unknown for that reason.

    Raises
    ------
    InvalidInput
        If the control is a choice without a class.
    """

    def __init__(self, space: LabelSpace, model_version: str | None = None) -> None:
        if not space.labels and space.form != "regions":
            raise InvalidInput(f"The control {space.control!r} has no class.")
        self._space = space
        self._model_version = model_version
        self._reader = Reader(space)
        self._nothing = [nan] * len(space.labels)
        self._begin()

    def _begin(self) -> None:
        # A list of Python's numbers would take eight times as much.
        self._task_ids = array("q")
        self._counts = array("i")
        self._values = array("f")
        self._top = array("f")
        self._answers = array("i")
        self._scores = array("d")
        self._reasons = array("B")
        self._passed_over = array("q")

    def add(self, prediction: Prediction) -> None:
        """The next prediction; of several for one task the last counts."""
        if self._model_version is not None and prediction.model_version != self._model_version:
            self._passed_over.append(prediction.task_id)
            return
        try:
            rows = self._reader.rows(prediction)
        except Unknown as unknown:
            self.add_unknown(prediction.task_id, unknown.reason)
        else:
            self._append(prediction.task_id, rows)

    def add_unknown(self, task_id: int, reason: Reason) -> None:
        """A task of which there is nothing to read, in place of its prediction."""
        # A choice keeps its row, regions have none.
        self._append(task_id, [] if self._space.form == "regions" else [_NO_ROW])
        self._reasons[-1] = CODES[reason]

    def rows(self) -> Rows:
        """All that was added since the last call, ascending by task; the memory goes along."""
        counts = _array(self._counts, np.int32)
        read = Rows(
            form=self._space.form,
            task_ids=_array(self._task_ids, np.int64),
            starts=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
            values=_array(self._values, np.float32).reshape(len(self._top), len(self._space.labels)),
            top=_array(self._top, np.float32),
            answers=_array(self._answers, np.int32),
            scores=_array(self._scores, np.float64),
            reasons=_array(self._reasons, np.uint8),
        )
        classes = len(self._space.labels)
        passed_over = unknown_rows(self._passed_over, Reason.OTHER_VERSION, self._space.form, classes)
        self._begin()
        return Rows.merged([passed_over, read] if len(passed_over.task_ids) else [read])

    def _append(self, task_id: int, rows: list[Row]) -> None:
        for values, top, answer, score in rows:
            self._values.extend(self._nothing if values is None else values)
            self._top.append(top)
            self._answers.append(answer)
            self._scores.append(score)
        self._task_ids.append(task_id)
        self._counts.append(len(rows))
        self._reasons.append(0)


_NO_ROW = Row(None, nan, -1)


def _array(numbers: "array[Any]", dtype: Any) -> NDArray[Any]:
    """The same memory as an array of numpy, which takes none that is empty."""
    return np.frombuffer(numbers, dtype=dtype) if len(numbers) else np.empty(0, dtype=dtype)
