"""What an evaluation gives: numbers with their intervals, and what lies behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Interval:
    """A number, and how far it may be off: with 95 % confidence it lies from ``low`` to ``high``."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Metric:
    """How good a model is by one measure, never without its interval."""

    name: str
    """``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``precision``, ``recall``, ``f1``, ``micro_f1``,
    ``exact_match``, ``span_f1``, ``overlap_f1``, ``average_precision``, ``map_50`` or ``map_50_95``."""
    label: str
    """Its name as people read it."""
    value: float
    low: float
    high: float
    count: int
    """Of how many it is: tasks, or the answers, spans or boxes of a class."""
    how: Literal["wilson", "bootstrap"]
    """How the interval was made."""
    correct: int | None = None
    """How many of the count are right, where the measure is that share."""


@dataclass(frozen=True)
class ClassRow:
    """How well a model knows one class; a measure is None where nothing is there to measure it by."""

    label: str
    support: int
    """How often people answered it: tasks, spans or boxes."""
    precision: Metric | None
    recall: Metric | None
    f1: Metric | None
    average_precision: Metric | None = None
    """Of boxes, which are found in the order of their scores: there is this, and none of the others."""


@dataclass(frozen=True)
class Confusion:
    """How often each class was answered with each."""

    labels: tuple[str, ...]
    """The rows, what people said; columns are the same, what the model said, and a last one for no answer."""
    counts: tuple[tuple[int, ...], ...]
    """k rows of k + 1."""


@dataclass(frozen=True)
class TestAnswer:
    """What was said of one task of the test set."""

    __test__ = False  # no test of pytest's

    task_id: int
    truth: str
    """What people answered, in one line."""
    predicted: str | None
    """What the model answered; None where it did not."""
    is_right: bool
    """Equal as a whole: the class, the set of classes, all regions."""
    confidence: float | None = None
    """The probability of the answer, where it is known."""
    uncertainty: float | None = None
    """The task's score by the strategy where that asks one model, else 1 − confidence; None where unknown."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Class → its probability, where one class is answered and those of all are known; else empty."""


@dataclass(frozen=True)
class Evaluation:
    """One model version on one set of tasks that it has not learned from."""

    model_version: str
    metrics: tuple[Metric, ...]
    """The first is the one that stands for the model."""
    answers: tuple[TestAnswer, ...]
    """Ascending ids."""
    classes: tuple[ClassRow, ...] = ()
    confusion: Confusion | None = None

    @property
    def headline(self) -> Metric:
        return self.metrics[0]

    @property
    def unanswered(self) -> int:
        """Tasks that the model gave no answer for; they count as wrong."""
        return sum(answer.predicted is None for answer in self.answers)
