"""Reads about trainings, and about what a round may do after them."""

from al_core.addresses import checked_url
from trustai_web.campaigns.models import Round, TrainingRun

Verdict = TrainingRun.Verdict


def last_training(round_: Round) -> TrainingRun | None:
    return round_.training_runs.order_by("pk").last()


def running_training(round_: Round) -> TrainingRun | None:
    """The training of the round that was begun and has no end yet, also where a worker died over it."""
    return round_.training_runs.filter(verdict=Verdict.RUNNING).order_by("pk").last()


def unmeasured_training(round_: Round) -> TrainingRun | None:
    """The training that has brought a round its new model while the round is not done yet: only measuring is left."""
    last = TrainingRun.objects.filter(round=round_.pk).select_related("round").order_by("pk").last()
    has_model = last is not None and last.verdict == Verdict.NEW_MODEL
    return last if last is not None and has_model and last.round.status == Round.Status.TRAINING else None


def training_of_another(round_: Round) -> TrainingRun | None:
    """The training of another round, of whatever campaign, that the same backend is at."""
    if not round_.campaign.backend_url:
        return None
    others = TrainingRun.objects.exclude(round=round_.pk).select_related("round__campaign")
    return others.filter(verdict=Verdict.RUNNING, backend_url=checked_url(round_.campaign.backend_url)).first()


def newest_model(round_: Round) -> TrainingRun | None:
    """The training that made the round's model, as long as no later one of the campaign made another."""
    made = TrainingRun.objects.filter(round__campaign=round_.campaign_id, verdict=Verdict.NEW_MODEL)
    newest = made.select_related("round__campaign").order_by("pk").last()
    return newest if newest is not None and newest.round_id == round_.pk else None


def model_training(round_: Round) -> TrainingRun | None:
    """The training that made the round's model, whatever became of that since; None where it made none."""
    return round_.training_runs.filter(verdict=Verdict.NEW_MODEL).order_by("pk").last()


def can_be_measured_again(round_: Round) -> bool:
    """Whether the backend should still have the model that the round made."""
    return round_.status == Round.Status.DONE and newest_model(round_) is not None


def can_finish_without_model(round_: Round) -> bool:
    """Whether a round may end with the model that there was before: there is no backend, or it was tried in vain."""
    if not round_.campaign.backend_url:
        return True
    last = last_training(round_)
    return last is not None and last.verdict in (Verdict.SAME_MODEL, Verdict.FAILED, Verdict.CANCELLED)
