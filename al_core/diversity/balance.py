"""How the places of a batch are shared over the classes that a model predicts."""

import numpy as np
from numpy.typing import ArrayLike

from al_core.errors import InvalidInput
from al_core.validation import check_count


def class_quota(classes: ArrayLike, k: int) -> dict[int, int]:
    """Share ``k`` places as evenly over the classes as their sizes allow.

    Places are poured like water: all classes rise together, a class that is used up stops, and the others share
    what is left.

    Parameters
    ----------
    classes : array_like of int, shape (m,)
        The predicted class of each task; −1, no class, is a class like any other.
    k : int
        How many places.

    Returns
    -------
    dict of int to int
        Class → places, ascending by class; together ``min(k, m)``. Where they do not divide evenly, the larger
        classes get one more, of equally large ones the first.

    Raises
    ------
    InvalidInput
        If ``classes`` are not whole numbers in one dimension, or ``k`` is not a whole number of at least 0.
    """
    values = np.asarray(classes)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise InvalidInput("Classes must be whole numbers in one dimension.")
    names, sizes = np.unique(values, return_counts=True)
    left = min(check_count("The number of places", k), len(values))
    quota = dict.fromkeys(names.tolist(), 0)
    # The smallest class first: what it cannot use of its share goes to those after it.
    order = np.lexsort((-names, sizes))
    for waiting, place in zip(range(len(order), 0, -1), order, strict=True):
        share = min(left // waiting, int(sizes[place]))
        quota[int(names[place])] = share
        left -= share
    return quota
