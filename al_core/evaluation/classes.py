"""Measures of answers that are one class: accuracy, balanced accuracy, F1, and which class is taken for which.

With the (k, k + 1) counts of a confusion, of n tasks: a class c has ``support(c)`` tasks that people answered so,
``said(c)`` that the model answered so, and ``right(c)`` that both did. Then recall = right / support, precision =
right / said, F1 = 2 right / (support + said) (C. van Rijsbergen, "Information Retrieval" (1979)), accuracy =
Σ right / n, balanced accuracy = the mean recall of the classes with support (K. Brodersen et al., "The balanced
accuracy and its posterior distribution", ICPR 2010), and macro F1 = the mean F1 of the classes that were answered by
people or by the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_core.evaluation.intervals import (
    drawn_interval,
    f1_interval,
    halves,
    shape_of,
    weights,
    wilson_interval,
)
from al_core.evaluation.values import ClassRow, Confusion, Metric

MOST_CLASSES = 100
"""Of more classes those alone are listed that somebody or the model answered."""

_Array = NDArray[np.float64]


def share(name: str, label: str, correct: int, count: int) -> Metric:
    """A measure that is a share, with its Wilson interval."""
    low, high = wilson_interval(correct, count)
    return Metric(name, label, correct / count, low, high, count, "wilson", correct)


def confusion_of(truth: Mapping[int, str], predicted: Mapping[int, str | None], labels: Sequence[str]) -> Confusion:
    """How often each class was answered with each.

    Parameters
    ----------
    truth : mapping of task id to class
    predicted : mapping of task id to class
        A task that is missing or None was not answered.
    labels : sequence of str
        The classes of the configuration; those that were answered without being in it come after them.
    """
    said = [predicted.get(task_id) for task_id in truth]
    listed = listed_labels([*truth.values(), *filter(None, said)], labels)
    places = {label: place for place, label in enumerate(listed)}
    counts = np.zeros((len(listed), len(listed) + 1), dtype=np.int64)
    for label, answer in zip(truth.values(), said, strict=True):
        counts[places[label], len(listed) if answer is None else places[answer]] += 1
    return Confusion(listed, tuple(tuple(row) for row in counts.tolist()))


def listed_labels(answered: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The classes to tell of: as the configuration orders them, then those that it does not have."""
    known = set(answered)
    listed = [label for label in labels if label in known or len(labels) <= MOST_CLASSES]
    return (*listed, *sorted(known - set(listed)))


def class_metrics(confusion: Confusion, seed: int) -> tuple[tuple[Metric, ...], tuple[ClassRow, ...]]:
    """Accuracy, balanced accuracy and macro F1, and what is known of each class.

    Parameters
    ----------
    confusion : Confusion
        Of at least one task.
    seed : int
        Of the draws.
    """
    counts = np.array(confusion.counts, dtype=np.float64)
    totals = _totals(counts)
    total = int(counts.sum())
    plain, smoothed = _drawn(counts, totals, seed)
    metrics = [share("accuracy", "Accuracy", int(totals.right.sum()), total)]
    for name, label, measure in (
        ("balanced_accuracy", "Balanced accuracy", balanced_accuracy),
        ("macro_f1", "Macro F1", macro_f1),
    ):
        value = float(measure(totals, totals))
        low, high = drawn_interval(value, measure(plain, totals), measure(smoothed, totals))
        metrics.append(Metric(name, label, value, low, high, total, "bootstrap"))
    whole = zip(confusion.labels, *(part.astype(int).tolist() for part in totals.parts), strict=True)
    return tuple(metrics), tuple(class_row(*row) for row in whole)


def class_row(label: str, right: int, support: int, said: int) -> ClassRow:
    """One class, where each task is of it or not."""
    either = support + said - right
    f1 = None
    if either:
        low, high = f1_interval(right, either - right)
        f1 = Metric("f1", "F1", 2 * right / (support + said), low, high, either, "wilson")
    return ClassRow(
        label=label,
        support=support,
        precision=share("precision", "Precision", right, said) if said else None,
        recall=share("recall", "Recall", right, support) if support else None,
        f1=f1,
    )


@dataclass(frozen=True)
class Totals:
    """(…, k) how often each class was right, answered by people, and answered by the model."""

    right: _Array
    support: _Array
    said: _Array

    @property
    def parts(self) -> tuple[_Array, _Array, _Array]:
        return self.right, self.support, self.said


def balanced_accuracy(totals: Totals, seen: Totals) -> _Array:
    """(…,) mean recall of the classes that people answered in ``seen``."""
    return _mean(totals.right, totals.support, seen.support > 0)


def macro_f1(totals: Totals, seen: Totals) -> _Array:
    """(…,) mean F1 of the classes that people or the model answered in ``seen``."""
    return _mean(2 * totals.right, totals.support + totals.said, seen.support + seen.said > 0)


def _mean(above: _Array, below: _Array, which: NDArray[np.bool_]) -> _Array:
    above, below = above[..., which], below[..., which]
    shares: _Array = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    mean: _Array = shares.mean(axis=-1)
    return mean


def _totals(counts: _Array) -> Totals:
    return Totals(np.diagonal(counts).copy(), counts.sum(axis=1), counts[:, :-1].sum(axis=0))


def _drawn(counts: _Array, totals: Totals, seed: int) -> tuple[Totals, Totals]:
    """(draws, k) totals of a bootstrap of the cells of a confusion, without and with the two halves of a task."""
    k = len(counts)
    row, column = np.nonzero(counts)
    cells = weights(shape_of(counts[row, column], totals.support[row]), seed)
    of_row, of_column = np.eye(k)[row], np.eye(k + 1)[column, :k]
    plain = Totals(cells @ (of_row * of_column), cells @ of_row, cells @ of_column)
    # The wrong half is answered with another class, each time with one by chance.
    answered = np.flatnonzero(totals.support)
    right, wrong = np.zeros((2, len(cells), k))
    right[:, answered], wrong[:, answered] = halves(len(answered), seed)
    others = np.flatnonzero(totals.support + totals.said)
    smoothed = Totals(
        plain.right + right, plain.support + right + wrong, plain.said + right + _elsewhere(wrong, others, seed)
    )
    return plain, smoothed


def _elsewhere(wrong: _Array, columns: NDArray[np.intp], seed: int) -> _Array:
    """The weights of (draws, k) classes, each moved to another one of the columns."""
    moved = np.zeros_like(wrong)
    if len(columns) > 1:
        steps = np.random.default_rng([seed, 2]).integers(1, len(columns), size=(len(wrong), 1))
        sources = (np.arange(len(columns)) - steps) % len(columns)
        moved[:, columns] = np.take_along_axis(wrong[:, columns], sources, axis=1)
    return moved
