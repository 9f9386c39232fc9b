"""What is checked before anything is calculated: probabilities and counts."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput

TOLERANCE = 1e-3
"""How far from 1 a row of probabilities may sum: float32 soft-max and rounded JSON stay well inside."""

# From so many classes on, numpy's pairwise sum costs little more than the plain one, and it rounds less.
_PAIRWISE = 4096


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


def row_sums(rows: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Sum every row of an (n, k) array in its own precision, in an order that no other row has a part in."""
    if rows.shape[1] >= _PAIRWISE:
        return np.sum(rows, axis=1, out=out)
    return np.einsum("ij->i", rows, out=out)


def refuse_sums(rows: NDArray[Any], sums: NDArray[Any], tolerance: float = TOLERANCE) -> None:
    """Set the (n,) sums of contiguous (n, k) rows to NaN where a row is no distribution, in place."""
    sums[~(np.abs(sums - 1) <= tolerance)] = np.nan  # "not within", rather than "beyond", so that NaN is refused too
    sums[np.flatnonzero(rows.reshape(-1) < 0) // rows.shape[1]] = np.nan


def check_probabilities(values: ArrayLike, tolerance: float = TOLERANCE, strict: bool = False) -> NDArray[Any]:
    """Return rows that sum to 1, and NaN for every row that is no probability distribution.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Class probabilities.
    tolerance : float
        A row whose sum is off by more than this is unknown; within, it is renormalised.
    strict : bool
        Refuse the whole for the first row that is no distribution.

    Returns
    -------
    ndarray, shape (n, k)
        A new array, float32 if ``values`` is, else float64. Rows with NaN, infinity, a negative or a wrong
        sum are NaN throughout.

    Raises
    ------
    InvalidInput
        If ``values`` is not a matrix of numbers with at least one column; if ``strict``, and a row is no
        distribution.
    """
    matrix = as_matrix(values)
    rows = np.array(matrix, order="C")
    with np.errstate(all="ignore"):  # NaN, infinity and overflow are answers here, not accidents
        sums = row_sums(rows)
        refuse_sums(rows, sums, tolerance)
        rows /= sums[:, np.newaxis]
    if strict:
        refuse_unknown(matrix, rows[:, 0])
    return rows


def refuse_unknown(rows: NDArray[Any], checked: NDArray[Any]) -> None:
    """Raise ``InvalidInput`` for the first of the (n, k) rows whose place in ``checked`` (n,) is NaN."""
    unknown = np.flatnonzero(np.isnan(checked))
    if not len(unknown):
        return
    place = int(unknown[0])
    row = rows[place].astype(np.float64)
    if not np.isfinite(row).all():
        fault = "it holds a number that is not finite"
    elif (row < 0).any():
        fault = "it holds a negative number"
    else:
        fault = f"it sums to {row.sum():.6g}"
    raise InvalidInput(f"Row {place} is no probability distribution: {fault}.", "Rows are counted from 0.")


def check_count(name: str, value: object, minimum: int = 0) -> int:
    """Return ``value`` as an int, or raise ``InvalidInput`` unless it is a whole number ≥ ``minimum``."""
    # bool is an int to Python, and not to anyone who counts.
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise InvalidInput(f"{name} must be a whole number of at least {minimum}, not {value!r}.")
    return int(value)
