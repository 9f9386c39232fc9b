"""How fast work goes, from what it reports."""

import math
import time
from collections.abc import Callable

SMOOTHING_SECONDS = 10.0
"""What was done before that counts little: long enough for a steady figure, short enough to follow a change."""

FIRST_SECONDS = 2.0
"""A phase younger than that tells nothing yet."""


class Pace:
    """The pace of a job, phase by phase: a new total, or less done than before, begins a new one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total: int | None = None
        self._begun: float | None = None
        self._seen = 0.0
        self._done = 0
        # Done, and the seconds it took, both fading at the same speed: their ratio is a mean that forgets, and a plain
        # mean while the phase is young.
        self._lately = 0.0
        self._seconds = 0.0

    def rate(self, done: int, total: int | None) -> float | None:
        """Take note of a report; gives what is done in a second, None where that cannot be told yet."""
        now = self._clock()
        if self._begun is None or total != self._total or done < self._done:
            self._begun, self._lately, self._seconds = now, 0.0, 0.0
        else:
            passed = now - self._seen
            faded = math.exp(-passed / SMOOTHING_SECONDS)
            self._lately = self._lately * faded + done - self._done
            self._seconds = self._seconds * faded + passed
        self._total, self._seen, self._done = total, now, done
        if now - self._begun < FIRST_SECONDS or not self._lately:
            return None
        return self._lately / self._seconds
