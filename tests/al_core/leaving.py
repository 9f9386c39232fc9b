"""Somebody who has work stopped after a while."""

import time

from al_core.errors import Cancelled
from al_core.types import Progress


def cancel_after(seconds: float) -> Progress:
    """A call-back of progress that asks for the work to stop once so many seconds from now are over."""
    began = time.monotonic()

    def stop(done: int, total: int | None, sentence: str) -> None:
        if time.monotonic() - began > seconds:
            raise Cancelled("Cancelled.")

    return stop
