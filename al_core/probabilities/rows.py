"""What predictions say through one control, in the machine's numbers, before it is known which tasks are the pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.types import REASONS, AnswerForm, ClassProbabilities, LabelSpace, Reason

CONSTANT_TASKS = 20
"""From how many tasks on equal numbers count as no numbers. Some examples of backends score everything 0.1; but a
few easy tasks may well all score 1.0, and 20 of 20 alike are no chance any more."""

CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}
"""What stands for a reason in ``reasons``; 0 is a known task."""

_DTYPES = {
    "task_ids": np.int64,
    "starts": np.int64,
    "values": np.float32,
    "top": np.float32,
    "answers": np.int32,
    "scores": np.float64,
    "reasons": np.uint8,
}


@dataclass(frozen=True, eq=False)
class Rows:
    """What the predictions of n tasks say through one control, as rows like those of ``ClassProbabilities``.

    A task has one row where the form is ``single`` or ``multi``, of NaN if the task is unknown. Where the form is
    ``regions``, a known task has one row or more and an unknown one has none.
    """

    form: AnswerForm
    task_ids: NDArray[np.int64]
    """(n,) ascending and distinct, except for what :meth:`of` gives."""
    starts: NDArray[np.int64]
    """(n + 1,) the rows of task i are ``starts[i]:starts[i + 1]``."""
    values: NDArray[np.float32]
    """(m, k)"""
    top: NDArray[np.float32]
    """(m,)"""
    answers: NDArray[np.int32]
    """(m,)"""
    scores: NDArray[np.float64]
    """(m,) the score that a row was made of; NaN where the prediction gave every probability by itself."""
    reasons: NDArray[np.uint8]
    """(n,)"""

    @classmethod
    def merged(cls, parts: Sequence["Rows"]) -> "Rows":
        """All tasks of some parts, ascending by id; of several for one task the last part's counts.

        Parameters
        ----------
        parts : sequence of Rows
            At least one; within a part too the last of several for one task counts.

        Returns
        -------
        Rows
            May share the memory of a part that is the only one.

        Raises
        ------
        ValueError
            There is no part, or not all are of one form and number of classes.
        """
        if len({(part.form, part.values.shape[1]) for part in parts}) != 1:
            raise ValueError("Only rows of one control can be merged, and at least one part.")
        return _taken(parts, latest(_joined([part.task_ids for part in parts])))

    def of(self, task_ids: ArrayLike) -> "Rows":
        """The rows of some tasks, in their order; a task that is not here is unknown for having no prediction.

        Parameters
        ----------
        task_ids : array_like of int, shape (n,)

        Returns
        -------
        Rows
            Shares this one's memory where that is possible.
        """
        wanted = np.asarray(task_ids, dtype=np.int64)
        places = np.searchsorted(self.task_ids, wanted)
        here = places < len(self.task_ids)
        here[here] = self.task_ids[places[here]] == wanted[here]
        if here.all():
            return _taken([self], places)
        # One unknown task behind the others stands for all that are absent.
        places[~here] = len(self.task_ids)
        absent = unknown_rows([-1], Reason.NO_PREDICTION, self.form, self.values.shape[1])
        return replace(_taken([self, absent], places), task_ids=wanted)

    def probabilities(self, space: LabelSpace, model_version: str) -> ClassProbabilities:
        """The same for the strategies, with all tasks unknown that a model says the same of.

        Where at least ``CONSTANT_TASKS`` tasks have scores and all these scores are equal, the tasks are unknown, as
        such a model ranks nothing. The same holds where the probabilities of all classes are those of every other task.

        Parameters
        ----------
        space : LabelSpace
            The control that these rows are of.
        model_version : str

        Returns
        -------
        ClassProbabilities
            Shares the memory of these rows.
        """
        constant = self._constant()
        rows = self._without(constant) if constant.any() else self
        return ClassProbabilities(
            task_ids=rows.task_ids,
            labels=space.labels,
            form=rows.form,
            starts=rows.starts,
            values=rows.values,
            top=rows.top,
            answers=rows.answers,
            reasons=rows.reasons,
            model_version=model_version,
        )

    def _constant(self) -> NDArray[np.bool_]:
        """(n,) True where a task's numbers are those of every task."""
        constant = np.zeros(len(self.task_ids), dtype=np.bool_)
        by_score = np.isfinite(self.scores)
        by_vector = np.isfinite(self.top) & ~by_score
        # Equal rows have equal tops, which are looked at first: they are a k-th of the numbers.
        for those, numbers in ((by_score, [self.scores]), (by_vector, [self.top, self.values])):
            rows = np.flatnonzero(those)
            if len(rows) >= CONSTANT_TASKS and all((column[rows] == column[rows[0]]).all() for column in numbers):
                tasks = np.unique(np.searchsorted(self.starts, rows, side="right") - 1)
                constant[tasks] = len(tasks) >= CONSTANT_TASKS or constant[tasks]
        return constant

    def _without(self, tasks: NDArray[np.bool_]) -> "Rows":
        """The same with some tasks unknown as constant: a choice keeps its row, regions go."""
        counts = np.diff(self.starts)
        lost = np.repeat(tasks, counts)
        reasons = np.where(tasks, np.uint8(CODES[Reason.CONSTANT]), self.reasons)
        if self.form == "regions":
            return replace(
                self,
                starts=_starts(np.where(tasks, 0, counts)),
                values=self.values[~lost],
                top=self.top[~lost],
                answers=self.answers[~lost],
                scores=self.scores[~lost],
                reasons=reasons,
            )
        nothing = np.float32(np.nan)
        return replace(
            self,
            values=np.where(lost[:, np.newaxis], nothing, self.values),
            top=np.where(lost, nothing, self.top),
            answers=np.where(lost, np.int32(-1), self.answers),
            scores=np.where(lost, np.nan, self.scores),
            reasons=reasons,
        )

    # ----------------------------------------------------------------- to keep them

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By their names, for :func:`numpy.savez`."""
        return {name: getattr(self, name) for name in _DTYPES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], space: LabelSpace) -> "Rows":
        """What :meth:`arrays` gave.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Others than those of ``arrays`` are ignored.
        space : LabelSpace
            The control that the rows are of.

        Raises
        ------
        ValueError
            They are not what rows of this control are made of.
        """
        found = {name: arrays[name] for name in _DTYPES if name in arrays}
        if any(name not in found or found[name].dtype != dtype for name, dtype in _DTYPES.items()):
            raise ValueError("Rows have other arrays than these.")
        rows = cls(space.form, **found)
        if not (rows._fits(len(space.labels)) and rows._holds_together()):
            raise ValueError(f"These are no rows of the control {space.control!r}.")
        return rows

    def _fits(self, classes: int) -> bool:
        """Whether the shapes are those of one table."""
        if self.task_ids.ndim != 1 or self.top.ndim != 1:
            return False
        tasks, rows = len(self.task_ids), len(self.top)
        return (
            self.starts.shape == (tasks + 1,)
            and self.reasons.shape == (tasks,)
            and self.values.shape == (rows, classes)
            and self.answers.shape == self.scores.shape == (rows,)
            and (int(self.starts[0]), int(self.starts[-1])) == (0, rows)
        )

    def _holds_together(self) -> bool:
        """Whether the numbers are some that predictions can have said."""
        counts, known = np.diff(self.starts), self.reasons == 0
        in_place = (counts > 0) == known if self.form == "regions" else counts == 1
        if not in_place.all() or (counts < 0).any() or (np.diff(self.task_ids) <= 0).any():
            return False
        full = np.isfinite(self.values).all(axis=1) & (self.values.shape[1] > 0)
        return bool(
            (self.reasons <= len(REASONS)).all()
            and (np.isfinite(self.top) == np.repeat(known, counts)).all()
            and (full | np.isnan(self.values).all(axis=1)).all()
            and not (full & np.isnan(self.top)).any()
            and all(_are_probabilities(numbers) for numbers in (self.values, self.top, self.scores))
            and ((self.answers >= -1) & (self.answers < max(self.values.shape[1], 1))).all()
        )


def unknown_rows(task_ids: ArrayLike, reason: Reason, form: AnswerForm, classes: int) -> Rows:
    """Rows of tasks of which nothing is known, for one reason."""
    ids = np.asarray(task_ids, dtype=np.int64)
    counts = np.full(len(ids), form != "regions")
    rows = int(counts.sum())
    return Rows(
        form=form,
        task_ids=ids,
        starts=_starts(counts),
        values=np.full((rows, classes), np.nan, dtype=np.float32),
        top=np.full(rows, np.nan, dtype=np.float32),
        answers=np.full(rows, -1, dtype=np.int32),
        scores=np.full(rows, np.nan),
        reasons=np.full(len(ids), CODES[reason], dtype=np.uint8),
    )


def latest(task_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the last of each distinct id, ascending by id.

    Parameters
    ----------
    task_ids : ndarray of int64, shape (n,)
        In any order, and as often as they came.
    """
    if (np.diff(task_ids) > 0).all():
        return np.arange(len(task_ids))
    _, places = np.unique(task_ids[::-1], return_index=True)
    return np.asarray(len(task_ids) - 1 - places, dtype=np.int64)


def _taken(parts: Sequence[Rows], places: NDArray[np.int64]) -> Rows:
    """The tasks at some places of the parts, which are counted through."""
    starts = _starts(_joined([np.diff(part.starts) for part in parts]))
    tasks: Any = slice(None)
    rows: Any = slice(None)
    if not np.array_equal(places, np.arange(len(starts) - 1)):
        first, counts = starts[:-1][places], np.diff(starts)[places]
        starts = _starts(counts)
        tasks, rows = places, np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)
    picked = {
        # One array after the other, so that no more than one is there twice.
        name: _joined([getattr(part, name) for part in parts])[tasks if name in ("task_ids", "reasons") else rows]
        for name in _DTYPES
        if name != "starts"
    }
    return Rows(parts[0].form, starts=starts, **picked)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _starts(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Where each task's rows begin, and where the last one's end."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def _are_probabilities(numbers: NDArray[Any]) -> bool:
    """Whether all are from 0 to 1, or unknown."""
    return bool((np.isnan(numbers) | ((numbers >= 0) & (numbers <= 1))).all())
