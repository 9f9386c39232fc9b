"""Reads about rounds and their batches."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from trustai_web.accounts.models import User
from trustai_web.campaigns.models import BatchTask, Job, Round
from trustai_web.campaigns.selectors.access import rounds_for


@dataclass(frozen=True)
class Progress:
    """How far a batch is."""

    total: int
    labelled: int
    skipped: int

    @property
    def answered(self) -> int:
        return self.labelled + self.skipped

    @property
    def open(self) -> int:
        return self.total - self.answered


def batch_progress(round_: Round) -> Progress:
    counts = round_.batch_tasks.aggregate(
        total=Count("pk"),
        labelled=Count("pk", filter=Q(status=BatchTask.Status.LABELLED)),
        skipped=Count("pk", filter=Q(status=BatchTask.Status.SKIPPED)),
    )
    return Progress(**counts)


def next_open_task(round_: Round) -> BatchTask | None:
    """The open task of the best rank."""
    return round_.batch_tasks.filter(status=BatchTask.Status.OPEN).order_by("rank").first()


def open_rounds() -> QuerySet[Round]:
    """Rounds whose batch people may be labelling right now."""
    return Round.objects.filter(status=Round.Status.OPEN).select_related("campaign__connection")


def open_rounds_for(user: User) -> QuerySet[Round]:
    return rounds_for(user).filter(status=Round.Status.OPEN)


def active_job(round_: Round) -> Job | None:
    return round_.jobs.filter(status__in=Job.ACTIVE).first()


def asked_task_ids(round_: Round) -> list[int]:
    """The tasks of the campaign's other batches, answered or not: nobody is asked twice."""
    earlier = BatchTask.objects.filter(round__campaign=round_.campaign_id).exclude(round=round_)
    asked = earlier.exclude(lane=BatchTask.Lane.TEST).exclude(round__status=Round.Status.CANCELLED)
    return list(asked.values_list("task_id", flat=True))
