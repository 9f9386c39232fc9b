"""The ML backend of a campaign: what it is, whether it answers, what it offers, and how it is trained."""

from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from al_core.errors import ActiveLearningError, NotFound
from al_core.label_studio import LabelStudio
from al_core.types import Backend, Webhook
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, TrainingRun
from trustai_web.connections import services
from trustai_web.connections.models import BackendSettings
from trustai_web.dashboard.access import fetch, lead
from trustai_web.dashboard.forms import BackendForm

LOOK_SECONDS = 5.0
"""How long one question of this page may take: a backend that is slower than that is said to be."""

OFFERS = {
    "/train": "TrustAI sends it the labels itself, without those of the test set.",
    "/webhook": "It is told to start, and reads the labels from Label Studio itself.",
    "/is_training": "It says when a training has ended, and why one failed. Else its model version is watched.",
}


@require_http_methods(["GET", "POST"])
def campaign_backend(request: HttpRequest, pk: int) -> HttpResponse:
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    if not campaign.backend_url:
        return render(request, "backends/none.html", {"campaign": campaign})
    saved = services.backend_settings(campaign.connection, campaign.backend_url)
    form = BackendForm(request.POST or None, saved=saved)
    if request.method == "POST" and form.is_valid():
        services.backend_settings_save(campaign.connection, campaign.backend_url, **form.cleaned_data)
        messages.success(request, "Saved. It holds from the next question to the backend on.")
        return redirect("campaign_backend", pk)
    context = {
        "campaign": campaign,
        "form": form,
        "calls_back_to": settings.SITE_URL,
        "seen": look_at(campaign, BackendSettings.Route(saved.train_route)),
        "last": TrainingRun.objects.filter(round__campaign=campaign).exclude(route="").select_related("round").last(),
    }
    return render(request, "backends/detail.html", context)


@require_POST
def campaign_backend_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch Label Studio's own messages to the backend on or off."""
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    if not campaign.backend_url:
        raise Http404
    on = request.POST.get("active") == "1"
    try:
        with services.label_studio(campaign.connection) as client:
            for webhook in _webhooks_to(client, campaign):
                client.set_webhook(webhook.id, active=on)
    except ActiveLearningError as error:
        messages.error(request, str(error))
    else:
        said = "tells the backend of every annotation" if on else "tells the backend of no annotation"
        messages.success(request, f"From now on Label Studio {said}.")
    return redirect("campaign_backend", pk)


@dataclass
class Seen:
    """What a look at the backend, and at what Label Studio knows of it, has shown."""

    route: BackendSettings.Route
    connected: Backend | None = None
    """As Label Studio has it; None where it has it no more, or could not be asked."""
    label_studio_failure: str = ""
    webhooks: list[Webhook] = field(default_factory=list)
    failure: str = ""
    """Why the backend did not answer; empty where it did."""
    offers: dict[str, bool | None] = field(default_factory=dict)

    @property
    def is_told_of_annotations(self) -> bool:
        return any(webhook.is_active for webhook in self.webhooks)

    @property
    def rows(self) -> list[tuple[str, bool | None, str]]:
        """What is asked for, whether it is there, and what it is good for."""
        return [(path, self.offers.get(path), what) for path, what in OFFERS.items()]

    @property
    def cannot_be_trained(self) -> bool:
        return self.offers.get("/train") is False and self.offers.get("/webhook") is False

    @property
    def way(self) -> str:
        """How the next training is started, as far as it can be told."""
        routes = BackendSettings.Route
        if self.route != routes.AUTOMATIC:
            return str(self.route.label)
        train, webhook = self.offers.get("/train"), self.offers.get("/webhook")
        if train:
            return str(routes.TRAIN.label)
        if train is False and webhook:
            return str(routes.WEBHOOK.label)
        return str(routes.LABEL_STUDIO.label) if self.cannot_be_trained else ""


def look_at(campaign: Campaign, route: BackendSettings.Route) -> Seen:
    """Ask Label Studio and the backend; a failure of either is told and no obstacle."""
    seen = Seen(route)
    try:
        with services.label_studio(campaign.connection) as client:
            # Not asked anew: what went wrong with a training that goes on must not be wiped out by a look.
            known = client.remembered_backends(campaign.project_id)
            seen.connected = next((b for b in known if b.url.rstrip("/") == campaign.backend_url.rstrip("/")), None)
            seen.webhooks = _webhooks_to(client, campaign)
    except ActiveLearningError as error:
        seen.label_studio_failure = str(error)
    try:
        with services.ml_backend(campaign.connection, campaign.backend_url, timeout=LOOK_SECONDS) as backend:
            with suppress(NotFound):
                backend.health()
            seen.offers = backend.offers()
    except ActiveLearningError as error:
        seen.failure = str(error)
    return seen


def _webhooks_to(client: LabelStudio, campaign: Campaign) -> list[Webhook]:
    """Those that Label Studio made when the backend was connected to the project."""
    address = f"{campaign.backend_url.rstrip('/')}/webhook"
    return [webhook for webhook in client.webhooks(campaign.project_id) if webhook.url.rstrip("/") == address]
