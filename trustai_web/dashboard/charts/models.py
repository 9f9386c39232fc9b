"""How well a model knows each class, and what changed of it."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from al_core.evaluation import ClassChange, ClassRow, Metric
from trustai_web.dashboard.charts.drawing import (
    Chart,
    axis,
    figure,
    interval,
    joined,
    laid_out,
    number,
    percent,
    points,
    shortened,
    tasks,
)

CLASSES_SHOWN = 30
"""More rows than these cannot be read in one picture; the table has every class."""


SIDES = ((1, "gained", "right"), (-1, "lost", "wrong"))


def class_dots(rows: Sequence[ClassRow]) -> Chart | None:
    """Precision and recall of each class with their intervals, the worst class at the top."""
    measured = [row for row in rows if row.f1 is not None]
    if not measured:
        return None
    measured.sort(key=_f1)
    shown = measured[:CLASSES_SHOWN]
    places = list(range(len(shown) - 1, -1, -1))
    traces = [
        _dots("recall: found of what is there", shown, [place + 0.14 for place in places], "recall"),
        _dots("precision: right of what it says", shown, [place - 0.14 for place in places], "precision"),
    ]
    frame = laid_out(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "itemclick": False},
        margin={"l": 60, "r": 20, "t": 40, "b": 48},
        xaxis=axis("share (%)", range=[-2, 102]),
        yaxis={
            "tickvals": places,
            "ticktext": [shortened(row.label) for row in shown],
            "range": [-0.6, len(shown) - 0.4],
            "zeroline": False,
            "automargin": True,
        },
    )
    columns = ["Class", "Answered by people", "Precision", "from", "to", "Recall", "from", "to", "F1", "from", "to"]
    table = [[row.label, number(row.support), *_cells(row)] for row in [*measured, *_unmeasured(rows)]]
    return Chart(
        _class_title(measured),
        figure(traces, frame),
        _class_sentence(measured, len(rows) - len(measured)),
        columns,
        table,
        height="very-tall" if len(shown) > 14 else "tall" if len(shown) > 7 else "",
    )


def class_changes(rows: Sequence[ClassChange]) -> Chart | None:
    """How many tasks of each class are answered rightly more or fewer than by the model before."""
    known = [row for row in rows if row.support]
    if not any(row.change for row in known):
        return None
    changed = [row for row in known if row.change][:CLASSES_SHOWN]
    changed.sort(key=lambda row: row.change)
    changes = [row.change for row in changed]
    traces = [_change_bars(changed, sign, title, role) for sign, title, role in SIDES]
    reach = max(abs(change) for change in changes) + 0.5
    frame = laid_out(
        showlegend=True,
        barmode="overlay",
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "itemclick": False},
        margin={"l": 60, "r": 20, "t": 36, "b": 48},
        xaxis=axis("right answers more or fewer than before", range=[-reach, reach], tickformat="+,d", zeroline=True),
        yaxis={
            "tickvals": list(range(len(changed))),
            "ticktext": [shortened(row.label) for row in changed],
            "range": [-0.6, len(changed) - 0.4],
            "zeroline": False,
            "automargin": True,
        },
    )
    best, worst = changed[-1], changed[0]
    table = [
        [
            row.label,
            number(row.support),
            number(row.right_before),
            number(row.right_after),
            f"{row.change:+d}".replace("-", "−") if row.change else "0",
        ]
        for row in sorted(known, key=lambda row: -row.change)
    ]
    same = sum(row.change == 0 for row in known)
    sentence = joined(
        [
            _change_words("Most gained", best) if changes[-1] > 0 else "No class gained.",
            _change_words("Most lost", worst) if changes[0] < 0 else "No class lost.",
            f"{number(same)} {'class' if same == 1 else 'classes'} stayed as before." if same else "",
        ]
    )
    gained, lost = sum(row.change > 0 for row in known), sum(row.change < 0 for row in known)
    title = f"{number(gained)} {'class' if gained == 1 else 'classes'} gained, {number(lost)} lost"
    columns = ["Class", "Test tasks", "Right before", "Right now", "Change"]
    height: Any = "very-tall" if len(changed) > 14 else "tall" if len(changed) > 7 else ""
    drawn = figure([trace for trace in traces if trace.x], frame)
    return Chart(title, drawn, sentence, columns, table, height=height)


def _change_bars(changed: Sequence[ClassChange], sign: int, title: str, role: str) -> Any:
    found = [(place, row) for place, row in enumerate(changed) if row.change * sign > 0]
    return go.Bar(
        name=title,
        orientation="h",
        y=[place for place, _ in found],
        x=[row.change for _, row in found],
        width=0.6,
        hoverinfo="text",
        hovertext=[_change_hover(row) for _, row in found],
        textposition="none",
        meta={"role": role},
    )


def _change_hover(row: ClassChange) -> str:
    return f"{row.label}<br>{number(row.right_before)} → {number(row.right_after)} of {tasks(row.support)} right"


def _change_words(words: str, row: ClassChange) -> str:
    return (
        f"{words}: {row.label}, from {number(row.right_before)} to {number(row.right_after)} of {tasks(row.support)}."
    )


def _f1(row: ClassRow) -> float:
    assert row.f1 is not None
    return row.f1.value


def _unmeasured(rows: Sequence[ClassRow]) -> list[ClassRow]:
    return [row for row in rows if row.f1 is None]


def _dots(name: str, shown: Sequence[ClassRow], places: Sequence[float], kind: str) -> Any:
    found: list[tuple[float, str, Metric]] = []
    for place, row in zip(places, shown, strict=True):
        metric: Metric | None = getattr(row, kind)
        if metric is not None:
            found.append((place, row.label, metric))
    return go.Scatter(
        name=name,
        x=[metric.value * 100 for _, _, metric in found],
        y=[place for place, _, _ in found],
        mode="markers",
        marker={"size": 9, "symbol": "circle" if kind == "recall" else "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(metric.high - metric.value) * 100 for _, _, metric in found],
            "arrayminus": [(metric.value - metric.low) * 100 for _, _, metric in found],
            "thickness": 1.5,
            "width": 4,
        },
        hoverinfo="text",
        hovertext=[
            f"{label}<br>{kind} {percent(m.value)} ({interval(m)})<br>of {number(m.count)}" for _, label, m in found
        ],
        meta={"role": "model" if kind == "recall" else "control"},
    )


def _cells(row: ClassRow) -> list[str]:
    return [cell for metric in (row.precision, row.recall, row.f1) for cell in _metric_cells(metric)]


def _metric_cells(metric: Metric | None) -> list[str]:
    return ["", "", ""] if metric is None else [percent(metric.value), percent(metric.low), percent(metric.high)]


def _class_title(measured: Sequence[ClassRow]) -> str:
    worst, best = measured[0], measured[-1]
    if len(measured) == 1:
        return f"“{worst.label}” is known with F1 {percent(_f1(worst))}"
    if _f1(worst) == _f1(best):
        return f"All classes are known equally well, F1 {percent(_f1(best))}"
    return f"“{worst.label}” is known least, F1 {percent(_f1(worst))}; “{best.label}” best, {percent(_f1(best))}"


def _class_sentence(measured: Sequence[ClassRow], unmeasured: int) -> str:
    worst, best = measured[0], measured[-1]
    sentences = [
        f"“{worst.label}” was answered by people {number(worst.support)} times in the test set."
        if worst.support != 1
        else f"“{worst.label}” was answered by people only once in the test set.",
    ]
    if len(measured) > 1 and worst.f1 and best.f1:
        away = worst.f1.high < best.f1.low
        sentences.append(
            f"{points(_f1(best) - _f1(worst)).lstrip('+')} points of F1 lie between it and the best known class; "
            + ("the intervals do not overlap." if away else "the intervals overlap, so that may be chance.")
        )
    if unmeasured:
        sentences.append(
            f"{number(unmeasured)} {'class has' if unmeasured == 1 else 'classes have'} nothing to measure by."
        )
    if len(measured) > CLASSES_SHOWN:
        sentences.append(f"The picture shows the {CLASSES_SHOWN} worst of {number(len(measured))} classes.")
    return joined(sentences)
