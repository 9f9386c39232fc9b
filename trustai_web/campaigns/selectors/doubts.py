"""Reads about labels that a model contradicts which had not learned from them."""

from collections import Counter
from dataclasses import dataclass
from math import fsum, isclose

from al_core.doubts import Doubt, TooFewLabels, doubtful_labels
from al_core.validation import TOLERANCE
from trustai_web.campaigns.controls import label_control
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, TrainingRun

NOT_ASKED = "no model had been asked about the task before it was labelled"
ONLY_ITS_ANSWER = "the model did not tell the probability of every class"
OTHER_CLASSES = "the classes have changed since"
NO_CLASS = "the answer is none of the classes that the model knows"
ELSEWHERE = "labelled outside of the batches, so a model may have learned from it first"

LISTED = 200
"""Labels that are shown, and can be published, at a time."""


@dataclass(frozen=True)
class GivenLabel:
    """One label, and what a model said of the task that had not learned from it."""

    task_id: int
    label: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class GivenLabels:
    """The labels of a campaign, as far as they can be checked."""

    checkable: list[GivenLabel]
    classes: tuple[str, ...]
    left_out: dict[str, int]
    """Why labels cannot be checked → how many."""


@dataclass(frozen=True)
class DoubtfulLabel:
    """A label in doubt, with what people need to judge it."""

    doubt: Doubt
    task: BatchTask | None
    """The row of the batch that asked for it last; None for a task of a test set that was in no batch."""


@dataclass(frozen=True)
class LabelCheck:
    """What came of checking the labels of a campaign."""

    checked: int
    left_out: dict[str, int]
    found: int
    """Labels in doubt."""
    doubtful: list[DoubtfulLabel]
    """The least believed of them."""
    too_few: str
    """Why nothing can be told; empty where something can."""


def can_be_checked(campaign: Campaign) -> bool:
    """Whether one class of several is answered: of other answers no model tells how likely the whole is."""
    control = label_control(campaign.known_controls(), campaign.control)
    return control is None or (control.form == "single" and control.classes > 0)


def label_check(campaign: Campaign) -> LabelCheck:
    """The labels in doubt, the least believed first."""
    given = given_labels(campaign)
    try:
        found = doubtful_labels(
            [one.task_id for one in given.checkable],
            [one.label for one in given.checkable],
            [[one.probabilities[name] for name in given.classes] for one in given.checkable],
            given.classes,
        )
    except TooFewLabels as error:
        return LabelCheck(len(given.checkable), given.left_out, 0, [], error.message)
    listed = found[:LISTED]
    rows = asked_last(campaign, [doubt.task_id for doubt in listed])
    doubtful = [DoubtfulLabel(doubt, rows.get(doubt.task_id)) for doubt in listed]
    return LabelCheck(len(given.checkable), given.left_out, len(found), doubtful, "")


def given_labels(campaign: Campaign) -> GivenLabels:
    """Every label with what was said of its task before, or why that is not known.

    For a task that was asked about: what the model said that chose it. For one of the test set, which no model learns
    from: what the newest model said that was measured with it.
    """
    measured = _measured(campaign)
    answers: dict[int, tuple[str, dict[str, float]]] = {}
    for task_id, label, said in _labelled(campaign):
        answers[task_id] = label, said  # the newest counts
    for task_id, (truth, said) in measured.items():
        label, before = answers.get(task_id, (truth, {}))
        answers[task_id] = label, said or before
    classes = next((tuple(said) for _, said in reversed(answers.values()) if _is_whole(said)), ())
    left_out: Counter[str] = Counter()
    checkable = []
    for task_id, (label, said) in answers.items():
        reason = _why_not(label, said, classes)
        if reason:
            left_out[reason] += 1
        else:
            checkable.append(GivenLabel(task_id, label, said))
    elsewhere = _elsewhere(campaign)
    if elsewhere:
        left_out[ELSEWHERE] = elsewhere
    return GivenLabels(checkable, classes, dict(left_out.most_common()))


def asked_last(campaign: Campaign, task_ids: list[int]) -> dict[int, BatchTask]:
    """Task id → the row of the newest batch that has it."""
    rows = BatchTask.objects.filter(round__campaign=campaign, task_id__in=task_ids).order_by("pk")
    return {row.task_id: row for row in rows}


def _labelled(campaign: Campaign) -> list[tuple[int, str, dict[str, float]]]:
    rows = BatchTask.objects.filter(round__campaign=campaign, status=BatchTask.Status.LABELLED).exclude(label="")
    return list(rows.order_by("pk").values_list("task_id", "label", "probabilities"))


def _measured(campaign: Campaign) -> dict[int, tuple[str, dict[str, float]]]:
    """Task of the test set → (its label, class → probability by the newest model that was measured)."""
    newest = Evaluation.objects.filter(round__campaign=campaign).order_by("round__number").last()
    answers = newest.answers if newest else []
    return {answer["task_id"]: (answer["truth"], answer.get("probabilities") or {}) for answer in answers}


def _why_not(label: str, said: dict[str, float], classes: tuple[str, ...]) -> str:
    if not said:
        return NOT_ASKED
    if not _is_whole(said):
        return ONLY_ITS_ANSWER
    if set(said) != set(classes):
        return OTHER_CLASSES
    return "" if label in said else NO_CLASS


def _is_whole(said: dict[str, float]) -> bool:
    return len(said) > 1 and isclose(fsum(said.values()), 1, abs_tol=TOLERANCE)


def _elsewhere(campaign: Campaign) -> int:
    """Labels that the newest model was trained on beside those of the batches."""
    run = (
        TrainingRun.objects.filter(round__campaign=campaign, label_count__isnull=False)
        .order_by("round__number", "pk")
        .select_related("round")
        .last()
    )
    if run is None or run.label_count is None:
        return 0
    asked = BatchTask.objects.filter(
        round__campaign=campaign, round__number__lte=run.round.number, status=BatchTask.Status.LABELLED
    )
    return max(0, run.label_count - asked.exclude(lane=BatchTask.Lane.TEST).values("task_id").distinct().count())
