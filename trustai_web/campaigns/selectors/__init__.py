"""Every read about campaigns, one module for what it is about."""

from trustai_web.campaigns.selectors.access import campaigns_for, jobs_for, rounds_for
from trustai_web.campaigns.selectors.campaigns import (
    CampaignCard,
    campaign_cards,
    examinations,
    last_round,
    needs_start_round,
    rounds_of,
)
from trustai_web.campaigns.selectors.measuring import (
    CurvePoint,
    ScoredRound,
    learning_curve,
    scored_rounds,
    test_task_ids,
    test_truth,
)
from trustai_web.campaigns.selectors.parts import Standing, failed_part, standing
from trustai_web.campaigns.selectors.rounds import (
    Progress,
    active_job,
    asked_task_ids,
    batch_progress,
    next_open_task,
    open_rounds,
    open_rounds_for,
)

__all__ = [
    "CampaignCard",
    "CurvePoint",
    "Progress",
    "ScoredRound",
    "Standing",
    "active_job",
    "asked_task_ids",
    "batch_progress",
    "campaign_cards",
    "campaigns_for",
    "examinations",
    "failed_part",
    "jobs_for",
    "last_round",
    "learning_curve",
    "needs_start_round",
    "next_open_task",
    "open_rounds",
    "open_rounds_for",
    "rounds_for",
    "rounds_of",
    "scored_rounds",
    "standing",
    "test_task_ids",
    "test_truth",
]
