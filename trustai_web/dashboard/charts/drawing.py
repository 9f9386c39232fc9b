"""Pictures of a campaign: each has a title that says the finding, and the numbers behind it.

A figure carries no colours. Every trace says its role in ``meta``, and ``static/js/charts.js`` gives the role its
colour in the light and in the dark theme.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import plotly.graph_objects as go

THIN_SPACE = "\u202f"
"""The narrow space that does not break: between thousands, and before a percent sign."""


METRIC_NAMES = {
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "f1": "F1",
    "span_f1": "span F1",
    "overlap_f1": "overlap F1",
    "map_50": "mAP@50",
    "map_50_95": "mAP@50–95",
}
"""Those that are more than their words with spaces."""

NAME_SHOWN = 14
"""More letters than these of a class take the room of the picture on a telephone; the table has them all."""


class Spread(Protocol):
    """A number with its 95 % interval."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True)
class Chart:
    """One picture with its words, and the table behind it."""

    title: str
    figure: dict[str, Any]
    """Plain JSON: ``data`` and ``layout``."""
    sentence: str
    columns: list[str]
    rows: list[list[str]]
    height: Literal["", "small", "tall", "very-tall"] = ""
    """Tall where there is a row for each of many classes."""


def number(value: float, decimals: int = 0) -> str:
    """``1547`` as ``1 547``, with thin spaces."""
    return f"{value:,.{decimals}f}".replace(",", THIN_SPACE)


def percent(share: float) -> str:
    """``0.934`` as ``93.4 %``."""
    return f"{share * 100:.1f}{THIN_SPACE}%"


def points(share: float) -> str:
    """``0.0034`` as ``+0.3``, in percentage points; nothing is ``0.0``."""
    tenths = round(share * 1000) / 10
    sign = "+" if tenths > 0 else "−" if tenths < 0 else ""
    return f"{sign}{abs(tenths):.1f}"


def interval(spread: Spread) -> str:
    """``89.2 to 96.2 %``."""
    return f"{spread.low * 100:.1f} to {percent(spread.high)}"


def metric_name(name: str) -> str:
    """The name of a metric within a sentence."""
    return METRIC_NAMES.get(name, name.replace("_", " "))


def capital(words: str) -> str:
    """With a capital, where it is no name of its own such as ``mAP@50``."""
    return words if words[1:2].isupper() else words[:1].upper() + words[1:]


def duration(seconds: float) -> str:
    """``200`` as ``3 min 20 s``; of long ones only what counts."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes / 60 / 24:.1f} days"


def hours(value: float) -> str:
    if value < 0.95:
        minutes = round(value * 60)
        return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
    return f"{value:.1f} {'hour' if f'{value:.1f}' == '1.0' else 'hours'}"


def shortened(name: str) -> str:
    """Without its middle, as names of a family often differ at their end alone."""
    half = NAME_SHOWN // 2
    return name if len(name) <= NAME_SHOWN else f"{name[:half]}…{name[1 - half :]}"


def overlap(one: Spread, other: Spread) -> bool:
    """Whether two intervals share a value; where they do not, the difference is more than chance."""
    return one.low <= other.high and other.low <= one.high


def labels(count: int) -> str:
    return f"{number(count)} {'label' if count == 1 else 'labels'}"


def tasks(count: int, noun: str = "task") -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def within_a_sentence(label: str) -> str:
    """``Least confidence`` without its capital; ``BALD`` as it is."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def joined(sentences: Iterable[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title, "standoff": 12}, "zeroline": False, "ticks": "", **more}


def laid_out(**more: Any) -> dict[str, Any]:
    # A template of its own keeps Plotly's default one, and its 7 kB of colours, out of every page.
    return {"template": {}, "separators": f".{THIN_SPACE}", "hovermode": "closest", **more}


def figure(traces: Sequence[Any], layout: dict[str, Any]) -> dict[str, Any]:
    figure: dict[str, Any] = go.Figure(data=list(traces), layout=layout).to_plotly_json()
    figure["layout"].pop("template", None)
    return figure
