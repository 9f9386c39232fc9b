"""Which model a campaign's pool is scored with."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from al_core.errors import ActiveLearningError
from trustai_web.campaigns import selectors
from trustai_web.campaigns.services.versions import score_version_choose
from trustai_web.dashboard.access import fetch, lead


@require_POST
def campaign_score_with(request: HttpRequest, pk: int) -> HttpResponse:
    """Score with the version that was posted from the next scoring on, with the newest where it is empty."""
    campaign = fetch(selectors.campaigns_for(lead(request)), pk)
    try:
        score_version_choose(campaign=campaign, version=request.POST.get("version", ""))
    except ActiveLearningError as error:
        messages.error(request, str(error))
    else:
        model = campaign.score_version or "the newest model"
        messages.success(request, f"The next pool is scored with {model}.")
    return redirect("campaign_edit", pk)
