"""Labels in doubt: what a model contradicts that had not learned from them, and a tab to look at them again."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from al_core.errors import ActiveLearningError
from trustai_web.campaigns import selectors
from trustai_web.campaigns.controls import label_control
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.doubts import doubts_publish, doubts_read, doubts_retract
from trustai_web.dashboard.access import fetch, lead
from trustai_web.dashboard.label_studio_links import TabLinks


@require_safe
def campaign_labels(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = fetch(selectors.campaigns_for(lead(request)), pk)
    links = TabLinks(campaign, campaign.relabel_view_id)
    can_be_checked = selectors.can_be_checked(campaign)
    check = selectors.label_check(campaign) if can_be_checked else None
    context = {
        "campaign": campaign,
        "control": label_control(campaign.known_controls(), campaign.control),
        "check": check,
        "rows": [_Row(one, campaign, links) for one in check.doubtful] if check else [],
        "links": links,
    }
    return render(request, "doubts/detail.html", context)


@dataclass(frozen=True)
class _Row:
    """One label in doubt, as it is shown."""

    doubtful: selectors.DoubtfulLabel
    campaign: Campaign
    links: TabLinks

    @property
    def is_published(self) -> bool:
        return self.doubtful.doubt.task_id in self.campaign.relabel_ids

    @property
    def probabilities(self) -> list[tuple[str, float]]:
        """Those of the two classes in question."""
        doubt = self.doubtful.doubt
        return [(doubt.suggested, doubt.confidence_of_suggested), (doubt.label, doubt.self_confidence)]

    @property
    def link(self) -> str:
        task_id = self.doubtful.doubt.task_id
        return self.links.task_id(task_id) if self.is_published else self.links.other_task(task_id)


@require_POST
def labels_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the labels that were ticked."""

    def publish(campaign: Campaign) -> str:
        task_ids = {int(word) for word in request.POST.getlist("task") if word.isdecimal()}
        doubts_publish(campaign=campaign, task_ids=task_ids)
        return f"Published {len(task_ids):,} task{'' if len(task_ids) == 1 else 's'} as a tab of Label Studio."

    return _done(request, pk, publish)


@require_POST
def labels_retract(request: HttpRequest, pk: int) -> HttpResponse:
    def retract(campaign: Campaign) -> str:
        doubts_retract(campaign=campaign)
        return "The tab is gone from Label Studio; all labels stay."

    return _done(request, pk, retract)


@require_POST
def labels_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Read what was answered in the tab."""

    def read(campaign: Campaign) -> str:
        changed = doubts_read(campaign=campaign)
        if not changed:
            return "No label of the tab is another one than before."
        return f"{changed:,} label{' is' if changed == 1 else 's are'} another one than before."

    return _done(request, pk, read)


def _done(request: HttpRequest, pk: int, work: Callable[[Campaign], str]) -> HttpResponse:
    """Do it, say what came of it, and show the page again."""
    campaign = fetch(selectors.campaigns_for(lead(request)), pk)
    try:
        messages.success(request, work(campaign))
    except ActiveLearningError as error:
        messages.error(request, str(error))
    return redirect("campaign_labels", pk)
