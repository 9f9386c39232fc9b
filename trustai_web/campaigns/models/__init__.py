"""Campaigns, their rounds, and the work done for them: one module a noun."""

from trustai_web.campaigns.models.campaigns import (
    Asking,
    Campaign,
    default_diversity,
    default_strategy,
    diversity_choices,
    strategy_choices,
)
from trustai_web.campaigns.models.jobs import Job, JobPart
from trustai_web.campaigns.models.rounds import BatchTask, Evaluation, Round, TrainingRun

__all__ = [
    "Asking",
    "BatchTask",
    "Campaign",
    "Evaluation",
    "Job",
    "JobPart",
    "Round",
    "TrainingRun",
    # Migrations call these by this address.
    "default_diversity",
    "default_strategy",
    "diversity_choices",
    "strategy_choices",
]
