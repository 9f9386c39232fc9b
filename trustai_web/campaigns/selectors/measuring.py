"""Reads about how good the models of a campaign are."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from al_core.evaluation import Agreement, Interval, Leak, leak_check, wilson_interval
from al_core.evaluation import seconds_per_label as seconds_of
from al_core.stopping import RoundFacts
from trustai_web.campaigns.controls import label_control
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, Round, TrainingRun

LONG = ("metrics", "classes", "confusion", "answers")
"""Columns of an evaluation that a list has no use for."""


# --------------------------------------------------------------------- the test set


def test_task_ids(campaign: Campaign) -> list[int]:
    """The test set, those drawn and those chosen: never asked again, never trained on."""
    drawn = _test_tasks(campaign).values_list("task_id", flat=True)
    return sorted({*drawn, *campaign.test_ids})


def missing_test_size(campaign: Campaign) -> int:
    """How many tasks a test set that is drawn at random lacks."""
    if campaign.test_source != Campaign.TestSource.RANDOM:
        return 0
    return max(0, campaign.test_size - _test_tasks(campaign).count())


def test_ids_to_ask(round_: Round) -> list[int]:
    """The chosen tasks of the test set that no other batch holds; those that are labelled are in no pool."""
    others = BatchTask.objects.filter(round__campaign=round_.campaign_id).exclude(round=round_)
    asked = set(others.exclude(round__status=Round.Status.CANCELLED).values_list("task_id", flat=True))
    return [task_id for task_id in round_.campaign.test_ids if task_id not in asked]


def _test_tasks(campaign: Campaign) -> QuerySet[BatchTask]:
    return BatchTask.objects.filter(round__campaign=campaign, lane=BatchTask.Lane.TEST).exclude(
        round__status=Round.Status.CANCELLED
    )


# --------------------------------------------------------------------- against labels, and against hours


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    round_number: int
    label_count: int
    value: float
    low: float
    high: float
    metric: str = "accuracy"
    correct: int | None = None
    """How many of the total are right, where the metric is that share."""
    total: int = 0
    hours: float | None = None
    """What people spent on the labels; None where Label Studio knows no time of any."""
    model_version: str = ""


def learning_curve(campaign: Campaign) -> list[CurvePoint]:
    """The models of a campaign on its test set, by round."""
    made = TrainingRun.objects.filter(round=OuterRef("round"), verdict=TrainingRun.Verdict.NEW_MODEL).order_by("-pk")
    evaluations = (
        Evaluation.objects.filter(round__campaign=campaign)
        .select_related("round")
        .defer(*LONG)
        .annotate(lead_seconds=Subquery(made.values("lead_seconds")[:1]))
        .order_by("round__number")
    )
    return [
        CurvePoint(
            round_number=e.round.number,
            label_count=e.label_count,
            value=e.value,
            low=e.low,
            high=e.high,
            metric=e.metric,
            correct=e.correct,
            total=e.total,
            hours=_hours(e.lead_seconds),
            model_version=e.model_version,
        )
        for e in evaluations
    ]


def seconds_per_label(campaign: Campaign) -> Interval | None:
    """What a label of the campaign's batches took; None where too few times are known."""
    labelled = BatchTask.objects.filter(round__campaign=campaign, status=BatchTask.Status.LABELLED)
    times = labelled.exclude(round__status=Round.Status.CANCELLED).values_list("lead_time", flat=True)
    return seconds_of(list(times))


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


# --------------------------------------------------------------------- the control lane


@dataclass(frozen=True)
class ControlLane:
    """Tasks that were drawn at random beside the strategy and predicted before anybody labelled them."""

    points: list[CurvePoint]
    """By model version, in the order of rounds: how the model that scored a round did on the round's control lane.
    ``label_count`` is what it had learned from, 0 where the site did not train it."""
    pooled: CurvePoint | None
    """All versions together; None where nothing of it is labelled."""


def control_lane(campaign: Campaign) -> ControlLane:
    """Empty where an answer is no single class: there is nothing that is right or wrong as a whole."""
    counts = _control_counts(campaign)
    trainings = _trainings(campaign)
    points = []
    for version, (number, correct, total) in counts.items():
        run = trainings.get(version)
        label_count, seconds = (run.label_count or 0, run.lead_seconds) if run else (0, None)
        points.append(_share(number, label_count, correct, total, _hours(seconds), version))
    if not points:
        return ControlLane([], None)
    correct, total = sum(point.correct or 0 for point in points), sum(point.total for point in points)
    last = points[-1]
    return ControlLane(points, _share(last.round_number, last.label_count, correct, total, last.hours, ""))


def control_points(campaign: Campaign) -> list[CurvePoint]:
    """The control lane by model version, where it is known what a version has learned from."""
    return [point for point in control_lane(campaign).points if point.label_count]


def _share(
    number: int, label_count: int, correct: int, total: int, hours: float | None, model_version: str
) -> CurvePoint:
    low, high = wilson_interval(correct, total)
    return CurvePoint(
        round_number=number,
        label_count=label_count,
        value=correct / total,
        low=low,
        high=high,
        correct=correct,
        total=total,
        hours=hours,
        model_version=model_version,
    )


def _control_counts(campaign: Campaign) -> dict[str, tuple[int, int, int]]:
    """Model version → (the last round that it scored, right answers, answers)."""
    tasks = (
        BatchTask.objects.filter(
            round__campaign=campaign, lane=BatchTask.Lane.CONTROL, status=BatchTask.Status.LABELLED
        )
        .exclude(round__status=Round.Status.CANCELLED)
        .exclude(label="")
        .exclude(probabilities={})
        .select_related("round")
        .only("probabilities", "label", "round__number", "round__model_version", "round__control")
        .order_by("round__number")
    )
    controls = campaign.known_controls()
    counts: defaultdict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for task in tasks:
        control = label_control(controls, task.round.control)
        if control is not None and control.form != "single":
            continue
        _, correct, total = counts[task.round.model_version]
        is_right = task.predicted_label == task.label
        counts[task.round.model_version] = (task.round.number, correct + is_right, total + 1)
    return dict(counts)


def _trainings(campaign: Campaign) -> dict[str, TrainingRun]:
    """Model version → the training that made it."""
    made = TrainingRun.objects.filter(round__campaign=campaign, verdict=TrainingRun.Verdict.NEW_MODEL)
    return {run.version_after: run for run in made.only("version_after", "label_count", "lead_seconds").order_by("pk")}


def leak_of(campaign: Campaign) -> Leak:
    """The test set beside the control lane, as far as both have judged the same model versions.

    Each version's share of the test set weighs as much as its part of the control lane. The tasks of the test set are
    the same for each, so they count once: what several versions say of them is no more than one says.
    """
    control = {point.model_version: point for point in control_lane(campaign).points}
    measured = [point for point in learning_curve(campaign) if point.correct is not None and point.total]
    both = [(point, control[point.model_version]) for point in measured if point.model_version in control]
    if not both:
        return leak_check((0, 0), (0, 0))
    answers = sum(lane.total for _, lane in both)
    share = sum(test.value * lane.total for test, lane in both) / answers
    tasks = min(test.total for test, _ in both)
    return leak_check((round(share * tasks), tasks), (sum(lane.correct or 0 for _, lane in both), answers))


# --------------------------------------------------------------------- round by round


def facts_of_rounds(campaign: Campaign) -> list[RoundFacts]:
    """What each model that a round made tells about stopping.

    How unsure it was, and how far it answered as the model before, the scoring of the next round has found.
    """
    measured = {point.round_number: Interval(point.value, point.low, point.high) for point in learning_curve(campaign)}
    live = campaign.rounds.exclude(status=Round.Status.CANCELLED).order_by("number")
    scored = list(live.exclude(scored_at=None).only("number", "model_version", "uncertainty", "agreement"))
    made = TrainingRun.objects.filter(round__campaign=campaign, verdict=TrainingRun.Verdict.NEW_MODEL)
    columns = made.order_by("round__number", "pk").values_list("round__number", "label_count", "version_after")
    return [
        _facts(number, labels or 0, measured.get(number), _scored_by(version, number, scored))
        for number, labels, version in columns
    ]


def _scored_by(version: str, made_in: int, scored: list[Round]) -> Round | None:
    """The first later round that asked this version; of a committee the campaign's own backend stands in front."""
    later = (round_ for round_ in scored if round_.number > made_in)
    return next((r for r in later if r.model_version == version or r.model_version.startswith(f"{version}, ")), None)


def _facts(number: int, labels: int, value: Interval | None, scored: Round | None) -> RoundFacts:
    unsure, alike = (scored.uncertainty, scored.agreement) if scored else ({}, {})
    known = {name: alike[name] for name in ("kappa", "low", "high", "tasks")} if alike else None
    return RoundFacts(
        number=number,
        labels=labels,
        value=value,
        mean_uncertainty=unsure.get("mean"),
        max_uncertainty=unsure.get("max"),
        agreement=Agreement(**known) if known else None,
    )


@dataclass(frozen=True)
class ScoredRound:
    """How the scores of a round's pool were spread."""

    round_number: int
    counts: list[int]
    edges: list[float]


def scored_rounds(campaign: Campaign) -> list[ScoredRound]:
    rounds = campaign.rounds.exclude(status=Round.Status.CANCELLED).exclude(histogram={}).order_by("number")
    return [ScoredRound(r.number, r.histogram["counts"], r.histogram["edges"]) for r in rounds]


def scored_before(round_: Round) -> Round | None:
    """The round before this one whose scores are kept."""
    earlier = Round.objects.filter(campaign=round_.campaign_id, number__lt=round_.number)
    kept = earlier.exclude(status=Round.Status.CANCELLED).exclude(scores_file="").exclude(model_version="")
    return kept.order_by("number").last()
