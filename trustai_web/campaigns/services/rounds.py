"""Writes about rounds. Every change of status is a compare-and-swap."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from al_core import types
from al_core.evaluation import Evaluation
from al_core.starting import without_a_model
from trustai_web.accounts.models import User
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Job, Round, TrainingRun
from trustai_web.campaigns.services.jobs import Busy, job_cancel, job_create
from trustai_web.campaigns.services.statuses import BEFORE, DURING, Status, WrongMoment, swap
from trustai_web.campaigns.services.training import evaluation_kept, evaluation_missed, training_ended


def round_create(*, campaign: Campaign, user: User) -> Round:
    """Begin the next round, and score it.

    The first round of a campaign asks at random, for a start set and a test set; there is no model to ask yet. A test
    set that was made larger since grows in the next round.

    Raises
    ------
    WrongMoment
        The campaign has an unfinished round.
    """
    start = selectors.needs_start_round(campaign)
    last = selectors.last_round(campaign)
    first_number = 0 if start else 1
    try:
        with transaction.atomic():
            round_ = Round.objects.create(
                campaign=campaign,
                number=last.number + 1 if last else first_number,
                test_size=selectors.missing_test_size(campaign),
                **(campaign.asking() | (_at_random(campaign) if start else {})),
            )
            job_create(kind=Job.Kind.SCORE, campaign=campaign, round_=round_, user=user)
    except IntegrityError:
        raise WrongMoment("The campaign has an unfinished round.", "Finish or cancel that one first.") from None
    return round_


def _at_random(campaign: Campaign) -> dict[str, Any]:
    """What the start round asks differently: there is no model to ask yet, so all of it is drawn."""
    return {**without_a_model(campaign.diversity), "batch_size": campaign.start_size}


@transaction.atomic
def round_work(*, round_: Round, kind: Job.Kind, user: User) -> Job:
    """Start the next piece of work on a round.

    Raises
    ------
    WrongMoment
        The round is not in the status from which this work starts, or its model is not there any more to be measured.
    Busy
        Other work is under way, or the backend is being trained for another round.
    """
    if kind == Job.Kind.TRAIN:
        _check_backend_is_free(round_)
    if kind == Job.Kind.EVALUATE and not selectors.can_be_measured_again(round_):
        raise WrongMoment(
            "The model of this round is not the backend's newest, or it made none, so it cannot be measured now.",
            "What was measured before stays.",
        )
    swap(round_, BEFORE[kind], BEFORE[kind])
    return job_create(kind=kind, campaign=round_.campaign, round_=round_, user=user)


def _check_backend_is_free(round_: Round) -> None:
    """Say at once what the database would refuse later: a backend is trained for one round at a time."""
    other = selectors.training_of_another(round_)
    if other is not None:
        raise Busy(
            f"The ML backend is being trained for round {other.round.number} of “{other.round.campaign}”.",
            "Two at once would get in each other's way. What is labelled is safe; train when that one has ended.",
        )


@transaction.atomic
def round_resume(*, round_: Round, again: bool, user: User) -> None:
    """Bring a failed round back to where its failed step started, and try the step once more if ``again``."""
    back = Status(round_.failed_from or round_.status)
    swap(round_, Status.FAILED, back, failed_from="", failure="")
    if again:
        # By the job, not by the status: an open batch can fail while it is trained on and while it is taken back.
        failed = round_.jobs.latest("pk")
        job_create(kind=Job.Kind(failed.kind), campaign=round_.campaign, round_=round_, user=user)


def round_cancel(*, round_: Round) -> None:
    """Give a round up. An open one must be taken back from Label Studio first."""
    if round_.is_finished:
        raise WrongMoment("The round is finished already.")
    if round_.view_id is not None:
        raise WrongMoment("The batch is still open in Label Studio.", "Take it back first.")
    with transaction.atomic():
        job = selectors.active_job(round_)
        is_still = job is None or job_cancel(job)
        if is_still:
            swap(round_, Status(round_.status), Status.CANCELLED, finished_at=timezone.now())
    if not is_still:
        # Said after the transaction, which keeps the request to stop.
        raise WrongMoment("Work on the round is being stopped.", "Try again in a moment.")


def round_finish(*, round_: Round) -> None:
    """End a round without a new model: where there is no backend, or a training of it brought none.

    The old model goes on then; what was labelled is part of the next training.

    Raises
    ------
    WrongMoment
        The campaign has a backend that was not tried yet, or the round is not open.
    """
    if not selectors.can_finish_without_model(round_):
        raise WrongMoment("The campaign has an ML backend.", "Train it on the labels; that finishes the round.")
    if selectors.active_job(round_):
        raise WrongMoment("Work on the round is under way.", "Wait for it, or cancel it.")
    has_failed = round_.status == Status.FAILED and round_.failed_from == Status.OPEN
    swap(
        round_,
        Status.FAILED if has_failed else Status.OPEN,
        Status.DONE,
        failed_from="",
        failure="",
        finished_at=timezone.now(),
    )


def round_job_cancel(*, job: Job) -> None:
    """Cancel a job; a queued one returns its round at once, a running one as soon as its worker sees it."""
    with transaction.atomic():
        if job_cancel(job):
            round_job_cancelled(job)


# A job that belongs to the campaign alone has no round to bring on or back.


def round_job_begin(job: Job) -> None:
    """Show that a job of the round is under way; also where an earlier try of it had begun."""
    if job.round is None:
        return
    kind = Job.Kind(job.kind)
    if job.round.status != DURING[kind]:
        swap(job.round, BEFORE[kind], DURING[kind])


def round_job_cancelled(job: Job) -> None:
    if job.round is None or _kept_unmeasured(job, "Measuring was cancelled."):
        return
    kind = Job.Kind(job.kind)
    Round.objects.filter(pk=job.round.pk, status=DURING[kind]).update(status=BEFORE[kind])
    training_ended(round_=job.round, verdict=TrainingRun.Verdict.CANCELLED, message="Cancelled.")


def round_job_failed(job: Job, message: str) -> None:
    if job.round is None or _kept_unmeasured(job, message):
        return
    kind = Job.Kind(job.kind)
    Round.objects.filter(pk=job.round.pk, status__in=[BEFORE[kind], DURING[kind]]).update(
        status=Status.FAILED, failed_from=BEFORE[kind], failure=message, updated_at=timezone.now()
    )
    training_ended(round_=job.round, verdict=TrainingRun.Verdict.FAILED, message=message)


def _kept_unmeasured(job: Job, why: str) -> bool:
    """Whether the job had its model already: then the round is done, and only the evaluation is missing."""
    assert job.round is not None
    if job.kind == Job.Kind.EVALUATE:
        return True  # what was measured before stays
    run = selectors.unmeasured_training(job.round) if job.kind == Job.Kind.TRAIN else None
    if run is None:
        return False
    evaluation_missed(run=run, why=why)
    now = timezone.now()
    Round.objects.filter(pk=job.round.pk, status=Status.TRAINING).update(
        status=Status.DONE, finished_at=now, updated_at=now
    )
    return True


def round_published(*, round_: Round, publication: types.Publication) -> None:
    swap(
        round_,
        Status.READY,
        Status.OPEN,
        view_id=publication.view_id,
        published_at=round_.published_at or timezone.now(),
        sync_error="",
    )


def round_retracted(*, round_: Round) -> None:
    swap(round_, Status.OPEN, Status.READY, view_id=None)


@transaction.atomic
def round_trained(*, run: TrainingRun, evaluation: Evaluation | None, not_measured: str = "") -> None:
    """Keep what the new model of a round can do, or why that is not known; the round is done."""
    _measured(run, evaluation, not_measured)
    swap(run.round, Status.TRAINING, Status.DONE, finished_at=timezone.now())


@transaction.atomic
def round_measured(*, run: TrainingRun, evaluation: Evaluation | None, not_measured: str = "") -> None:
    """Keep what a new measuring of a round's model gave; one that gave nothing takes no earlier one away."""
    _measured(run, evaluation, not_measured)
    swap(run.round, Status.DONE, Status.DONE)


def _measured(run: TrainingRun, evaluation: Evaluation | None, not_measured: str) -> None:
    if evaluation is not None:
        evaluation_kept(run=run, evaluation=evaluation)
    elif not hasattr(run.round, "evaluation"):
        evaluation_missed(run=run, why=not_measured)
