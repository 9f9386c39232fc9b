"""How many candidates a batch is picked among."""

import numpy as np
from numpy.typing import ArrayLike

from al_core.diversity.ranking import as_scores
from al_core.validation import check_count

_LEAST = 5
_MOST = 50
_MOST_CANDIDATES = 2_000
"""A small batch may be picked among this many, though it is more than 50 times its size."""


def adaptive_factor(scores: ArrayLike, k: int) -> int:
    """How many times the batch's size the candidates should be: wide while much is uncertain, narrow later.

    Squared, and in proportion to the highest, the scores of the pool add up to Σ (s / max s)²: about as many tasks as
    are as uncertain as the most uncertain one. That many are candidates, at least 5 and at most 50 times the batch;
    a batch of less than 40 may have up to 2,000 candidates. An early model is unsure of much, and variety tells it
    most; a later one knows what it does not know. Rules like this one were compared on digits and Reuters R8, see
    ``docs/benchmarks.md``.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher is more uncertain; NaN is unknown.
    k : int
        The size of the batch, at least 1.

    Returns
    -------
    int
        The most where no score is above 0: nothing tells the tasks apart then.

    Raises
    ------
    InvalidInput
        If ``scores`` is not one-dimensional, or ``k`` is not a whole number of at least 1.
    """
    values = as_scores(scores)
    k = check_count("The batch size", k, minimum=1)
    most = max(_MOST, _MOST_CANDIDATES // k)
    known = values[np.isfinite(values)]
    top = float(known.max(initial=0.0))
    if top <= 0:
        return most
    alike = float(np.square(np.maximum(known, 0.0) / top).sum())
    return int(np.clip(alike / k, _LEAST, most))
