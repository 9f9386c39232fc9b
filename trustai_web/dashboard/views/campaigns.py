"""Campaigns: putting a project under active learning, and how it does."""

from copy import copy

from django.contrib import messages
from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from al_core.errors import ActiveLearningError
from al_core.evaluation import Point, fit_power_law
from al_core.label_studio import label_space, label_spaces
from al_core.stopping import stop_board
from trustai_web.campaigns import selectors
from trustai_web.campaigns.controls import control_of
from trustai_web.campaigns.models import BatchTask, Campaign, Round
from trustai_web.campaigns.services.campaigns import campaign_create, campaign_update
from trustai_web.campaigns.services.versions import score_versions
from trustai_web.connections.models import Connection
from trustai_web.connections.services import label_studio
from trustai_web.dashboard import charts
from trustai_web.dashboard.access import fetch, lead, reader
from trustai_web.dashboard.forms import CampaignForm


@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    cards = selectors.campaign_cards(reader(request))
    return render(request, "campaigns/list.html", {"cards": cards, "connection": Connection.objects.first()})


@require_http_methods(["GET", "POST"])
def campaign_add(request: HttpRequest, pk: int, project_id: int) -> HttpResponse:
    """A project: what it has, what it lacks, and the form that starts a campaign on it."""
    user = lead(request)
    connection = fetch(Connection.objects.all(), pk)
    try:
        with label_studio(connection) as client:
            project = client.project(project_id)
            backends = client.backends(project_id)
            versions = client.model_versions(project_id)
    except ActiveLearningError as error:
        messages.error(request, str(error))
        return redirect("connection_detail", pk)
    context = {"connection": connection, "project": project, "backends": backends, "versions": versions}
    try:
        # For a project where nothing can be scored the rule of the single control says what is missing.
        spaces = label_spaces(project.label_config) or [label_space(project.label_config)]
    except ActiveLearningError as error:
        return render(request, "campaigns/add.html", {**context, "unsupported": error})
    controls = [control_of(space) for space in spaces]
    context["spaces"] = list(zip(spaces, controls, strict=True))
    form = CampaignForm(
        request.POST or None, initial={"name": project.title}, controls=controls, has_backend=bool(backends)
    )
    if request.method == "POST" and form.is_valid():
        settings = dict(form.cleaned_data)
        try:
            campaign = campaign_create(
                connection=connection,
                project=project,
                backend=backends[0] if backends else None,
                user=user,
                annotators=settings.pop("annotators"),
                settings=settings,
            )
        except ActiveLearningError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The campaign is there. Start its first round.")
            return redirect("campaign_detail", campaign.pk)
    return render(request, "campaigns/add.html", {**context, "form": form})


@require_safe
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = reader(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    rounds = list(selectors.rounds_of(campaign))
    scored = [round_ for round_ in rounds if round_.histogram]
    context = {
        "campaign": campaign,
        "rounds": rounds,
        "round": selectors.last_round(campaign),
        "needs_start": selectors.needs_start_round(campaign),
        **_growth(campaign, by=request.GET.get("by", "")),
        "leak": selectors.leak_of(campaign),
        "ridges": charts.uncertainty_ridges(selectors.scored_rounds(campaign)),
        "histogram": round_histogram(scored[0]) if scored else None,
        "timeline": charts.rounds_timeline(selectors.round_times(campaign)),
    }
    return render(request, "campaigns/detail.html", context)


def _growth(campaign: Campaign, *, by: str) -> dict[str, object]:
    """The learning curve, and whether more labels are worth it."""
    measured = selectors.learning_curve(campaign)
    metric = measured[-1].metric if measured else "accuracy"
    # A campaign may have changed what it labels: one curve has one measure.
    points = [point for point in measured if point.metric == metric]
    fit = fit_power_law([Point(point.label_count, point.value, point.low, point.high) for point in points])
    has_hours = any(point.hours is not None for point in points)
    facts = selectors.facts_of_rounds(campaign)
    baseline = campaign.baseline
    return {
        "metric": metric,
        "has_hours": has_hours,
        "by": "hours" if by == "hours" and has_hours else "labels",
        "curve": charts.learning_curve(
            points,
            selectors.learning_curve(baseline) if baseline and baseline.strategy == "random" else (),
            control_points=selectors.control_points(campaign) if metric == "accuracy" else (),
            fit=fit,
            metric=metric,
            by=by if has_hours else "labels",
        ),
        "board": stop_board(facts, fit, selectors.seconds_per_label(campaign)) if facts else None,
    }


@require_http_methods(["GET", "POST"])
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    form = CampaignForm(
        request.POST or None,
        instance=copy(campaign),
        controls=campaign.known_controls(),
        has_backend=bool(campaign.backend_url),
    )
    if request.method == "POST" and form.is_valid():
        campaign_update(campaign, form.cleaned_data)
        messages.success(request, "Saved. The settings hold from the next round on.")
        return redirect("campaign_detail", pk)
    context = {"campaign": campaign, "form": form, "score_versions": score_versions(campaign)}
    return render(request, "campaigns/edit.html", context)


def round_histogram(round_: Round) -> charts.Chart | None:
    """The scores of a round's pool, with those marked that the strategy picked."""
    ranked_by = Coalesce("score_high", "score") if round_.rank_by == Round.RankBy.HIGH else F("score")
    asked = round_.batch_tasks.filter(lane=BatchTask.Lane.STRATEGY).exclude(score=None)
    selected = asked.values_list(ranked_by, flat=True)
    known = round_.known_count or 0
    return charts.uncertainty_histogram(
        round_.histogram["counts"],
        round_.histogram["edges"],
        list(selected),
        round_.get_strategy_display(),
        round_.number,
        known,
        (round_.pool_size or 0) - known,
    )
