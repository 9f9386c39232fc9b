"""Writes about what scoring found: the batch, the file of the whole pool, and how it differs from the round before."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from al_core.errors import ActiveLearningError
from al_core.evaluation.agreement import kappa
from al_core.round_file import RoundFile, write_round_file
from al_core.seeding import task_keys
from al_core.types import Batch, ClassProbabilities, Scores
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Round
from trustai_web.campaigns.pool_scores import WHY_UNKNOWN
from trustai_web.campaigns.services.statuses import Status, swap

HISTOGRAM_BINS = 40

MOST_COMPARED = 2000
"""Tasks on which a model is compared with the one before: enough for ± 0.02 of their agreement."""

_AGREEMENT = 5
"""Purpose of that draw, so that it does not follow another."""

_CHUNK = 65_536
"""Tasks of an earlier round that are read at once."""


@transaction.atomic
def round_scored(
    *,
    round_: Round,
    scores: Scores,
    batch: Batch,
    previews: Mapping[int, dict[str, Any]],
    agreement: Mapping[str, Any] = {},
) -> None:
    """Keep what scoring found: the whole pool in one file, rows for the batch alone.

    Parameters
    ----------
    agreement : mapping
        What :func:`agreement_with_before` found.
    """
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
        swap(
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
            uncertainty=_uncertainty(scores.probabilities),
            agreement=agreement,
            note=batch.note,
            scored_at=timezone.now(),
        )
    except Exception:
        round_.scores_file.delete(save=False)  # a round that went on keeps the file it has
        raise
    if earlier:
        transaction.on_commit(partial(round_.scores_file.storage.delete, earlier))


def _unknown(scores: Scores) -> dict[str, int]:
    """Reason → how many tasks have no score for it."""
    if scores.probabilities is None:
        return {}
    counts = np.bincount(scores.probabilities.reasons[np.isnan(scores.values)])
    return {WHY_UNKNOWN[code]: int(counts[code]) for code in np.flatnonzero(counts)}


def _histogram(scores: Scores) -> dict[str, list[float]]:
    """Counts and edges of what tasks were ranked by; empty for a strategy that asks no model."""
    if not scores.models:
        return {}
    # With its range given numpy passes over what is unknown by itself, and makes no copy of the rest.
    span = (np.nanmin(scores.values), np.nanmax(scores.values))
    counts, edges = np.histogram(scores.values, bins=HISTOGRAM_BINS, range=span)
    return {"counts": counts.tolist(), "edges": edges.tolist()}


def _uncertainty(model: ClassProbabilities | None) -> dict[str, float]:
    """How unsure the model is of the pool; empty where an answer is no single class, or nothing is known."""
    if model is None or model.form != "single":
        return {}
    top = model.top[model.known]
    top = top[np.isfinite(top)]
    if not len(top):
        return {}
    # Float32 rounds a certainty of 1 to a little more than that now and then.
    unsure = (max(0.0, 1.0 - float(share)) for share in (top.mean(dtype=np.float64), top.min()))
    return {**dict(zip(("mean", "max"), unsure, strict=True)), "tasks": len(top)}


# --------------------------------------------------------------------- beside the round before


def agreement_with_before(round_: Round, scores: Scores) -> dict[str, Any]:
    """How far the model answers as the one of the round before did, on tasks that both have scored.

    Empty where that says nothing: the same model was asked, or other classes, or one of them was asked for no single
    class, or nothing is left to compare.
    """
    before, model = selectors.scored_before(round_), scores.probabilities
    if before is None or model is None or model.form != "single" or before.control != round_.control:
        return {}
    if before.model_version == scores.model_version:
        return {}
    try:
        with before.scores_file.open("rb") as handle:
            pairs = _answers_of_both(RoundFile(handle), model, scores.seed)
    except (OSError, ActiveLearningError):
        return {}  # the file is gone, or an earlier version made it
    found = kappa(*pairs) if pairs is not None else None
    return {**asdict(found), "round": before.number} if found else {}


def _answers_of_both(
    file: RoundFile, model: ClassProbabilities, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(s,) what the earlier model and this one answered to the same tasks; None where they know other classes."""
    is_single = file.has_model and file.count("answers") == file.length
    if not is_single or tuple(file.slice("labels", 0, file.count("labels")).tolist()) != model.labels:
        return None
    ids, answers = model.task_ids, model.answers
    places: list[NDArray[np.int64]] = []
    said_before: list[NDArray[np.int64]] = []
    for start in range(0, file.length, _CHUNK):
        earlier = file.slice("task_ids", start, start + _CHUNK)
        at = np.minimum(np.searchsorted(ids, earlier), len(ids) - 1)
        said = file.slice("answers", start, start + _CHUNK).astype(np.int64)
        both = (ids[at] == earlier) & (said >= 0) & (answers[at] >= 0)
        places.append(at[both])
        said_before.append(said[both])
    at, said = np.concatenate(places), np.concatenate(said_before)
    drawn = np.argsort(task_keys(ids[at], seed, _AGREEMENT))[:MOST_COMPARED]
    return said[drawn], answers[at[drawn]].astype(np.int64)
