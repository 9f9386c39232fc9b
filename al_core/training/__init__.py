"""The ``/train`` contract: dispatch a training, watch it, and say whether a new model came of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from al_core.errors import NotFound, ServerUnreachable, TrainEndpointMissing, TrainingFailed
from al_core.flights import awaited
from al_core.ml_backend import MLBackend, TrainingState
from al_core.training.before import Before, CallBack
from al_core.types import Progress, Project, Route, Training, Verdict, silent

__all__ = ["Before", "CallBack", "nothing", "train"]

POLL_SECONDS = 1.0


def dispatch(
    backend: MLBackend, project: Project, annotations: Sequence[Mapping[str, Any]], holdout: Sequence[int]
) -> Route:
    """Start a training by ``/train``, or by START_TRAINING on ``/webhook`` where there is no ``/train``.

    Raises
    ------
    TrainEndpointMissing
        The backend has neither.
    """
    try:
        backend.train(project, annotations, holdout)
        return "train"
    except NotFound:
        pass
    try:
        backend.start_training_webhook(project, holdout)
        return "webhook"
    except NotFound:
        raise TrainEndpointMissing(
            f"The ML backend at {backend.url} has neither POST /train nor POST /webhook, so it cannot be trained.",
            "Add a /train endpoint as docs/ml-backend.md shows; your labels are safe in Label Studio.",
        ) from None


def watch(
    backend: MLBackend,
    project: Project,
    version_before: str,
    *,
    timeout: float,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait until the backend has a new model version, and give it.

    Parameters
    ----------
    timeout : float
        Seconds to wait at most.

    Raises
    ------
    TrainingFailed
        The backend said that it failed, or ended with its old version, or the time ran out.
    """
    started = clock()
    while (waited := clock() - started) < timeout:
        report = partial(progress, int(waited), None, f"The backend is training, {int(waited)} s so far.")
        report()
        state = awaited(lambda: _state(backend, project), report)
        if state is not None and _is_new(state, version_before):
            return state.model_version
        if state is not None and state.error and not state.running:
            raise TrainingFailed(
                f"The training failed. The backend says: {state.error}",
                "The labels are safe. Mend the cause, then train again.",
            )
        sleep(POLL_SECONDS)
    raise TrainingFailed(
        f"No new model version after {int(timeout)} s; the backend still has {version_before or 'none'}.",
        "Look at the backend's own log, then train again; the labels are safe.",
    )


def _state(backend: MLBackend, project: Project) -> TrainingState | None:
    """The backend's state; None while it is too busy training to answer."""
    try:
        return backend.training_state(project)
    except ServerUnreachable:
        return None


def _is_new(state: TrainingState, version_before: str) -> bool:
    return not state.running and bool(state.model_version) and state.model_version != version_before


def nothing() -> CallBack | None:
    """Nobody has called."""
    return None


def train(
    backend: MLBackend,
    project: Project,
    annotations: Sequence[Mapping[str, Any]],
    holdout: Sequence[int],
    before: Before,
    *,
    resume: bool = False,
    timeout: float,
    progress: Progress = silent,
) -> Training:
    """Dispatch and watch one training."""
    started = time.monotonic()
    route: Route | None = None
    report = partial(progress, 0, None, "Asking the backend to train.")
    if not (resume and awaited(lambda: _is_under_way(backend, project, before.model_version), report)):
        route = awaited(lambda: dispatch(backend, project, annotations, holdout), report)
    verdict: Verdict
    after = before.model_version
    try:
        after = watch(backend, project, before.model_version, timeout=timeout, progress=progress)
        verdict, reason = "new_model", f"The backend has {after} now."
    except TrainingFailed as error:
        verdict, reason = "failed", str(error)
    return Training(
        verdict=verdict,
        reason=reason,
        route=route,
        label_count=len(annotations),
        version_before=before.model_version,
        version_after=after,
        seconds=time.monotonic() - started,
    )


def _is_under_way(backend: MLBackend, project: Project, version_before: str) -> bool:
    state = backend.training_state(project)
    return state.running or _is_new(state, version_before)
