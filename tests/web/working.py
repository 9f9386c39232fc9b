"""What tests of jobs say often."""

from collections.abc import Callable
from typing import Any

import httpx
from django.db import connection

from trustai_web.campaigns.models import Round


def while_asked(write: Callable[[], object]) -> Callable[[httpx.Request], None]:
    """A fault that writes to the database while a server is asked, which is done in a thread of its own."""

    def fault(_: httpx.Request) -> None:
        try:
            write()
        finally:
            connection.close()

    return fault


def ids(round_: Round, **lane: Any) -> list[int]:
    """The tasks of a batch by their ranks."""
    return list(round_.batch_tasks.filter(**lane).order_by("rank").values_list("task_id", flat=True))
