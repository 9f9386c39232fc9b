"""What a model takes for what."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from al_core.evaluation import Confusion
from trustai_web.dashboard.charts.drawing import Chart, axis, figure, joined, laid_out, number, percent, shortened

CLASSES_SHOWN = 30
"""More rows than these cannot be read in one picture; the table has every class."""
WITH_COUNTS = 12
"""With more classes than these the cells are too small for numbers."""
NO_ANSWER = "none"


def confusion_matrix(confusion: Confusion) -> Chart | None:
    """What people said against what the model said: each row in shares of its own, the counts in the cells."""
    supports = [sum(row) for row in confusion.counts]
    total = sum(supports)
    if not total:
        return None
    order = sorted(range(len(supports)), key=lambda place: -supports[place])[:CLASSES_SHOWN]
    shown = sorted(order)
    silent = any(confusion.counts[row][-1] for row in shown)
    columns = [*shown, len(supports)] if silent else shown
    named = [*confusion.labels, NO_ANSWER]
    cells = [[confusion.counts[row][column] for column in columns] for row in shown]
    shares = [
        [count / (supports[row] or 1) for count in line]  # a class that people never answered has an empty row
        for row, line in zip(shown, cells, strict=True)
    ]
    traces: list[Any] = [_cells_of(cells, shares, [named[row] for row in shown], [named[c] for c in columns])]
    if len(columns) <= WITH_COUNTS:
        traces.append(_counts_of(cells, shares))
    frame = laid_out(
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 12, "b": 60},
        xaxis=_class_axis("the model says", [named[column] for column in columns])
        if len(columns) <= WITH_COUNTS
        else {**axis("the model says, in the same order"), "showticklabels": False, "showgrid": False},
        yaxis={**_class_axis("people say", [named[row] for row in shown]), "autorange": "reversed"},
    )
    wrong = confusions(confusion)
    sentences = [
        "Rows are what people say, columns what the model says; the brighter a cell, the larger its share of the row."
        if not wrong
        else _largest(wrong),
        "Every right answer lies on the diagonal." if wrong else "",
        f"The picture shows the {CLASSES_SHOWN} most frequent of {len(supports)} classes."
        if len(supports) > CLASSES_SHOWN
        else "",
    ]
    table = [
        [named[row], named[column], number(count), percent(count / supports[row])]
        for row, line in enumerate(confusion.counts)
        for column, count in enumerate(line)
        if count
    ]
    return Chart(
        _confusion_title(confusion, wrong),
        figure(traces, frame),
        joined(sentences),
        ["People say", "The model says", "Times", "Of what people say"],
        table,
        height="very-tall" if len(shown) > 14 else "tall",
    )


def confusions(confusion: Confusion) -> list[tuple[str, str, int]]:
    """(what people said, what the model said, how often), where they differ, the most frequent first."""
    named = [*confusion.labels, NO_ANSWER]
    found = [
        (named[row], named[column], count)
        for row, line in enumerate(confusion.counts)
        for column, count in enumerate(line)
        if count and row != column
    ]
    return sorted(found, key=lambda entry: -entry[2])


def _cells_of(
    cells: Sequence[Sequence[int]], shares: Sequence[Sequence[float]], said: Sequence[str], answered: Sequence[str]
) -> Any:
    return go.Heatmap(
        z=[list(line) for line in shares],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverinfo="text",
        text=[
            [
                f"People say {row}<br>The model says {column}<br>{number(count)} times, {percent(share)} of the row"
                for column, count, share in zip(answered, counts, line, strict=True)
            ]
            for row, counts, line in zip(said, cells, shares, strict=True)
        ],
        meta={"role": "heat"},
    )


def _counts_of(cells: Sequence[Sequence[int]], shares: Sequence[Sequence[float]]) -> Any:
    """The counts as text; how bright each cell is tells charts.js which ink can be read on it."""
    found = [
        (x, y, count, share)
        for y, (counts, line) in enumerate(zip(cells, shares, strict=True))
        for x, (count, share) in enumerate(zip(counts, line, strict=True))
        if count
    ]
    return go.Scatter(
        x=[x for x, _, _, _ in found],
        y=[y for _, y, _, _ in found],
        text=[number(count) for _, _, count, _ in found],
        mode="text",
        hoverinfo="skip",
        meta={"role": "heat_text", "shares": [round(share, 3) for _, _, _, share in found]},
    )


def _class_axis(title: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        **axis(title),
        "tickvals": list(range(len(names))),
        "ticktext": [shortened(name) for name in names],
        "showgrid": False,
        "automargin": True,
    }


def _confusion_title(confusion: Confusion, wrong: Sequence[tuple[str, str, int]]) -> str:
    if not wrong:
        return "No class is taken for another"
    said, answered, count = wrong[0]
    if answered == NO_ANSWER:
        return f"“{said}” most often gets no answer ({_times(count)})"
    return f"“{said}” is most often taken for “{answered}” ({_times(count)})"


def _largest(wrong: Sequence[tuple[str, str, int]]) -> str:
    total = sum(count for _, _, count in wrong)
    first = wrong[:3]
    share = sum(count for _, _, count in first) / total
    pairs = [
        f"“{said}” unanswered ({number(count)})"
        if answered == NO_ANSWER
        else f"“{said}” as “{answered}” ({number(count)})"
        for said, answered, count in first
    ]
    if len(wrong) == 1:
        return f"The only confusion: {pairs[0]}."
    return f"The largest confusions: {', '.join(pairs)}; together {percent(share)} of {number(total)} errors."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{number(count)} times"
