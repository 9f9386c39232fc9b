"""The status of a round, and the one way to change it."""

from typing import Any

from django.utils import timezone

from al_core.errors import ActiveLearningError
from trustai_web.campaigns.models import Job, Round

Status = Round.Status

BEFORE = {
    Job.Kind.SCORE: Status.PENDING,
    Job.Kind.PUBLISH: Status.READY,
    Job.Kind.RETRACT: Status.OPEN,
    Job.Kind.TRAIN: Status.OPEN,
    Job.Kind.EVALUATE: Status.DONE,
}
"""The status from which a kind of job starts, and to which its cancellation returns."""

DURING = {
    Job.Kind.SCORE: Status.SCORING,
    Job.Kind.PUBLISH: Status.READY,
    Job.Kind.RETRACT: Status.OPEN,
    Job.Kind.TRAIN: Status.TRAINING,
    Job.Kind.EVALUATE: Status.DONE,
}
"""The status while a kind of job is under way."""


class WrongMoment(ActiveLearningError):
    """The round is not in the status that this action needs; somebody else may have been faster."""

    code = "wrong_moment"


def swap(round_: Round, old: Round.Status, new: Round.Status, **columns: Any) -> None:
    """Change the status from ``old`` to ``new``, with other columns, if it is still ``old``.

    Raises
    ------
    WrongMoment
        It is not.
    """
    now = timezone.now()
    if not Round.objects.filter(pk=round_.pk, status=old).update(status=new, updated_at=now, **columns):
        current = Round.objects.get(pk=round_.pk)
        raise WrongMoment(
            f"Round {current.number} is “{current.get_status_display()}” by now, so this does not fit.",
            "Look at the page again.",
        )
    round_.refresh_from_db()
