"""Measures of answers that are a set of classes.

Exact match is the share of tasks where the whole set is right. Of each label by itself a task is of it or not, which
gives its precision, recall and F1; macro F1 is their mean over the labels that people or the model answered, and micro
F1 is the F1 of all labels of all tasks together (G. Tsoumakas, I. Katakis and I. Vlahavas, "Mining multi-label data"
(2010)).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from al_core.evaluation.classes import Totals, class_row, listed_labels, macro_f1, share
from al_core.evaluation.intervals import drawn_interval, halves, ratio_of_sums, shape_of, weights
from al_core.evaluation.values import ClassRow, Metric


def set_metrics(
    truth: Sequence[frozenset[str]], predicted: Sequence[frozenset[str] | None], labels: Sequence[str], seed: int
) -> tuple[tuple[Metric, ...], tuple[ClassRow, ...]]:
    """Exact match, micro F1 and macro F1, and what is known of each label.

    Parameters
    ----------
    truth, predicted : sequence of sets of labels, shape (n,)
        For each of at least one task. None where the model did not answer, which is wrong even where nothing is right.
    labels : sequence of str
        The classes of the configuration.
    seed : int
        Of the draws.
    """
    tasks = len(truth)
    exact = share("exact_match", "Exact match", sum(t == p for t, p in zip(truth, predicted, strict=True)), tasks)
    said_sets = [found or frozenset() for found in predicted]
    listed = listed_labels([label for found in (*truth, *said_sets) for label in sorted(found)], labels)
    wanted, said = _matrix(truth, listed), _matrix(said_sets, listed)
    right = wanted * said
    totals = Totals(right.sum(axis=0), wanted.sum(axis=0), said.sum(axis=0))
    metrics = [exact]
    below = (wanted + said).sum(axis=1)
    if below.any():
        metrics.append(
            Metric("micro_f1", "Micro F1", *ratio_of_sums(2 * right.sum(axis=1), below, seed), tasks, "bootstrap")
        )
        value = float(macro_f1(totals, totals))
        plain, smoothed = _drawn(right, wanted, said, totals, seed)
        low, high = drawn_interval(value, macro_f1(plain, totals), macro_f1(smoothed, totals))
        metrics.append(Metric("macro_f1", "Macro F1", value, low, high, tasks, "bootstrap"))
    rows = zip(listed, *(part.astype(int).tolist() for part in totals.parts), strict=True)
    return tuple(metrics), tuple(class_row(*row) for row in rows)


_Array = NDArray[np.float64]


def _matrix(sets: Sequence[frozenset[str]], labels: Sequence[str]) -> _Array:
    """(n, k) 1 where the set of a task has the label."""
    places = {label: place for place, label in enumerate(labels)}
    found = np.zeros((len(sets), len(labels)))
    for task, labels_of_task in enumerate(sets):
        found[task, [places[label] for label in labels_of_task]] = 1
    return found


def _drawn(right: _Array, wanted: _Array, said: _Array, totals: Totals, seed: int) -> tuple[Totals, Totals]:
    """(draws, k) totals of a bootstrap of the tasks, without and with the two halves of one."""
    either = np.maximum(wanted, said)
    of = either.sum(axis=0)
    # A task belongs to several labels: its shape is the mean of what each of them alone would ask for.
    shapes = np.full(len(right), shape_of(np.ones(1), of[of > 0]).mean())
    drawn = weights(shapes, seed)
    plain = Totals(drawn @ right, drawn @ wanted, drawn @ said)
    seen = np.flatnonzero(of)
    extra_right, extra_wrong = np.zeros((2, len(drawn), right.shape[1]))
    extra_right[:, seen], extra_wrong[:, seen] = halves(len(seen), seed)
    smoothed = Totals(
        plain.right + extra_right, plain.support + extra_right + extra_wrong, plain.said + extra_right + extra_wrong
    )
    return plain, smoothed
