"""Writes about jobs: each is a compare-and-swap, so that two workers can never both own one."""

import logging
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from al_core.errors import ActiveLearningError, Cancelled
from trustai_web.accounts.models import User
from trustai_web.campaigns.models import Campaign, Job, Round

logger = logging.getLogger(__name__)

RUN_JOB = "trustai_web.campaigns.tasks.job_run"


class JobLost(Exception):
    """Another worker owns the job by now, or it was ended: stop, and write nothing more."""


class Busy(ActiveLearningError):
    """Work of this kind is under way already."""

    code = "busy"


def job_create(*, kind: Job.Kind, campaign: Campaign, round_: Round | None = None, user: User | None) -> Job:
    """Put a piece of work in the queue: for a round, or for a campaign as a whole.

    Raises
    ------
    Busy
        The round has one already, or the campaign one of this kind.
    """
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind, campaign=campaign, round=round_, created_by=user, message="Waiting for a worker."
            )
    except IntegrityError:
        whose = "The round has work" if round_ else "The campaign has such work"
        raise Busy(f"{whose} under way already.", "Wait for it, or cancel it.") from None
    transaction.on_commit(lambda: _send(job.pk))
    return job


def job_claim(job_id: int) -> Job | None:
    """Take a queued job; None where it is not ours to take."""
    now = timezone.now()
    taken = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED, run_after__lte=now).update(
        status=Job.Status.RUNNING,
        tries=F("tries") + 1,
        heartbeat_at=now,
        started_at=now,
        rate=None,
        message="Starting.",
        updated_at=now,
    )
    if not taken:
        return None
    return Job.objects.select_related("campaign__connection", "round__campaign__connection").get(pk=job_id)


def job_beat(job: Job) -> bool:
    """Say that the owner lives; False when it owns the job no more."""
    return bool(_owned(job).update(heartbeat_at=timezone.now()))


def job_report(job: Job, done: int, total: int | None, message: str, rate: float | None = None) -> None:
    """Write progress, with what is done in a second where that is known.

    Raises
    ------
    Cancelled
        Somebody asked for the job to stop.
    JobLost
        The job is not ours any more.
    """
    now = timezone.now()
    progress = {"done": done, "total": total, "message": message, "rate": rate}
    if not _owned(job).update(**progress, heartbeat_at=now, updated_at=now):
        raise JobLost
    if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
        raise Cancelled("Cancelled.")


def job_end(job: Job, status: Job.Status, message: str) -> None:
    """Write how the job ended.

    Raises
    ------
    JobLost
        The job is not ours any more.
    """
    now = timezone.now()
    if not _owned(job).update(status=status, message=message, finished_at=now, updated_at=now):
        raise JobLost


def job_postpone(job: Job, message: str) -> None:
    """Give the job back to the queue for a later try, ever later."""
    wait = settings.JOB_RETRY_SECONDS * 2 ** (job.tries - 1)
    now = timezone.now()
    if not _owned(job).update(
        status=Job.Status.QUEUED,
        run_after=now + timedelta(seconds=wait),
        message=f"{message} Nothing is lost; the next try is in {wait:.0f} s.",
        updated_at=now,
    ):
        raise JobLost


def job_cancel(job: Job) -> bool:
    """End a queued job at once (True), or ask its worker to stop (False)."""
    now = timezone.now()
    if Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(
        status=Job.Status.CANCELLED, message="Cancelled.", finished_at=now, updated_at=now
    ):
        return True
    Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).update(cancel_requested=True, updated_at=now)
    return False


def job_hurry(job: Job) -> None:
    """Try a postponed job now."""
    now = timezone.now()
    if Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(run_after=now, updated_at=now):
        transaction.on_commit(lambda: _send(job.pk))


def jobs_hopeless() -> list[Job]:
    """Jobs whose worker died although they were tried as often as a job may be."""
    return list(_abandoned().filter(tries__gte=settings.JOB_MAX_TRIES).select_related("round"))


def jobs_sweep() -> list[int]:
    """Put jobs whose worker died back in the queue, and send again what waits; gives the ids sent."""
    now = timezone.now()
    _abandoned().filter(tries__lt=settings.JOB_MAX_TRIES).update(
        status=Job.Status.QUEUED,
        run_after=now,
        message="The worker went silent; the job starts again from what is kept.",
        updated_at=now,
    )
    due = Job.objects.filter(status=Job.Status.QUEUED, run_after__lte=now).values_list("pk", flat=True)
    sent = list(due)
    for job_id in sent:
        # Sending twice is harmless: only one worker can claim it.
        _send(job_id)
    return sent


def _abandoned() -> QuerySet[Job]:
    """Running jobs of which no sign of life has come for too long."""
    silent_since = timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS)
    return Job.objects.filter(status=Job.Status.RUNNING, heartbeat_at__lt=silent_since)


def _owned(job: Job) -> QuerySet[Job]:
    """The row as long as this taker of it owns it: a taker is named by the number of the try."""
    return Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING, tries=job.tries)


def _send(job_id: int) -> None:
    try:
        current_app.send_task(RUN_JOB, args=[job_id])
    except (OperationalError, ConnectionError, OSError):
        # The row is the truth: the sweep sends it when the broker is back.
        logger.warning("The broker does not answer; job %s waits in the database.", job_id)
