"""The test set of a campaign: what its models are measured on."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from al_core.errors import ActiveLearningError
from al_core.evaluation import suggested_size
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Evaluation
from trustai_web.campaigns.services.test_sets import test_set_change
from trustai_web.connections.services import label_studio
from trustai_web.dashboard.access import fetch, lead
from trustai_web.dashboard.forms import MOST_TEST_TASKS, TestSetForm

HALF_WIDTHS = (0.02, 0.03, 0.05)
"""Of the intervals that sizes are suggested for, as shares."""

USUAL_ACCURACY = 0.9
"""What a model is taken to reach before it was measured."""


@require_http_methods(["GET", "POST"])
def campaign_test_set(request: HttpRequest, pk: int) -> HttpResponse:
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    initial = {
        "source": campaign.test_source,
        "size": campaign.test_size,
        "ids": ", ".join(map(str, campaign.test_ids)) if campaign.test_source == Campaign.TestSource.UPLOAD else "",
    }
    form = TestSetForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        source, size = form.cleaned_data["source"], form.cleaned_data["size"] or 0
        try:
            change = test_set_change(campaign=campaign, source=source, size=size, ids=form.task_ids)
        except ActiveLearningError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, change.sentence)
            return redirect("campaign_test_set", pk)
    last = Evaluation.objects.filter(round__campaign=campaign).select_related("round").order_by("round__number").last()
    context = {
        "campaign": campaign,
        "form": form,
        "standing": selectors.test_set_standing(campaign),
        "last": last,
        "sizes": suggested_sizes(last),
        "leak": selectors.leak_of(campaign),
        # Every labelled task is read for it, so only who asks for it waits for it.
        "ground_truth": ground_truth_of(campaign) if "count" in request.GET else None,
    }
    return render(request, "test_sets/detail.html", context)


@dataclass(frozen=True)
class SuggestedSize:
    """How many tasks make the headline so sure."""

    points: int
    tasks: int

    @property
    def can_be_drawn(self) -> bool:
        return self.tasks <= MOST_TEST_TASKS


def suggested_sizes(last: Evaluation | None) -> list[SuggestedSize]:
    """For a model that is right as often as the last one that was measured."""
    expected = last.value if last and last.correct is not None else USUAL_ACCURACY
    return [SuggestedSize(round(100 * half), suggested_size(half, expected)) for half in HALF_WIDTHS]


@dataclass(frozen=True)
class GroundTruth:
    """How many tasks have an answer that somebody marked as true, or why that is not known."""

    count: int | None
    failure: str = ""


def ground_truth_of(campaign: Campaign) -> GroundTruth:
    try:
        with label_studio(campaign.connection) as client:
            return GroundTruth(len(client.ground_truth_ids(campaign.project_id)))
    except ActiveLearningError as error:
        return GroundTruth(None, str(error))
