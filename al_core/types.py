"""The plain values that the verbs of the manager take and give, and the call-back they report to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class TaskState:
    """Where one task stands."""

    task_id: int
    labeled: bool
    skipped: bool
    """Somebody skipped it and nobody labelled it."""
    updated_at: datetime
    """Moves with every annotation and prediction of the task."""


@dataclass(frozen=True)
class LabelSpace:
    """The one control of a labelling configuration whose classes are scored."""

    control: str
    """Name of the control tag, the ``from_name`` of a result."""
    target: str
    """Name of the object tag, the ``to_name`` of a result."""
    labels: tuple[str, ...]
    """The classes, in the order of the configuration; column order of every probability array."""
    data_key: str
    """The key of a task's data that holds what is shown."""
    data_type: str
    """``image``, ``text`` or another object tag, in lower case."""


@dataclass(frozen=True)
class Pool:
    """The tasks of a project as they stood at one moment."""

    task_ids: NDArray[np.int64]
    """(n,) ascending ids of the tasks that may be asked: unlabelled, and not held out."""
    labeled_count: int
    """Tasks with at least one label, the test set among them."""
    total_count: int
    digest: str
    """A hash of ``task_ids``: equal digests are equal pools."""
    read_at: datetime


@dataclass(frozen=True)
class Prediction:
    """What a model says of one task, as Label Studio stores it or a backend answers."""

    task_id: int
    result: list[Mapping[str, Any]]
    score: float | None
    model_version: str


@dataclass(frozen=True)
class ClassProbabilities:
    """Class probabilities of n tasks over k classes, with what is unknown kept unknown."""

    task_ids: NDArray[np.int64]
    """(n,)"""
    labels: tuple[str, ...]
    """(k,)"""
    values: NDArray[np.float32]
    """(n, k); a known row sums to 1, an unknown row is NaN."""
    unknown: Mapping[str, int]
    """Reason → how many tasks have no usable probabilities for it."""
    model_version: str = ""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) True where the row can be scored."""
        known: NDArray[np.bool_] = np.isfinite(self.values).all(axis=1)  # type: ignore[assignment]  # for (n,) it is
        return known


@dataclass(frozen=True)
class Scores:
    """How informative each task of a pool is: the higher, the more worth asking."""

    pool: Pool
    strategy: str
    seed: int
    values: NDArray[np.float64]
    """(n,) aligned to ``pool.task_ids``; NaN where unknown."""
    probabilities: ClassProbabilities | None
    """Aligned to ``pool.task_ids``; None for a strategy that asks no model."""

    @property
    def model_version(self) -> str:
        return self.probabilities.model_version if self.probabilities is not None else ""


@dataclass(frozen=True)
class BatchItem:
    """One recommended task."""

    rank: int
    """1 is to be labelled first."""
    task_id: int
    lane: Lane
    score: float | None = None
    """None where the strategy asks no model."""
    cluster: int | None = None
    """Which k-means cluster of the candidates it stands for; None without diversity."""
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


TrainMethod = Literal["train", "webhook"]


@dataclass(frozen=True)
class Training:
    """A training that brought a new model version."""

    method: TrainMethod | None
    """None where it was under way already when we came back to it."""
    label_count: int
    version_before: str
    version_after: str
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """A metric on the test set, with its interval."""

    metric: str
    value: float
    low: float
    high: float
    """``low`` and ``high``: the 95 % Wilson interval."""
    correct: int
    total: int
    unanswered: int
    """Test tasks that the model gave no answer for; counted as wrong."""
    model_version: str
