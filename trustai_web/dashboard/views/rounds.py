"""One round: its batch, its progress, and what can be done next."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from al_core.errors import ActiveLearningError
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Job, Round
from trustai_web.campaigns.services import rounds as services
from trustai_web.campaigns.services.statuses import BEFORE
from trustai_web.dashboard.access import fetch, lead, reader
from trustai_web.dashboard.label_studio_links import LabelStudioLinks
from trustai_web.dashboard.views.campaigns import round_histogram

Status = Round.Status


@require_POST
def round_start(request: HttpRequest, pk: int) -> HttpResponse:
    user = lead(request)
    campaign = fetch(selectors.campaigns_for(user), pk)
    try:
        round_ = services.round_create(campaign=campaign, user=user)
    except ActiveLearningError as error:
        messages.error(request, str(error))
        return redirect("campaign_detail", pk)
    return redirect("round_detail", round_.pk)


@require_safe
def round_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, and for htmx the part of it that lives."""
    user = reader(request)
    round_ = fetch(selectors.rounds_for(user), pk)
    live = _live(round_)
    if request.htmx:  # type: ignore[attr-defined]
        return _fragment(request, live)
    tasks = list(round_.batch_tasks.all())
    context = {
        **live.context,
        "tasks": [(task, live.links.task(task)) for task in tasks if task.lane != BatchTask.Lane.TEST],
        "test_tasks": [(task, live.links.task(task)) for task in tasks if task.lane == BatchTask.Lane.TEST],
        "histogram": round_histogram(round_) if round_.histogram else None,
        "jobs": round_.jobs.all(),
        "training_runs": round_.training_runs.all(),
        "model_training": selectors.model_training(round_),
        "newer_model": selectors.newer_model(round_),
        "can_finish": selectors.can_finish_without_model(round_),
        "can_measure_again": selectors.can_be_measured_again(round_),
        "evaluation": getattr(round_, "evaluation", None),
        "links": live.links,
        # How sure the model is of a task would tell annotators which ones were drawn at random beside the strategy.
        "shows_model": user.is_lead or not round_.control_share,
        "shows_lanes": user.is_lead and round_.control_share > 0,
        "outside": [(task_id, live.links.task_id(task_id)) for task_id in round_.outside_task_ids],
    }
    return render(request, "rounds/detail.html", context)


@dataclass(frozen=True)
class _Live:
    """What changes while somebody looks on."""

    round: Round
    job: Job | None
    progress: selectors.Progress
    links: LabelStudioLinks

    @property
    def state(self) -> str:
        """Changes when the whole page has to change, not only its numbers."""
        job = self.job.pk if self.job else 0
        batch = f"{self.progress.open > 0}-{self.progress.labelled > 0}"
        return f"{self.round.status}-{job}-{batch}-{len(self.round.outside_task_ids)}"

    @property
    def is_live(self) -> bool:
        # A job may end, and move its round, between the reading of the two: such a page has to look once more.
        return self.job is not None or self.round.status in (Status.OPEN, Status.SCORING, Status.TRAINING)

    @property
    def context(self) -> dict[str, object]:
        dots = self.round.batch_tasks.values_list("status", flat=True) if self.round.view_id else []
        return {
            "round": self.round,
            "campaign": self.round.campaign,
            "job": self.job,
            "progress": self.progress,
            "dots": dots,
            "live_state": self.state,
            "is_live": self.is_live,
        }


def _live(round_: Round) -> _Live:
    return _Live(
        round=round_,
        job=selectors.active_job(round_),
        progress=selectors.batch_progress(round_),
        links=LabelStudioLinks(round_),
    )


def _fragment(request: HttpRequest, live: _Live) -> HttpResponse:
    if request.GET.get("state") != live.state:
        return HttpResponseClientRefresh()
    changing = live.round.batch_tasks.all() if live.round.status == Status.OPEN else []
    response = render(request, "rounds/detail.html#live", {**live.context, "changing_tasks": changing})
    if not live.is_live:
        response.status_code = HttpResponseStopPolling.status_code
    return response


@require_safe
def round_next_task(request: HttpRequest, pk: int) -> HttpResponse:
    """On to Label Studio, at the open task of the best rank."""
    round_ = fetch(selectors.rounds_for(reader(request)), pk)
    task = selectors.next_open_task(round_)
    if round_.view_id is None or task is None:
        messages.info(request, "No task of this batch is waiting for a label.")
        return redirect("round_detail", pk)
    return redirect(LabelStudioLinks(round_).task(task))


@require_POST
def round_work(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    user = lead(request)
    round_ = fetch(selectors.rounds_for(user), pk)
    if kind not in BEFORE:
        raise Http404
    return _acted(request, round_, lambda: services.round_work(round_=round_, kind=Job.Kind(kind), user=user))


@require_POST
def round_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a failed round back to before its failed step, and try that step again where asked to."""
    user = lead(request)
    round_ = fetch(selectors.rounds_for(user), pk)
    again = request.POST.get("again") == "1"
    return _acted(request, round_, lambda: services.round_resume(round_=round_, again=again, user=user))


@require_POST
def round_finish(request: HttpRequest, pk: int) -> HttpResponse:
    round_ = fetch(selectors.rounds_for(lead(request)), pk)
    return _acted(request, round_, lambda: services.round_finish(round_=round_))


@require_POST
def round_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    round_ = fetch(selectors.rounds_for(lead(request)), pk)
    return _acted(request, round_, lambda: services.round_cancel(round_=round_))


def _acted(request: HttpRequest, round_: Round, action: Callable[[], object]) -> HttpResponse:
    try:
        action()
    except ActiveLearningError as error:
        messages.error(request, str(error))
    return redirect("round_detail", round_.pk)
