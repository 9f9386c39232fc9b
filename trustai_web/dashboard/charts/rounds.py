"""Where the time of rounds went."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import plotly.graph_objects as go

from trustai_web.dashboard.charts.drawing import Chart, axis, duration, figure, joined, laid_out

ROUNDS_SHOWN = 12
STEPS = ("scoring", "labelling", "training")
UNITS = ((90, 1, "seconds"), (90 * 60, 60, "minutes"), (48 * 3600, 3600, "hours"))


class Segment(Protocol):
    """One step of a round, in seconds since the round began."""

    @property
    def step(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def seconds(self) -> float: ...


class RoundTimes(Protocol):
    @property
    def round_number(self) -> int: ...
    @property
    def segments(self) -> Sequence[Segment]: ...


def rounds_timeline(rounds: Iterable[RoundTimes]) -> Chart | None:
    """Each round from its beginning on: scoring, labelling, training; what lies between is waiting."""
    known = [entry for entry in sorted(rounds, key=lambda entry: entry.round_number) if entry.segments]
    if not known:
        return None
    shown = known[-ROUNDS_SHOWN:]
    longest = max(segment.start + segment.seconds for entry in shown for segment in entry.segments)
    unit, word = next(((size, word) for most, size, word in UNITS if longest < most), (86400, "days"))
    places = {entry.round_number: len(shown) - 1 - place for place, entry in enumerate(shown)}
    traces = [_bars(step, shown, places, unit) for step in STEPS]
    frame = laid_out(
        showlegend=True,
        barmode="overlay",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        margin={"l": 72, "r": 20, "t": 36, "b": 48},
        xaxis=axis(f"{word} since the round began", rangemode="tozero"),
        yaxis={
            "tickvals": list(places.values()),
            "ticktext": [f"Round {number}" for number in places],
            "range": [-0.6, len(shown) - 0.4],
            "zeroline": False,
            "showgrid": False,
        },
    )
    rows = [[str(entry.round_number), *(_spent(entry, step) for step in STEPS)] for entry in known]
    return Chart(
        _title(known),
        figure([trace for trace in traces if trace.x], frame),
        _sentence(known, len(shown)),
        ["Round", "Scoring", "Labelling", "Training"],
        rows,
        height="small" if len(shown) < 5 else "",
    )


def _bars(step: str, shown: Sequence[RoundTimes], places: dict[int, int], unit: int) -> Any:
    found = [(entry, segment) for entry in shown for segment in entry.segments if segment.step == step]
    return go.Bar(
        name=step,
        orientation="h",
        y=[places[entry.round_number] for entry, _ in found],
        base=[segment.start / unit for _, segment in found],
        x=[segment.seconds / unit for _, segment in found],
        width=0.5,
        hoverinfo="text",
        hovertext=[f"Round {entry.round_number}<br>{step}: {duration(segment.seconds)}" for entry, segment in found],
        textposition="none",
        meta={"role": step},
    )


def _total(entry: RoundTimes, step: str) -> float:
    return sum(segment.seconds for segment in entry.segments if segment.step == step)


def _spent(entry: RoundTimes, step: str) -> str:
    total = _total(entry, step)
    return duration(total) if total else ""


def _title(known: Sequence[RoundTimes]) -> str:
    totals = {step: sum(_total(entry, step) for entry in known) for step in STEPS}
    most = max(STEPS, key=lambda step: totals[step])
    share = totals[most] / (sum(totals.values()) or 1)
    return f"Most time goes into {most}: {share * 100:.0f}\u202f% of {duration(sum(totals.values()))}"


def _sentence(known: Sequence[RoundTimes], shown: int) -> str:
    last = known[-1]
    parts = [f"{step} {duration(_total(last, step))}" for step in STEPS if _total(last, step)]
    return joined(
        [
            f"Round {last.round_number}: {', '.join(parts)}.",
            "What lies between the bars is waiting.",
            f"The picture shows the last {shown} of {len(known)} rounds." if shown < len(known) else "",
        ]
    )
