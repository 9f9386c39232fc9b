"""Work in the background."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Job
from trustai_web.campaigns.services.jobs import job_hurry as hurry
from trustai_web.campaigns.services.rounds import round_job_cancel
from trustai_web.dashboard.access import fetch, lead

PAGE_SIZE = 50


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    jobs = selectors.jobs_for(lead(request)).order_by("-pk")
    page = Paginator(jobs, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "jobs/list.html#live" if request.htmx else "jobs/list.html"  # type: ignore[attr-defined]
    return render(request, template, {"page": page})


@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = fetch(selectors.jobs_for(lead(request)), pk)
    round_job_cancel(job=job)
    return _back_to_its_page(job)


@require_POST
def job_hurry(request: HttpRequest, pk: int) -> HttpResponse:
    job = fetch(selectors.jobs_for(lead(request)), pk)
    hurry(job)
    return _back_to_its_page(job)


def _back_to_its_page(job: Job) -> HttpResponse:
    if job.round_id is None:
        return redirect("campaign_doctor", job.campaign_id)
    return redirect("round_detail", job.round_id)
