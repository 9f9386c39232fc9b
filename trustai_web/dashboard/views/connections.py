"""Label Studio servers and the projects on them."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from al_core.errors import ActiveLearningError
from trustai_web.campaigns.selectors import campaigns_for
from trustai_web.connections import services
from trustai_web.connections.models import Connection
from trustai_web.dashboard.access import fetch, lead
from trustai_web.dashboard.forms import ConnectionForm


@require_safe
def connection_list(request: HttpRequest) -> HttpResponse:
    lead(request)
    return render(request, "connections/list.html", {"connections": Connection.objects.all()})


@require_http_methods(["GET", "POST"])
def connection_add(request: HttpRequest) -> HttpResponse:
    user = lead(request)
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection = services.connection_create(**form.cleaned_data, user=user)
        except ActiveLearningError as error:
            form.add_error(None, str(error))
        except IntegrityError:
            form.add_error("name", "Another connection has this name.")
        else:
            messages.success(
                request,
                f"Connected to Label Studio {connection.server_version} as {connection.server_user}. Pick a project.",
            )
            return redirect("connection_detail", connection.pk)
    return render(request, "connections/form.html", {"form": form})


@require_http_methods(["GET", "POST"])
def connection_edit(request: HttpRequest, pk: int) -> HttpResponse:
    lead(request)
    connection = fetch(Connection.objects.all(), pk)
    initial = {"name": connection.name, "url": connection.url}
    form = ConnectionForm(request.POST or None, initial=initial, keep_token=True)
    if request.method == "POST" and form.is_valid():
        try:
            services.connection_update(connection, **form.cleaned_data)
        except services.TokenNeeded as error:
            form.add_error("token", str(error))
        except ActiveLearningError as error:
            form.add_error(None, str(error))
        except IntegrityError:
            form.add_error("name", "Another connection has this name.")
        else:
            messages.success(request, "Tested and saved.")
            return redirect("connection_detail", connection.pk)
    return render(request, "connections/form.html", {"form": form, "connection": connection})


@require_safe
def connection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = lead(request)
    connection = fetch(Connection.objects.all(), pk)
    taken = {c.project_id: c for c in campaigns_for(user).filter(connection=connection)}
    projects, failure = [], ""
    try:
        with services.label_studio(connection) as client:
            projects = [(project, taken.get(project.id)) for project in client.projects()]
    except ActiveLearningError as error:
        failure = str(error)
    context = {"connection": connection, "projects": projects, "failure": failure}
    return render(request, "connections/detail.html", context)


@require_POST
def connection_test(request: HttpRequest, pk: int) -> HttpResponse:
    lead(request)
    connection = services.connection_test(fetch(Connection.objects.all(), pk))
    if connection.error:
        messages.error(request, connection.error)
    else:
        messages.success(request, f"Label Studio {connection.server_version} answers.")
    return redirect("connection_detail", pk)
