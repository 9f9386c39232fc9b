"""Who may open what: the one helper that every view starts with."""

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from trustai_web.accounts.models import User

T = TypeVar("T", bound=Model)


def reader(request: HttpRequest) -> User:
    """The user who is logged in; the log-in middleware lets nobody else come this far."""
    user = request.user
    assert not isinstance(user, AnonymousUser)
    return user


def lead(request: HttpRequest) -> User:
    """The user, if a lead; 403 for anybody else."""
    user = reader(request)
    if not user.is_lead:
        raise PermissionDenied("Only a lead may do this.")
    return user


def fetch(rows: "QuerySet[T]", pk: int) -> T:
    """A row among those that the user may see; 404 for a stranger as for a row that is not there."""
    return get_object_or_404(rows, pk=pk)
