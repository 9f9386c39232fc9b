"""Whether the model may have learned the answers of its test set."""

from dataclasses import dataclass
from math import sqrt

from al_core.errors import InvalidInput
from al_core.evaluation.intervals import wilson_interval
from al_core.evaluation.values import Interval
from al_core.evaluation.wording import THIN_SPACE, percent, points

ALARM_CONFIDENCE = 0.98
"""Of the interval that must lie above 0. It is checked anew in every round, so that 95 % would raise a false alarm in
7 of 100 campaigns that leak nothing; this does in 3 (``tests/simulations/test_leak.py``)."""

_FEW = 30


@dataclass(frozen=True)
class Leak:
    """Accuracy on the test set beside that on the control lane."""

    is_suspected: bool
    difference: Interval | None
    """Test set − control lane, as a share; None where either is empty."""
    sentence: str


def leak_check(test: tuple[int, int], control: tuple[int, int]) -> Leak:
    """Compare the accuracy on the test set with that on the control lane.

    Both are drawn from the pool at random, and the control lane is predicted before anybody labels it. So a model that
    has learned from neither does equally well on both, but for chance. One that has learned the test set does better on
    it. The interval of the difference p − q is Newcombe's: with Wilson's intervals (l, u) of both it goes from
    p − q − √((p − l_p)² + (u_q − q)²) to p − q + √((u_p − p)² + (q − l_q)²).

    R. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998), method 10.

    Parameters
    ----------
    test, control : tuple of int
        How many were right, and of how many: **by the same model versions**. A control lane that earlier, worse models
        answered says nothing about the test set of the newest.

    Returns
    -------
    Leak
        The difference has its 95 % interval; the alarm wants that of 98 % to lie above 0.

    Raises
    ------
    InvalidInput
        If more are right than there are.
    """
    for correct, total in (test, control):
        if not 0 <= correct <= total:
            raise InvalidInput(f"{correct} correct of {total} is not possible.")
    if not test[1] or not control[1]:
        return Leak(False, None, "Not known yet: one model must have answered both test tasks and control tasks.")
    difference = _difference(test, control, 0.95)
    is_suspected = _difference(test, control, ALARM_CONFIDENCE).low > 0
    return Leak(is_suspected, difference, _sentence(test, control, difference, is_suspected))


def _sentence(test: tuple[int, int], control: tuple[int, int], difference: Interval, is_suspected: bool) -> str:
    both = (
        f"{percent(test[0] / test[1])} of {test[1]} test tasks are right and "
        f"{percent(control[0] / control[1])} of {control[1]} control tasks"
    )
    ends = f"{points(difference.low)} to {points(difference.high)}"
    interval = f"{points(difference.value)} points, 95{THIN_SPACE}% interval {ends}"
    if is_suspected:
        return f"{both} ({interval}): more than chance explains, where both were drawn from one pool."
    if difference.low > 0:
        return f"{both} ({interval}): on the edge of what chance brings, not enough for an alarm."
    few = "; of so few control tasks only a large leak could be seen" if control[1] < _FEW else ""
    return f"{both} ({interval}): no sign that the model has learned the test set{few}."


def _difference(one: tuple[int, int], other: tuple[int, int], confidence: float) -> Interval:
    p, q = one[0] / one[1], other[0] / other[1]
    (p_low, p_high), (q_low, q_high) = wilson_interval(*one, confidence), wilson_interval(*other, confidence)
    down, up = sqrt((p - p_low) ** 2 + (q_high - q) ** 2), sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return Interval(p - q, p - q - down, p - q + up)
