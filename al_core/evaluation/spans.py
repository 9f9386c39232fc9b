"""Measures of answers that are spans: of a text, a dialogue, a sound, a time series or a video.

A span is right *exactly* if people marked one with the same class and the same ends, and *by overlap* if they marked
one of the same class that it shares something with; each of theirs can make one right. Precision, recall and
F1 = 2 right / (people's + model's) are over the spans of all tasks together, as CoNLL does it (E. Tjong Kim Sang and
F. De Meulder, "Introduction to the CoNLL-2003 shared task" (2003)); the overlap is the "type" measure of I.
Segura-Bedmar, P. Martínez and M. Herrero-Zazo, "SemEval-2013 task 9" (2013).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from al_core.answers import regions_in
from al_core.evaluation.classes import listed_labels
from al_core.evaluation.intervals import ratio_of_sums
from al_core.evaluation.values import ClassRow, Metric
from al_core.probabilities.answers import classes_of
from al_core.types import LabelSpace

CONTINUOUS = ("audio", "timeseries", "video")
"""What is shown has no steps that two people would cut at: the same ends are chance there, so overlap stands for it."""


class Span(NamedTuple):
    """From where to where something of a class is marked."""

    label: str
    place: str
    """What the ends are counted in, such as an element of a web page: spans of two places share nothing."""
    start: tuple[Any, ...]
    end: tuple[Any, ...]


def spans_of(result: Any, space: LabelSpace) -> list[Span]:
    """The spans of one control in a result, one for each class of a region; what has no ends or class is left out."""
    found = []
    for region in regions_in(result, space):
        value = region.get("value")
        if not isinstance(value, Mapping):
            continue
        labels = [label for label in classes_of(region, space.tag) or () if isinstance(label, str)]
        found += [Span(label, *ends) for label in labels for ends in _ends(value)]
    return found


def _ends(value: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """(place, start, end) of each stretch of a region."""
    ranges = value.get("ranges")
    if isinstance(ranges, list):  # a timeline
        return [ends for part in ranges if isinstance(part, Mapping) for ends in _ends(part)]
    whole = value.get("globalOffsets")
    if isinstance(whole, Mapping) and _are_numbers(whole.get("start"), whole.get("end")):
        return [("", (whole["start"],), (whole["end"],))]
    start, end = value.get("start"), value.get("end")
    first, last = value.get("startOffset"), value.get("endOffset")
    if _are_numbers(first, last) and isinstance(start, str | int) and isinstance(end, str | int):
        if str(start).isdecimal() and str(end).isdecimal():  # the turns of a dialogue
            return [("", (int(start), first), (int(end), last))]
        return [(f"{start}" if start == end else f"{start} {end}", (first,), (last,))]
    if _are_numbers(start, end) or (isinstance(start, str) and isinstance(end, str)):
        return [("", (start,), (end,))]
    return []


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def span_metrics(
    truth: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], space: LabelSpace, seed: int
) -> tuple[tuple[Metric, ...], tuple[ClassRow, ...]]:
    """F1 of spans, exact and by overlap, and what is known of each class by the one that comes first.

    Parameters
    ----------
    truth, predicted : sequences of spans, shape (n,)
        For each of at least one task.
    space : LabelSpace
        The control.
    seed : int
        Of the draws.

    Returns
    -------
    metrics, classes
        Where neither people nor the model marked any span there is nothing to be wrong about: both F1 are 1, from 0.
    """
    answered = [span.label for spans in (*truth, *predicted) for span in spans]
    labels = listed_labels(answered, space.labels)
    exact, overlap = _counts(truth, predicted, labels, _exact), _counts(truth, predicted, labels, _overlapping)
    found = [
        (_f1("span_f1", "Span F1", exact, seed), exact),
        (_f1("overlap_f1", "Overlap F1", overlap, seed), overlap),
    ]
    if space.data_type in CONTINUOUS:
        found.reverse()
    rows = [_row(label, found[0][1][:, place], seed) for place, label in enumerate(labels)]
    return tuple(metric for metric, _ in found), tuple(rows)


def _exact(true: Sequence[Span], said: Sequence[Span]) -> int:
    return (Counter(true) & Counter(said)).total()


def _overlapping(true: Sequence[Span], said: Sequence[Span]) -> int:
    """How many can be put in pairs that overlap, each once."""
    if not true or not said:
        return 0
    from scipy.optimize import linear_sum_assignment  # takes a while to load

    overlaps = np.array([[_overlap(one, other) for other in said] for one in true])
    return int(overlaps[linear_sum_assignment(overlaps, maximize=True)].sum())


def _overlap(one: Span, other: Span) -> bool:
    if one[1:] == other[1:]:
        return True
    try:
        return one.place == other.place and one.start < other.end and other.start < one.end
    except TypeError:  # one counts in numbers, the other in dates
        return False


def _counts(
    truth: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], labels: Sequence[str], match: Any
) -> NDArray[np.float64]:
    """(n, k, 3) for each task and class how many are right, people's, and the model's."""
    places = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(truth), len(labels), 3))
    for task, (true, said) in enumerate(zip(truth, predicted, strict=True)):
        for label in {span.label for span in (*true, *said)}:
            mine, its = ([span for span in spans if span.label == label] for spans in (true, said))
            counts[task, places[label]] = match(mine, its), len(mine), len(its)
    return counts


def _f1(name: str, label: str, counts: NDArray[np.float64], seed: int) -> Metric:
    right, wanted, said = counts.sum(axis=1).T
    if not (wanted + said).any():
        return Metric(name, label, 1.0, 0.0, 1.0, len(counts), "bootstrap")
    return Metric(name, label, *ratio_of_sums(2 * right, wanted + said, seed), len(counts), "bootstrap")


def _row(label: str, counts: NDArray[np.float64], seed: int) -> ClassRow:
    right, wanted, said = counts.T

    def ratio(name: str, label: str, above: NDArray[np.float64], below: NDArray[np.float64]) -> Metric | None:
        if not below.any():
            return None
        return Metric(name, label, *ratio_of_sums(above, below, seed), int(below.sum()), "bootstrap")

    return ClassRow(
        label=label,
        support=int(wanted.sum()),
        precision=ratio("precision", "Precision", right, said),
        recall=ratio("recall", "Recall", right, wanted),
        f1=ratio("f1", "F1", 2 * right, wanted + said),
    )
