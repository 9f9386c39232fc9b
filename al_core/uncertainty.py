"""How unsure a model is of each task: class probabilities in, one number per task out.

One rule for every measure: higher is more uncertain. The measures are those of B. Settles, "Active Learning
Literature Survey", University of Wisconsin-Madison, Technical Report 1648 (2009), section 3.1; margin is
from T. Scheffer, C. Decomain and S. Wrobel, "Active Hidden Markov Models for Information Extraction" (2001),
turned round so that it follows the rule.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.validation import as_matrix, normalise_columns

MEASURES = ("entropy", "least_confidence", "margin", "ratio")

_Measure = Callable[[NDArray[Any]], NDArray[Any]]
"""(k, n) distributions, one a column and free to be overwritten, to (n,) scores."""

# Numbers in a chunk: 1 MB of float32. Smaller ones cost more in Python than they save in cache misses.
_CHUNK = 2**18
# Every thread holds up to three chunks, so four threads stay near 12 MB whatever the input.
_THREADS = min(4, os.cpu_count() or 1)


class UncertaintySampling:
    """The four classic measures of uncertainty.

    Each takes probabilities of shape (n, k), as any array_like, and returns (n,) float64. A row that is no
    distribution (NaN, infinity, a negative, a sum off by more than 10⁻³) scores NaN, and the rest is scored
    as if it were not there. With a single class nothing is uncertain: every score is 0. The arithmetic is
    that of the input, so float32 gives about six digits. ``InvalidInput`` is raised if the shape is not
    (n, k ≥ 1).
    """

    @staticmethod
    def entropy(probabilities: ArrayLike) -> NDArray[np.float64]:
        """Shannon entropy −Σ p·log p.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)

        Returns
        -------
        ndarray, shape (n,)
            Nats, from 0 (one class is certain) to log k (all are equal); 0·log 0 counts as 0.
        """
        return _measured(probabilities, _entropy)

    @staticmethod
    def least_confidence(probabilities: ArrayLike) -> NDArray[np.float64]:
        """One minus the probability of the likeliest class.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)

        Returns
        -------
        ndarray, shape (n,)
            From 0 to 1 − 1/k.
        """
        return _measured(probabilities, lambda columns: 1 - columns.max(axis=0))

    @staticmethod
    def margin(probabilities: ArrayLike) -> NDArray[np.float64]:
        """One minus the lead of the likeliest class over the second, 1 − (p₁ − p₂).

        Parameters
        ----------
        probabilities : array_like, shape (n, k)

        Returns
        -------
        ndarray, shape (n,)
            From 0 (certain) to 1 (the first two are level).
        """
        return _measured(probabilities, _margin)

    @staticmethod
    def ratio(probabilities: ArrayLike) -> NDArray[np.float64]:
        """The second likeliest class as a fraction of the likeliest, p₂ / p₁.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)

        Returns
        -------
        ndarray, shape (n,)
            From 0 (certain) to 1 (the first two are level).
        """
        return _measured(probabilities, _ratio)

    @staticmethod
    def score(probabilities: ArrayLike, strategy: str = "entropy") -> NDArray[np.float64]:
        """Score by the name of a measure.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)
        strategy : {"entropy", "least_confidence", "margin", "ratio"}

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        InvalidInput
            If there is no measure of that name.
        """
        measures = {
            "entropy": UncertaintySampling.entropy,
            "least_confidence": UncertaintySampling.least_confidence,
            "margin": UncertaintySampling.margin,
            "ratio": UncertaintySampling.ratio,
        }
        if strategy not in measures:
            raise InvalidInput(f"There is no measure named {strategy!r}.", f"Known are: {', '.join(measures)}.")
        return measures[strategy](probabilities)


def _measured(probabilities: ArrayLike, measure: _Measure) -> NDArray[np.float64]:
    """Apply ``measure`` chunk by chunk, in threads: numpy lets go of the interpreter meanwhile."""
    rows = as_matrix(probabilities)
    count, classes = rows.shape
    scores = np.empty(count)
    step = max(1, _CHUNK // classes)

    def score_chunk(start: int) -> None:
        # Classes first: every step over them is then one run along contiguous memory.
        columns = np.array(rows[start : start + step].T, order="C")
        normalise_columns(columns)
        scores[start : start + step] = measure(columns)

    starts = range(0, count, step)
    if len(starts) <= 1:
        for start in starts:
            score_chunk(start)
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(score_chunk, starts))  # list: an error in a thread is raised here
    return scores


def _entropy(columns: NDArray[Any]) -> NDArray[Any]:
    logs = np.maximum(columns, np.finfo(columns.dtype).tiny)  # so that 0·log 0 is 0; NaN stays NaN
    np.log(logs, out=logs)
    logs *= columns
    totals: NDArray[Any] = logs.sum(axis=0)
    return 0 - totals  # not -totals: a certain row is 0, not -0


def _margin(columns: NDArray[Any]) -> NDArray[Any]:
    first, second = _top_two(columns)
    scores: NDArray[Any] = 1 - (first - second)
    return scores


def _ratio(columns: NDArray[Any]) -> NDArray[Any]:
    first, second = _top_two(columns)
    scores: NDArray[Any] = second / first  # the first is at least 1/k
    return scores


def _top_two(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Highest and second highest of every column, by a knock-out: half of the classes meet the other half.

    Of two classes that meet the higher goes on, and the lower becomes the runner-up unless an earlier one was
    better. About two passes of work for any number of classes, and no sort.
    """
    first, second = columns, np.zeros_like(columns)
    while len(first) > 1:
        half = (len(first) + 1) // 2
        met = len(first) - half  # one less than half if odd: the middle class gets a bye
        lower = np.minimum(first[:met], first[half:])
        np.maximum(first[:met], first[half:], out=first[:met])
        np.maximum(second[:met], second[half:], out=second[:met])
        np.maximum(second[:met], lower, out=second[:met])
        first, second = first[:half], second[:half]
    return first[0], second[0]
