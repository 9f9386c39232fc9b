"""Every score of a round's pool: a page at a time, and all of them as one file."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import closing

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Round
from trustai_web.campaigns.pool_scores import NoScores, PoolScores, PoolTask, Which
from trustai_web.dashboard.access import fetch, lead
from trustai_web.dashboard.label_studio_links import LabelStudioLinks

PAGE_SIZE = 50

COLUMNS = ("task", "rank", "score", "score_at_most", "predicted", "probability", "unknown_because", "lane")
"""The head of the file, for the fields of ``PoolTask``."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a label begins that a spreadsheet would take for a formula."""


@require_safe
def round_scores(request: HttpRequest, pk: int) -> HttpResponse:
    round_ = fetch(selectors.rounds_for(lead(request)), pk)
    context: dict[str, object] = {"round": round_, "campaign": round_.campaign}
    try:
        with closing(PoolScores(round_)) as scores:
            if "rank" in request.GET:
                return _to_rank(request, round_, scores)
            context |= _page(request, round_, scores)
    except NoScores as error:
        context["nothing"] = error
    return render(request, "rounds/scores.html", context)


def _page(request: HttpRequest, round_: Round, scores: PoolScores) -> dict[str, object]:
    asked = request.GET.get("which", "")
    which = Which(asked) if asked in Which.values else Which.ALL
    places = range(scores.count(which))
    page = Paginator(places, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = places[(page.number - 1) * PAGE_SIZE : page.number * PAGE_SIZE]
    links = LabelStudioLinks(round_)
    offered = Which if scores.has_model else (Which.ALL, Which.BATCH)
    return {
        "which": which,
        "filters": [(choice, scores.count(choice)) for choice in offered],
        "page": page,
        "rows": [
            (task, links.task_id(task.task_id) if task.lane else links.other_task(task.task_id))
            for task in scores.tasks(which, shown)
        ],
        "has_model": scores.has_model,
        "ranked": scores.count(Which.KNOWN),
    }


def _to_rank(request: HttpRequest, round_: Round, scores: PoolScores) -> HttpResponse:
    """On to the page of all tasks that has this rank, and there to its row."""
    address, most = reverse("round_scores", args=[round_.pk]), scores.count(Which.KNOWN)
    try:
        rank = int(request.GET["rank"])
    except ValueError:
        rank = 0
    if not 1 <= rank <= most:
        messages.error(request, f"Ranks go from 1 to {most:,}.")
        return redirect(address)
    return redirect(f"{address}?page={(rank - 1) // PAGE_SIZE + 1}#rank-{rank}")


@require_safe
def round_scores_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All tasks in the order of their ids, written while they are read."""
    round_ = fetch(selectors.rounds_for(lead(request)), pk)
    try:
        scores = PoolScores(round_)
    except NoScores:
        return redirect("round_scores", pk)  # which says why
    response = StreamingHttpResponse(_File(scores), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="round-{round_.number}-scores.csv"'
    return response


class _File:
    """The rows in parts; a response closes what it streams, also where nobody reads it to its end."""

    def __init__(self, scores: PoolScores) -> None:
        self._scores = scores

    def __iter__(self) -> Iterator[bytes]:
        yield _lines([COLUMNS])
        for tasks in self._scores.by_id():
            yield _lines(map(_harmless, tasks))

    def close(self) -> None:
        self._scores.close()


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _harmless(task: PoolTask) -> PoolTask:
    return task._replace(label=f"'{task.label}") if task.label.startswith(FORMULA) else task
