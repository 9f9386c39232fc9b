"""A job's tasks shared out among the workers: every worker that is free takes a part, and so does the job's own."""

import io
import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np
from celery import current_app, group
from django.db import DatabaseError
from kombu.exceptions import OperationalError
from numpy.typing import NDArray

from al_core.errors import ActiveLearningError, Cancelled, ServerUnreachable
from al_core.flights import TICK_SECONDS, awaited
from al_core.predictions import PartSpec, Work
from al_core.storage import Store
from al_core.types import Progress
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Job, JobPart
from trustai_web.campaigns.services.campaigns import PATIENCE, campaign_store, round_manager
from trustai_web.campaigns.services.jobs import JobLost
from trustai_web.campaigns.services.parts import (
    PartLost,
    part_claim,
    part_done,
    part_fail,
    part_put_back,
    part_report,
    part_waits,
    parts_create,
    parts_delete,
    parts_give_up,
    parts_tidy,
)
from trustai_web.connections.services import ml_backend

logger = logging.getLogger(__name__)

HELP_JOB = "trustai_web.campaigns.tasks.job_help"

PARTS = 16
"""Parts that a job has where it can: enough that nobody waits long for the last one."""

LEAST, MOST = 50, 2000
"""Tasks of a part: fewer are not worth a message, and more would let other jobs wait for their turn."""

HELPERS = 32
"""Messages that ask for help, at most; there is hardly a worker left to hear more."""

LAST = 9
"""Redis hands out what has a higher number later: a worker that is free does anything else first."""

REPORT_SECONDS = 0.25
"""How often the progress of a part is written and that of the others looked at."""

BUG = "bug"
"""In the place of an error's code: an error that nobody expected."""


class PartFailed(Exception):
    """A part cannot be done, so the job cannot."""

    def __init__(self, part: JobPart) -> None:
        super().__init__(f"{part} failed: {part.message}")
        self.part = part

    @property
    def reason(self) -> Exception:
        """What to end the job with."""
        if self.part.error == BUG:
            return self
        kind = ServerUnreachable if self.part.error == ServerUnreachable.code else ActiveLearningError
        return kind(self.part.message)


@dataclass(frozen=True)
class SharedOut:
    """Spreads work of one job over the workers, this one among them.

    What a part comes to is kept in the store by whoever does it. So a part that is done twice does no harm, and who
    did which changes nothing.
    """

    job: Job
    store: Store

    def tidy_up(self) -> None:
        """Forget what earlier work left behind: a worker that died tidies nothing up.

        Raises
        ------
        JobLost
            The job is not ours any more.
        """
        parts_tidy(self.job)
        self._forget(lambda whose: whose < self._try)

    def __call__(self, work: Work, part: PartSpec, task_ids: NDArray[np.int64], progress: Progress) -> None:
        """Do ``work`` on all the tasks, a part at a time, until each part is done by somebody.

        Raises
        ------
        ActiveLearningError
            A part failed; ``ServerUnreachable`` where a server did not answer.
        PartFailed
            Somebody met a bug over a part.
        """
        size = min(MOST, max(LEAST, -(-len(task_ids) // PARTS)))
        pieces = [task_ids[start : start + size] for start in range(0, len(task_ids), size)]
        if len(pieces) <= 1:
            work(task_ids, progress)
            return
        try:
            self._hand_out(pieces, part)
            self._until_done(work, pieces, progress)
        except PartFailed as failed:
            raise failed.reason from None
        finally:
            parts_delete(self.job)
            self._forget(lambda whose: whose == self._try)

    def _hand_out(self, pieces: list[NDArray[np.int64]], part: PartSpec) -> None:
        # The files first: a row is taken as soon as it is there.
        for number, piece in enumerate(pieces, start=1):
            name = JobPart(job=self.job, job_tries=self.job.tries, number=number).file_name
            self.store.write(name, _npy(piece))
        parts_create(
            self.job,
            backend_url=part.backend_url,
            model_version=part.model_version,
            sizes=[len(piece) for piece in pieces],
        )
        call_for_help(self.job.pk, min(len(pieces) - 1, HELPERS))

    def _until_done(self, work: Work, pieces: list[NDArray[np.int64]], progress: Progress) -> None:
        total = sum(len(piece) for piece in pieces)
        watch = _Watch(self.job, total, len(pieces), progress)
        while not watch.is_over():
            mine = part_claim(self.job.pk)
            if mine is None:
                time.sleep(TICK_SECONDS)
                continue
            with suppress(PartLost):
                do_part(mine, lambda report, ids=pieces[mine.number - 1]: work(ids, report), watch.is_over)  # type: ignore[misc]

    @property
    def _try(self) -> tuple[int, int]:
        return self.job.pk, self.job.tries

    def _forget(self, is_old: Callable[[tuple[int, int]], bool]) -> None:
        """Delete the ids that certain tries of jobs have handed out."""
        for name in self.store.names("parts/"):
            job, tries, _ = name.removeprefix("parts/").split("-")
            if is_old((int(job), int(tries))):
                self.store.delete(name)


class _Watch:
    """Reports the progress of all parts together, and hears of it when one fails."""

    def __init__(self, job: Job, total: int, parts: int, progress: Progress) -> None:
        self._job = job
        self._total = total
        self._parts = parts
        self._progress = progress
        self._done = 0

    def is_over(self) -> bool:
        """Report, and tell whether every part is done.

        Raises
        ------
        PartFailed
            One cannot be.
        """
        parts_give_up(self._job)
        failed = selectors.failed_part(self._job)
        if failed is not None:
            raise PartFailed(failed)
        now = selectors.standing(self._job)
        # A part that begins anew has lost nothing that counts: what was predicted of it is kept.
        self._done = max(self._done, now.done)
        together = f", {now.workers} workers at it" if now.workers > 1 else ""
        self._progress(self._done, self._total, f"Predicting: {self._done:,} of {self._total:,} tasks{together}.")
        return now.parts_done == self._parts


def do_part(part: JobPart, work: Callable[[Progress], None], look: Callable[[], object] = lambda: None) -> None:
    """Do one part, from its claim to its end.

    Parameters
    ----------
    look : callable
        Called as often as progress is written; what it raises stops the work.

    Raises
    ------
    PartLost
        Somebody else does it, or nobody wants it any more.
    """
    last = 0.0

    def report(done: int, total: int | None, sentence: str) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_SECONDS:
            part_report(part, min(done, part.total))
            look()
            last = time.monotonic()

    try:
        work(report)
        part_done(part)
    except (PartLost, PartFailed, JobLost, Cancelled, DatabaseError):
        # A database that does not take a report takes no end either: the part will be stale, and somebody else's.
        raise
    except ServerUnreachable as error:
        part_put_back(part, error)
    except ActiveLearningError as error:
        part_fail(part, error.code, str(error))
    except Exception:
        logger.exception("Met a bug over %s.", part)
        part_fail(part, BUG, "a bug, see the worker's log")


def help_with(job_id: int) -> None:
    """Do one part of a job, if one is to be had, and ask for the next: other jobs get their turn in between."""
    part = part_claim(job_id)
    if part is None:
        return
    try:
        do_part(part, lambda report: _predict(part, report))
    except PartLost:
        logger.info("Another has %s by now, or nobody wants it: this worker leaves it alone.", part)
        return
    part.refresh_from_db(fields=["status"])
    logger.info("Helped with %s, which is %s.", part, part.status)
    # A worker that cannot reach a server leaves the part to those that can.
    if part.status == JobPart.Status.DONE and part_waits(job_id):
        call_for_help(job_id, 1)


def call_for_help(job_id: int, count: int) -> None:
    """Ask so many workers; where none hears it, the job's own does all the parts."""
    try:
        group(current_app.signature(HELP_JOB, args=[job_id]) for _ in range(count)).apply_async(priority=LAST)
    except (OperationalError, ConnectionError, OSError):
        logger.warning("The broker does not answer; job %s goes on without help.", job_id)


def _predict(part: JobPart, report: Progress) -> None:
    """What a worker does that only helps: the ids come from the store, all the rest from the round."""
    assert part.job.round is not None
    kept = campaign_store(part.job.campaign).read(part.file_name)
    if kept is None:
        raise PartLost
    task_ids = np.load(io.BytesIO(kept))
    server = part.job.round.campaign.connection
    with (
        round_manager(part.job.round, patience=PATIENCE) as manager,
        closing(ml_backend(server, part.backend_url)) as backend,
    ):
        awaited(lambda: manager.project, lambda: report(0, None, "Opening the project."))
        manager.predictions.predict_part(backend, part.model_version, task_ids, report)


def _npy(task_ids: NDArray[np.int64]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, task_ids)
    return buffer.getvalue()
