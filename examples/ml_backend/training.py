"""Training in the background: one at a time for each project, with a status to ask for."""

import logging
import threading
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from .call_back import call_back
from .errors import Refused
from .label_config import LabelConfig
from .label_studio import LabelStudio
from .model import Model, chosen_label, fit, measured, read_inputs
from .store import Store

log = logging.getLogger(__name__)

UNTRAINED = "untrained"

KEPT_RUNS = 20
"""Trainings of a project that can still be asked about."""


@dataclass(frozen=True)
class Run:
    """One training of a project."""

    job: str = ""
    status: Literal["idle", "training", "done", "failed"] = "idle"
    error: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What this backend says of the model that came of it."""
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True)
class Lesson:
    """What a training learns from."""

    config: LabelConfig
    source: LabelStudio
    holdout: Collection[int] = ()
    tasks: list[dict[str, Any]] | None = None
    """The labelled tasks; None to fetch them from the source."""
    call_back_url: str = field(default="", repr=False)
    """Who wants to know the end; in memory alone, as whoever knows the address can tell it."""


class Trainer:
    """Starts trainings and tells how they went."""

    def __init__(self, store: Store, delay: float = 0.0) -> None:
        self.store = store
        self.delay = delay
        self._runs: dict[str, dict[str, Run]] = {}
        self._lock = threading.Lock()

    def start(self, key: str, lesson: Lesson) -> tuple[str, bool]:
        """Start a training and give its job id and True; while one runs, give that one's id and False."""
        with self._lock:
            running = self._latest(key)
            if running.status == "training":
                return running.job, False
            run = Run(job=uuid.uuid4().hex, status="training", started_at=_now())
            runs = self._runs.setdefault(key, {})
            runs[run.job] = run
            if len(runs) > KEPT_RUNS:
                del runs[next(iter(runs))]
        threading.Thread(target=self._run, args=(key, run, lesson), daemon=True).start()
        return run.job, True

    def status(self, key: str, job: str = "") -> dict[str, Any]:
        """Tell how a training went, the latest where no job is named, and what the newest model is."""
        # The run first: once it is done, the model read after it is the one that it brought.
        with self._lock:
            run = self._runs.get(key, {}).get(job, _forgotten(job)) if job else self._latest(key)
        model = self.store.model(key)
        return {
            **asdict(run),
            "is_training": run.status == "training",
            "model_version": model.version if model else UNTRAINED,
            "trained_on": model.trained_on if model else 0,
            "classes": model.classes if model else [],
        }

    def _latest(self, key: str) -> Run:
        runs = self._runs.get(key)
        return next(reversed(runs.values())) if runs else Run()

    def _run(self, key: str, run: Run, lesson: Lesson) -> None:
        try:
            time.sleep(self.delay)
            model, metrics = self._train(key, lesson)
            self.store.save_model(key, model)
            run = replace(run, status="done", metrics=metrics)
        except Refused as error:
            run = replace(run, status="failed", error=str(error))
        except Exception as error:
            log.exception("training of project %s failed", key)
            reason = f"{type(error).__name__} in training; see the backend's log."
            run = replace(run, status="failed", error=reason)
        run = replace(run, finished_at=_now())
        with self._lock:
            self._runs[key][run.job] = run
        if lesson.call_back_url:
            # Only now: whoever hears of the end asks at once for the new version.
            ended = self.status(key, run.job)
            told = ("job", "status", "error", "model_version", "metrics")
            call_back(lesson.call_back_url, {name: ended[name] for name in told})

    def _train(self, key: str, lesson: Lesson) -> tuple[Model, dict[str, float]]:
        """Learn from the labelled tasks that are not held out, and measure how well these were learned."""
        config = lesson.config
        tasks = lesson.source.labelled_tasks(key) if lesson.tasks is None else lesson.tasks
        held_out = {str(task_id) for task_id in lesson.holdout}
        usable = [task for task in tasks if str(task.get("id")) not in held_out]
        labelled = [(task, label) for task in usable if (label := chosen_label(task, config)) is not None]
        inputs = read_inputs([task for task, _ in labelled], config, lesson.source)
        pairs = zip(inputs, labelled, strict=True)
        examples = [(value, label) for value, (_, label) in pairs if value is not None]
        if labelled and not examples:
            raise Refused(f"None of the {len(labelled)} labelled tasks could be read.")
        values, labels = [value for value, _ in examples], [label for _, label in examples]
        try:
            pipeline = fit(config.data_type, values, labels)
        except ValueError as error:
            # scikit-learn's reasons are fit to read, for instance an empty vocabulary.
            raise Refused(str(error)) from error
        previous = self.store.model(key)
        number = previous.number + 1 if previous else 1
        version = f"v{number}-{len(examples)}labels-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        return Model(number, version, config.data_type, len(examples), pipeline), measured(pipeline, values, labels)


def _forgotten(job: str) -> Run:
    """A job that a restart has ended, or that is long over."""
    return Run(job=job, status="failed", error="This backend knows no such training; a restart ends a training.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
