"""How many candidates a batch is picked among."""

import numpy as np
from numpy.typing import ArrayLike

from al_core.diversity.ranking import as_scores
from al_core.validation import check_count

_LEAST = 10
_MOST = 50


def adaptive_factor(scores: ArrayLike, k: int) -> int:
    """How many times the batch's size the candidates should be: wide while much is uncertain, narrow later.

    The scores add up to as many tasks as uncertain as the most uncertain one, Σ s / max s; that many are candidates,
    between 10 and 50 times the batch.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher is more uncertain; NaN is unknown.
    k : int
        The size of the batch, at least 1.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If ``scores`` is not one-dimensional, or ``k`` is not a whole number of at least 1.
    """
    values = as_scores(scores)
    k = check_count("The batch size", k, minimum=1)
    known = values[np.isfinite(values)]
    top = float(known.max(initial=0.0))
    if top <= 0:
        return _MOST
    return int(np.clip(np.maximum(known, 0.0).sum() / top / k, _LEAST, _MOST))
