"""How unsure a model is of each task: class probabilities in, one number per task out.

One rule for every measure: higher is more uncertain. The measures are those of B. Settles, "Active Learning
Literature Survey", University of Wisconsin-Madison, Technical Report 1648 (2009), section 3.1; margin is
from T. Scheffer, C. Decomain and S. Wrobel, "Active Hidden Markov Models for Information Extraction" (2001),
turned round so that it follows the rule.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.errors import InvalidInput
from al_core.rowwise import Chunk, Measure, measured
from al_core.validation import as_matrix, refuse_unknown

MEASURES = ("entropy", "least_confidence", "margin", "ratio")


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
        return _scores(probabilities, "entropy")

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
        return _scores(probabilities, "least_confidence")

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
        return _scores(probabilities, "margin")

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
        return _scores(probabilities, "ratio")

    @staticmethod
    def all(probabilities: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Score by all four at once: each number is read once, and what two measures need is calculated once.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)

        Returns
        -------
        dict of str to ndarray, shape (n,)
            By the names in ``MEASURES``.
        """
        return dict(zip(MEASURES, measured(as_matrix(probabilities), _all, len(MEASURES)), strict=True))

    @staticmethod
    def score(probabilities: ArrayLike, strategy: str = "entropy", strict: bool = False) -> NDArray[np.float64]:
        """Score by the name of a measure.

        Parameters
        ----------
        probabilities : array_like, shape (n, k)
        strategy : {"entropy", "least_confidence", "margin", "ratio"}
        strict : bool
            Refuse the whole for the first row that is no distribution, rather than score it NaN.

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        InvalidInput
            If there is no measure of that name; if ``strict``, and a row is no distribution.
        """
        if strategy not in MEASURES:
            raise InvalidInput(f"There is no measure named {strategy!r}.", f"Known are: {', '.join(MEASURES)}.")
        rows = as_matrix(probabilities)
        scores = _scores(rows, strategy)
        if strict:
            refuse_unknown(rows, scores)
        return scores


def _scores(probabilities: ArrayLike, measure: str) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = measured(as_matrix(probabilities), _ALONE[measure], ranks=measure != "entropy")[0]
    return scores


# A row may sum to a little more than 1 by rounding: hence the minima below, so that no score is below 0.


def _entropy(chunk: Chunk, scores: NDArray[np.float64]) -> None:
    total = chunk.p_log_p()
    np.minimum(total, 0, out=total)
    np.subtract(0, total, out=scores[0])  # not -total: a certain row is 0, not -0


def _least_confidence(chunk: Chunk, scores: NDArray[np.float64]) -> None:
    _one_less(chunk.highest(), scores[0])


def _margin(chunk: Chunk, scores: NDArray[np.float64]) -> None:
    first, second = chunk.two_highest()
    _one_less(np.subtract(first, second, out=first), scores[0])


def _ratio(chunk: Chunk, scores: NDArray[np.float64]) -> None:
    _share(*chunk.two_highest(), scores[0])


def _all(chunk: Chunk, scores: NDArray[np.float64]) -> None:
    """In the order of ``MEASURES``."""
    _entropy(chunk, scores[:1])
    first, second = chunk.two_highest()
    _share(first, second, scores[3])
    _one_less(np.subtract(first, second, out=second), scores[2])
    _one_less(first, scores[1])


def _one_less(certainty: NDArray[Any], scores: NDArray[np.float64]) -> None:
    np.minimum(certainty, 1, out=certainty)
    np.subtract(1, certainty, out=scores)


def _share(first: NDArray[Any], second: NDArray[Any], scores: NDArray[np.float64]) -> None:
    second += 0  # −0 becomes 0
    np.divide(second, first, out=scores)  # the first is at least 1/k


_ALONE: dict[str, Measure] = {
    "entropy": _entropy,
    "least_confidence": _least_confidence,
    "margin": _margin,
    "ratio": _ratio,
}
