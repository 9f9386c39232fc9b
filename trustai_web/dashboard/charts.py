"""Pictures of a campaign: each has a title that says the finding, and the numbers behind it.

A figure carries no colours. Every trace says its role in ``meta``, and ``static/js/charts.js`` gives the role its
colour in the light and in the dark theme.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import plotly.graph_objects as go

THIN_SPACE = "\u202f"
"""The narrow space that does not break: between thousands, and before a percent sign."""

RIDGES_SHOWN = 12
"""More ridges than these are thinner than a finger in a chart of 320 pixels; the table has every round."""


@dataclass(frozen=True)
class Chart:
    """One picture with its words, and the table behind it."""

    title: str
    figure: dict[str, Any]
    """Plain JSON: ``data`` and ``layout``."""
    sentence: str
    columns: list[str]
    rows: list[list[str]]


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


class RoundScores(Protocol):
    """The scores of one round's pool, as a histogram."""

    @property
    def round_number(self) -> int: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def edges(self) -> Sequence[float]: ...


def number(value: float, decimals: int = 0) -> str:
    """``1547`` as ``1 547``, with thin spaces."""
    return f"{value:,.{decimals}f}".replace(",", THIN_SPACE)


def percent(share: float) -> str:
    """``0.934`` as ``93.4 %``."""
    return f"{share * 100:.1f}{THIN_SPACE}%"


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
    title = f"{name} {percent(last.value)} after {_labels(last.label_count)}{_rival_in_title(last, rival)}"
    traces: list[Any] = []
    if len(curve) > 1:
        traces.append(_band(curve))
    if rival:
        traces.append(_rival_line(rival))
    traces.append(_curve_line(curve))
    layout = _layout(
        showlegend=bool(rival),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 56, "r": 20, "t": 36 if rival else 16, "b": 48},
        xaxis=_axis("labels to train on", tickformat=",d", range=_span_of_labels([*curve, *rival])),
        yaxis=_axis(f"{metric} on the test set (%)", range=_span_of_percent([*curve, *rival])),
    )
    sentences = [_last_point(last), _gain(curve), _rival_sentence(last, rival)]
    if len(curve) > 1:
        sentences.append(f"The band is the 95{THIN_SPACE}% interval.")
    columns = ["Round", "Labels", name, "From", "To"]
    rows = [_curve_row(point) for point in curve]
    if rival:
        columns.insert(0, "Asked by")
        rows = [["strategy", *row] for row in rows] + [["random", *_curve_row(point)] for point in rival]
    return Chart(title, _figure(traces, layout), _joined(sentences), columns, rows)


def uncertainty_histogram(
    counts: Sequence[int],
    edges: Sequence[float],
    selected_scores: Sequence[float | None],
    strategy_label: str,
    round_number: int,
    known: int,
    unknown: int,
) -> Chart | None:
    """The scores of a round's pool as bars, and the batch as marks below them."""
    heights, borders = _plain_histogram(counts, edges)
    if not sum(heights):
        return None
    picked = sorted(float(score) for score in selected_scores if score is not None and math.isfinite(score))
    middle = _quantile(heights, borders, 0.5)
    asked_by = _within_a_sentence(strategy_label)
    pool = f"half of the pool is below {middle:.2f}"
    if len(picked) > 1:
        title = f"The batch scores {picked[0]:.2f} to {picked[-1]:.2f}, {pool}"
    else:
        title = f"{pool[:1].upper()}{pool[1:]}"
    traces: list[Any] = [
        go.Bar(
            name="pool",
            x=[(low + high) / 2 for low, high in pairwise(borders)],
            y=heights,
            width=[high - low for low, high in pairwise(borders)],
            marker={"line": {"width": 1}},
            hoverinfo="text",
            hovertext=[
                f"{low:.2f} to {high:.2f}<br>{_tasks(height)}"
                for low, high, height in zip(borders, borders[1:], heights, strict=False)
            ],
            textposition="none",
            meta={"role": "quiet"},
        ),
    ]
    if picked:
        traces.append(_rug(picked))
    layout = _layout(
        bargap=0,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        margin={"l": 56, "r": 20, "t": 36, "b": 48},
        xaxis=_axis(f"score by {asked_by} (higher is less certain)", anchor="y2" if picked else "y", showgrid=False),
        yaxis=_axis("tasks", tickformat=",d", domain=[0.14 if picked else 0, 1], rangemode="tozero"),
        yaxis2={"domain": [0, 0.1], "range": [-1, 1], "visible": False},
    )
    were = "was" if len(picked) == 1 else "were"
    centre = f", the middle one at {_middle(picked):.2f}" if picked else ""
    scored = (
        f"Round {round_number}: {number(len(picked))} of {_tasks(known, 'scored task')} {were} picked by {asked_by}"
        f"{centre}; {pool}."
    )
    sentence = _joined([scored, _unknown_sentence(unknown)])
    marks = _marks_per_bar(picked, borders)
    rows = [
        [f"{low:.3f}", f"{high:.3f}", number(height), number(mark)]
        for low, high, height, mark in zip(borders, borders[1:], heights, marks, strict=False)
    ]
    return Chart(title, _figure(traces, layout), sentence, ["Score from", "to", "Tasks", "In the batch"], rows)


def uncertainty_ridges(rounds: Iterable[RoundScores]) -> Chart | None:
    """The scores of every round's pool as one ridge each, the newest in the accent and at the bottom."""
    known: list[tuple[int, list[int], list[float]]] = []
    for entry in sorted(rounds, key=lambda entry: entry.round_number):
        heights, borders = _plain_histogram(entry.counts, entry.edges)
        if sum(heights):
            known.append((entry.round_number, heights, borders))
    if not known:
        return None
    shown = known[-RIDGES_SHOWN:]
    tallest = max(max(heights) / sum(heights) for _, heights, _ in shown)
    traces = [
        _ridge(shown[place], base=len(shown) - 1 - place, tallest=tallest, newest=place == len(shown) - 1)
        for place in range(len(shown))
    ]
    layout = _layout(
        showlegend=False,
        margin={"l": 72, "r": 20, "t": 16, "b": 48},
        xaxis=_axis("score (higher is less certain)"),
        yaxis={
            "tickvals": list(range(len(shown))),
            "ticktext": [f"Round {round_number}" for round_number, _, _ in reversed(shown)],
            "range": [-0.15, len(shown) + 0.6],
            "zeroline": False,
            "showgrid": True,
        },
    )
    medians = [_quantile(heights, borders, 0.5) for _, heights, borders in known]
    rows = [
        [
            str(round_number),
            number(sum(heights)),
            f"{_quantile(heights, borders, 0.5):.2f}",
            f"{_quantile(heights, borders, 0.9):.2f}",
        ]
        for round_number, heights, borders in known
    ]
    sentence = _ridge_sentence(known, len(shown))
    columns = ["Round", "Scored tasks", "Half are below", "Nine of ten are below"]
    return Chart(_ridge_title(known, medians), _figure(traces, layout), sentence, columns, rows)


# The learning curve


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
    return f"Round {point.round_number}<br>{percent(point.value)} ({interval})<br>{_labels(point.label_count)}"


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
        return f"The random campaign was measured with up to {_labels(rival[-1].label_count)}."
    if same.value == last.value:
        return f"With the same {_labels(last.label_count)} random does equally well."
    word = "lead" if last.value > same.value else "lag"
    verdict = (
        f"the intervals overlap, so the {word} may be chance"
        if _overlap(same, last)
        else (f"the intervals do not overlap, so the {word} is more than chance")
    )
    return f"With the same {_labels(last.label_count)} random stands at {percent(same.value)}; {verdict}."


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


# Histograms


def _plain_histogram(counts: Sequence[int], edges: Sequence[float]) -> tuple[list[int], list[float]]:
    """NumPy's numbers as Python's, which JSON can carry."""
    if len(counts) and len(edges) != len(counts) + 1:
        raise ValueError(f"{len(counts)} bars need {len(counts) + 1} edges, not {len(edges)}")
    return [int(count) for count in counts], [float(edge) for edge in edges]


def _quantile(heights: Sequence[int], borders: Sequence[float], share: float) -> float:
    """The score that a share of the tasks lie below, even within a bar."""
    wanted, below = share * sum(heights), 0
    for height, low, high in zip(heights, borders, borders[1:], strict=False):
        if height and below + height >= wanted:
            return low + (high - low) * (wanted - below) / height
        below += height
    return borders[-1]


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _marks_per_bar(picked: Sequence[float], borders: Sequence[float]) -> list[int]:
    """How many of the batch fall in each bar; the last bar holds its upper edge, as NumPy has it."""
    marks = [0] * (len(borders) - 1)
    for score in picked:
        place = sum(1 for edge in borders[1:-1] if score >= edge)
        if borders[0] <= score <= borders[-1]:
            marks[place] += 1
    return marks


def _rug(picked: Sequence[float]) -> Any:
    """The batch as marks below the bars; an axis of its own without any mark would have no place."""
    return go.Scatter(
        name="batch",
        x=picked,
        y=[0] * len(picked),
        yaxis="y2",
        mode="markers",
        marker={"symbol": "line-ns", "size": 14, "line": {"width": 2}},
        hoverinfo="text",
        hovertext=[f"In the batch<br>score {score:.3f}" for score in picked],
        meta={"role": "selected"},
    )


def _unknown_sentence(unknown: int) -> str:
    if not unknown:
        return ""
    has, are = ("has", "is") if unknown == 1 else ("have", "are")
    return f"{_tasks(unknown)} {has} no score and {are} not in the picture."


def _ridge(entry: tuple[int, list[int], list[float]], *, base: int, tallest: float, newest: bool) -> Any:
    round_number, heights, borders = entry
    total = sum(heights)
    middles = [(low + high) / 2 for low, high in pairwise(borders)]
    # 1.4: a ridge may rise a little over the base of the one above, so that low ones can still be read.
    tops = [base + 1.4 * height / total / tallest for height in heights]
    bars = zip(borders, borders[1:], heights, strict=False)
    texts = [
        f"Round {round_number}<br>score {low:.2f} to {high:.2f}<br>{_tasks(height)}, {percent(height / total)}"
        for low, high, height in bars
    ]
    return go.Scatter(
        name=f"round {round_number}",
        x=[borders[0], *middles, borders[-1]],
        y=[base, *tops, base],
        mode="lines",
        line={"width": 2 if newest else 1},
        fill="toself",
        hoveron="points",
        hoverinfo="text",
        hovertext=["", *texts, ""],
        meta={"role": "accent" if newest else "quiet"},
    )


def _ridge_title(known: Sequence[tuple[int, list[int], list[float]]], medians: Sequence[float]) -> str:
    first, last = known[0][0], known[-1][0]
    if len(known) == 1:
        return f"In round {last} half of the pool scores below {medians[-1]:.2f}"
    before, after = f"{medians[0]:.2f}", f"{medians[-1]:.2f}"
    if before == after:
        return f"Half of the pool scores below {after} in round {last}, as in round {first}"
    return f"Half of the pool scores below {after} in round {last}, below {before} in round {first}"


def _ridge_sentence(known: Sequence[tuple[int, list[int], list[float]]], shown: int) -> str:
    total = sum(known[-1][1])
    sentences = [
        f"Round {known[-1][0]} scored {_tasks(total)}; each ridge shows the shares of its own round.",
        "Lower means that the model is surer, not that it is right: the test set says that.",
    ]
    if shown < len(known):
        sentences.append(f"The picture shows the last {shown} of {len(known)} rounds.")
    return _joined(sentences)


# What all pictures share


def _labels(count: int) -> str:
    return f"{number(count)} {'label' if count == 1 else 'labels'}"


def _tasks(count: int, noun: str = "task") -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _within_a_sentence(label: str) -> str:
    """``Least confidence`` without its capital; ``BALD`` as it is."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title, "standoff": 12}, "zeroline": False, "ticks": "", **more}


def _layout(**more: Any) -> dict[str, Any]:
    # A template of its own keeps Plotly's default one, and its 7 kB of colours, out of every page.
    return {"template": {}, "separators": f".{THIN_SPACE}", "hovermode": "closest", **more}


def _figure(traces: Sequence[Any], layout: dict[str, Any]) -> dict[str, Any]:
    figure: dict[str, Any] = go.Figure(data=list(traces), layout=layout).to_plotly_json()
    figure["layout"].pop("template", None)
    return figure
