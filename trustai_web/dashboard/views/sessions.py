"""Logging in, and the very first account."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from trustai_web.accounts.models import User
from trustai_web.accounts.services import AccountsExist, first_lead_create
from trustai_web.dashboard.forms import FirstLeadForm


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """The log-in page; while there is no account at all, the page that makes the first one."""

    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not User.objects.exists():
            return redirect("first_lead")
        return super().get(request, *args, **kwargs)


@login_not_required
@require_http_methods(["GET", "POST"])
def first_lead(request: HttpRequest) -> HttpResponse:
    if User.objects.exists():
        return redirect("login")
    form = FirstLeadForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = first_lead_create(username=form.cleaned_data["username"], password=form.cleaned_data["password1"])
        except AccountsExist:
            return redirect("login")
        login(request, user)
        return redirect("home")
    return render(request, "sessions/first_lead.html", {"form": form})
