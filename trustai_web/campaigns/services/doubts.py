"""Writes about labels in doubt: a tab of their tasks in Label Studio, and what people answered there."""

from collections.abc import Collection

from django.utils import timezone

from al_core.errors import ActiveLearningError, InvalidInput, NotFound
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.campaigns import campaign_manager
from trustai_web.campaigns.services.labels import label_write
from trustai_web.connections.services import label_studio


class TabGone(ActiveLearningError):
    """The tab is not in Label Studio any more, and the campaign knows it."""

    code = "tab_gone"


def relabel_title(campaign: Campaign) -> str:
    """The title of the tab; the same for the same campaign, so that it can be found."""
    return f"TrustAI labels in doubt (#{campaign.pk})"


def doubts_publish(*, campaign: Campaign, task_ids: Collection[int]) -> None:
    """Show exactly these tasks in a tab of Label Studio, in place of those that were published before.

    Raises
    ------
    InvalidInput
        There is none, or one whose label was not checked.
    ServerUnreachable, AccessRefused
        Label Studio does not do it. Labels are not touched, and the campaign knows which tab there is.
    """
    checked = {one.task_id for one in selectors.given_labels(campaign).checkable}
    wanted = sorted(set(task_ids))
    if not wanted:
        raise InvalidInput("No label was chosen.", "Choose one or more; what was published before is unchanged.")
    if not checked.issuperset(wanted):
        raise InvalidInput("Some of these labels are not checked any more.", "Look at the list again.")
    doubts_retract(campaign=campaign)
    with label_studio(campaign.connection) as client:
        view_id = client.create_tab(campaign.project_id, relabel_title(campaign), wanted)
    _tab_is(campaign, view_id, wanted)


def doubts_retract(*, campaign: Campaign) -> None:
    """Take the tab away, and one of its title that was left behind; the tasks and their labels stay."""
    with label_studio(campaign.connection) as client:
        if campaign.relabel_view_id is not None:
            client.delete_tab(campaign.relabel_view_id)
        left = client.find_tab(campaign.project_id, relabel_title(campaign))
        if left is not None:
            client.delete_tab(left)
    _tab_is(campaign, None, [])


def doubts_read(*, campaign: Campaign) -> int:
    """Read what people answered in the tab by now, and give how many labels are others than before.

    Raises
    ------
    TabGone
        Somebody has deleted it.
    """
    if campaign.relabel_view_id is None:
        return 0
    rows = selectors.asked_last(campaign, campaign.relabel_ids)
    known = {task_id: row.seen_updated_at for task_id, row in rows.items() if row.seen_updated_at}
    try:
        with campaign_manager(campaign) as manager:
            found = manager.read_labels(campaign.relabel_view_id, known)
    except NotFound:
        _tab_is(campaign, None, [])
        raise TabGone(
            "The tab is gone from Label Studio: somebody deleted it. All labels stay.", "Publish the labels again."
        ) from None
    changed = 0
    for task_id, (updated_at, label) in found.items():
        row = rows.get(task_id)
        if row is not None:
            before = row.label
            label_write(row, updated_at, label)
            changed += row.label != before
    return changed


def _tab_is(campaign: Campaign, view_id: int | None, task_ids: list[int]) -> None:
    campaign.relabel_view_id, campaign.relabel_ids = view_id, task_ids
    Campaign.objects.filter(pk=campaign.pk).update(
        relabel_view_id=view_id, relabel_ids=task_ids, updated_at=timezone.now()
    )
