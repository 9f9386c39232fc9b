"""What is checked before anything is calculated: probabilities and counts."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput

TOLERANCE = 1e-3
"""How far from 1 a row of probabilities may sum: float32 soft-max and rounded JSON stay well inside."""


def as_matrix(values: ArrayLike) -> NDArray[Any]:
    """Take ``values`` as a matrix of floats, without a copy where it is one already.

    Parameters
    ----------
    values : array_like, shape (n, k)

    Returns
    -------
    ndarray, shape (n, k)
        float32 stays float32, all else becomes float64.

    Raises
    ------
    InvalidInput
        If it is not two-dimensional, has no column, or holds something that is not a number.
    """
    dtype = np.float32 if getattr(values, "dtype", None) == np.float32 else np.float64
    try:
        matrix = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput("Probabilities must be rows of equal length that hold numbers.") from error
    if matrix.ndim != 2:
        raise InvalidInput(f"Probabilities must have two dimensions (tasks, classes), not {matrix.ndim}.")
    if matrix.shape[1] == 0:
        raise InvalidInput("Probabilities must have at least one class.")
    return matrix


def normalise_columns(columns: NDArray[Any], tolerance: float = TOLERANCE) -> None:
    """Make every column of a (k, n) array sum to 1, in place; a column that is no distribution becomes NaN.

    Classes come first because the reductions over them then run along contiguous memory.
    """
    with np.errstate(all="ignore"):  # NaN, infinity and overflow are answers here, not accidents
        totals = columns.sum(axis=0)
        # "not within", rather than "beyond", so that a NaN total is refused too.
        refused = ~(np.abs(totals - 1) <= tolerance) | (columns.min(axis=0) < 0)
        totals[refused] = np.nan
        columns /= totals


def check_probabilities(values: ArrayLike, tolerance: float = TOLERANCE) -> NDArray[Any]:
    """Return rows that sum to 1, and NaN for every row that is no probability distribution.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Class probabilities.
    tolerance : float
        A row whose sum is off by more than this is unknown; within, it is renormalised.

    Returns
    -------
    ndarray, shape (n, k)
        A new array, float32 if ``values`` is, else float64. Rows with NaN, infinity, a negative or a wrong
        sum are NaN throughout.

    Raises
    ------
    InvalidInput
        If ``values`` is not a matrix of numbers with at least one column.
    """
    rows = np.array(as_matrix(values))
    normalise_columns(rows.T, tolerance)
    return rows


def check_count(name: str, value: object, minimum: int = 0) -> int:
    """Return ``value`` as an int, or raise ``InvalidInput`` unless it is a whole number ≥ ``minimum``."""
    # bool is an int to Python, and not to anyone who counts.
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise InvalidInput(f"{name} must be a whole number of at least {minimum}, not {value!r}.")
    return int(value)
