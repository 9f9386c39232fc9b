"""Writes about what annotators did: read from Label Studio, kept on the rows of the batch."""

import logging
from datetime import datetime

from django.utils import timezone

from al_core.active_learning import ActiveLearningManager
from al_core.errors import ActiveLearningError, NotFound
from al_core.types import Label
from trustai_web.campaigns.models import BatchTask, Round
from trustai_web.campaigns.services.campaigns import round_manager

logger = logging.getLogger(__name__)


def round_sync(round_: Round) -> None:
    """Read the progress of an open batch; a failure is kept on the round and shown, labels are never lost."""
    try:
        with round_manager(round_) as manager:
            labels_read(round_, manager)
    except NotFound:
        _synced(round_, sync_error="The tab is gone from Label Studio. Take the batch back and publish it again.")
    except ActiveLearningError as error:
        _failed(round_, str(error))
    except Exception:
        # One round's odd answer must not keep the others from being read.
        logger.exception("The progress of round %s could not be read.", round_.pk)
        _failed(round_, "TrustAI met a bug while it read the progress; it is in the worker's log.")


def labels_read(round_: Round, manager: ActiveLearningManager) -> None:
    """Bring the rows of an open batch up to date."""
    assert round_.view_id is not None
    assert round_.published_at is not None
    tasks = {task.task_id: task for task in round_.batch_tasks.all()}
    known = {task_id: task.seen_updated_at for task_id, task in tasks.items() if task.seen_updated_at}
    for task_id, (updated_at, label) in manager.read_labels(round_.view_id, known).items():
        if task_id in tasks:
            label_write(tasks[task_id], updated_at, label)
    outside = manager.labeled_outside(tasks, round_.published_at)
    _synced(round_, sync_error="", outside_task_ids=outside)


def label_write(task: BatchTask, updated_at: datetime, label: Label | None) -> None:
    """Keep what is answered of a task by now."""
    task.seen_updated_at = updated_at
    task.status = _status(label)
    task.label = (label.value or "") if label else ""
    task.annotator = label.annotator if label else ""
    task.labelled_at = label.labelled_at if label else None
    task.lead_time = label.lead_time if label else None
    task.save()


def _status(label: Label | None) -> BatchTask.Status:
    if label is None:
        return BatchTask.Status.OPEN
    return BatchTask.Status.SKIPPED if label.skipped else BatchTask.Status.LABELLED


def _failed(round_: Round, message: str) -> None:
    Round.objects.filter(pk=round_.pk).update(sync_error=message)


def _synced(round_: Round, **columns: object) -> None:
    Round.objects.filter(pk=round_.pk).update(synced_at=timezone.now(), **columns)
