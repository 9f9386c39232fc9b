"""The first page: what state everything is in, and what to do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from trustai_web.campaigns import selectors
from trustai_web.connections.models import Connection
from trustai_web.dashboard.access import reader


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    if not user.is_lead:
        return redirect("batch_list")
    context = {"cards": selectors.campaign_cards(user), "connection": Connection.objects.first()}
    return render(request, "home.html", context)
