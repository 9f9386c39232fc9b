"""The plain values that the verbs of the manager take and give, and the call-back they report to."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from al_core.features import Embeddings

Progress = Callable[[int, int | None, str], None]
"""``progress(done, total, sentence)``; ``total`` is None while unknown. Raises ``Cancelled`` to stop the work."""

Lane = Literal["strategy", "control", "test"]
"""Why a task is in a batch: asked by the strategy, drawn at random beside it, or held out to measure with."""


def silent(done: int, total: int | None, sentence: str) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Server:
    """A Label Studio server as a token sees it."""

    version: str
    user: str
    """The address of the user that the token belongs to."""


@dataclass(frozen=True)
class Project:
    """A project of Label Studio."""

    id: int
    title: str
    label_config: str
    task_count: int
    labeled_count: int
    created_at: datetime

    @property
    def uid(self) -> str:
        """The name under which Label Studio speaks of the project to its backends."""
        return f"{self.id}.{int(self.created_at.timestamp())}"


@dataclass(frozen=True)
class Backend:
    """An ML backend connected to a project, as Label Studio knows it."""

    id: int
    title: str
    url: str
    state: str
    """``connected``, ``disconnected``, ``error``, ``training``, ``predicting`` or ``unknown``."""
    model_version: str
    error: str = ""
    """What Label Studio keeps of the last thing that went wrong with it, cut at 300 characters."""


@dataclass(frozen=True)
class Webhook:
    """An address that Label Studio calls by itself when something happens in a project."""

    id: int
    url: str
    is_active: bool
    for_all_actions: bool
    """Whether it is called for every event, not for chosen ones alone."""


@dataclass(frozen=True)
class TaskState:
    """Where one task stands."""

    task_id: int
    labeled: bool
    skipped: bool
    """Somebody skipped it and nobody labelled it."""
    updated_at: datetime
    """Moves with every annotation and prediction of the task."""


ALL_CONTROLS = "*"
"""In the place of a control's name: every control of the labelling configuration."""

AnswerForm = Literal["single", "multi", "regions"]
"""What an answer to a control is: exactly one class; any set of classes; any number of regions (boxes, spans,
texts, numbers), each with a class or none."""


@dataclass(frozen=True)
class LabelSpace:
    """One control of a labelling configuration, and the classes it offers."""

    control: str
    """Name of the control tag, the ``from_name`` of a result."""
    target: str
    """Name of the object tag, the ``to_name`` of a result."""
    labels: tuple[str, ...]
    """The classes, in the order of the configuration; column order of every probability array. Empty where an
    answer is free (Number, TextArea)."""
    data_key: str
    """The key of a task's data that holds what is shown."""
    data_type: str
    """``image``, ``text`` or another object tag, in lower case."""
    tag: str = "Choices"
    """The control tag, as it is written in the configuration."""
    form: AnswerForm = "single"


@dataclass(frozen=True)
class PoolChanges:
    """What a reading of the tasks found to be other than before."""

    added: int = 0
    deleted: int = 0
    labelled: int = 0
    """Tasks that got their first label, or their first skip."""
    reopened: int = 0
    """Tasks that lost their last one."""
    is_first: bool = True
    """Nothing was known before, so all tasks were read; what is counted then happened while they were."""


@dataclass(frozen=True)
class Pool:
    """The tasks of a project as they stood at one moment."""

    task_ids: NDArray[np.int64]
    """(n,) ascending ids of the tasks that may be asked: unlabelled, and not held out."""
    labeled_ids: NDArray[np.int64]
    """(l,) ascending ids of the tasks with at least one label, the test set among them."""
    total_count: int
    digest: str
    """A hash of ``task_ids``: equal digests are equal pools."""
    read_at: datetime
    changed_at: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(n,) microseconds since 1970, UTC, by the clock of Label Studio: a task has not changed since. Empty where that
    is not known."""
    changes: PoolChanges = PoolChanges()
    passed_over: int = 0
    """Tasks of earlier batches that nobody has answered yet: not asked twice."""

    @property
    def labeled_count(self) -> int:
        return len(self.labeled_ids)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one task, as Label Studio stores it or a backend answers."""

    task_id: int
    result: list[Mapping[str, Any]]
    score: float | None
    model_version: str


class Reason(StrEnum):
    """Why nothing usable is known of a task. The text is what people read."""

    NO_PREDICTION = "no prediction"
    OTHER_VERSION = "prediction of another model version"
    EMPTY_RESULT = "empty result"
    SENTINEL = "a score that means “none” (0.0 or 2.0)"
    OUT_OF_RANGE = "out of range"
    NOT_A_NUMBER = "not a number"
    CONSTANT = "the same score for every task"
    NOT_THE_TOP = "a score too low for the likeliest class"
    UNKNOWN_LABEL = "unknown label"
    NOT_ONE_CLASS = "not exactly one class chosen"
    ONE_SCORE_FOR_SEVERAL = "one score for several labels"
    WRONG_SUM = "probabilities do not sum to 1"
    PREDICTION_FAILED = "the ML backend failed on this task"


REASONS = tuple(Reason)
"""A task's code in :attr:`ClassProbabilities.reasons` is its reason's place here plus 1; 0 is a known task."""


@dataclass(frozen=True)
class ClassProbabilities:
    """What one model says of n tasks over k classes, with what is unknown kept unknown.

    A task has rows: exactly one where the form is ``single`` or ``multi``, one a region where it is
    ``regions``. A row is full (``values`` is finite: every class has its probability), or only the probability
    of the class it answers is known (``values`` is NaN and ``top`` is not), or it is unknown (both are NaN).
    """

    task_ids: NDArray[np.int64]
    """(n,)"""
    labels: tuple[str, ...]
    """(k,)"""
    form: AnswerForm
    starts: NDArray[np.int64]
    """(n + 1,) the rows of task i are ``starts[i]:starts[i + 1]``."""
    values: NDArray[np.float32]
    """(m, k) a full row of form ``multi`` holds k independent probabilities, any other sums to 1."""
    top: NDArray[np.float32]
    """(m,) the probability of the class that the row answers."""
    answers: NDArray[np.int32]
    """(m,) the column of that class; −1 where there is none (an unknown row, a free answer, an empty set)."""
    reasons: NDArray[np.uint8]
    """(n,) 0 where the task is known, else its place in ``REASONS`` plus 1."""
    model_version: str = ""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) True where the task can be scored, if only within bounds."""
        known: NDArray[np.bool_] = self.reasons == 0
        return known

    @property
    def full(self) -> NDArray[np.bool_]:
        """(m,) True where a row has the probability of every class."""
        full: NDArray[np.bool_] = np.isfinite(self.values).all(axis=1)  # type: ignore[assignment]  # for (m,) it is
        return full if self.labels else np.zeros(len(self.top), dtype=np.bool_)

    @property
    def unknown(self) -> dict[str, int]:
        """Reason → how many tasks have no usable probabilities for it."""
        return {str(REASONS[code - 1]): count for code, count in Counter(self.reasons[~self.known].tolist()).items()}


Aggregate = Literal["mean", "max", "sum", "min", "count_weighted"]


@dataclass(frozen=True)
class Aggregation:
    """How the scores of a task's labels or regions become one."""

    how: Aggregate = "mean"
    """``count_weighted``: the mean times log(1 + how many), so that a crowded task counts for more."""
    no_region: Literal["unknown", "certain", "uncertain"] = "unknown"
    """What a task without any region counts as: the model may be sure that there is none, or have failed."""


@dataclass(frozen=True)
class Bounds:
    """(n,) scores as far as they are known: equal where exact, NaN where unknown; higher is more uncertain."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def exact(self) -> NDArray[np.bool_]:
        """(n,) True where the score is one number; False where it has bounds or is unknown."""
        exact: NDArray[np.bool_] = self.low == self.high
        return exact


Source = Literal["stored_then_direct", "stored", "direct"]
"""Where predictions come from: what Label Studio has stored, the backend asked now, or the backend for what is not
stored."""

RankBy = Literal["low", "high"]
"""Which bound ranks a task whose score is not exact: the least it can be, or the most."""


@dataclass(frozen=True)
class Scores:
    """How informative each task of a pool is: the higher, the more worth asking."""

    pool: Pool
    strategy: str
    seed: int
    bounds: Bounds
    """(n,) aligned to ``pool.task_ids``."""
    rank_by: RankBy = "low"
    models: tuple[ClassProbabilities, ...] = ()
    """What was scored, each aligned to ``pool.task_ids``: none for a strategy that asks no model, several for a
    committee or for several controls."""
    embeddings: "Embeddings | None" = None
    """What the model sent along as its own view of the tasks, where it did."""
    kept: int = 0
    """Tasks whose prediction was there already, from an earlier reading or one that broke off."""
    failed: int = 0
    """Tasks that the ML backend failed on."""

    @property
    def values(self) -> NDArray[np.float64]:
        """(n,) what tasks are ranked by; NaN where unknown."""
        return self.bounds.low if self.rank_by == "low" else self.bounds.high

    @property
    def probabilities(self) -> ClassProbabilities | None:
        """Those of the first model; None for a strategy that asks none."""
        return self.models[0] if self.models else None

    @property
    def model_version(self) -> str:
        return ", ".join(dict.fromkeys(model.model_version for model in self.models))


@dataclass(frozen=True)
class BatchItem:
    """One recommended task."""

    rank: int
    """1 is to be labelled first."""
    task_id: int
    lane: Lane
    score: float | None = None
    """Its score, or the least that can be; None where the strategy asks no model, or nothing is known."""
    score_high: float | None = None
    """The most that its score can be; None where the score is exact."""
    cluster: int | None = None
    """The group of the candidates that it stands for; None where the way of diversity makes none."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Label → probability, highest first; empty where unknown."""

    @property
    def predicted_label(self) -> str:
        return next(iter(self.probabilities), "")


@dataclass(frozen=True)
class Batch:
    """The tasks a round recommends, in rank order."""

    items: tuple[BatchItem, ...]
    asked: int
    """How many were wanted; more than ``len(items)`` when the pool was smaller."""
    note: str = ""
    """What the reader should know of this batch, for instance that the pool was smaller."""


@dataclass(frozen=True)
class Publication:
    """A tab in Label Studio that holds exactly a batch."""

    view_id: int
    title: str


@dataclass(frozen=True)
class Label:
    """What a person answered to one task."""

    task_id: int
    value: str | None
    """The chosen class; None where the task was skipped or the answer chose none."""
    skipped: bool
    annotator: str
    labelled_at: datetime
    lead_time: float | None
    """Seconds the annotator took, where Label Studio knows."""


Route = Literal["train", "webhook", "label_studio"]
"""How a training was asked for: the backend's own ``/train``, START_TRAINING on its ``/webhook``, or the same by way of
Label Studio."""

Verdict = Literal["new_model", "same_model", "failed"]


@dataclass(frozen=True)
class Training:
    """What one training came to."""

    verdict: Verdict
    reason: str
    """How the verdict was found, in one sentence for people."""
    route: Route | None
    """None where it was under way already when we came back to it."""
    label_count: int
    """Tasks that it was to learn from."""
    version_before: str
    version_after: str
    seconds: float
    said: tuple[str, ...] = ()
    """The backend's own words, in order, each cut at 300 characters."""
    reported: Mapping[str, float] = field(default_factory=dict)
    """Numbers that the backend says of its model; nobody has checked them."""
    lead_seconds: float | None = None
    """What people spent on those labels; None where no time is known."""
    lead_known: int = 0
    """Labels with a known time."""
    probed: int = 0
    """Tasks whose predictions before and after were compared."""
    probe_changed: int = 0
    """Those of them with another prediction."""
