"""How far two models answer alike, beyond what chance brings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.evaluation.intervals import wilson_interval


@dataclass(frozen=True)
class Agreement:
    """Cohen's kappa with its 95 % interval: 1 where all answers are alike, 0 where as many as by chance."""

    kappa: float
    low: float
    high: float
    tasks: int
    """Tasks that both models answered."""


def kappa(before: ArrayLike, after: ArrayLike) -> Agreement | None:
    """Cohen's kappa between what two models answered to the same tasks.

    κ = (p − e)/(1 − e), p = the share of tasks with the same answer, e = Σ over classes of (share before · share
    after), what chance would bring. The interval is Wilson's of p, carried through the formula with e as it is.

    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).

    Parameters
    ----------
    before, after : array_like of int or str, shape (n,) each
        The answered class of each task, as a number or a name, of one list of classes. A number below 0 or an empty
        name is no answer: the task is left out.

    Returns
    -------
    Agreement or None
        None where no task was answered by both, or where both answered one and the same class throughout: κ is
        0/0 there.

    Raises
    ------
    InvalidInput
        If the two are not of one length.
    """
    one, other = np.asarray(before), np.asarray(after)
    if one.ndim != 1 or one.shape != other.shape:
        raise InvalidInput("To compare two models, both must have one answer for each task.")
    answered = _is_answer(one) & _is_answer(other)
    one, other = one[answered], other[answered]
    tasks = len(one)
    if not tasks:
        return None
    classes, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    if len(classes) == 1:
        return None
    shares = [np.bincount(half, minlength=len(classes)) / tasks for half in (codes[:tasks], codes[tasks:])]
    chance = float(shares[0] @ shares[1])
    alike = int((one == other).sum())
    low, high = wilson_interval(alike, tasks)
    value, least, most = ((share - chance) / (1 - chance) for share in (alike / tasks, low, high))
    return Agreement(value, least, most, tasks)


def _is_answer(answers: NDArray[np.generic]) -> NDArray[np.bool_]:
    if answers.dtype.kind in "US":
        return np.asarray(answers != answers.dtype.type(""))
    return np.asarray(answers >= 0)  # type: ignore[operator]
