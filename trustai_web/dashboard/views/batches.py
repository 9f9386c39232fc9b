"""The annotator's page: what is open, and how far it is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trustai_web.campaigns import selectors
from trustai_web.dashboard.access import reader
from trustai_web.dashboard.label_studio_links import LabelStudioLinks


@require_safe
def batch_list(request: HttpRequest) -> HttpResponse:
    batches = [
        {
            "round": round_,
            "progress": selectors.batch_progress(round_),
            "links": LabelStudioLinks(round_),
            "dots": round_.batch_tasks.values_list("status", flat=True),
        }
        for round_ in selectors.open_rounds_for(reader(request))
    ]
    template = "batches/list.html#live" if request.htmx else "batches/list.html"  # type: ignore[attr-defined]
    return render(request, template, {"batches": batches})
