"""Writes about the parts of a job: each is a compare-and-swap, so a worker that was thought dead changes nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from al_core.errors import ActiveLearningError
from trustai_web.campaigns.models import Job, JobPart
from trustai_web.campaigns.services.jobs import JobLost, job_beat

Status = JobPart.Status

MAX_TRIES = 3
"""How often a part is taken. What fails each time fails the job, which has tries and waits of its own."""


class PartLost(Exception):
    """Another worker owns the part by now, or nobody wants it any more: stop, and write nothing about it."""


def parts_tidy(job: Job) -> None:
    """Forget the parts that earlier work of the campaign left behind, an earlier try of the job above all.

    Raises
    ------
    JobLost
        The job is not ours any more.
    """
    with transaction.atomic():
        if not job_beat(job):
            raise JobLost
        JobPart.objects.filter(job__campaign=job.campaign_id, job__lte=job.pk).delete()


def parts_create(job: Job, *, backend_url: str, model_version: str, sizes: Sequence[int]) -> None:
    """Cut a job's tasks into parts.

    Raises
    ------
    JobLost
        The job is not ours any more.
    """
    with transaction.atomic():
        if not job_beat(job):  # which also keeps others from taking the job while its parts change
            raise JobLost
        JobPart.objects.bulk_create(
            JobPart(
                job=job,
                job_tries=job.tries,
                number=number,
                backend_url=backend_url,
                model_version=model_version,
                total=size,
            )
            for number, size in enumerate(sizes, start=1)
        )


def part_claim(job_id: int) -> JobPart | None:
    """Take a part that waits, or one whose worker went silent; None where none is to be had."""
    free = _wanted().filter(_free(), job=job_id, tries__lt=MAX_TRIES).order_by("number")
    while (part := free.select_related("job__round__campaign__connection").first()) is not None:
        taken = JobPart.objects.filter(_free(), pk=part.pk, tries=part.tries).update(
            status=Status.RUNNING, tries=F("tries") + 1, done=0, heartbeat_at=timezone.now()
        )
        if taken:
            part.status, part.tries, part.done = Status.RUNNING, part.tries + 1, 0
            return part
    return None


def part_waits(job_id: int) -> bool:
    """Whether a part of the job waits to be taken."""
    return _wanted().filter(job=job_id, status=Status.QUEUED).exists()


def part_report(part: JobPart, done: int) -> None:
    """Write progress, which is a sign of life too.

    Raises
    ------
    PartLost
        The part is not ours any more, or the job that it belongs to has stopped or is about to.
    """
    if not _owned(part).update(done=done, heartbeat_at=timezone.now()):
        raise PartLost


def part_done(part: JobPart) -> None:
    if not _owned(part).update(status=Status.DONE, done=F("total")):
        raise PartLost


def part_fail(part: JobPart, error: str, message: str) -> None:
    """Write why the part cannot be done, which is why its job cannot.

    Parameters
    ----------
    error : str
        The code of the error.
    """
    if not _owned(part).update(status=Status.FAILED, error=error, message=message):
        raise PartLost


def part_put_back(part: JobPart, error: ActiveLearningError) -> None:
    """Let somebody else try, who may reach the server; the last try that fails is the part's failure."""
    if part.tries >= MAX_TRIES:
        part_fail(part, error.code, error.message)
    elif not _owned(part).update(status=Status.QUEUED, done=0):
        raise PartLost


def parts_give_up(job: Job) -> None:
    """End the parts that every worker went silent over."""
    hopeless = job.parts.filter(status=Status.RUNNING, heartbeat_at__lt=_silent_since(), tries__gte=MAX_TRIES)
    hopeless.update(
        status=Status.FAILED,
        message=f"{MAX_TRIES} workers went silent over the same tasks; see the workers' logs.",
    )


def parts_delete(job: Job) -> None:
    """Forget the parts that this try of the job cut."""
    job.parts.filter(job_tries=job.tries).delete()


def _silent_since() -> datetime:
    return timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS)


def _free() -> Q:
    return Q(status=Status.QUEUED) | Q(status=Status.RUNNING, heartbeat_at__lt=_silent_since())


def _wanted() -> QuerySet[JobPart]:
    """Parts of jobs that are at it: of the try that cut them, and not asked to stop."""
    return JobPart.objects.filter(
        job__status=Job.Status.RUNNING, job__cancel_requested=False, job__tries=F("job_tries")
    )


def _owned(part: JobPart) -> QuerySet[JobPart]:
    """The row as long as this taker of it owns it and the job goes on."""
    return _wanted().filter(pk=part.pk, status=Status.RUNNING, tries=part.tries)
