"""Writes about trainings: what was begun, what the backend said while it went on, and what came of it."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from al_core import types
from al_core.addresses import checked_url
from al_core.evaluation import Evaluation as Measured
from al_core.ml_backend import numbers
from al_core.training.before import Before, CallBack
from trustai_web.campaigns.models import Evaluation, Round, TrainingRun
from trustai_web.campaigns.services.jobs import Busy

Verdict = TrainingRun.Verdict

CALL_BACK_PATH = "/hooks/training/{token}/"

MOST_WORDS = 300
"""Characters that are kept of what a backend says."""

MOST_REASON = 2000
"""The same of a verdict's sentence, which holds such words."""

MOST_VERSION = 255
"""The same of the name of a version, which has a column of that length."""

MOST_NUMBERS = 50
"""Numbers that are kept of those that a backend reports of its model."""


def training_begin(*, round_: Round, before: Before) -> TrainingRun:
    """Write down what the backend is like before it is asked to train; from here on it is nobody else's to train.

    The secret of the call-back address is kept as it is, not hashed: whoever takes over from a dead worker has to give
    the backend the same address again. It is worth little: with it one can say of this training alone, and only
    while it goes on, that it has ended, which is not believed without a look at the model.

    Raises
    ------
    Busy
        The backend trains for somebody: for another campaign, as a round has one job at a time.
    """
    try:
        with transaction.atomic():
            return TrainingRun.objects.create(
                round=round_,
                backend_url=checked_url(round_.campaign.backend_url),
                version_before=_words(before.model_version, MOST_VERSION),
                before=_plain(before.as_dict()),
                call_back_token=secrets.token_urlsafe(32),
            )
    except IntegrityError:
        raise Busy(
            "The ML backend is being trained for another round.",
            "Two at once would get in each other's way. What is labelled is safe; train when that one has ended.",
        ) from None


def training_trained(*, run: TrainingRun, training: types.Training) -> None:
    """Keep what a training came to, whatever it is."""
    TrainingRun.objects.filter(pk=run.pk, verdict=Verdict.RUNNING).update(
        verdict=training.verdict,
        message=_words(training.reason, MOST_REASON),
        route=training.route or run.route,
        label_count=training.label_count,
        lead_seconds=training.lead_seconds,
        lead_known=training.lead_known,
        version_after=_words(training.version_after, MOST_VERSION),
        said=[_words(line) for line in training.said],
        reported=_numbers(training.reported),
        probed=training.probed,
        probe_changed=training.probe_changed,
        finished_at=timezone.now(),
        updated_at=timezone.now(),
    )
    run.refresh_from_db()


def training_ended(*, round_: Round, verdict: TrainingRun.Verdict, message: str) -> None:
    """End the training of a round that is under way, if there is one, from outside: it was cancelled, or broke off."""
    round_.training_runs.filter(verdict=Verdict.RUNNING).update(
        verdict=verdict, message=message, finished_at=timezone.now(), updated_at=timezone.now()
    )


# --------------------------------------------------------------------- the evaluation


def evaluation_kept(*, run: TrainingRun, evaluation: Measured) -> None:
    """Keep how good the model of a training is, in the place of an earlier evaluation of it."""
    headline = evaluation.headline
    Evaluation.objects.update_or_create(
        round=run.round,
        defaults={
            "model_version": evaluation.model_version,
            "metric": headline.name,
            "value": headline.value,
            "low": headline.low,
            "high": headline.high,
            "correct": headline.correct,
            "total": len(evaluation.answers),
            "unanswered": evaluation.unanswered,
            "label_count": run.label_count or 0,
            "metrics": _plain([asdict(metric) for metric in evaluation.metrics]),
            "classes": _plain([asdict(row) for row in evaluation.classes]),
            "confusion": _plain(asdict(evaluation.confusion)) if evaluation.confusion else {},
            "answers": _plain([asdict(answer) for answer in evaluation.answers]),
        },
    )
    TrainingRun.objects.filter(pk=run.pk).update(not_measured="")


def evaluation_missed(*, run: TrainingRun, why: str) -> None:
    """Keep why the model of a training has no evaluation."""
    TrainingRun.objects.filter(pk=run.pk).update(not_measured=why)


# --------------------------------------------------------------------- the call-back


def call_back_url(run: TrainingRun) -> str:
    """Where the backend may say that the training has ended; empty where it cannot reach this site."""
    return settings.SITE_URL + CALL_BACK_PATH.format(token=run.call_back_token) if settings.SITE_URL else ""


def call_back_heard(token: str, body: Mapping[str, Any]) -> bool:
    """Keep what a backend sent; False where no training that goes on has this token.

    Parameters
    ----------
    body : mapping
        ``{"status", "model_version", "error", "metrics"}``, of which all may be missing: it comes from outside. Later
        words replace earlier ones.
    """
    error, version = _words(body.get("error")), _words(body.get("model_version"), MOST_VERSION)
    heard = {
        "status": _words(body.get("status"), 50).lower() or ("failed" if error else "done" if version else ""),
        "model_version": version,
        "error": error,
        "reported": {
            _kept(name): value for name, value in numbers(body.get("metrics"), most=MOST_NUMBERS, longest=100).items()
        },
    }
    going_on = TrainingRun.objects.filter(call_back_token=token, verdict=Verdict.RUNNING).exclude(call_back_token="")
    return bool(going_on.update(call_back=heard, updated_at=timezone.now()))


def call_back_of(run: TrainingRun) -> CallBack | None:
    """What the backend has sent by now."""
    heard = TrainingRun.objects.values_list("call_back", flat=True).get(pk=run.pk)
    return CallBack(**heard) if heard else None


def _words(said: object, most: int = MOST_WORDS) -> str:
    return _kept("" if said is None else str(said))[:most]


def _kept(text: str) -> str:
    """The text without what PostgreSQL does not keep: NUL, and half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _plain(value: Any) -> Any:
    """What JSON in a database can hold of it: what people and models answer may have anything in it."""
    if isinstance(value, Mapping):
        return {_kept(str(name)): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return _kept(value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _numbers(said: object) -> dict[str, float]:
    """Name → number; what is none is left out, and so is what JSON cannot hold."""
    return {_kept(name): value for name, value in numbers(said, most=MOST_NUMBERS, longest=100).items()}
