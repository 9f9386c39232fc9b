"""Reads about what the models of a campaign are measured on."""

from dataclasses import dataclass

from trustai_web.campaigns.models import BatchTask, Campaign, Round
from trustai_web.campaigns.selectors.measuring import missing_test_size, test_task_ids


@dataclass(frozen=True)
class TestSetStanding:
    """Where a test set stands."""

    __test__ = False  # no test of pytest's

    held_out: int
    """Tasks that models are measured on and never trained on."""
    drawn: int
    """Those of them that rounds have drawn, answered or not."""
    answered: int
    """Of the drawn ones: those with a label."""
    missing: int
    """Tasks that the next round is to draw."""


def test_set_standing(campaign: Campaign) -> TestSetStanding:
    rows = BatchTask.objects.filter(round__campaign=campaign, lane=BatchTask.Lane.TEST)
    rows = rows.exclude(round__status=Round.Status.CANCELLED)
    return TestSetStanding(
        held_out=len(test_task_ids(campaign)),
        drawn=rows.count(),
        answered=rows.filter(status=BatchTask.Status.LABELLED).count(),
        missing=missing_test_size(campaign),
    )
