"""One model version measured on the test set, whatever an answer is."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from al_core.answers import LONGEST, answer_of, set_of
from al_core.errors import NoLabels, UnsupportedProject
from al_core.evaluation.classes import class_metrics, confusion_of, share
from al_core.evaluation.label_sets import set_metrics
from al_core.evaluation.spans import span_metrics, spans_of
from al_core.evaluation.values import Evaluation, TestAnswer
from al_core.types import AnswerForm, LabelSpace

Result = Sequence[Mapping[str, Any]]
"""The regions of an annotation or a prediction, as Label Studio has them."""

Measure = Literal["classes", "sets", "spans", "boxes", "free"]
"""What answers are measured as."""

_REGIONS: Mapping[str, Measure] = {
    "Labels": "spans",
    "HyperTextLabels": "spans",
    "ParagraphLabels": "spans",
    "TimeSeriesLabels": "spans",
    "TimelineLabels": "spans",
    "RectangleLabels": "boxes",
    "Number": "free",
    "TextArea": "free",
}

_NOTHING: Mapping[str, str] = {"sets": "no class", "spans": "no region", "boxes": "no region"}
"""What it reads like when nothing was answered, where that is an answer."""


def measured_by(tag: str, form: AnswerForm, data_type: str = "") -> Measure | None:
    """What the answers to a control are measured as; None where nothing measures them yet.

    Parameters
    ----------
    tag, form, data_type : str
        As in :class:`al_core.types.LabelSpace`; without a data type what is usual for the tag is meant.
    """
    if form == "single":
        return "classes"
    if form == "multi":
        return "sets"
    return None if tag == "Labels" and data_type == "image" else _REGIONS.get(tag)


def can_be_measured(space: LabelSpace) -> bool:
    """Whether :func:`evaluate` knows a measure for the answers to a control."""
    return measured_by(space.tag, space.form, space.data_type) is not None


def evaluate(
    truth: Mapping[int, Result],
    predicted: Mapping[int, Result],
    space: LabelSpace,
    *,
    model_version: str,
    uncertainty: Mapping[int, float] = {},
    confidence: Mapping[int, float] = {},
    probabilities: Mapping[int, Mapping[str, float]] = {},
    seed: int = 0,
) -> Evaluation:
    """How good a model is on tasks that it has not learned from.

    =========================  ================================================================================
    answers are                metrics, the first of which stands for the model
    =========================  ================================================================================
    one class                  accuracy, balanced accuracy, macro F1 (:mod:`al_core.evaluation.classes`)
    a set of classes           exact match, micro F1, macro F1 (:mod:`al_core.evaluation.label_sets`)
    spans                      exact and overlap F1 (:mod:`al_core.evaluation.spans`)
    boxes                      mAP@50, mAP@50–95 (:mod:`al_core.evaluation.boxes`)
    numbers and texts          accuracy: the share that is the same
    =========================  ================================================================================

    Parameters
    ----------
    truth : mapping of task id to result
        What people answered. A set of classes or of regions may be empty; where one class or a free answer is asked
        for, a task without it is left out.
    predicted : mapping of task id to result
        What the model answered. A task that is missing was not answered, and counts as wrong; others are ignored.
    space : LabelSpace
        The control that is measured.
    model_version : str
        Whose predictions they are.
    uncertainty, confidence : mapping of task id to float
        Kept with the answers where they are known.
    probabilities : mapping of task id to mapping of class to float
        The same of every class.
    seed : int
        Of the draws behind the intervals: the same seed gives the same intervals.

    Raises
    ------
    NoLabels
        No task has an answer of people's to this control.
    UnsupportedProject
        Answers are regions of a kind that nothing measures yet.
    """
    how = measured_by(space.tag, space.form, space.data_type)
    if how is None:
        raise UnsupportedProject(
            f"Answers to {space.control} are regions of {space.tag}; how good a model is at those is not measured yet.",
            "Train without a test set.",
        )
    measured = _answered(truth, space, how)
    tasks = _Tasks(measured, predicted, space, _NOTHING.get(how), uncertainty, confidence, probabilities)
    if not tasks.truth:
        raise NoLabels("No task of the test set is labelled yet.", "Label the test set first.")
    return replace(_MEASURES[how](tasks, seed), model_version=model_version)


def _answered(truth: Mapping[int, Result], space: LabelSpace, how: Measure) -> dict[int, Result]:
    """The tasks that can be measured by, in the order of their ids."""
    asks_for_one = how not in _NOTHING
    return {
        task_id: truth[task_id]
        for task_id in sorted(truth)
        if not asks_for_one or answer_of(truth[task_id], space) is not None
    }


@dataclass(frozen=True)
class _Tasks:
    """The tasks that are measured, and what was said of each."""

    truth: Mapping[int, Result]
    predicted: Mapping[int, Result]
    space: LabelSpace
    nothing: str | None
    uncertainty: Mapping[int, float]
    confidence: Mapping[int, float]
    probabilities: Mapping[int, Mapping[str, float]]

    def lines(self, longest: int = sys.maxsize) -> tuple[dict[int, str], dict[int, str | None]]:
        """Task id → what people, and what the model answered, in one line."""
        true = {task_id: self._line(result, longest) or "" for task_id, result in self.truth.items()}
        said = {
            task_id: self._line(self.predicted[task_id], longest) if task_id in self.predicted else None
            for task_id in self.truth
        }
        return true, said

    def _line(self, result: Result, longest: int) -> str | None:
        return answer_of(result, self.space, longest) or self.nothing

    def answers(self, rights: Sequence[bool]) -> tuple[TestAnswer, ...]:
        true, said = self.lines(LONGEST)
        return tuple(
            TestAnswer(
                task_id=task_id,
                truth=true[task_id],
                predicted=said[task_id],
                is_right=is_right and said[task_id] is not None,
                confidence=self.confidence.get(task_id),
                uncertainty=self._uncertainty(task_id),
                probabilities=self.probabilities.get(task_id, {}),
            )
            for task_id, is_right in zip(self.truth, rights, strict=True)
        )

    def _uncertainty(self, task_id: int) -> float | None:
        found = self.uncertainty.get(task_id)
        if found is None and task_id in self.confidence:
            return 1 - self.confidence[task_id]
        return found

    def read(self, reader: Callable[[Any, LabelSpace], Any]) -> tuple[list[Any], list[Any]]:
        """What people answered and what the model did, read; of a task that the model did not answer nothing."""
        said = [reader(self.predicted.get(task_id, ()), self.space) for task_id in self.truth]
        return [reader(result, self.space) for result in self.truth.values()], said


def _of_classes(tasks: _Tasks, seed: int) -> Evaluation:
    true, said = tasks.lines()
    confusion = confusion_of(true, said, tasks.space.labels)
    metrics, classes = class_metrics(confusion, seed)
    return Evaluation(
        "", metrics, tasks.answers([said[task_id] == true[task_id] for task_id in true]), classes, confusion
    )


def _of_sets(tasks: _Tasks, seed: int) -> Evaluation:
    true, said = tasks.read(set_of)
    answered = [found if task_id in tasks.predicted else None for task_id, found in zip(tasks.truth, said, strict=True)]
    metrics, classes = set_metrics(true, answered, tasks.space.labels, seed)
    rights = [wanted == found for wanted, found in zip(true, answered, strict=True)]
    return Evaluation("", metrics, tasks.answers(rights), classes)


def _of_spans(tasks: _Tasks, seed: int) -> Evaluation:
    true, said = tasks.read(spans_of)
    metrics, classes = span_metrics(true, said, tasks.space, seed)
    return Evaluation(
        "", metrics, tasks.answers([sorted(t) == sorted(p) for t, p in zip(true, said, strict=True)]), classes
    )


def _of_boxes(tasks: _Tasks, seed: int) -> Evaluation:
    from al_core.evaluation.boxes import box_metrics, boxes_of  # pycocotools takes a while to load

    true, said = tasks.read(boxes_of)
    metrics, classes, rights = box_metrics(true, said, tasks.space, seed)
    return Evaluation("", metrics, tasks.answers(rights), classes)


def _of_free_answers(tasks: _Tasks, seed: int) -> Evaluation:
    true, said = tasks.lines()
    rights = [said[task_id] == true[task_id] for task_id in true]
    return Evaluation("", (share("accuracy", "Accuracy", sum(rights), len(rights)),), tasks.answers(rights))


_MEASURES: Mapping[Measure, Callable[[_Tasks, int], Evaluation]] = {
    "classes": _of_classes,
    "sets": _of_sets,
    "spans": _of_spans,
    "boxes": _of_boxes,
    "free": _of_free_answers,
}
