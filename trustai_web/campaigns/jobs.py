"""The work of each kind of job, and the one runner that owns, watches and ends it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from al_core.active_learning import ActiveLearningManager
from al_core.errors import (
    ActiveLearningError,
    Cancelled,
    InvalidInput,
    NoLabels,
    ServerUnreachable,
    TrainingFailed,
)
from al_core.evaluation import Evaluation
from al_core.flights import awaited
from al_core.label_studio import LabelStudio
from al_core.training import Before
from al_core.types import Batch, Pool, Progress, Scores
from trustai_web.campaigns import selectors
from trustai_web.campaigns.controls import control_of
from trustai_web.campaigns.models import Job, Round, TrainingRun
from trustai_web.campaigns.pace import Pace
from trustai_web.campaigns.parts import SharedOut
from trustai_web.campaigns.previews import preview
from trustai_web.campaigns.services import rounds
from trustai_web.campaigns.services.campaigns import (
    PATIENCE,
    campaign_diagnosed,
    campaign_manager,
    campaign_project_seen,
    campaign_store,
    round_manager,
    scoring_manager,
)
from trustai_web.campaigns.services.jobs import (
    JobLost,
    job_beat,
    job_claim,
    job_end,
    job_postpone,
    job_report,
    jobs_hopeless,
    jobs_sweep,
)
from trustai_web.campaigns.services.labels import labels_read
from trustai_web.campaigns.services.scoring import agreement_with_before, round_scored
from trustai_web.campaigns.services.statuses import WrongMoment
from trustai_web.campaigns.services.training import call_back_of, call_back_url, training_begin, training_trained
from trustai_web.connections.services import backend_settings

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
"""How often progress is written, whatever the work reports."""

DOCTOR_SAMPLE = 50
"""Tasks that the doctor looks at: a few seconds of a backend's time, and enough to see what its numbers are."""

NO_TEST_SET = "There is no labelled test set to measure it with."


@dataclass(frozen=True)
class Outcome:
    """What a piece of work came to."""

    message: str
    write: Callable[[], None]
    """Puts it into the database."""


def run(job_id: int, alive: Callable[[Job], AbstractContextManager[None]] | None = None) -> None:
    """Do a job if it is there to be done. May be called any number of times for one job."""
    job = job_claim(job_id)
    if job is None:
        return
    logger.info("Took job %s: %s, try %s.", job.pk, job, job.tries)
    with (alive or heartbeat)(job):
        try:
            _perform(job)
        except JobLost:
            logger.warning("Job %s was taken over or ended; this worker leaves it alone.", job.pk)


def _perform(job: Job) -> None:
    try:
        rounds.round_job_begin(job)
        outcome = WORK[Job.Kind(job.kind)](job, _progress(job))
        # Both or neither: a worker that dies here leaves a job that can be done again, not a half-ended one.
        with transaction.atomic():
            job_end(job, Job.Status.SUCCEEDED, outcome.message)
            outcome.write()
    except Cancelled:
        with transaction.atomic():
            job_end(job, Job.Status.CANCELLED, "Cancelled.")
            rounds.round_job_cancelled(job)
    except ServerUnreachable as error:
        if job.tries < settings.JOB_MAX_TRIES:
            job_postpone(job, error.message)
        else:
            _fail(job, Job.Status.FAILED, f"{error} Tried {job.tries} times; what is labelled is safe.")
    except ActiveLearningError as error:
        _fail(job, Job.Status.FAILED, str(error))
    except JobLost:
        raise
    except Exception:
        logger.exception("Job %s met a bug.", job.pk)
        _fail(job, Job.Status.ERRORED, "TrustAI met a bug; it is in the worker's log. What is labelled is safe.")


def _fail(job: Job, status: Job.Status, message: str) -> None:
    with transaction.atomic():
        job_end(job, status, message)
        rounds.round_job_failed(job, message)


def _progress(job: Job) -> Progress:
    last = 0.0
    pace = Pace()

    def report(done: int, total: int | None, message: str) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_SECONDS or done == total:
            job_report(job, done, total, message, pace.rate(done, total))
            last = time.monotonic()

    return report


def sweep() -> None:
    """Give up on jobs that every worker died of, revive those that a dead worker left, and send what waits."""
    for job in jobs_hopeless():
        with suppress(JobLost):
            _fail(job, Job.Status.ERRORED, f"{job.tries} workers died of this job; see the worker's log.")
    jobs_sweep()


# --------------------------------------------------------------------- the work, kind by kind


def _round(job: Job) -> Round:
    assert job.round is not None, "only the doctor works without one"
    return job.round


def score(job: Job, progress: Progress) -> Outcome:
    round_ = _round(job)
    spread = SharedOut(job, campaign_store(round_.campaign))
    spread.tidy_up()
    with scoring_manager(round_, spread=spread, tick=partial(progress, 0, None, "Starting.")) as manager:
        progress = _with_trouble(progress, manager.label_studio)
        project = awaited(lambda: manager.project, partial(progress, 0, None, "Opening the project."))
        campaign_project_seen(round_.campaign, project)
        pool = manager.read_pool(progress)
        scores = manager.score(pool, progress)
        batch = manager.recommend(
            scores,
            round_.batch_size,
            test_size=round_.test_size,
            test_ids=selectors.test_ids_to_ask(round_),
            progress=progress,
        )
        task_ids = [item.task_id for item in batch.items]
        data = awaited(
            lambda: manager.label_studio.task_data(project.id, task_ids),
            partial(progress, 0, None, "Reading the tasks of the batch."),
        )
        previews = {task_id: preview(values, manager.label_space) for task_id, values in data.items()}
    agreement = agreement_with_before(round_, scores)
    return Outcome(
        _recommended(pool, scores, batch),
        partial(round_scored, round_=round_, scores=scores, batch=batch, previews=previews, agreement=agreement),
    )


def _with_trouble(progress: Progress, client: LabelStudio) -> Progress:
    """Says too that Label Studio does not answer, as long as we are patient with it."""

    def report(done: int, total: int | None, sentence: str) -> None:
        trouble = client.trouble
        progress(done, total, f"{sentence} {trouble} Asking again." if trouble else sentence)

    return report


def _recommended(pool: Pool, scores: Scores, batch: Batch) -> str:
    """What a scoring came to, and what it did not have to do."""
    said = [f"Recommended {len(batch.items):,} of {len(pool.task_ids):,} tasks.", batch.note]
    if scores.kept:
        said.append(f"Kept {scores.kept:,} prediction{_s(scores.kept)} from before.")
    changes = pool.changes
    counts = {
        "added": changes.added,
        "deleted": changes.deleted,
        "labelled": changes.labelled,
        "reopened": changes.reopened,
    }
    seen = [f"{count:,} {what}" for what, count in counts.items() if count]
    if seen:
        since = "while the pool was read" if changes.is_first else "since the last reading"
        said.append(f"Tasks {since}: {', '.join(seen)}.")
    if scores.failed:
        said.append(f"The ML backend failed on {scores.failed:,} task{_s(scores.failed)}.")
    return " ".join(filter(None, said))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def publish(job: Job, progress: Progress) -> Outcome:
    round_ = _round(job)
    task_ids = list(round_.batch_tasks.order_by("rank").values_list("task_id", flat=True))
    progress(0, None, f"Making a tab with {len(task_ids):,} tasks in Label Studio.")
    with round_manager(round_) as manager:
        publication = manager.publish(task_ids, round_.tab_title)
    return Outcome(
        f"Published {len(task_ids):,} tasks.",
        partial(rounds.round_published, round_=round_, publication=publication),
    )


def retract(job: Job, progress: Progress) -> Outcome:
    round_ = _round(job)
    progress(0, None, "Removing the tab from Label Studio.")
    if round_.view_id is not None:
        with round_manager(round_) as manager:
            manager.retract(round_.view_id)
    return Outcome(
        "The tab is gone from Label Studio; all labels stay.", partial(rounds.round_retracted, round_=round_)
    )


def train(job: Job, progress: Progress) -> Outcome:
    round_ = _round(job)
    with round_manager(round_) as manager:
        # An earlier try of the job may have got the model, and have met a server that was gone while it measured.
        run = selectors.unmeasured_training(round_) or _trained(job, round_, manager, progress)
        evaluation, not_measured = _evaluated(run, manager, progress)
    return Outcome(
        f"Trained {run.version_after or 'a new model'} on {run.label_count:,} labels. "
        f"{_in_words(evaluation) if evaluation else not_measured}",
        partial(rounds.round_trained, run=run, evaluation=evaluation, not_measured=not_measured),
    )


def _trained(job: Job, round_: Round, manager: ActiveLearningManager, progress: Progress) -> TrainingRun:
    """Train, and keep what came of it.

    Raises
    ------
    TrainingFailed
        No new model came of it; that is kept too.
    """
    progress(0, None, "Reading the newest labels.")
    labels_read(round_, manager)
    known = backend_settings(round_.campaign.connection, round_.campaign.backend_url)
    timeout = known.train_minutes * 60.0 if known.train_minutes else settings.TRAIN_TIMEOUT_SECONDS
    begun = selectors.running_training(round_)
    if begun is None:
        before = manager.before_training(progress, timeout=timeout)
        with _while_ours(job):
            run = training_begin(round_=round_, before=before)
    else:
        run, before = begun, Before.from_dict(begun.before)
    training = manager.train(
        before,
        route=known.train_route or None,  # type: ignore[arg-type]
        resume=begun is not None,
        timeout=timeout,
        call_back_url=call_back_url(run),
        heard=partial(call_back_of, run),
        progress=progress,
    )
    with _while_ours(job):
        training_trained(run=run, training=training)
    if training.verdict != "new_model":
        raise TrainingFailed(run.message)
    return run


@contextmanager
def _while_ours(job: Job) -> Iterator[None]:
    """What is written inside is written by the job's owner or not at all."""
    with transaction.atomic():
        if not job_beat(job):
            raise JobLost
        yield


def _evaluated(run: TrainingRun, manager: ActiveLearningManager, progress: Progress) -> tuple[Evaluation | None, str]:
    """How good the new model is; where that cannot be found out, why. The model stays, whatever comes of this."""
    progress(0, None, "Measuring the new model.")
    try:
        control = awaited(lambda: control_of(manager.label_space), partial(progress, 0, None, "Opening the project."))
        if not control.can_be_measured:
            return None, "How good it is at such regions is not measured yet."
        test_ids = selectors.test_task_ids(run.round.campaign)
        if not test_ids:
            return None, NO_TEST_SET
        return manager.evaluate(test_ids, progress), ""
    except NoLabels:
        return None, NO_TEST_SET
    except (Cancelled, ServerUnreachable):
        raise
    except ActiveLearningError as error:
        return None, f"It was not measured: {error}"


def _in_words(evaluation: Evaluation) -> str:
    headline, tasks = evaluation.headline, len(evaluation.answers)
    if headline.correct is not None:
        return f"It answers {headline.correct:,} of {tasks:,} test tasks rightly."
    return f"Its {headline.label} on {tasks:,} test tasks is {headline.value:.1%}."


def evaluate(job: Job, progress: Progress) -> Outcome:
    round_ = _round(job)
    run = selectors.newest_model(round_)
    if run is None:
        raise WrongMoment("The model of this round is not the newest any more.", "What was measured stays.")
    with round_manager(round_, patience=PATIENCE) as manager:
        progress = _with_trouble(progress, manager.label_studio)
        version = awaited(manager.model_version, partial(progress, 0, None, "Asking which model there is."))
        if version != run.version_after:
            raise InvalidInput(
                f"The backend has {version or 'no version'} by now, and this round made {run.version_after}.",
                "What was measured before stays.",
            )
        evaluation, not_measured = _evaluated(run, manager, progress)
    if evaluation is None and hasattr(round_, "evaluation"):
        raise NoLabels(not_measured, "What was measured before stays.")
    return Outcome(
        _in_words(evaluation) if evaluation else not_measured,
        partial(rounds.round_measured, run=run, evaluation=evaluation, not_measured=not_measured),
    )


def doctor(job: Job, progress: Progress) -> Outcome:
    with campaign_manager(job.campaign) as manager:
        campaign_project_seen(job.campaign, manager.project)
        diagnosis = manager.diagnose(sample=DOCTOR_SAMPLE, progress=progress)
    words = " ".join(report.sentence for report in diagnosis.controls)
    return Outcome(
        f"Examined {diagnosis.sampled:,} tasks. {words}".strip(),
        partial(campaign_diagnosed, campaign=job.campaign, diagnosis=diagnosis),
    )


WORK: dict[Job.Kind, Callable[[Job, Progress], Outcome]] = {
    Job.Kind.SCORE: score,
    Job.Kind.PUBLISH: publish,
    Job.Kind.RETRACT: retract,
    Job.Kind.TRAIN: train,
    Job.Kind.EVALUATE: evaluate,
    Job.Kind.DOCTOR: doctor,
}


# --------------------------------------------------------------------- signs of life


def _beat(job: Job) -> bool:
    """One sign of life; False when the job is not ours any more."""
    try:
        return job_beat(job)
    except DatabaseError:
        # A database that is locked or restarts must not make a living worker look dead: the next beat may come through.
        logger.warning("A sign of life of job %s could not be written.", job.pk)
        connection.close()
        return True


@contextmanager
def heartbeat(job: Job) -> Iterator[None]:
    """Write a sign of life while the work goes on, also where it is silent for long."""
    ended = threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(settings.JOB_HEARTBEAT_SECONDS) and _beat(job):
                pass
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
