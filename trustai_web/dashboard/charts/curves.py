"""How the model grew: learning curves."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Protocol

import plotly.graph_objects as go

from trustai_web.dashboard.charts.drawing import (
    THIN_SPACE,
    Chart,
    axis,
    figure,
    joined,
    labels,
    laid_out,
    number,
    percent,
)


class CurvePoint(Protocol):
    """One evaluation on the test set. ``correct`` and ``total``, where it has them, make the sentence more concrete."""

    @property
    def round_number(self) -> int: ...
    @property
    def label_count(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def learning_curve(
    points: Iterable[CurvePoint], random_points: Iterable[CurvePoint] = (), *, metric: str = "accuracy"
) -> Chart | None:
    """How the metric grew with the labels, with its 95 % band; a campaign that asks at random as the dashed rival."""
    curve = sorted(points, key=lambda point: (point.label_count, point.round_number))
    rival = sorted(random_points, key=lambda point: (point.label_count, point.round_number))
    if not curve:
        return None
    last = curve[-1]
    name = metric[:1].upper() + metric[1:]
    title = f"{name} {percent(last.value)} after {labels(last.label_count)}{_rival_in_title(last, rival)}"
    traces: list[Any] = []
    if len(curve) > 1:
        traces.append(_band(curve))
    if rival:
        traces.append(_rival_line(rival))
    traces.append(_curve_line(curve))
    frame = laid_out(
        showlegend=bool(rival),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 56, "r": 20, "t": 36 if rival else 16, "b": 48},
        xaxis=axis("labels to train on", tickformat=",d", range=_span_of_labels([*curve, *rival])),
        yaxis=axis(f"{metric} on the test set (%)", range=_span_of_percent([*curve, *rival])),
    )
    sentences = [_last_point(last), _gain(curve), _rival_sentence(last, rival)]
    if len(curve) > 1:
        sentences.append(f"The band is the 95{THIN_SPACE}% interval.")
    columns = ["Round", "Labels", name, "From", "To"]
    rows = [_curve_row(point) for point in curve]
    if rival:
        columns.insert(0, "Asked by")
        rows = [["strategy", *row] for row in rows] + [["random", *_curve_row(point)] for point in rival]
    return Chart(title, figure(traces, frame), joined(sentences), columns, rows)


def _band(curve: Sequence[CurvePoint]) -> Any:
    """One closed outline: there along the upper ends, back along the lower."""
    labels = [point.label_count for point in curve]
    return go.Scatter(
        name="95 % interval",
        x=labels + labels[::-1],
        y=[point.high * 100 for point in curve] + [point.low * 100 for point in reversed(curve)],
        mode="lines",
        line={"width": 0},
        fill="toself",
        hoverinfo="skip",
        showlegend=False,
        meta={"role": "band"},
    )


def _curve_line(curve: Sequence[CurvePoint]) -> Any:
    # A single point has no band to lie in: it shows its interval itself.
    alone = {
        "type": "data",
        "symmetric": False,
        "array": [(point.high - point.value) * 100 for point in curve],
        "arrayminus": [(point.value - point.low) * 100 for point in curve],
        "thickness": 1.5,
        "width": 6,
    }
    return go.Scatter(
        name="asked by the strategy",
        x=[point.label_count for point in curve],
        y=[point.value * 100 for point in curve],
        mode="lines+markers+text",
        text=[str(point.round_number) for point in curve],
        textposition="middle right" if len(curve) == 1 else "top center",
        cliponaxis=False,
        line={"width": 2},
        marker={"size": 9},
        error_y=alone if len(curve) == 1 else None,
        hoverinfo="text",
        hovertext=[_hover(point) for point in curve],
        meta={"role": "model"},
    )


def _rival_line(rival: Sequence[CurvePoint]) -> Any:
    return go.Scatter(
        name="asked at random",
        x=[point.label_count for point in rival],
        y=[point.value * 100 for point in rival],
        mode="lines+markers",
        line={"width": 2, "dash": "dash"},
        marker={"size": 6},
        hoverinfo="text",
        hovertext=[f"Asked at random<br>{_hover(point)}" for point in rival],
        meta={"role": "random"},
    )


def _hover(point: CurvePoint) -> str:
    interval = f"{point.low * 100:.1f} to {percent(point.high)}"
    return f"Round {point.round_number}<br>{percent(point.value)} ({interval})<br>{labels(point.label_count)}"


def _curve_row(point: CurvePoint) -> list[str]:
    return [
        str(point.round_number),
        number(point.label_count),
        percent(point.value),
        percent(point.low),
        percent(point.high),
    ]


def _last_point(last: CurvePoint) -> str:
    correct, total = getattr(last, "correct", None), getattr(last, "total", None)
    interval = f"95{THIN_SPACE}% interval {last.low * 100:.1f} to {percent(last.high)}"
    if correct is None or total is None:
        return f"Round {last.round_number} stands at {percent(last.value)} ({interval})."
    return f"Round {last.round_number} answers {number(correct)} of {number(total)} test tasks rightly ({interval})."


def _gain(curve: Sequence[CurvePoint]) -> str:
    if len(curve) < 2:
        return "The next round will show whether it grows."
    before, last = curve[-2], curve[-1]
    both = f"rounds {before.round_number} and {last.round_number}"
    if last.value == before.value:
        return f"Between {both} nothing changed."
    change = "gain" if last.value > before.value else "fall"
    if _overlap(before, last):
        return f"The intervals of {both} overlap, so the {change} may be chance."
    return f"The intervals of {both} do not overlap: the {change} is more than chance."


def _rival_in_title(last: CurvePoint, rival: Sequence[CurvePoint]) -> str:
    if not rival:
        return ""
    needed = _labels_needed(rival, last.value)
    if needed is None:
        reached = rival[-1].label_count
        return f", random has not reached it with {number(reached)}" if reached >= last.label_count else ""
    needed = 5 * round(needed / 5) if needed > rival[0].label_count else needed  # no more exact than "about" says
    if needed <= rival[0].label_count:
        return f", random reaches it with at most {number(needed)}"
    verb = "needs" if needed > last.label_count else "reaches it with"
    return f", random {verb} about {number(needed)}"


def _rival_sentence(last: CurvePoint, rival: Sequence[CurvePoint]) -> str:
    if not rival:
        return ""
    same = next((point for point in rival if point.label_count == last.label_count), None)
    if same is None:
        return f"The random campaign was measured with up to {labels(rival[-1].label_count)}."
    if same.value == last.value:
        return f"With the same {labels(last.label_count)} random does equally well."
    word = "lead" if last.value > same.value else "lag"
    verdict = (
        f"the intervals overlap, so the {word} may be chance"
        if _overlap(same, last)
        else (f"the intervals do not overlap, so the {word} is more than chance")
    )
    return f"With the same {labels(last.label_count)} random stands at {percent(same.value)}; {verdict}."


def _labels_needed(rival: Sequence[CurvePoint], value: float) -> int | None:
    """With how many labels the rival first reaches a value, on straight lines between its points; None if never."""
    if rival[0].value >= value:
        return rival[0].label_count
    for before, after in pairwise(rival):
        if after.value >= value:
            share = (value - before.value) / (after.value - before.value)
            return round(before.label_count + share * (after.label_count - before.label_count))
    return None


def _overlap(one: CurvePoint, other: CurvePoint) -> bool:
    return one.low <= other.high and other.low <= one.high


def _span_of_labels(points: Sequence[CurvePoint]) -> list[float]:
    least, most = min(point.label_count for point in points), max(point.label_count for point in points)
    room = max((most - least) * 0.06, most * 0.1 if least == most else 0, 1)
    return [max(least - room, -room), most + room]


def _span_of_percent(points: Sequence[CurvePoint]) -> list[float]:
    """From the lowest interval to the highest, never past 0 and 100, with room for the numbers on the points."""
    low, high = min(point.low for point in points) * 100, max(point.high for point in points) * 100
    room = max((high - low) * 0.08, 1)
    return [max(low - room, 0), min(high + room, 100.5)]
