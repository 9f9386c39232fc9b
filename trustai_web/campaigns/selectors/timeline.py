"""Reads about where the time of a campaign's rounds went."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Prefetch

from trustai_web.campaigns.models import Campaign, Job, Round


@dataclass(frozen=True)
class Segment:
    """One step of a round."""

    step: str
    """``scoring``, ``labelling`` or ``training``."""
    start: float
    """Seconds since the round began."""
    seconds: float


@dataclass(frozen=True)
class RoundTimes:
    """Where the time of a round went; what lies between its segments is waiting."""

    round_number: int
    segments: tuple[Segment, ...]


def round_times(campaign: Campaign) -> list[RoundTimes]:
    """The steps of each round that have ended: every try of scoring and training, labelling up to the last label."""
    scorings = Job.objects.filter(kind=Job.Kind.SCORE).order_by("pk")
    rounds = (
        campaign.rounds.exclude(status=Round.Status.CANCELLED)
        .annotate(last_label=Max("batch_tasks__labelled_at"))
        .prefetch_related(Prefetch("jobs", scorings, to_attr="scorings"), "training_runs")
        .order_by("number")
    )
    return [RoundTimes(round_.number, tuple(_segments(round_))) for round_ in rounds]


def _segments(round_: Round) -> Iterator[Segment]:
    steps: list[tuple[str, datetime | None, datetime | None]] = [
        *(("scoring", job.started_at, job.finished_at) for job in round_.scorings),  # type: ignore[attr-defined]
        ("labelling", round_.published_at, round_.last_label),  # type: ignore[attr-defined]
        *(("training", run.created_at, run.finished_at) for run in round_.training_runs.all()),
    ]
    for step, began, ended in steps:
        # A label may be older than the batch: the task was answered by somebody's own choice.
        if began is not None and ended is not None and ended > began:
            start = (began - round_.created_at).total_seconds()
            yield Segment(step, max(0.0, start), (ended - began).total_seconds())
