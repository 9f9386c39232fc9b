"""What the model is unsure of: the scores of a pool, in one round and over all."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Protocol

import plotly.graph_objects as go

from trustai_web.dashboard.charts.drawing import (
    Chart,
    axis,
    figure,
    joined,
    laid_out,
    number,
    percent,
    tasks,
    within_a_sentence,
)

RIDGES_SHOWN = 12
"""More ridges than these are thinner than a finger in a chart of 320 pixels; the table has every round."""


class RoundScores(Protocol):
    """The scores of one round's pool, as a histogram."""

    @property
    def round_number(self) -> int: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def edges(self) -> Sequence[float]: ...


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
    asked_by = within_a_sentence(strategy_label)
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
                f"{low:.2f} to {high:.2f}<br>{tasks(height)}"
                for low, high, height in zip(borders, borders[1:], heights, strict=False)
            ],
            textposition="none",
            meta={"role": "quiet"},
        ),
    ]
    if picked:
        traces.append(_rug(picked))
    frame = laid_out(
        bargap=0,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        margin={"l": 56, "r": 20, "t": 36, "b": 48},
        xaxis=axis(f"score by {asked_by} (higher is less certain)", anchor="y2" if picked else "y", showgrid=False),
        yaxis=axis("tasks", tickformat=",d", domain=[0.14 if picked else 0, 1], rangemode="tozero"),
        yaxis2={"domain": [0, 0.1], "range": [-1, 1], "visible": False},
    )
    were = "was" if len(picked) == 1 else "were"
    centre = f", the middle one at {_middle(picked):.2f}" if picked else ""
    scored = (
        f"Round {round_number}: {number(len(picked))} of {tasks(known, 'scored task')} {were} picked by {asked_by}"
        f"{centre}; {pool}."
    )
    sentence = joined([scored, _unknown_sentence(unknown)])
    marks = _marks_per_bar(picked, borders)
    rows = [
        [f"{low:.3f}", f"{high:.3f}", number(height), number(mark)]
        for low, high, height, mark in zip(borders, borders[1:], heights, marks, strict=False)
    ]
    return Chart(title, figure(traces, frame), sentence, ["Score from", "to", "Tasks", "In the batch"], rows)


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
    frame = laid_out(
        showlegend=False,
        margin={"l": 72, "r": 20, "t": 16, "b": 48},
        xaxis=axis("score (higher is less certain)"),
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
    return Chart(_ridge_title(known, medians), figure(traces, frame), sentence, columns, rows)


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
    return f"{tasks(unknown)} {has} no score and {are} not in the picture."


def _ridge(entry: tuple[int, list[int], list[float]], *, base: int, tallest: float, newest: bool) -> Any:
    round_number, heights, borders = entry
    total = sum(heights)
    middles = [(low + high) / 2 for low, high in pairwise(borders)]
    # 1.4: a ridge may rise a little over the base of the one above, so that low ones can still be read.
    tops = [base + 1.4 * height / total / tallest for height in heights]
    bars = zip(borders, borders[1:], heights, strict=False)
    texts = [
        f"Round {round_number}<br>score {low:.2f} to {high:.2f}<br>{tasks(height)}, {percent(height / total)}"
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
        f"Round {known[-1][0]} scored {tasks(total)}; each ridge shows the shares of its own round.",
        "Lower means that the model is surer, not that it is right: the test set says that.",
    ]
    if shown < len(known):
        sentences.append(f"The picture shows the last {shown} of {len(known)} rounds.")
    return joined(sentences)
