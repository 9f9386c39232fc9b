"""Watching a backend until its training has ended, as far as that can be told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Literal

from al_core.errors import ServerUnreachable
from al_core.flights import awaited
from al_core.ml_backend import MLBackend, TrainingState
from al_core.redaction import Redaction
from al_core.training.asking import Asked, Asking
from al_core.training.before import CallBack
from al_core.types import Progress

POLL_SECONDS = 1.0
"""Between two looks at first; a training that takes minutes is looked at less often."""

QUICK_SECONDS = 60.0
SLOW_POLLS = 5
"""After ``QUICK_SECONDS`` the pause is so many times as long."""

GRACE_SECONDS = 5.0
"""For so long a backend may say that it does not train, as it has not begun yet."""

UNHEARD_GRACE_SECONDS = 60.0
"""The same where the request itself was not answered: it may train inside it, and not know of that elsewhere."""

GRACE_POLLS = 3

DONE = frozenset({"done", "completed", "finished", "succeeded", "success"})
FAILED = frozenset({"failed", "failure", "error"})
"""What call-backs call the end; any other word says how far it is."""

MOST_SAID = 20
"""Things that are kept of what a backend said."""

PROBE_SECONDS = 30.0
"""How often a backend that says nothing of its training is asked for predictions instead."""

Why = Literal["version", "told", "changed", "stopped", "failed", "time"]


@dataclass(frozen=True)
class Ending:
    """How the watching of a training ended."""

    why: Why
    """There is a new version; the backend called to say it is done; it predicts otherwise; it trains no more; it says
    that it failed; or the time is over."""
    model_version: str
    """What it has now; empty where that is not known."""
    words: str = ""
    """Why it failed, in the backend's own words."""
    was_running: bool = False
    """At the last look it said that it trains."""
    was_gone: bool = False
    """At the last look it did not answer."""


@dataclass
class Record:
    """What the backend has said in the course of a training."""

    redaction: Redaction
    said: list[str] = field(default_factory=list)
    reported: dict[str, float] = field(default_factory=dict)

    def note(self, words: str) -> None:
        """Keep what was said, each once; of a talkative backend the first things and the newest."""
        words = self.redaction(words)
        if words not in self.said:
            self.said[MOST_SAID - 1 :] = [words]


@dataclass(frozen=True)
class Sight:
    """How we look at a backend: by itself, or by what Label Studio sees of it where we do not reach it."""

    asking: Asking
    is_far: bool = False

    def look(self, job: str = "") -> TrainingState | None:
        """Its state; None while it does not answer."""
        backend: MLBackend = self.asking.backend
        try:
            if not self.is_far:
                return backend.training_state(self.asking.project, job)
            seen = self.asking.connected()
        except ServerUnreachable:
            return None
        if seen is None or seen.state == "disconnected":
            return None
        return TrainingState(None, seen.model_version, "")


class Watch:
    """The watching of one training.

    Parameters
    ----------
    sight : Sight
    version_before : str
    asked : Asked, optional
        How it was asked for; None where it was under way already.
    stale_error : str
        What the backend said had failed before it was asked: the same words do not count at once.
    heard : callable
        What was sent to the call-back address so far, if anything was.
    has_changed : callable
        Whether the model predicts otherwise than before; asked from time to time of a backend that says nothing.
    record : Record
        Takes what is said meanwhile.
    progress : Progress
    clock, sleep : callable
        Time, in seconds.
    """

    def __init__(
        self,
        sight: Sight,
        version_before: str,
        *,
        asked: Asked | None,
        stale_error: str,
        heard: Callable[[], CallBack | None],
        has_changed: Callable[[], bool],
        record: Record,
        progress: Progress,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._sight = sight
        self._version_before = version_before
        self._job = asked.answer.job if asked else ""
        was_heard = asked is None or asked.answer.outcome != "unheard"
        self._grace = GRACE_SECONDS if was_heard else UNHEARD_GRACE_SECONDS
        self._stale_error = stale_error
        self._heard = heard
        self._has_changed = has_changed
        self._record = record
        self._progress = progress
        self._clock = clock
        self._sleep = sleep
        self._began = clock()
        # What was under way already may have ended before we came back to it.
        self._probed_at = self._began if asked else -inf
        self._told_at: float | None = None
        self._quiet = 0
        self._state: TrainingState | None = None
        self._sentence = "Waiting for the backend to train"

    def until_it_ends(self, timeout: float) -> Ending:
        """Wait until the training has ended, in whatever way, or the time is over."""
        version = ""
        while (waited := self._clock() - self._began) < timeout:
            ending = self._step(waited)
            if ending:
                return ending
            if self._state:
                version = self._state.model_version
            self._sleep(POLL_SECONDS * (1 if waited < QUICK_SECONDS else SLOW_POLLS))
        was_running = self._state is not None and bool(self._state.running)
        return Ending("time", version, was_running=was_running, was_gone=self._state is None)

    def _step(self, waited: float) -> Ending | None:
        report = partial(self._progress, int(waited), None, f"{self._sentence}, {int(waited)} s so far.")
        report()
        call = self._call()
        if call and call.status in FAILED:
            return Ending("failed", call.model_version, self._record.redaction(call.error) or "nothing of why.")
        self._state = state = awaited(partial(self._sight.look, self._job), report)
        self._sentence = _sentence(state)
        if state:
            self._note(state)
            if not state.running and self._is_new(state.model_version):
                return Ending("version", state.model_version)
        if call and call.status in DONE:
            return self._after_the_call(call, state.model_version if state else "")
        return self._without_a_call(state, waited) if state else None

    def _after_the_call(self, call: CallBack, version: str) -> Ending | None:
        """It may still be loading what it has trained."""
        self._told_at = self._clock() if self._told_at is None else self._told_at
        if self._is_new(call.model_version) and self._clock() - self._told_at < GRACE_SECONDS:
            return None
        return Ending("told", version or call.model_version)

    def _without_a_call(self, state: TrainingState, waited: float) -> Ending | None:
        if state.running:
            self._quiet = 0
            return None
        self._quiet += state.running is False
        is_over = self._quiet >= GRACE_POLLS and waited >= self._grace
        if state.error and (state.error != self._stale_error or is_over):
            return Ending("failed", state.model_version, state.error)
        if is_over:
            return Ending("stopped", state.model_version)
        if state.running is None and self._clock() - self._probed_at >= PROBE_SECONDS:
            if self._has_changed():
                return Ending("changed", state.model_version)
            self._probed_at = self._clock()
        return None

    def _is_new(self, version: str) -> bool:
        return bool(version) and version != self._version_before

    def _call(self) -> CallBack | None:
        call = self._heard()
        if call:
            self._record.note(" ".join(filter(None, ["call-back →", call.status, call.model_version, call.error])))
            self._record.reported.update(call.reported)
        return call

    def _note(self, state: TrainingState) -> None:
        self._record.reported.update(state.reported)
        if state.error and not state.running:
            self._record.note(f"GET /is_training → {state.error}")


def _sentence(state: TrainingState | None) -> str:
    """What is said while one waits on, up to the time that it took."""
    if state is None:
        return "The backend does not answer, as one may that trains"
    if state.running is None:
        return "The backend says nothing of its training; looking for a new model"
    return "The backend is training" if state.running else "The backend says that it does not train"
