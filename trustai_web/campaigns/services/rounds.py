"""Writes about rounds. Every change of status is a compare-and-swap."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils import timezone

from al_core import types
from al_core.diversity import DIVERSITIES
from al_core.errors import ActiveLearningError
from al_core.evaluation import Evaluation as Measurement
from al_core.round_file import write_round_file
from al_core.training import Before
from trustai_web.accounts.models import User
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, Job, Round, TrainingRun
from trustai_web.campaigns.pool_scores import WHY_UNKNOWN
from trustai_web.campaigns.services.jobs import job_cancel, job_create

Status = Round.Status

HISTOGRAM_BINS = 40

BEFORE = {
    Job.Kind.SCORE: Status.PENDING,
    Job.Kind.PUBLISH: Status.READY,
    Job.Kind.RETRACT: Status.OPEN,
    Job.Kind.TRAIN: Status.OPEN,
}
"""The status from which a kind of job starts, and to which its cancellation returns."""

DURING = {
    Job.Kind.SCORE: Status.SCORING,
    Job.Kind.PUBLISH: Status.READY,
    Job.Kind.RETRACT: Status.OPEN,
    Job.Kind.TRAIN: Status.TRAINING,
}
"""The status while a kind of job is under way."""


class WrongMoment(ActiveLearningError):
    """The round is not in the status that this action needs; somebody else may have been faster."""

    code = "wrong_moment"


def round_create(*, campaign: Campaign, user: User) -> Round:
    """Begin the next round, and score it.

    The first round of a campaign asks at random, for a start set and a test set; there is no model to ask yet.

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
                test_size=campaign.test_size if start else 0,
                **(campaign.asking() | (_at_random(campaign) if start else {})),
            )
            job_create(kind=Job.Kind.SCORE, campaign=campaign, round_=round_, user=user)
    except IntegrityError:
        raise WrongMoment("The campaign has an unfinished round.", "Finish or cancel that one first.") from None
    return round_


def _at_random(campaign: Campaign) -> dict[str, Any]:
    """What the start round asks differently: there is no model to ask yet, so all of it is drawn."""
    return {
        "strategy": "random",
        # A way that is of use without a model asks for typical tasks instead of any.
        "diversity": "none" if DIVERSITIES.named(campaign.diversity).ranks else campaign.diversity,
        "batch_size": campaign.start_size,
        "control_share": 0,
        "class_balance": False,
    }


@transaction.atomic
def round_work(*, round_: Round, kind: Job.Kind, user: User) -> Job:
    """Start the next piece of work on a round.

    Raises
    ------
    WrongMoment
        The round is not in the status from which this work starts.
    Busy
        Other work is under way.
    """
    _swap(round_, BEFORE[kind], BEFORE[kind])
    return job_create(kind=kind, campaign=round_.campaign, round_=round_, user=user)


@transaction.atomic
def round_resume(*, round_: Round, again: bool, user: User) -> None:
    """Bring a failed round back to where its failed step started, and try the step once more if ``again``."""
    back = Status(round_.failed_from or round_.status)
    _swap(round_, Status.FAILED, back, failed_from="", failure="")
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
            _swap(round_, Status(round_.status), Status.CANCELLED, finished_at=timezone.now())
    if not is_still:
        # Said after the transaction, which keeps the request to stop.
        raise WrongMoment("Work on the round is being stopped.", "Try again in a moment.")


def round_finish(*, round_: Round) -> None:
    """End an open round without a training; for a campaign that has no backend to train.

    Raises
    ------
    WrongMoment
        The campaign has a backend, or the round is not open.
    """
    if round_.campaign.backend_url:
        raise WrongMoment("The campaign has an ML backend.", "Train it on the labels; that finishes the round.")
    if selectors.active_job(round_):
        raise WrongMoment("Work on the round is under way.", "Wait for it, or cancel it.")
    _swap(round_, Status.OPEN, Status.DONE, finished_at=timezone.now())


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
        _swap(job.round, BEFORE[kind], DURING[kind])


def round_job_cancelled(job: Job) -> None:
    if job.round is None:
        return
    kind = Job.Kind(job.kind)
    Round.objects.filter(pk=job.round.pk, status=DURING[kind]).update(status=BEFORE[kind])
    _training_ended(job.round, TrainingRun.Verdict.CANCELLED, "Cancelled.")


def round_job_failed(job: Job, message: str) -> None:
    if job.round is None:
        return
    kind = Job.Kind(job.kind)
    Round.objects.filter(pk=job.round.pk, status__in=[BEFORE[kind], DURING[kind]]).update(
        status=Status.FAILED, failed_from=BEFORE[kind], failure=message, updated_at=timezone.now()
    )
    _training_ended(job.round, TrainingRun.Verdict.FAILED, message)


@transaction.atomic
def round_scored(
    *, round_: Round, scores: types.Scores, batch: types.Batch, previews: Mapping[int, dict[str, Any]]
) -> None:
    """Keep what scoring found: the whole pool in one file, rows for the batch alone."""
    asked_a_model = bool(scores.models)
    round_.batch_tasks.all().delete()
    BatchTask.objects.bulk_create(
        BatchTask(
            round=round_,
            rank=item.rank,
            task_id=item.task_id,
            lane=item.lane,
            score=item.score,
            score_high=item.score_high,
            cluster=item.cluster,
            probabilities=item.probabilities,
            preview=previews.get(item.task_id, {}),
        )
        for item in batch.items
    )
    earlier = round_.scores_file.name
    with TemporaryFile() as draft:
        write_round_file(draft, scores, batch)
        round_.scores_file.save(f"{round_.pk}.npz", File(draft), save=False)
    try:
        _swap(
            round_,
            Status.SCORING,
            Status.READY,
            scores_file=round_.scores_file.name,
            model_version=scores.model_version,
            pool_size=len(scores.pool.task_ids),
            pool_digest=scores.pool.digest,
            known_count=int(np.isfinite(scores.values).sum()) if asked_a_model else None,
            bounded_count=int((scores.bounds.low < scores.bounds.high).sum()) if asked_a_model else None,
            unknown=_unknown(scores),
            histogram=_histogram(scores),
            note=batch.note,
            scored_at=timezone.now(),
        )
    except Exception:
        round_.scores_file.delete(save=False)  # a round that went on keeps the file it has
        raise
    if earlier:
        transaction.on_commit(partial(round_.scores_file.storage.delete, earlier))


def round_published(*, round_: Round, publication: types.Publication) -> None:
    _swap(
        round_,
        Status.READY,
        Status.OPEN,
        view_id=publication.view_id,
        published_at=round_.published_at or timezone.now(),
        sync_error="",
    )


def round_retracted(*, round_: Round) -> None:
    _swap(round_, Status.OPEN, Status.READY, view_id=None)


def training_begin(*, round_: Round, before: Before) -> TrainingRun:
    return TrainingRun.objects.create(round=round_, version_before=before.model_version, before=before.as_dict())


@transaction.atomic
def round_trained(*, round_: Round, run: TrainingRun, training: types.Training, evaluation: Measurement | None) -> None:
    """Keep the new model version and what it can do; the round is done."""
    now = timezone.now()
    run.verdict = TrainingRun.Verdict.NEW_MODEL
    run.route = training.route or ""
    run.label_count = training.label_count
    run.version_after = training.version_after
    run.finished_at = now
    run.save()
    if evaluation is not None:
        Evaluation.objects.update_or_create(
            round=round_,
            defaults={
                "model_version": evaluation.model_version,
                "metric": evaluation.headline.name,
                "value": evaluation.headline.value,
                "low": evaluation.headline.low,
                "high": evaluation.headline.high,
                "correct": evaluation.headline.correct,
                "total": len(evaluation.answers),
                "unanswered": evaluation.unanswered,
                "label_count": training.label_count,
                "metrics": [asdict(metric) for metric in evaluation.metrics],
                "classes": [asdict(row) for row in evaluation.classes],
                "confusion": asdict(evaluation.confusion) if evaluation.confusion else {},
                "answers": [asdict(answer) for answer in evaluation.answers],
            },
        )
    _swap(round_, Status.TRAINING, Status.DONE, finished_at=now)


def _training_ended(round_: Round, verdict: TrainingRun.Verdict, message: str) -> None:
    round_.training_runs.filter(verdict=TrainingRun.Verdict.RUNNING).update(
        verdict=verdict, message=message, finished_at=timezone.now()
    )


def _swap(round_: Round, old: Status, new: Status, **columns: Any) -> None:
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


def _unknown(scores: types.Scores) -> dict[str, int]:
    """Reason → how many tasks have no score for it."""
    if scores.probabilities is None:
        return {}
    counts = np.bincount(scores.probabilities.reasons[np.isnan(scores.values)])
    return {WHY_UNKNOWN[code]: int(counts[code]) for code in np.flatnonzero(counts)}


def _histogram(scores: types.Scores) -> dict[str, list[float]]:
    """Counts and edges of what tasks were ranked by; empty for a strategy that asks no model."""
    if not scores.models:
        return {}
    # With its range given numpy passes over what is unknown by itself, and makes no copy of the rest.
    span = (np.nanmin(scores.values), np.nanmax(scores.values))
    counts, edges = np.histogram(scores.values, bins=HISTOGRAM_BINS, range=span)
    return {"counts": counts.tolist(), "edges": edges.tolist()}
