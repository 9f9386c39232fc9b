"""Labels that are worth a second look: those that a model contradicts which had not learned from them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import ActiveLearningError, InvalidInput
from al_core.validation import check_probabilities

LEAST_LABELS = 50
"""With fewer, how sure the model is of a class on average rests on a handful of tasks, and so would every doubt."""


class TooFewLabels(ActiveLearningError):
    """There is too little to tell which label is odd."""

    code = "too_few_labels"


@dataclass(frozen=True)
class Doubt:
    """One label that the model contradicts although it has nothing against that class as a rule."""

    task_id: int
    label: str
    """What people answered."""
    suggested: str
    """What the model thinks likeliest."""
    self_confidence: float
    """The probability that the model gave to the label, before anybody had answered."""
    confidence_of_suggested: float
    """The one that it gave to what it suggests."""


def doubtful_labels(
    task_ids: ArrayLike, labels: Sequence[str], probabilities: ArrayLike, label_names: Sequence[str]
) -> list[Doubt]:
    """Labels that are probably wrong, the least believed first.

    Confident learning: the threshold of a class is the mean probability that the model gives it on tasks with that
    label. A label is in doubt where another class passes its threshold, and is the likeliest of those that do. So a
    model that is never sure of a class accuses nobody for answering it.
    C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset labels" (2021), as
    cleanlab does it (``filter_by="confident_learning"``), ranked by self-confidence.

    Parameters
    ----------
    task_ids : array_like of int, shape (n,)
        Distinct.
    labels : sequence of str, length n
        What people answered, each one of ``label_names``.
    probabilities : array_like of float, shape (n, k)
        What a model that had not learned from the task gave to each class; rows sum to 1. The rows may come from
        different models.
    label_names : sequence of str, length k

    Returns
    -------
    list of Doubt

    Raises
    ------
    TooFewLabels
        There are fewer than ``LEAST_LABELS``, or all of them are the same.
    InvalidInput
        The arguments do not fit together, or a row is no distribution.
    """
    if len(labels) < LEAST_LABELS:
        raise TooFewLabels(f"{len(labels):,} labels can be checked, and it takes {LEAST_LABELS} to tell which are odd.")
    ids, given, rows = _checked(task_ids, labels, probabilities, label_names)
    if len(np.unique(given)) < 2:
        raise TooFewLabels("All labels that can be checked are the same, so none of them is odd.")
    suggested = rows.argmax(axis=1)
    own = rows[np.arange(len(ids)), given]
    found = _issues(given, rows)
    found = found[suggested[found] != given[found]]
    return [
        Doubt(
            task_id=int(ids[place]),
            label=label_names[given[place]],
            suggested=label_names[suggested[place]],
            self_confidence=float(own[place]),
            confidence_of_suggested=float(rows[place, suggested[place]]),
        )
        for place in found[np.lexsort((ids[found], own[found]))]
    ]


def _checked(
    task_ids: ArrayLike, labels: Sequence[str], probabilities: ArrayLike, label_names: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Ids, the place of each label among the names, and the rows."""
    ids = np.asarray(task_ids, dtype=np.int64)
    places = {name: place for place, name in enumerate(label_names)}
    strange = sorted({label for label in labels if label not in places})
    if strange:
        raise InvalidInput(f"{', '.join(strange)}: no class of {', '.join(label_names)}.")
    rows: NDArray[np.float64] = np.asarray(probabilities, dtype=np.float64).reshape(len(ids), len(label_names))
    if not len(ids) == len(labels) == len(np.unique(ids)):
        raise InvalidInput("Each task has one label, and is given once.")
    whole: NDArray[np.float64] = check_probabilities(rows)
    if not np.isfinite(whole).all():
        raise InvalidInput("A task whose probabilities are not all known cannot be checked.")
    return ids, np.array([places[label] for label in labels], dtype=np.int64), whole


def _issues(given: NDArray[np.int64], rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of the labels that cleanlab takes for wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes that nobody answered, and what its own imports say
        # Imported here: it takes seconds, and most processes never look for doubts.
        from cleanlab.filter import find_label_issues

        found = find_label_issues(given, rows, filter_by="confident_learning", n_jobs=1, verbose=False)
    return np.flatnonzero(found)
