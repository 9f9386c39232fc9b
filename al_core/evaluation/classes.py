"""Measures of answers that are one class: accuracy, balanced accuracy, F1, and which class is taken for which."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from al_core.evaluation.intervals import DRAWS, percentiles, wilson_interval
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
    answered = {*truth.values(), *filter(None, said)}
    listed = [label for label in labels if label in answered or len(labels) <= MOST_CLASSES]
    listed += sorted(answered - set(listed))
    places = {label: place for place, label in enumerate(listed)}
    counts = np.zeros((len(listed), len(listed) + 1), dtype=np.int64)
    for label, answer in zip(truth.values(), said, strict=True):
        counts[places[label], len(listed) if answer is None else places[answer]] += 1
    return Confusion(tuple(listed), tuple(tuple(row) for row in counts.tolist()))


def class_metrics(confusion: Confusion, seed: int) -> tuple[tuple[Metric, ...], tuple[ClassRow, ...]]:
    """Accuracy, balanced accuracy and macro F1, and what is known of each class.

    Parameters
    ----------
    confusion : Confusion
        Of at least one task.
    seed : int
        Of the resamples.
    """
    counts = np.array(confusion.counts, dtype=np.float64)
    correct, total = int(np.trace(counts)), int(counts.sum())
    drawn = _resampled(counts, seed)
    metrics = (
        share("accuracy", "Accuracy", correct, total),
        _metric("balanced_accuracy", "Balanced accuracy", balanced_accuracy(counts), balanced_accuracy(drawn), total),
        _metric("macro_f1", "Macro F1", macro_f1(counts), macro_f1(drawn), total),
    )
    return metrics, tuple(_rows(confusion.labels, counts, drawn))


def balanced_accuracy(counts: _Array) -> _Array:
    """Mean recall of the classes that people answered, of (…, k, k + 1) counts."""
    return _mean(_ratio(_right(counts), counts.sum(axis=-1)))


def macro_f1(counts: _Array) -> _Array:
    """Mean F1 of the classes that people or the model answered, of (…, k, k + 1) counts."""
    return _mean(_f1(counts))


def _f1(counts: _Array) -> _Array:
    return _ratio(2 * _right(counts), counts.sum(axis=-1) + _said(counts))


def _right(counts: _Array) -> _Array:
    right: _Array = np.diagonal(counts[..., :-1], axis1=-2, axis2=-1)
    return right


def _said(counts: _Array) -> _Array:
    """How often the model answered each class."""
    return counts[..., :-1].sum(axis=-2)


def _ratio(above: _Array, below: _Array) -> _Array:
    ratio: _Array = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    return ratio


def _mean(values: _Array) -> _Array:
    """Over the classes of which there is a value."""
    known = np.isfinite(values)
    mean: _Array = np.where(known, values, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    return mean


def _resampled(counts: _Array, seed: int) -> _Array:
    drawn = np.random.default_rng(seed).multinomial(int(counts.sum()), counts.ravel() / counts.sum(), size=DRAWS)
    return drawn.reshape(DRAWS, *counts.shape).astype(np.float64)


def _metric(name: str, label: str, value: _Array, drawn: _Array, count: int) -> Metric:
    low, high = percentiles(drawn)
    return Metric(name, label, float(value), min(low, float(value)), max(high, float(value)), count, "bootstrap")


def _rows(labels: Sequence[str], counts: _Array, drawn: _Array) -> list[ClassRow]:
    right, support, said, f1 = _right(counts), counts.sum(axis=-1), _said(counts), _f1(counts)
    drawn_f1 = _f1(drawn)
    rows = []
    for place, label in enumerate(labels):
        correct, given, wanted = int(right[place]), int(said[place]), int(support[place])
        rows.append(
            ClassRow(
                label=label,
                support=wanted,
                precision=share("precision", "Precision", correct, given) if given else None,
                recall=share("recall", "Recall", correct, wanted) if wanted else None,
                f1=_metric("f1", "F1", f1[place], drawn_f1[:, place], wanted) if wanted + given else None,
            )
        )
    return rows
