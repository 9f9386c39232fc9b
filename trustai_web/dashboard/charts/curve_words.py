"""What a learning curve says, in words that are computed from its points."""

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import pairwise
from typing import Protocol

from trustai_web.dashboard.charts.drawing import (
    THIN_SPACE,
    Spread,
    capital,
    hours,
    interval,
    labels,
    number,
    overlap,
    percent,
    points,
)


class CurvePoint(Spread, Protocol):
    """One evaluation.

    ``correct`` and ``total``, where it has them, make the sentence more concrete; ``hours`` is what people spent on
    the labels.
    """

    @property
    def round_number(self) -> int: ...
    @property
    def label_count(self) -> int: ...


class Fit(Protocol):
    """What is expected of labels to come."""

    def gain(self, labels_now: int, more: int, /) -> Spread: ...


def hours_of(point: CurvePoint) -> float | None:
    spent: float | None = getattr(point, "hours", None)
    return spent


class Along(Enum):
    """What a curve is drawn against."""

    LABELS = "labels"
    HOURS = "hours"

    @property
    def title(self) -> str:
        return "labels to train on" if self is Along.LABELS else "hours that annotators spent"

    @property
    def tickformat(self) -> str:
        return ",d" if self is Along.LABELS else ""

    def sorted(self, given: Iterable[CurvePoint]) -> list[CurvePoint]:
        """The points that have a place, in order."""
        placed = [point for point in given if self is Along.LABELS or hours_of(point) is not None]
        return sorted(placed, key=lambda point: (self.of(point), point.round_number))

    def of(self, point: CurvePoint) -> float:
        return point.label_count if self is Along.LABELS else hours_of(point) or 0.0

    def words(self, place: float) -> str:
        return labels(round(place)) if self is Along.LABELS else hours(place)

    def rounded(self, place: float) -> float:
        """No more exact than "about" says."""
        return 5 * round(place / 5) if self is Along.LABELS else round(place, 1)

    def amount(self, place: float) -> str:
        return number(place) if self is Along.LABELS else hours(place)

    def of_labels(self, counts: Sequence[float], curve: Sequence[CurvePoint]) -> list[float]:
        """Where counts of labels lie: along the points, and beyond the last at the mean pace so far."""
        if self is Along.LABELS:
            return list(counts)
        return [_hours_at(count, curve) for count in counts]


def _hours_at(count: float, curve: Sequence[CurvePoint]) -> float:
    known = [(0.0, 0.0), *((float(point.label_count), hours_of(point) or 0.0) for point in curve)]
    for (before, early), (after, late) in pairwise(known):
        if before <= count <= after and before < after:
            return early + (late - early) * (count - before) / (after - before)
    most, spent = known[-1]
    return count * spent / most if most else 0.0


def title(name: str, last: CurvePoint, rival: Sequence[CurvePoint], fit: Fit | None, along: Along, more: int) -> str:
    """The finding: where the model stands, and what more it takes."""
    stands = f"{capital(name)} {percent(last.value)} after {along.words(along.of(last))}"
    if rival:
        return stands + _rival_in_title(last, rival, along)
    if fit is None:
        return stands
    gain = fit.gain(last.label_count, more)
    return f"{stands}, the next {number(more)}{' labels' if along is Along.HOURS else ''} bring {gain_words(gain)}"


def gain_words(gain: Spread) -> str:
    """``+0.3 to +0.9 points``."""
    if max(abs(gain.low), abs(gain.high)) < 0.0005:
        return "next to nothing"
    return f"{points(gain.low)} to {points(gain.high)} points"


def last_point(last: CurvePoint) -> str:
    correct, total = getattr(last, "correct", None), getattr(last, "total", None)
    within = f"95{THIN_SPACE}% interval {interval(last)}"
    if correct is None or total is None:
        return f"Round {last.round_number} stands at {percent(last.value)} ({within})."
    return f"Round {last.round_number} answers {number(correct)} of {number(total)} test tasks rightly ({within})."


def gain(curve: Sequence[CurvePoint]) -> str:
    if len(curve) < 2:
        return "The next round will show whether it grows."
    before, last = curve[-2], curve[-1]
    both = f"rounds {before.round_number} and {last.round_number}"
    if last.value == before.value:
        return f"Between {both} nothing changed."
    change = "gain" if last.value > before.value else "fall"
    if overlap(before, last):
        return f"The intervals of {both} overlap, so the {change} may be chance."
    return f"The intervals of {both} do not overlap: the {change} is more than chance."


def expected(fit: Fit | None, label_count: int, more: int) -> str:
    if fit is None:
        return ""
    return f"By the dotted curve the next {labels(more)} bring {gain_words(fit.gain(label_count, more))}."


def control_sentence(curve: Sequence[CurvePoint], control: Sequence[CurvePoint]) -> str:
    """What the control lane says, and whether the test set of the same round says another thing."""
    if not control:
        return ""
    mark = control[-1]
    total = getattr(mark, "total", None)
    of = f" on {number(total)} tasks" if total is not None else ""
    stands = f"The control lane, predicted before people answered, stands at {percent(mark.value)}{of}"
    same = next((point for point in reversed(curve) if point.label_count == mark.label_count), None)
    if same is None:
        return f"{stands} ({interval(mark)})."
    verdict = "which fits the test set" if overlap(mark, same) else "which does not fit the test set"
    return f"{stands} ({interval(mark)}), {verdict}."


def left_out(measured: Iterable[CurvePoint], along: Along) -> str:
    if along is Along.LABELS:
        return ""
    count = sum(hours_of(point) is None for point in measured)
    if not count:
        return ""
    return f"Of {count} {'round' if count == 1 else 'rounds'} nobody knows the hours; they are not in the picture."


def rival_sentence(last: CurvePoint, rival: Sequence[CurvePoint], along: Along) -> str:
    if not rival:
        return ""
    same = next((point for point in rival if point.label_count == last.label_count), None)
    if same is None:
        return f"The random campaign was measured with up to {along.words(along.of(rival[-1]))}."
    if same.value == last.value:
        return f"With the same {labels(last.label_count)} random does equally well."
    word = "lead" if last.value > same.value else "lag"
    verdict = (
        f"the intervals overlap, so the {word} may be chance"
        if overlap(same, last)
        else (f"the intervals do not overlap, so the {word} is more than chance")
    )
    return f"With the same {labels(last.label_count)} random stands at {percent(same.value)}; {verdict}."


def _rival_in_title(last: CurvePoint, rival: Sequence[CurvePoint], along: Along) -> str:
    needed, first, reached = _needed(rival, last.value, along), along.of(rival[0]), along.of(rival[-1])
    if needed is None:
        return f", random has not reached it with {along.amount(reached)}" if reached >= along.of(last) else ""
    if needed <= first:
        return f", random reaches it with at most {along.amount(needed)}"
    about = along.rounded(needed)
    verb = "needs" if about > along.of(last) else "reaches it with"
    return f", random {verb} about {along.amount(about)}"


def _needed(rival: Sequence[CurvePoint], value: float, along: Along) -> float | None:
    """Where the rival first reaches a value, on straight lines between its points; None if never."""
    if rival[0].value >= value:
        return along.of(rival[0])
    for before, after in pairwise(rival):
        if after.value >= value:
            share = (value - before.value) / (after.value - before.value)
            return along.of(before) + share * (along.of(after) - along.of(before))
    return None
