"""Who may see what."""

from django.db.models import QuerySet

from trustai_web.accounts.models import User
from trustai_web.campaigns.models import Campaign, Job, Round


def campaigns_for(user: User) -> QuerySet[Campaign]:
    """A lead sees every campaign, an annotator those that were shared with them."""
    everything = Campaign.objects.select_related("connection", "baseline")
    return everything if user.is_lead else everything.filter(annotators=user)


def rounds_for(user: User) -> QuerySet[Round]:
    return Round.objects.filter(campaign__in=campaigns_for(user)).select_related("campaign__connection")


def jobs_for(user: User) -> QuerySet[Job]:
    return Job.objects.filter(campaign__in=campaigns_for(user)).select_related("campaign", "round", "created_by")
