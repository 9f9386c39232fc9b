"""One training of one backend, from asking for it to the verdict."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from al_core.errors import NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.flights import awaited
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend, NobodyThere, TrainingState
from al_core.training import watching
from al_core.training.asking import Asked, Asking
from al_core.training.before import Before, CallBack
from al_core.training.fingerprints import Comparison, compare, fingerprints
from al_core.training.lesson import Lesson
from al_core.training.verdict import Evidence, judge, told_seconds
from al_core.training.watching import Ending, Record, Sight, Watch
from al_core.types import Prediction, Progress, Project, Route, Training, silent

PATIENCE_SECONDS = 120.0
"""What predicting the probe tasks may take; without them the version alone tells."""

FEW = 5
"""Tasks that a backend is asked for which fails on most."""

TRIES = 3
"""How often the probe is tried where the backend does not answer after a training."""

LONGEST_REASON = 600
"""Characters of a reason, with the backend's words in it."""

BUSY_SECONDS = 5.0
"""Before a backend that is at another training is asked again."""

Predict = Callable[[Sequence[int], Progress], list[Prediction]]


class _TooSlow(Exception):
    """The backend takes too long over the probe tasks."""


def nothing() -> CallBack | None:
    """Nobody has called."""
    return None


class Trainer:
    """Has one backend trained on one project, and finds out what came of it.

    Parameters
    ----------
    label_studio : LabelStudio
    project : Project
    backend : MLBackend
    predict : callable
        Lets the backend predict tasks by their ids; those that are gone or fail are left out.
    progress : Progress
    timeout : float
        Seconds that a training may take, and that one of somebody else is waited for.
    clock, sleep : callable
        Time, in seconds.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project: Project,
        backend: MLBackend,
        predict: Predict,
        *,
        progress: Progress = silent,
        timeout: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._asking = Asking(label_studio, project, backend)
        self._project = project
        self._backend = backend
        self._predict = predict
        self._progress = progress
        self._timeout = timeout
        self._clock = clock
        self._sleep = sleep

    # ----------------------------------------------------------------- before

    def before(self, task_ids: Sequence[int]) -> Before:
        """What the backend is like now; where it is at another training, after that.

        Parameters
        ----------
        task_ids : sequence of int
            The probe.

        Raises
        ------
        ServerUnreachable
            Neither we nor Label Studio reach it.
        AccessRefused
            It wants another user or password.
        """
        sight, state = self._sight()
        if not sight.is_far:
            state = self._wait_for_others(state)
        version, probe = ("", {}) if sight.is_far else self._probe(task_ids)
        return Before(state.model_version or version, probe)

    def _sight(self) -> tuple[Sight, TrainingState]:
        """How the backend can be looked at, and a first look."""
        work = partial(self._backend.training_state, self._project)
        try:
            return Sight(self._asking), awaited(work, self._report("Looking at the backend."))
        except NobodyThere:
            far = Sight(self._asking, is_far=True)
            state = awaited(far.look, self._report("Looking at the backend by way of Label Studio."))
            if state is None:
                raise
            return far, state

    def _wait_for_others(self, state: TrainingState) -> TrainingState:
        """The state once nobody else's training runs, or the time is over."""
        began = self._clock()
        while state.running and (waited := self._clock() - began) < self._timeout:
            report = self._report("The backend is at another training; waiting for that", int(waited))
            report()
            self._sleep(watching.POLL_SECONDS)
            state = awaited(Sight(self._asking).look, report) or state
        return state

    def _report(self, sentence: str, seconds: int | None = None) -> Callable[[], None]:
        told = sentence if seconds is None else f"{sentence}, {seconds} s so far."
        return partial(self._progress, seconds or 0, None, told)

    def _probe(self, task_ids: Sequence[int]) -> tuple[str, dict[int, str]]:
        """The version that predictions of these tasks are of, and their fingerprints; empty where it cannot be asked.

        A backend that answers, and fails on every one, has said that it cannot predict: that is worth knowing, too.
        """
        if not task_ids:
            return "", {}
        began = self._clock()

        def progress(done: int, total: int | None, sentence: str) -> None:
            self._progress(done, total, f"Comparing the model. {sentence}")
            if self._clock() - began > PATIENCE_SECONDS:
                raise _TooSlow

        try:
            said = self._predict(task_ids, progress)
        except UnexpectedAnswer:
            return self._probe_of_a_broken_one(task_ids[:FEW], progress)
        except (ServerUnreachable, NotFound, _TooSlow):
            return "", {}
        return said[0].model_version if said else "", fingerprints(task_ids, said)

    def _probe_of_a_broken_one(self, task_ids: Sequence[int], progress: Progress) -> tuple[str, dict[int, str]]:
        """It failed on most tasks, or its model changed meanwhile: a few tell which."""
        try:
            said = self._predict(task_ids, progress)
        except UnexpectedAnswer:
            said = []
        except (ServerUnreachable, NotFound, _TooSlow):
            return "", {}
        return said[0].model_version if said else "", fingerprints(task_ids, said)

    # ----------------------------------------------------------------- after

    def _compared(self, before: Before, *, has_new_version: bool = False) -> tuple[str, Comparison | None]:
        """The version by the predictions, and what became of those.

        Where there is no new version, what changed is asked for twice: a model may answer otherwise each time.
        """
        version, after = self._probe([*before.probe])
        for _ in range(TRIES - 1):
            if after or not before.probe:
                break
            self._sleep(watching.POLL_SECONDS)  # it may be loading its new model
            version, after = self._probe([*before.probe])
        found = compare(before.probe, after)
        if found is None or not found.changed or has_new_version:
            return version, found
        again = compare(after, self._probe(sorted(found.changed))[1])
        unsteady = again.changed if again else frozenset()
        return version, replace(found, changed=found.changed - unsteady, unsteady=len(unsteady))

    def _has_changed(self, before: Before) -> bool:
        comparison = self._compared(before)[1]
        return comparison is not None and bool(comparison.changed)

    # ----------------------------------------------------------------- train

    def train(
        self,
        lesson: Lesson,
        before: Before,
        *,
        route: Route | None = None,
        resume: bool = False,
        call_back_url: str = "",
        heard: Callable[[], CallBack | None] = nothing,
    ) -> Training:
        """Ask for the training unless it is under way, watch it, and judge what came of it.

        Parameters
        ----------
        lesson : Lesson
            What it is to learn from.
        before : Before
            What :meth:`before` gave before the training was first asked for.
        route : {"train", "webhook", "label_studio"}, optional
            How to ask for it. None: the first of these that there is.
        resume : bool
            It may have been asked for already: look before asking again.
        call_back_url : str
            Where the backend may tell the end of it, a secret; empty for nowhere.
        heard : callable
            What was sent there so far, if anything was; called from time to time.

        Raises
        ------
        TrainEndpointMissing
            It cannot be asked for, or not by this route.
        ServerUnreachable
            Nothing was asked, as nobody is there or has time.
        AccessRefused
            The backend wants another user or password, or the token may not train.
        """
        began = self._clock()
        redaction = self._backend.redaction.and_of(call_back_url, call_back_url.rstrip("/").rpartition("/")[2])
        record = Record(redaction)
        sight, state = self._sight_again() if resume else self._sight()
        is_under_way = resume and self._is_under_way(state, before, heard)
        asked: Asked | None = None
        while not is_under_way and asked is None:
            state, before = self._when_free(sight, state, before)
            if state.running or self._clock() - began > self._timeout:
                return self._never_asked(lesson, before, record, began)
            asked = self._asked(lesson, route, call_back_url)
            record.note(asked.answer.words)
            if asked.answer.outcome == "busy":
                is_under_way, asked = resume, None
                self._sleep(BUSY_SECONDS)
                state = self._look(sight) or state
        ending = self._refusal(sight, asked) if asked else None
        watch = Watch(
            sight,
            before.model_version,
            asked=asked,
            stale_error=state.error if asked else "",
            heard=heard,
            has_changed=lambda: self._has_changed(before),
            record=record,
            progress=self._progress,
            clock=self._clock,
            sleep=self._sleep,
        )
        return self._judged(lesson, before, asked, sight, ending or watch.until_it_ends(self._timeout), record, began)

    def _sight_again(self) -> tuple[Sight, TrainingState]:
        """As :meth:`_sight`, of a backend that may be too busy to answer, as it trains for us."""
        try:
            return self._sight()
        except NobodyThere:
            raise
        except ServerUnreachable:
            return Sight(self._asking), TrainingState(running=True, model_version="", error="")

    def _is_under_way(self, state: TrainingState, before: Before, heard: Callable[[], CallBack | None]) -> bool:
        """Whether a training that may have been asked for runs, or has ended since."""
        is_new = state.model_version not in ("", before.model_version)
        return bool(heard() or state.running or is_new) or self._has_changed(before)

    def _when_free(self, sight: Sight, state: TrainingState, before: Before) -> tuple[TrainingState, Before]:
        """The backend once nobody else's training runs, and what it is like then."""
        free = state if sight.is_far else self._wait_for_others(state)
        if free is state and free.model_version in ("", before.model_version):
            return free, before
        version, probe = self._probe([*before.probe])
        return free, Before(free.model_version or version, probe or before.probe)

    def _look(self, sight: Sight) -> TrainingState | None:
        return awaited(sight.look, self._report("Looking at the backend."))

    def _asked(self, lesson: Lesson, route: Route | None, call_back_url: str) -> Asked:
        report = self._report(f"Asking the backend to train on {len(lesson.tasks):,} labels.")
        return awaited(lambda: self._asking.ask(lesson, route, call_back_url), report)

    def _refusal(self, sight: Sight, asked: Asked) -> Ending | None:
        """How it ended where the backend refused; None where it did not, or trains all the same."""
        if asked.answer.outcome != "refused":
            return None
        state = self._look(sight)
        if state is not None and state.running:
            return None
        return Ending("failed", state.model_version if state else "", asked.answer.words)

    # ----------------------------------------------------------------- the verdict

    def _judged(
        self,
        lesson: Lesson,
        before: Before,
        asked: Asked | None,
        sight: Sight,
        ending: Ending,
        record: Record,
        began: float,
    ) -> Training:
        is_new = ending.model_version not in ("", before.model_version)
        version, comparison = self._compared(before, has_new_version=is_new)
        # label-studio-ml 1.0.9 names a new model twice: as it is trained, and again as it is loaded to predict.
        now = self._look(sight) if is_new else None
        version = (now.model_version if now else "") or ending.model_version or version
        evidence = Evidence(
            before,
            replace(ending, model_version=version),
            comparison,
            was_accepted=asked is None or asked.answer.outcome == "started",
            timeout=self._timeout,
        )
        verdict, reason = judge(evidence)
        if verdict == "new_model" and not evidence.has_new_version:
            reason += self._of_what_is_stored(evidence.version)
        lead_seconds, lead_known = lesson.cost
        return Training(
            verdict=verdict,
            reason=record.redaction(reason, longest=LONGEST_REASON),
            route=asked.route if asked else None,
            label_count=len(lesson.tasks),
            version_before=before.model_version,
            version_after=evidence.version,
            seconds=self._clock() - began,
            said=tuple(record.said),
            reported=record.reported,
            lead_seconds=lead_seconds,
            lead_known=lead_known,
            probed=evidence.count,
            probe_changed=evidence.changed,
        )

    def _of_what_is_stored(self, version: str) -> str:
        """What to know where Label Studio has predictions of the model before under the name of the new one."""
        counts = partial(self._asking.label_studio.model_versions, self._project.id)
        try:
            count = awaited(counts, self._report("Looking for stored predictions.")).get(version, 0)
        except (ServerUnreachable, UnexpectedAnswer):
            return ""
        if not count:
            return ""
        return (
            f" Label Studio has {count:,} stored predictions under that name, by the model before: delete them there, "
            "or let the campaign ask the backend for every prediction."
        )

    def _never_asked(self, lesson: Lesson, before: Before, record: Record, began: float) -> Training:
        lead_seconds, lead_known = lesson.cost
        return Training(
            verdict="failed",
            reason=f"The backend was at another training for {told_seconds(self._timeout)}, so ours was not asked for.",
            route=None,
            label_count=len(lesson.tasks),
            version_before=before.model_version,
            version_after=before.model_version,
            seconds=self._clock() - began,
            said=tuple(record.said),
            lead_seconds=lead_seconds,
            lead_known=lead_known,
        )
