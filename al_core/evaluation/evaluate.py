"""One model version measured on the test set, whatever an answer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from al_core.answers import answer_of
from al_core.errors import NoLabels, UnsupportedProject
from al_core.evaluation.classes import class_metrics, confusion_of, share
from al_core.evaluation.values import Evaluation, TestAnswer
from al_core.types import AnswerForm, LabelSpace

Result = Sequence[Mapping[str, Any]]
"""The regions of an annotation or a prediction, as Label Studio has them."""

Measure = Literal["classes", "sets", "spans", "boxes", "free"]

_FREE_TAGS = ("Number", "TextArea")


def measured_by(tag: str, form: AnswerForm) -> Measure | None:
    """By what kind of measures the answers to a control are measured; None where by none yet."""
    if form == "single":
        return "classes"
    if form == "multi":
        return "sets"
    return "free" if tag in _FREE_TAGS else None


def can_be_measured(space: LabelSpace) -> bool:
    return measured_by(space.tag, space.form) is not None


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

    Parameters
    ----------
    truth : mapping of task id to result
        What people answered.
    predicted : mapping of task id to result
        What the model answered. A task that is missing was not answered, and counts as wrong; others are ignored.
    space : LabelSpace
        The control that is measured.
    model_version : str
        Whose predictions they are.
    uncertainty, confidence : mapping of task id to float
    probabilities : mapping of task id to mapping of class to float
        Kept with the answers where they are known.
    seed : int
        Of the resamples behind the intervals: the same seed gives the same intervals.

    Raises
    ------
    NoLabels
        No task has an answer of people's to this control.
    UnsupportedProject
        Answers are regions of a kind that nothing measures yet.
    """
    how = measured_by(space.tag, space.form)
    if how is None:
        raise UnsupportedProject(
            f"Answers to {space.control} are regions of {space.tag}; how good a model is at those is not measured yet.",
            "Train without a test set.",
        )
    tasks = _Tasks(truth, predicted, space, uncertainty, confidence, probabilities)
    if not tasks.ids:
        raise NoLabels("No task of the test set is labelled yet.", "Label the test set first.")
    if how == "classes":
        return _of_classes(tasks, model_version, seed)
    answers = tasks.answers()
    right = sum(answer.is_right for answer in answers)
    metric = share("accuracy", "Accuracy", right, len(answers))
    return Evaluation(model_version, (metric,), answers)


def _of_classes(tasks: "_Tasks", model_version: str, seed: int) -> Evaluation:
    confusion = confusion_of(tasks.truth, tasks.predicted, tasks.space.labels)
    metrics, classes = class_metrics(confusion, seed)
    return Evaluation(model_version, metrics, tasks.answers(), classes, confusion)


@dataclass
class _Tasks:
    """The tasks that are measured, and what was said of each."""

    results: Mapping[int, Result]
    said: Mapping[int, Result]
    space: LabelSpace
    uncertainty: Mapping[int, float]
    confidence: Mapping[int, float]
    probabilities: Mapping[int, Mapping[str, float]]

    def __post_init__(self) -> None:
        lines = {task_id: answer_of(self.results[task_id], self.space) for task_id in sorted(self.results)}
        self.truth = {task_id: line for task_id, line in lines.items() if line is not None}
        self.ids = [*self.truth]
        self.predicted = {
            task_id: answer_of(self.said[task_id], self.space) for task_id in self.ids if task_id in self.said
        }

    def answers(self) -> tuple[TestAnswer, ...]:
        return tuple(
            TestAnswer(
                task_id=task_id,
                truth=self.truth[task_id],
                predicted=self.predicted.get(task_id),
                is_right=self.predicted.get(task_id) == self.truth[task_id],
                confidence=self.confidence.get(task_id),
                uncertainty=self._uncertainty(task_id),
                probabilities=self.probabilities.get(task_id, {}),
            )
            for task_id in self.ids
        )

    def _uncertainty(self, task_id: int) -> float | None:
        found = self.uncertainty.get(task_id)
        if found is None and task_id in self.confidence:
            return 1 - self.confidence[task_id]
        return found
