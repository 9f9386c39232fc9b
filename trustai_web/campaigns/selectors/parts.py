"""Reads about the parts of a job."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from trustai_web.campaigns.models import Job, JobPart


@dataclass(frozen=True)
class Standing:
    """How far the parts of a job are, together."""

    done: int
    """Tasks."""
    workers: int
    """Parts that somebody is at."""
    parts_done: int


def standing(job: Job) -> Standing:
    """Of the parts that this try of the job cut."""
    found = job.parts.filter(job_tries=job.tries).order_by()
    return Standing(
        **found.aggregate(
            done=Sum("done", default=0),
            workers=Count("pk", filter=Q(status=JobPart.Status.RUNNING)),
            parts_done=Count("pk", filter=Q(status=JobPart.Status.DONE)),
        )
    )


def failed_part(job: Job) -> JobPart | None:
    return job.parts.filter(job_tries=job.tries, status=JobPart.Status.FAILED).first()
