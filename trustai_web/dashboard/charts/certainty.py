"""Whether a model that says it is sure is right: reliability, and uncertainty against error."""

from collections.abc import Sequence
from typing import Any, Protocol

import plotly.graph_objects as go

from trustai_web.dashboard.charts.drawing import (
    THIN_SPACE,
    Chart,
    Spread,
    axis,
    figure,
    interval,
    joined,
    laid_out,
    number,
    percent,
    tasks,
)

FEW_WRONG = 10
"""With fewer errors than these chance cannot be told from a weak warning."""


class Bin(Protocol):
    """Answers of a like confidence."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def count(self) -> int: ...
    @property
    def confidence(self) -> float: ...
    @property
    def right(self) -> Spread: ...


class Reliability(Protocol):
    """As ``al_core.evaluation.Reliability``."""

    @property
    def bins(self) -> Sequence[Bin]: ...
    @property
    def error(self) -> Spread: ...
    @property
    def count(self) -> int: ...


class Ranking(Protocol):
    """How well uncertainty puts errors first, as ``al_core.evaluation.ErrorRanking``."""

    @property
    def area(self) -> Spread: ...
    @property
    def verdict(self) -> str: ...


def reliability_diagram(found: Reliability) -> Chart | None:
    """How often answers of a confidence are right, against that confidence; points are as large as they are many."""
    bins = [entry for entry in found.bins if entry.count]
    if not bins:
        return None
    most = max(entry.count for entry in bins)
    diagonal = go.Scatter(
        name="as sure as right",
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"width": 1.5, "dash": "dash"},
        hoverinfo="skip",
        meta={"role": "diagonal"},
    )
    marks = go.Scatter(
        name="answers of the model",
        x=[entry.confidence * 100 for entry in bins],
        y=[entry.right.value * 100 for entry in bins],
        mode="lines+markers",
        line={"width": 1.5},
        # The area, not the width, is the count: twice as many look twice as much.
        marker={"size": [8 + 18 * (entry.count / most) ** 0.5 for entry in bins]},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [(entry.right.high - entry.right.value) * 100 for entry in bins],
            "arrayminus": [(entry.right.value - entry.right.low) * 100 for entry in bins],
            "thickness": 1.5,
            "width": 4,
        },
        cliponaxis=False,
        hoverinfo="text",
        hovertext=[
            f"Sure to {percent(entry.confidence)}<br>right {percent(entry.right.value)} ({interval(entry.right)})"
            f"<br>{tasks(entry.count, 'answer')}"
            for entry in bins
        ],
        meta={"role": "model"},
    )
    least = min(min(entry.confidence for entry in bins), min(entry.right.low for entry in bins)) * 100
    start = max(0, 10 * ((least - 2) // 10))
    frame = laid_out(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        margin={"l": 56, "r": 20, "t": 36, "b": 48},
        xaxis=axis("confidence of the answer (%)", range=[start, 102]),
        yaxis=axis("answers that are right (%)", range=[start, 102]),
    )
    rows = [
        [
            percent(entry.low),
            percent(entry.high),
            number(entry.count),
            percent(entry.confidence),
            percent(entry.right.value),
            percent(entry.right.low),
            percent(entry.right.high),
        ]
        for entry in bins
    ]
    columns = ["Confidence from", "to", "Answers", "Mean confidence", "Right", "from", "to"]
    return Chart(_reliability_title(bins), figure([diagonal, marks], frame), _reliability_words(found), columns, rows)


def uncertainty_and_error(
    uncertainties: Sequence[float],
    wrongs: Sequence[bool],
    task_ids: Sequence[int],
    ranking: Ranking | None,
    *,
    of: str = "test answers",
) -> Chart | None:
    """How unsure the model was of what it got right, and of what it got wrong."""
    if not uncertainties:
        return None
    given = list(zip(uncertainties, wrongs, task_ids, strict=True))
    right = [(value, task_id) for value, is_wrong, task_id in given if not is_wrong]
    wrong = [(value, task_id) for value, is_wrong, task_id in given if is_wrong]
    traces = [
        _box(f"{name} ({number(len(group))})", group, role)
        for name, group, role in (("right", right, "right"), ("wrong", wrong, "wrong"))
        if group
    ]
    frame = laid_out(
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 12, "b": 48},
        xaxis=axis("uncertainty (higher is less certain)"),
        yaxis={"automargin": True, "zeroline": False, "showgrid": False},
    )
    rows = [
        [
            name,
            number(len(group)),
            *(f"{_quantile(sorted(v for v, _ in group), share):.3f}" for share in (0.1, 0.5, 0.9)),
        ]
        for name, group in (("right", right), ("wrong", wrong))
        if group
    ]
    columns = ["Answer", "Tasks", "One in ten is below", "Half are below", "Nine in ten are below"]
    sentence = _ranking_words(right, wrong, ranking, of)
    return Chart(
        _ranking_title(ranking, len(wrong), of), figure(traces, frame), sentence, columns, rows, height="small"
    )


def _box(name: str, group: Sequence[tuple[float, int]], role: str) -> Any:
    few = len(group) <= 60
    return go.Box(
        name=name,
        orientation="h",
        x=[value for value, _ in group],
        boxpoints="all" if few else "outliers",
        jitter=0.5,
        pointpos=0,
        marker={"size": 6, "opacity": 0.75},
        line={"width": 2},
        hoveron="points",
        hoverinfo="text",
        hovertext=[f"Task {task_id}<br>uncertainty {value:.3f}" for value, task_id in group],
        meta={"role": role},
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _bias(bins: Sequence[Bin]) -> tuple[float, float, float]:
    """(mean confidence, share right, confidence − right) over all answers."""
    count = sum(entry.count for entry in bins)
    sure = sum(entry.count * entry.confidence for entry in bins) / count
    right = sum(entry.count * entry.right.value for entry in bins) / count
    return sure, right, sure - right


def _reliability_title(bins: Sequence[Bin]) -> str:
    sure, right, gap = _bias(bins)
    if abs(gap) < 0.02:
        return f"The model is about as sure as it is right: {percent(sure)} against {percent(right)}"
    word = "surer than it is right" if gap > 0 else "less sure than it is right"
    return f"The model is {word}: {percent(sure)} against {percent(right)}"


def _reliability_words(found: Reliability) -> str:
    bins = [entry for entry in found.bins if entry.count]
    off = [entry for entry in bins if not entry.right.low <= entry.confidence <= entry.right.high]
    farthest = max(off, key=lambda entry: abs(entry.confidence - entry.right.value), default=None)
    error = found.error
    return joined(
        [
            f"Expected calibration error {error.value * 100:.1f} points (95{THIN_SPACE}% interval "
            f"{error.low * 100:.1f} to {error.high * 100:.1f}) over {tasks(found.count, 'answer')}: so far are "
            f"confidence and rightness apart on average{', which may be chance' if error.low == 0 else ''}.",
            f"Farthest off: sure to {percent(farthest.confidence)}, and {percent(farthest.right.value)} are right."
            if farthest
            else "No group of answers is farther from the dashed diagonal than chance explains.",
            "Points are as large as their answers are many.",
        ]
    )


def _ranking_title(ranking: Ranking | None, wrong: int, of: str) -> str:
    if ranking is None:
        return f"Not known yet whether uncertainty finds the errors among the {of}"
    area = f"AUROC {ranking.area.value:.2f} ({ranking.area.low:.2f} to {ranking.area.high:.2f})"
    if ranking.verdict == "chance" and wrong < FEW_WRONG:
        return f"Not clear yet whether uncertainty finds the errors among the {of}: {area}"
    return {
        "useful": f"Uncertainty finds the errors among the {of}: {area}",
        "chance": f"Uncertainty is no better than chance among the {of}: {area}",
        "misleading": f"Uncertainty misleads among the {of}: {area}",
    }[ranking.verdict]


def _ranking_words(
    right: Sequence[tuple[float, int]], wrong: Sequence[tuple[float, int]], ranking: Ranking | None, of: str
) -> str:
    if not wrong:
        return f"All {number(len(right))} {of} are right; there is no error that uncertainty could find."
    if not right:
        return f"All {number(len(wrong))} {of} are wrong; there is nothing right to tell them from."
    middles = [_quantile(sorted(value for value, _ in group), 0.5) for group in (wrong, right)]
    stands = (
        f"Half of the {number(len(wrong))} wrong {of} have an uncertainty above {middles[0]:.2f}, "
        f"half of the {number(len(right))} right ones above {middles[1]:.2f}."
    )
    if ranking is None:
        return stands
    area = ranking.area
    return joined(
        [
            stands,
            f"Of a wrong and a right answer the wrong one is the less certain in {area.value * 100:.0f}{THIN_SPACE}% "
            f"of all pairs (95{THIN_SPACE}% interval {area.low * 100:.0f} to {area.high * 100:.0f}); "
            "50 would be chance.",
        ]
    )
