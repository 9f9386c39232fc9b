"""Reads about the model of one round: its evaluation, the one before, and how it did on labels that came later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from al_core import evaluation as measured
from al_core.evaluation import ClassRow, Confusion, Metric, TestAnswer
from trustai_web.campaigns.controls import label_control
from trustai_web.campaigns.models import BatchTask, Evaluation, Round, TrainingRun


def model_evaluation(row: Evaluation) -> measured.Evaluation:
    """What was kept of an evaluation; of one that an older version of TrustAI made only the headline."""
    metrics = tuple(Metric(**values) for values in row.metrics)
    return measured.Evaluation(
        model_version=row.model_version,
        metrics=metrics or (_headline(row),),
        answers=tuple(TestAnswer(**values) for values in row.answers),
        classes=tuple(_class_row(values) for values in row.classes),
        confusion=_confusion(row.confusion) if row.confusion else None,
    )


def _headline(row: Evaluation) -> Metric:
    return Metric(
        name=row.metric,
        label=row.metric.replace("_", " ").capitalize(),
        value=row.value,
        low=row.low,
        high=row.high,
        count=row.total,
        how="wilson",
        correct=row.correct,
    )


def _class_row(values: Mapping[str, Any]) -> ClassRow:
    measures = {name: Metric(**values[name]) if values[name] else None for name in ("precision", "recall", "f1")}
    return ClassRow(label=values["label"], support=values["support"], **measures)


def _confusion(values: Mapping[str, Any]) -> Confusion:
    return Confusion(tuple(values["labels"]), tuple(tuple(row) for row in values["counts"]))


def evaluation_before(round_: Round) -> Evaluation | None:
    """Of the campaign's last model before this round's that was measured."""
    earlier = Evaluation.objects.filter(round__campaign=round_.campaign, round__number__lt=round_.number)
    return (
        earlier.exclude(round__status=Round.Status.CANCELLED).select_related("round").order_by("round__number").last()
    )


def has_later_model(round_: Round) -> bool:
    """Whether a later round of the campaign brought a new model."""
    later = TrainingRun.objects.filter(round__campaign=round_.campaign, round__number__gt=round_.number)
    return later.filter(verdict=TrainingRun.Verdict.NEW_MODEL).exists()


@dataclass(frozen=True)
class LaterAnswer:
    """What a model said of a task, and whether people said the same afterwards."""

    task_id: int
    uncertainty: float
    is_wrong: bool
    lane: str


def later_answers(round_: Round, model_version: str) -> list[LaterAnswer]:
    """The tasks of later batches that this round's model chose and people answered since; ascending ids.

    The model had seen none of these answers when it scored the tasks. A task has its score as uncertainty where that
    is exact, else 1 − the probability of the model's answer. Only of answers that are one class: what a model said of
    a set of classes or of regions is not kept in one word.
    """
    later = round_.campaign.rounds.filter(number__gt=round_.number, model_version=model_version)
    single = [other.pk for other in later.exclude(status=Round.Status.CANCELLED) if _answers_one_class(other)]
    answered = BatchTask.objects.filter(round__in=single, status=BatchTask.Status.LABELLED)
    tasks = answered.exclude(label="").exclude(lane=BatchTask.Lane.TEST).exclude(probabilities={}).order_by("task_id")
    return [
        LaterAnswer(task.task_id, _uncertainty(task), task.predicted_label != task.label, task.lane) for task in tasks
    ]


def _answers_one_class(round_: Round) -> bool:
    control = label_control(round_.campaign.known_controls(), round_.control)
    return control is None or (control.form == "single" and control.classes > 0)


def _uncertainty(task: BatchTask) -> float:
    if task.score is not None and task.score_high is None:
        return task.score
    return 1 - task.likeliest[0][1]
