"""Reads about how good the models of a campaign are."""

from dataclasses import dataclass

from django.db.models import QuerySet

from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, Round


def test_task_ids(campaign: Campaign) -> list[int]:
    """The test set: never asked again, never trained on."""
    return list(_test_tasks(campaign).values_list("task_id", flat=True))


def test_truth(campaign: Campaign) -> dict[int, str]:
    """Task id → what the annotators answered, for the test tasks that have an answer."""
    labelled = _test_tasks(campaign).filter(status=BatchTask.Status.LABELLED).exclude(label="")
    return dict(labelled.values_list("task_id", "label"))


def _test_tasks(campaign: Campaign) -> QuerySet[BatchTask]:
    return BatchTask.objects.filter(round__campaign=campaign, lane=BatchTask.Lane.TEST).exclude(
        round__status=Round.Status.CANCELLED
    )


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    round_number: int
    label_count: int
    value: float
    low: float
    high: float


def learning_curve(campaign: Campaign) -> list[CurvePoint]:
    evaluations = Evaluation.objects.filter(round__campaign=campaign).select_related("round").order_by("round__number")
    return [CurvePoint(e.round.number, e.label_count, e.value, e.low, e.high) for e in evaluations]


@dataclass(frozen=True)
class ScoredRound:
    """How the scores of a round's pool were spread."""

    round_number: int
    counts: list[int]
    edges: list[float]


def scored_rounds(campaign: Campaign) -> list[ScoredRound]:
    rounds = campaign.rounds.exclude(status=Round.Status.CANCELLED).exclude(histogram={}).order_by("number")
    return [ScoredRound(r.number, r.histogram["counts"], r.histogram["edges"]) for r in rounds]
