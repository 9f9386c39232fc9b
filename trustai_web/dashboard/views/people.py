"""Who may log in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from trustai_web.accounts.models import User
from trustai_web.accounts.services import user_create
from trustai_web.dashboard.access import lead
from trustai_web.dashboard.forms import PersonForm


@require_http_methods(["GET", "POST"])
def person_list(request: HttpRequest) -> HttpResponse:
    """Everybody with an account, and the form that makes one more."""
    lead(request)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        user = user_create(username=chosen["username"], password=chosen["password1"], role=chosen["role"])
        messages.success(request, f"{user.username} can log in now. Tell them the password by a safe way.")
        return redirect("person_list")
    return render(request, "people/list.html", {"people": User.objects.order_by("username"), "form": form})
