"""What every measure of uncertainty is made of: the highest of a row, the second, and Σ p·log p. Fast.

The rows go by in chunks that stay in the cache, shared among threads (numpy lets go of the interpreter
meanwhile), in memory that is taken once. What comes out for a row depends on that row alone, to the last bit:
equal rows have equal scores wherever they lie, which no product by a BLAS promises.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from al_core.validation import refuse_sums, row_sums

_Array = NDArray[Any]

_THREADS = min(4, os.cpu_count() or 1)
# Bytes of scratch memory, whatever the input. Each thread holds up to four chunks; smaller ones would cost more in
# Python than they save in cache misses.
_MEMORY = 12 * 2**20
# Up to so many classes it pays to lay a chunk out classes first: for their order, and for their logarithms.
_FEW_TO_RANK = 48
_FEW_TO_LOG = 8


class Chunk(Protocol):
    """A few rows, and what can be asked of them.

    Each answer is (m,) in the precision of the rows, NaN for a row of NaN, and the caller's to overwrite until
    it asks the next. ``two_highest`` may use up the rows: it comes last.
    """

    def highest(self) -> _Array: ...

    def two_highest(self) -> tuple[_Array, _Array]:
        """The second is 0 where there is one class."""

    def p_log_p(self) -> _Array:
        """Σ p·log p, with 0·log 0 = 0."""


class _Layout(Chunk, Protocol):
    """Memory for one chunk after another."""

    lowest: Any
    """Of all numbers of the chunk; NaN if any is."""

    def load(self, rows: _Array) -> None: ...

    def sums(self) -> _Array: ...

    def divide(self, divisors: _Array) -> None:
        """Divide every row by its own of (m,)."""


Measure = Callable[[Chunk, NDArray[np.float64]], None]
"""Writes the scores of a chunk into an array (results, m)."""


def measured(rows: _Array, measure: Measure, results: int = 1, ranks: bool = True) -> NDArray[np.float64]:
    """Apply a measure to every row that is a distribution; others become NaN first.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n, k)
        Left as it is.
    measure : callable
    results : int
        How many scores a row has.
    ranks : bool
        Whether the measure asks for the highest, or for Σ p·log p alone.

    Returns
    -------
    ndarray of float64, shape (results, n)
    """
    count, classes = rows.shape
    scores = np.empty((results, count))
    chunks = -(-rows.nbytes * 4 * _THREADS // _MEMORY)
    if chunks > 1:
        chunks += -chunks % _THREADS  # as many for each
    step = max(1, -(-count // max(1, chunks)))
    starts = iter(range(0, count, step))
    few = classes <= (_FEW_TO_RANK if ranks else _FEW_TO_LOG)

    def work() -> None:
        layout: _Layout = (_ClassesFirst if few else _RowsFirst)(step, classes, rows.dtype)
        # NaN, infinity and overflow are answers here, not accidents.
        with np.errstate(all="ignore"):
            for start in starts:  # shared: whoever is free takes the next
                _load(layout, np.ascontiguousarray(rows[start : start + step]))
                measure(layout, scores[:, start : start + step])

    helpers = min(_THREADS, chunks) - 1
    if helpers <= 0:
        work()
        return scores
    with ThreadPoolExecutor(helpers) as pool:
        others = [pool.submit(work) for _ in range(helpers)]
        work()
        for other in others:
            other.result()
    return scores


def _load(layout: _Layout, rows: _Array) -> None:
    """Load rows, those that are no distribution as NaN, and those that are one but for a factor renormalised."""
    layout.load(rows)
    sums = layout.sums()
    # A sum that is 1 but for rounding is left alone; with one class only 1 itself is 1.
    rounding = max(1e-13, 16 * float(np.finfo(rows.dtype).eps)) if rows.shape[1] > 1 else 0.0
    if layout.lowest >= 0 and sums.min() >= 1 - rounding and sums.max() <= 1 + rounding:
        return
    sums[np.abs(sums - 1) <= rounding] = 1
    refuse_sums(rows, sums)
    layout.divide(sums)


class _ClassesFirst:
    """Few classes: a column a class, so that every step over them runs along contiguous memory.

    Neighbouring classes are moved together, two or four in one go where their number allows it; they then lie
    side by side in a column as so many lanes, and meet at the end.
    """

    def __init__(self, count: int, classes: int, dtype: np.dtype[Any]) -> None:
        self._lanes = next(
            lanes
            for lanes in (4, 2, 1)
            if lanes == 1 or (classes % lanes == 0 and classes >= 4 * lanes and lanes * dtype.itemsize <= 16)
        )
        units = {4: np.uint32, 8: np.uint64, 16: np.complex128}  # copied, never calculated with
        self._unit = np.dtype(units[self._lanes * dtype.itemsize])
        self._dtype = dtype
        columns, count = classes // self._lanes, max(2, count)
        self._memory = np.empty((columns, count), dtype=self._unit)
        self._work = np.empty((columns, count * self._lanes), dtype=dtype)
        self._totals = np.empty(count * self._lanes, dtype=dtype)
        self._answers = np.empty((2, count), dtype=dtype)
        self._columns = self._memory.view(dtype)

    def load(self, rows: _Array) -> None:
        # A row alone is loaded twice: numbers that lie in one line are added up in another order than columns.
        memory = self._memory[:, : max(2 if self._lanes == 1 else 1, len(rows))]
        np.copyto(memory, rows.view(self._unit).T)
        self._count = len(rows)
        self._columns = memory.view(self._dtype)
        self.lowest = self._columns.min()

    def sums(self) -> _Array:
        return self._meet(np.add, np.einsum("ij->j", self._columns, out=self._totals[: self._columns.shape[1]]))

    def divide(self, divisors: _Array) -> None:
        self._columns /= np.repeat(divisors, self._columns.shape[1] // self._count)

    def highest(self) -> _Array:
        totals = self._totals[: self._columns.shape[1]]
        return self._meet(np.maximum, np.maximum.reduce(self._columns, axis=0, out=totals))

    def p_log_p(self) -> _Array:
        logs = self._work[:, : self._columns.shape[1]]
        _log(self._columns, self.lowest, logs)
        return self._meet(np.add, np.einsum("ij,ij->j", self._columns, logs, out=self._totals[: logs.shape[1]]))

    def two_highest(self) -> tuple[_Array, _Array]:
        first, second = _knock_out(self._columns, self._work[:, : self._columns.shape[1]])
        for level, shift in enumerate({4: (2, 1), 2: (1,), 1: ()}[self._lanes]):
            # Every lane meets the one beside it, though all but the first of a row in vain: that is faster than
            # to pick. There are four columns or more where there are lanes, and all but the first are free by now.
            length = len(first) - shift
            lower = np.minimum(first[:-shift], first[shift:], out=self._columns[1][:length])
            first = np.maximum(first[:-shift], first[shift:], out=self._columns[2 + level][:length])
            second = np.maximum(second[:-shift], second[shift:], out=self._work[1 + level][:length])
            np.maximum(second, lower, out=second)
        if self._lanes == 1:
            return first[: self._count], second[: self._count]
        answers = self._answers[:, : self._count]
        answers[0] = first[:: self._lanes]
        answers[1] = second[:: self._lanes]
        return answers[0], answers[1]

    def _meet(self, operation: np.ufunc, lanes: _Array) -> _Array:
        if self._lanes == 1:
            return lanes[: self._count]
        if self._lanes == 4:
            lanes = operation(lanes[:-2], lanes[2:], out=self._work[1][: len(lanes) - 2])
        answer: _Array = self._answers[0, : self._count]
        operation(lanes[:: self._lanes], lanes[1 :: self._lanes], out=answer)
        return answer


class _RowsFirst:
    """Many classes: rows stay as they are, for steps along them are long enough."""

    def __init__(self, count: int, classes: int, dtype: np.dtype[Any]) -> None:
        self._work = np.empty((count, classes), dtype=dtype)
        self._answers = np.empty((2, count), dtype=dtype)
        self._places = np.empty(count, dtype=np.intp)
        self._before = np.arange(count, dtype=np.intp) * classes
        self._rows = self._work

    def load(self, rows: _Array) -> None:
        self._rows = rows
        self.lowest = rows.min()

    def sums(self) -> _Array:
        return row_sums(self._rows, out=self._answers[0, : len(self._rows)])

    def divide(self, divisors: _Array) -> None:
        self._rows = self._rows / divisors[:, np.newaxis]

    def highest(self) -> _Array:
        return self._taken(self._rows, 0)

    def p_log_p(self) -> _Array:
        logs = self._work[: len(self._rows)]
        _log(self._rows, self.lowest, logs)
        answer: _Array = np.einsum("ij,ij->i", self._rows, logs, out=self._answers[0, : len(logs)])
        return answer

    def two_highest(self) -> tuple[_Array, _Array]:
        masked = self._work[: len(self._rows)]
        np.copyto(masked, self._rows)
        first = self._taken(masked, 0)
        masked.reshape(-1)[self._places[: len(masked)]] = -1
        return first, self._taken(masked, 1)

    def _taken(self, rows: _Array, answer: int) -> _Array:
        """The highest of every row; its place in memory stays in ``_places``."""
        places = self._places[: len(rows)]
        np.argmax(rows, axis=1, out=places)
        places += self._before[: len(rows)]
        taken: _Array = np.take(rows.reshape(-1), places, out=self._answers[answer, : len(rows)], mode="clip")
        return taken


def _log(numbers: _Array, lowest: Any, out: _Array) -> None:
    """Logarithms that are finite at 0, so that 0·log 0 is 0; NaN stays NaN."""
    if lowest > 0:
        np.log(numbers, out=out)
    else:
        np.maximum(numbers, np.finfo(numbers.dtype).tiny, out=out)
        np.log(out, out=out)


def _knock_out(first: _Array, work: _Array) -> tuple[_Array, _Array]:
    """Highest and second highest of every column of (c, m), in the memory of both arrays.

    Half of the rows meet the other half. Of two that meet the higher goes on, and the lower becomes the
    runner-up unless an earlier one was better: about two passes of work for any c, and no sort.
    """
    half = (len(first) + 1) // 2
    second, lower = work[:half], work[half:]
    second[len(first) - half :] = 0  # one that met nobody yet
    np.minimum(first[: len(first) - half], first[half:], out=second[: len(first) - half])
    np.maximum(first[: len(first) - half], first[half:], out=first[: len(first) - half])
    first = first[:half]
    while len(first) > 1:
        half = (len(first) + 1) // 2
        met = len(first) - half  # one less than half if odd: the middle one gets a bye
        np.minimum(first[:met], first[half:], out=lower[:met])
        np.maximum(first[:met], first[half:], out=first[:met])
        np.maximum(second[:met], second[half:], out=second[:met])
        np.maximum(second[:met], lower[:met], out=second[:met])
        first, second = first[:half], second[:half]
    return first[0], second[0]
