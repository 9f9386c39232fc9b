"""How the model grew: learning curves against labels or against people's hours."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from trustai_web.dashboard.charts import curve_words as words
from trustai_web.dashboard.charts.curve_words import Along, CurvePoint, Fit
from trustai_web.dashboard.charts.drawing import (
    THIN_SPACE,
    Chart,
    axis,
    capital,
    figure,
    hours,
    interval,
    joined,
    labels,
    laid_out,
    metric_name,
    number,
    percent,
)

MORE = 100
"""How many labels ahead the fit looks."""


class PowerLaw(Fit, Protocol):
    """A curve that was fitted to the points, as ``al_core.evaluation.PowerLaw``: middle, low and high."""

    def measured_at(self, labels: NDArray[Any], /) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...


def learning_curve(
    points: Iterable[CurvePoint],
    random_points: Iterable[CurvePoint] = (),
    *,
    control_points: Iterable[CurvePoint] = (),
    fit: PowerLaw | None = None,
    metric: str = "accuracy",
    by: str = "labels",
) -> Chart | None:
    """How the metric grew, with its 95 % band.

    Beside it, where they are there: the control lane as marks, the fitted power law with what it expects of the next
    labels, and a campaign that asks at random as the dashed rival. Against hours only what has known ones is drawn.
    """
    along = Along.HOURS if by == "hours" else Along.LABELS
    measured = list(points)
    curve, rival, control = (along.sorted(given) for given in (measured, random_points, control_points))
    if not curve:
        return None
    law = fit if fit is not None and len(curve) > 1 else None
    name = metric_name(metric)
    traces: list[Any] = []
    if law:
        traces += _fitted(law, curve, along)
    if len(curve) > 1:
        traces.append(_band(curve, along))
    if rival:
        traces.append(_rival_line(rival, along))
    if control:
        traces.append(_control_marks(control, along))
    traces.append(_curve_line(curve, along))
    shown = [*curve, *rival, *control]
    has_legend = len(shown) > len(curve) or law is not None
    ahead = along.of_labels([curve[-1].label_count + MORE], curve) if law else []
    frame = laid_out(
        showlegend=has_legend,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        margin={"l": 56, "r": 20, "t": 36 if has_legend else 16, "b": 48},
        xaxis=axis(along.title, tickformat=along.tickformat, range=_span([along.of(p) for p in shown] + list(ahead))),
        yaxis=axis(
            f"{name} (%)" if control else f"{name} on the test set (%)",
            range=_span_of_percent([*curve, *rival], control, law),
        ),
    )
    sentences = [
        words.last_point(curve[-1]),
        words.gain(curve),
        words.expected(law, curve[-1].label_count, MORE),
        words.control_sentence(curve, control),
        words.rival_sentence(curve[-1], rival, along),
        words.left_out(measured, along),
        f"The band is the 95{THIN_SPACE}% interval." if len(curve) > 1 else "",
        "The band of the dotted curve is where the next measurements are expected." if law else "",
    ]
    title = words.title(name, curve[-1], rival, law, along, MORE)
    return Chart(title, figure(traces, frame), joined(sentences), *_table(name, curve, rival, control, law))


def _band(curve: Sequence[CurvePoint], along: Along) -> Any:
    """One closed outline: there along the upper ends, back along the lower."""
    places = [along.of(point) for point in curve]
    return _outline(
        "95 % interval",
        places,
        [point.low for point in curve],
        [point.high for point in curve],
        role="band",
    )


def _outline(name: str, places: Sequence[float], low: Sequence[float], high: Sequence[float], *, role: str) -> Any:
    return go.Scatter(
        name=name,
        x=[*places, *reversed(places)],
        y=[value * 100 for value in high] + [value * 100 for value in reversed(low)],
        mode="lines",
        line={"width": 0},
        fill="toself",
        hoverinfo="skip",
        showlegend=False,
        meta={"role": role},
    )


def _fitted(law: PowerLaw, curve: Sequence[CurvePoint], along: Along) -> list[Any]:
    """The power law through all points and beyond, dotted, and where the next measurements are expected."""
    first, last = curve[0].label_count, curve[-1].label_count
    counts = np.unique(np.linspace(max(first, 1), last + MORE, 60))
    middle, low, high = law.measured_at(counts)
    places = along.of_labels(counts.tolist(), curve)
    line = go.Scatter(
        name="fitted curve",
        x=places,
        y=[float(value) * 100 for value in middle],
        mode="lines",
        line={"width": 2, "dash": "dot"},
        hoverinfo="text",
        hovertext=[
            f"Fitted curve<br>{percent(value)} ({below * 100:.1f} to {percent(above)})<br>{labels(round(count))}"
            for count, value, below, above in zip(counts, middle, low, high, strict=True)
        ],
        meta={"role": "fit"},
    )
    outline = _outline("prediction", places, [float(v) for v in low], [float(v) for v in high], role="fit_band")
    return [outline, line]


def _curve_line(curve: Sequence[CurvePoint], along: Along) -> Any:
    # A single point has no band to lie in: it shows its interval itself.
    return go.Scatter(
        name="test set",
        x=[along.of(point) for point in curve],
        y=[point.value * 100 for point in curve],
        mode="lines+markers+text",
        text=[str(point.round_number) for point in curve],
        textposition="middle right" if len(curve) == 1 else "top center",
        cliponaxis=False,
        line={"width": 2},
        marker={"size": 9},
        error_y=_whiskers(curve) if len(curve) == 1 else None,
        hoverinfo="text",
        hovertext=[_hover(point) for point in curve],
        meta={"role": "model"},
    )


def _whiskers(points: Sequence[CurvePoint]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [(point.high - point.value) * 100 for point in points],
        "arrayminus": [(point.value - point.low) * 100 for point in points],
        "thickness": 1.5,
        "width": 6,
    }


def _control_marks(control: Sequence[CurvePoint], along: Along) -> Any:
    return go.Scatter(
        name="control lane",
        x=[along.of(point) for point in control],
        y=[point.value * 100 for point in control],
        mode="markers",
        marker={"size": 10, "symbol": "diamond"},
        error_y={**_whiskers(control), "thickness": 1, "width": 0},
        hoverinfo="text",
        hovertext=[f"Control lane<br>{_hover(point)}" for point in control],
        meta={"role": "control"},
    )


def _rival_line(rival: Sequence[CurvePoint], along: Along) -> Any:
    return go.Scatter(
        name="asked at random",
        x=[along.of(point) for point in rival],
        y=[point.value * 100 for point in rival],
        mode="lines+markers",
        line={"width": 2, "dash": "dash"},
        marker={"size": 6},
        hoverinfo="text",
        hovertext=[f"Asked at random<br>{_hover(point)}" for point in rival],
        meta={"role": "random"},
    )


def _hover(point: CurvePoint) -> str:
    spent = words.hours_of(point)
    lines = [f"Round {point.round_number}", f"{percent(point.value)} ({interval(point)})", labels(point.label_count)]
    return "<br>".join([*lines, hours(spent)] if spent is not None else lines)


def _table(
    name: str,
    curve: Sequence[CurvePoint],
    rival: Sequence[CurvePoint],
    control: Sequence[CurvePoint],
    law: PowerLaw | None,
) -> tuple[list[str], list[list[str]]]:
    """Every point; what it is of only where there is more than the test set, hours only where some are known."""
    groups = [("test set", curve), ("random", rival), ("control lane", control)]
    timed = any(words.hours_of(point) is not None for _, group in groups for point in group)
    named = bool(rival or control or law)
    columns = ["Of", "Round", "Labels", "Hours", capital(name), "From", "To"]
    rows = [[title, *_row(point)] for title, group in groups for point in group]
    if law:
        counts = [curve[-1].label_count, curve[-1].label_count + MORE]
        for count, *values in zip(counts, *law.measured_at(np.array(counts, dtype=float)), strict=True):
            rows.append(["fitted curve", "", number(count), "", *(percent(float(value)) for value in values)])
    hidden = {place for place, is_shown in ((0, named), (3, timed)) if not is_shown}
    kept = [[cell for place, cell in enumerate(row) if place not in hidden] for row in [columns, *rows]]
    return kept[0], kept[1:]


def _row(point: CurvePoint) -> list[str]:
    spent = words.hours_of(point)
    counts = [str(point.round_number), number(point.label_count), "" if spent is None else f"{spent:.2f}"]
    return [*counts, percent(point.value), percent(point.low), percent(point.high)]


def _span(places: Sequence[float]) -> list[float]:
    least, most = min(places), max(places)
    room = max((most - least) * 0.06, most * 0.1 if least == most else 0, min(1, most * 0.1))
    return [max(least - room, -room), most + room]


def _span_of_percent(points: Sequence[CurvePoint], control: Sequence[CurvePoint], law: PowerLaw | None) -> list[float]:
    """From the lowest interval to the highest, never past 0 and 100, with room for the numbers on the points.

    A young control lane has a few tasks and long whiskers: they may leave the picture, so that the curve fills it.
    """
    lows, highs = [point.low for point in points], [point.high for point in points]
    values = [mark.value for mark in control]
    if law:
        counts = np.array([max(point.label_count for point in points) + MORE], dtype=float)
        values += [float(end[0]) for end in law.measured_at(counts)]
    low, high = min(lows + values) * 100, max(highs + values) * 100
    room = max((high - low) * 0.08, 1)
    return [max(low - room, 0), min(high + room, 100.5)]
