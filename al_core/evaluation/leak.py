"""Whether the model may have learned the answers of its test set."""

from dataclasses import dataclass
from math import sqrt

from al_core.errors import InvalidInput
from al_core.evaluation.intervals import wilson_interval
from al_core.evaluation.values import Interval


@dataclass(frozen=True)
class Leak:
    """Accuracy on the test set beside that on the control lane."""

    is_suspected: bool
    difference: Interval | None
    """Test set − control lane, as a share; None where either is empty."""
    sentence: str


def leak_check(test: tuple[int, int], control: tuple[int, int]) -> Leak:
    """Compare the accuracy on the test set with that on the control lane.

    Parameters
    ----------
    test, control : tuple of int
        How many were right, and of how many.

    Returns
    -------
    Leak
    """
    for correct, total in (test, control):
        if not 0 <= correct <= total:
            raise InvalidInput(f"{correct} correct of {total} is not possible.")
    if not test[1] or not control[1]:
        return Leak(False, None, "Unknown: there is nothing to compare yet.")
    difference = _difference(test, control)
    return Leak(difference.low > 0, difference, "")


def _difference(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    p, q = one[0] / one[1], other[0] / other[1]
    (p_low, p_high), (q_low, q_high) = wilson_interval(*one), wilson_interval(*other)
    value = p - q
    return Interval(
        value, value - sqrt((p - p_low) ** 2 + (q_high - q) ** 2), value + sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    )
