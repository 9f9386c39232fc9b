"""Pictures of a campaign: each has a title that says the finding, and the numbers behind it.

A figure carries no colours. Every trace says its role in ``meta``, and ``static/js/charts.js`` gives the role its
colour in the light and in the dark theme.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

THIN_SPACE = "\u202f"
"""The narrow space that does not break: between thousands, and before a percent sign."""


@dataclass(frozen=True)
class Chart:
    """One picture with its words, and the table behind it."""

    title: str
    figure: dict[str, Any]
    """Plain JSON: ``data`` and ``layout``."""
    sentence: str
    columns: list[str]
    rows: list[list[str]]


def number(value: float, decimals: int = 0) -> str:
    """``1547`` as ``1 547``, with thin spaces."""
    return f"{value:,.{decimals}f}".replace(",", THIN_SPACE)


def percent(share: float) -> str:
    """``0.934`` as ``93.4 %``."""
    return f"{share * 100:.1f}{THIN_SPACE}%"


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
