"""How far the members of a committee disagree: several models, or several versions of one, on the same tasks.

A task is scored by the members that know all its probabilities, and only if two or more do. Where the answer is
a set of classes (form ``multi``), every label is a question of its own, and the task has the mean over labels.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput
from al_core.types import ClassProbabilities
from al_core.uncertainty import UncertaintySampling
from al_core.validation import check_probabilities

_Measure = Callable[[NDArray[np.float64], NDArray[np.bool_]], NDArray[np.float64]]
"""(members, r, c) distributions and (members, r) which of them are known, two a row at least, to (r,) scores."""

# Numbers of one member in a block: 0.5 MB of float64, so that memory stays bounded whatever the pool.
_BLOCK = 2**16


def vote_entropy(members: Sequence[ClassProbabilities]) -> NDArray[np.float64]:
    """Entropy of the votes: every member gives one to its likeliest class, the first of equals.

    I. Dagan and S. Engelson, "Committee-based sampling for training probabilistic classifiers" (1995), without
    the division by log(members), which would not let tasks with fewer members be compared.

    Parameters
    ----------
    members : sequence of ClassProbabilities
        Two or more, of the same n tasks and the same labels; form ``single`` or ``multi``.

    Returns
    -------
    ndarray, shape (n,)
        Nats, from 0 (all agree) to log of the number of members or of classes; NaN where fewer than two know.

    Raises
    ------
    InvalidInput
        If there are fewer than two members, they do not match, or they answer with regions.
    """
    return _measured(members, _vote_entropy)


def consensus_entropy(members: Sequence[ClassProbabilities]) -> NDArray[np.float64]:
    """Entropy of the mean of the members' distributions: high where they disagree, and where all are torn.

    Parameters
    ----------
    members : sequence of ClassProbabilities
        As for :func:`vote_entropy`.

    Returns
    -------
    ndarray, shape (n,)
        Nats, from 0 to the log of the number of classes; NaN where fewer than two members know.

    Raises
    ------
    InvalidInput
        As for :func:`vote_entropy`.
    """
    return _measured(members, _consensus_entropy)


def kl_to_consensus(members: Sequence[ClassProbabilities]) -> NDArray[np.float64]:
    """Mean Kullback-Leibler divergence of the members from their mean: high only where they disagree.

    A. McCallum and K. Nigam, "Employing EM and pool-based active learning for text classification" (1998).

    Parameters
    ----------
    members : sequence of ClassProbabilities
        As for :func:`vote_entropy`.

    Returns
    -------
    ndarray, shape (n,)
        Nats, from 0 (all agree) to the log of the number of members; NaN where fewer than two know.

    Raises
    ------
    InvalidInput
        As for :func:`vote_entropy`.
    """
    return _measured(members, _kl_to_consensus)


def _measured(members: Sequence[ClassProbabilities], measure: _Measure) -> NDArray[np.float64]:
    _check(members)
    tasks, labels = members[0].values.shape
    scores = np.full(tasks, np.nan)
    step = max(1, _BLOCK // max(1, labels))
    for start in range(0, tasks, step):
        stack = np.stack([_distributions(member, slice(start, start + step)) for member in members])
        known = np.logical_and.reduce(np.isfinite(stack), axis=(2, 3))  # (members, tasks of the block)
        scored = known.sum(axis=0) >= 2
        stack, known = stack[:, scored], known[:, scored]
        count, questions, classes = stack.shape[1:]
        flat = stack.reshape(len(members), count * questions, classes)
        each = measure(flat, np.repeat(known, questions, axis=1)).reshape(count, questions)
        scores[start : start + step][scored] = each.mean(axis=1) if questions else 0.0
    return scores


def _check(members: Sequence[ClassProbabilities]) -> None:
    if len(members) < 2:
        raise InvalidInput(f"A committee needs two members or more, not {len(members)}.")
    first = members[0]
    if first.form == "regions":
        raise InvalidInput("The regions of one model are not those of another, so they cannot be compared.")
    for member in members[1:]:
        if member.form != first.form or member.labels != first.labels:
            raise InvalidInput("The members of a committee must answer to the same control with the same labels.")
        if not np.array_equal(member.task_ids, first.task_ids):
            raise InvalidInput("The members of a committee must be asked about the same tasks in the same order.")


def _distributions(member: ClassProbabilities, rows: slice) -> NDArray[np.float64]:
    """(tasks, questions, outcomes): one question of k outcomes, or k of two; NaN where unknown."""
    values = member.values[rows].astype(np.float64)
    values[~member.known[rows]] = np.nan
    if member.form == "multi":
        values[(values < 0) | (values > 1)] = np.nan
        return np.stack([values, 1 - values], axis=2)
    return check_probabilities(values)[:, np.newaxis, :]


def _mean(stack: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(r, c) mean over the members that know."""
    total: NDArray[np.float64] = np.where(known[:, :, np.newaxis], stack, 0).sum(axis=0)
    total /= known.sum(axis=0)[:, np.newaxis]
    return total


def _vote_entropy(stack: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    votes = stack.argmax(axis=2)[:, :, np.newaxis] == np.arange(stack.shape[2])
    return UncertaintySampling.entropy(_mean(votes.astype(np.float64), known))


def _consensus_entropy(stack: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    return UncertaintySampling.entropy(_mean(stack, known))


def _kl_to_consensus(stack: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    # The mean divergence from the mean is the entropy of the mean less the mean of the entropies.
    members, rows, classes = stack.shape
    own = UncertaintySampling.entropy(stack.reshape(members * rows, classes)).reshape(members, rows)
    mean_own = np.where(known, own, 0).sum(axis=0) / known.sum(axis=0)
    divergence: NDArray[np.float64] = np.maximum(0, _consensus_entropy(stack, known) - mean_own)
    return divergence  # not below 0, which rounding may pass
