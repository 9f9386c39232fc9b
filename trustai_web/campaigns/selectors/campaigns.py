"""Reads about campaigns."""

from dataclasses import dataclass

from django.db.models import Max, Prefetch, Q, QuerySet

from trustai_web.accounts.models import User
from trustai_web.campaigns.models import Campaign, Evaluation, Job, Round, TrainingRun
from trustai_web.campaigns.selectors.access import campaigns_for
from trustai_web.campaigns.selectors.measuring import LONG, missing_test_size
from trustai_web.campaigns.selectors.rounds import Progress, batch_progress

_LONG = tuple(f"evaluation__{column}" for column in LONG)


@dataclass(frozen=True)
class CampaignCard:
    """What the home page says of a campaign."""

    campaign: Campaign
    round: Round | None
    evaluation: Evaluation | None
    progress: "Progress | None"


def campaign_cards(user: User) -> list[CampaignCard]:
    """A card for each campaign, those that failed first."""
    rounds = Round.objects.exclude(status=Round.Status.CANCELLED).select_related("evaluation").order_by("number")
    rounds = rounds.defer(*_LONG)
    campaigns = campaigns_for(user).prefetch_related(Prefetch("rounds", rounds, to_attr="live_rounds"))
    cards = [_card(campaign) for campaign in campaigns]
    return sorted(cards, key=lambda card: not (card.round and card.round.status == Round.Status.FAILED))


def _card(campaign: Campaign) -> CampaignCard:
    rounds: list[Round] = campaign.live_rounds  # type: ignore[attr-defined]
    newest = rounds[-1] if rounds else None
    measured = [r.evaluation for r in rounds if hasattr(r, "evaluation")]
    is_open = newest is not None and newest.status == Round.Status.OPEN
    return CampaignCard(
        campaign=campaign,
        round=newest,
        evaluation=measured[-1] if measured else None,
        progress=batch_progress(newest) if newest and is_open else None,
    )


def last_round(campaign: Campaign) -> Round | None:
    return campaign.rounds.exclude(status=Round.Status.CANCELLED).order_by("number").last()


def rounds_of(campaign: Campaign) -> QuerySet[Round]:
    """The rounds of a campaign, newest first, with what they came to."""
    trained = Q(training_runs__verdict=TrainingRun.Verdict.NEW_MODEL)
    trained_on = Max("training_runs__label_count", filter=trained)
    rounds = campaign.rounds.select_related("evaluation").defer(*_LONG)
    return rounds.annotate(trained_on=trained_on).order_by("-pk")


def needs_start_round(campaign: Campaign) -> bool:
    """Whether the next round is the one that asks at random, before there is a model."""
    return last_round(campaign) is None and campaign.start_size + missing_test_size(campaign) > 0


def examinations(campaign: Campaign) -> QuerySet[Job]:
    """Jobs of the doctor, newest first."""
    return campaign.jobs.filter(kind=Job.Kind.DOCTOR).order_by("-pk")
