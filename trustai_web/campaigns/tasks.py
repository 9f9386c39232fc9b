"""What Celery carries: each task fetches by id and calls one function."""

from celery import shared_task

from trustai_web.campaigns import jobs, parts, selectors
from trustai_web.campaigns.services.labels import round_sync


@shared_task
def job_run(job_id: int) -> None:
    jobs.run(job_id)


@shared_task
def job_help(job_id: int) -> None:
    parts.help_with(job_id)


@shared_task
def jobs_sweep() -> None:
    jobs.sweep()


@shared_task
def rounds_sync() -> None:
    """Read the progress of every open batch."""
    for round_ in selectors.open_rounds():
        round_sync(round_)
