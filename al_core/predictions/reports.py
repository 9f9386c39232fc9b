"""Progress that goes on while there is nothing but waiting."""

from collections.abc import Callable
from typing import TypeVar

from al_core.flights import awaited
from al_core.types import Progress

R = TypeVar("R")


class Reports:
    """Says how far the work is, and says it again with every tick: the call-back raises where work is cancelled.

    Parameters
    ----------
    progress : Progress
        The call-back.
    sentence : str
        What is said until something is known.
    """

    def __init__(self, progress: Progress, sentence: str) -> None:
        self._progress = progress
        self._said: tuple[int, int | None, str] = (0, None, sentence)

    def say(self, done: int, total: int | None, sentence: str) -> None:
        self._said = (done, total, sentence)
        self.tick()

    def tick(self) -> None:
        self._progress(*self._said)

    def wait(self, work: Callable[[], R]) -> R:
        """What ``work`` gives, with ticks until it does."""
        return awaited(work, self.tick)
