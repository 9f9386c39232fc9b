"""How many tasks a test set needs."""

from math import ceil, sqrt
from statistics import NormalDist

from al_core.errors import InvalidInput


def suggested_size(half_width: float, expected: float = 0.9, confidence: float = 0.95) -> int:
    """How many test tasks make an accuracy exact to ± a half width.

    The least n for which Wilson's interval of ``expected`` is at most ± ``half_width`` wide; with p = expected,
    q = 1 − p, h = half_width and z of the confidence, that is
    n = z²·(pq − 2h² + √(p²q² − 4h²pq + h²)) / 2h².

    W. Piegorsch, "Sample sizes for improved binomial confidence intervals", Computational Statistics & Data
    Analysis 46 (2004).

    Parameters
    ----------
    half_width : float
        As a share, above 0 and below 0.5.
    expected : float
        About how accurate the model will be, from 0 to 1; 0.5 needs the most tasks.
    confidence : float
        Between 0 and 1, both excluded.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    if not 0 < half_width < 0.5:
        raise InvalidInput(f"A half width must be above 0 and below 0.5, not {half_width}.")
    if not 0 <= expected <= 1:
        raise InvalidInput(f"An expected accuracy must be from 0 to 1, not {expected}.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"A confidence must be between 0 and 1, not {confidence}.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    pq, h2 = expected * (1 - expected), half_width**2
    exact = z * z * (pq - 2 * h2 + sqrt(pq * pq - 4 * h2 * pq + h2)) / (2 * h2)
    return max(1, ceil(exact - 1e-9))
