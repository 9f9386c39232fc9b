"""Writes about people."""

from django.db import transaction

from trustai_web.accounts.models import User


class AccountsExist(Exception):
    """The first account was made already."""


@transaction.atomic
def first_lead_create(*, username: str, password: str) -> User:
    """Make the first lead's account, while there is no account at all."""
    # On SQLite the transaction holds the write lock from its start; elsewhere two first visitors at the same
    # instant could both pass, and would be two leads of the same new installation.
    if User.objects.exists():
        raise AccountsExist
    return user_create(username=username, password=password, role=User.Role.LEAD)


def user_create(*, username: str, password: str, role: str) -> User:
    return User.objects.create_user(username=username, password=password, role=role)
