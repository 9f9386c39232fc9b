"""Random numbers that belong to a task, not to its place in an array.

A draw that follows the task's id and the seed gives the same batch on any machine and in whatever order a
server lists its tasks. The generator is SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def task_keys(task_ids: ArrayLike, seed: int, purpose: int = 0) -> NDArray[np.uint64]:
    """A pseudo-random number for each task, to order equals by.

    Parameters
    ----------
    task_ids : array_like of int, shape (n,)
    seed : int
    purpose : int
        Another purpose gives other numbers, so that two draws of one round do not follow each other.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    state = np.asarray(task_ids, dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):  # the arithmetic is modulo 2⁶⁴
        stream = _mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + np.uint64(purpose) * _GOLDEN)
        state *= _GOLDEN
        state += stream
        return _mix(state)


def task_uniforms(task_ids: ArrayLike, seed: int, purpose: int = 0) -> NDArray[np.float64]:
    """A pseudo-random number in [0, 1) for each task, of 53 bits; see :func:`task_keys`."""
    return (task_keys(task_ids, seed, purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix numbers in place: a pool's are many."""
    state += _GOLDEN
    state ^= state >> np.uint64(30)
    state *= _FIRST
    state ^= state >> np.uint64(27)
    state *= _SECOND
    state ^= state >> np.uint64(31)
    return state
