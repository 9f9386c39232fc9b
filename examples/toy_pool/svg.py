"""The pictures: a pool coloured by how uncertain it is, and a batch as rings. No library, so no new dependency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

PAPER, INK, QUIET, FAINT, GRID = "#fdfcf8", "#1f2430", "#5c6370", "#a9a598", "#d9d6cc"
# Okabe and Ito's colours, which people with any colour vision tell apart.
PICKED = "#d55e00"
CLASSES = ("#0072b2", "#009e73", "#cc79a7")
# Cividis in steps, dark to bright.
STEPS = ("#00224e", "#434e6c", "#7d7c78", "#bcae6c", "#fee838")

WIDTH, HEIGHT = 640, 604
LEFT, TOP, SCALE = 48, 70, 46
"""Pixels: the origin of the plot, and the length of one unit of either feature."""
X_UNITS, Y_UNITS = 12, 10
_CROSSES = ("m-4.5-4.5 9 9m0-9-9 9", "m-6 0h12m-6-6v12", "m-5.5 0h11m-9-4.5 7 9m0-9-7 9")
"""×, + and a star: a class is told by its shape too."""


@dataclass(frozen=True)
class Note:
    """Words in a picture."""

    words: str
    place: Points
    """(2,) the middle of the words."""
    target: Points | None = None
    """(2,) what a line leads to."""


@dataclass(frozen=True)
class Panel:
    """One batch of an overview."""

    name: str
    picked: Points
    """(k, 2)"""


@dataclass(frozen=True)
class Picture:
    """What is drawn."""

    title: str
    subtitle: str
    points: Points
    """(n, 2)"""
    scores: Points
    """(n,) what colours them."""
    scale: str
    """What the score is called."""
    picked: Points
    """(k, 2)"""
    labelled: Points
    """(l, 2)"""
    classes: NDArray[np.int64]
    """(l,)"""
    boundaries: Sequence[Sequence[Points]]
    """For each model, lines of (m, 2) points where its two likeliest classes are level."""
    notes: Sequence["Note"] = ()

    @property
    def range(self) -> tuple[float, float]:
        return float(self.scores.min()), float(self.scores.max())


def draw(picture: Picture) -> str:
    """The picture as a text of SVG; equal input gives equal text."""
    parts = [
        *_head(picture.title, HEIGHT),
        # Small enough for a long name to fit.
        f'<text x="16" y="30" font-size="{min(16.0, 1000 / len(picture.title)):.1f}" font-weight="600">'
        f"{escape(picture.title)}</text>",
        f'<text x="16" y="54" fill="{QUIET}">{escape(picture.subtitle)}</text>',
        *_axes(),
        *_cloud(picture),
        *_lines(picture.boundaries),
        *_known(picture.labelled, picture.classes),
        *_rings(picture.picked),
        *(_note(note) for note in picture.notes),
        *_scale(picture),
        *_legend(picture),
        "</svg>\n",
    ]
    return "\n".join(parts)


def draw_overview(points: Points, boundaries: Sequence[Points], rows: Mapping[str, Sequence[Panel]]) -> str:
    """Heading → batches, all on one pool: the picks alone, so that they can be compared."""
    columns, gap, heading, label = 4, 8, 34, 20
    width = (WIDTH - 32 - gap * (columns - 1)) / columns
    shrunk = width / (SCALE * X_UNITS)
    height = SCALE * Y_UNITS * shrunk + label + gap
    parts, y = [], 8.0
    for words, panels in rows.items():
        parts.append(f'<text x="16" y="{_number(y + 22)}" font-size="17" font-weight="600">{escape(words)}</text>')
        y += heading
        for place, panel in enumerate(panels):
            x = 16 + (place % columns) * (width + gap)
            top = y + (place // columns) * height
            parts += [
                f'<text x="{_number(x)}" y="{_number(top + 14)}" font-size="11.5">{escape(panel.name)}</text>',
                f'<g transform="translate({_number(x)} {_number(top + label)}) scale({shrunk:.4f})'
                f' translate({-LEFT} {-TOP})">',
                f'<use href="#pool"/>{"".join(_rings(panel.picked, 12, 7))}</g>',
            ]
        y += -(-len(panels) // columns) * height
    title = "; ".join(rows)
    return "\n".join(
        [
            *_head(title, round(y + 8)),
            '<defs><g id="pool">',
            f'<rect x="{LEFT}" y="{TOP}" width="{SCALE * X_UNITS}" height="{SCALE * Y_UNITS}" fill="none"'
            f' stroke="{GRID}" stroke-width="4"/>',
            f'<path d="{_dots(_place(points))}" stroke="{FAINT}" stroke-width="8" stroke-linecap="round"/>',
            *_lines([boundaries], 4),
            "</g></defs>",
            *parts,
            "</svg>\n",
        ]
    )


def _head(title: str, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" font-family="system-ui, sans-serif" font-size="12.5" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}"/>',
    ]


def _place(points: Points) -> list[tuple[str, str]]:
    """Pixels of points, as they are written."""
    x = LEFT + SCALE * points[:, 0]
    y = TOP + SCALE * (Y_UNITS - points[:, 1])
    return [(_number(a), _number(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def _number(pixels: float) -> str:
    return f"{pixels:.1f}".removesuffix(".0")


def _dots(places: Iterable[tuple[str, str]]) -> str:
    """A path whose round line ends are the dots: far shorter than a circle each."""
    return "".join(f"M{x} {y}h0" for x, y in places)


def _axes() -> list[str]:
    right, bottom = LEFT + SCALE * X_UNITS, TOP + SCALE * Y_UNITS
    lines = "".join(f"M{LEFT + SCALE * x} {TOP}V{bottom}" for x in range(0, X_UNITS + 1, 2))
    lines += "".join(f"M{LEFT} {bottom - SCALE * y}H{right}" for y in range(0, Y_UNITS + 1, 2))
    return [
        f'<path d="{lines}" stroke="{GRID}" fill="none"/>',
        f'<g fill="{QUIET}" text-anchor="middle">',
        *(f'<text x="{LEFT + SCALE * x}" y="{bottom + 16}">{x}</text>' for x in range(0, X_UNITS + 1, 2)),
        *(f'<text x="{LEFT - 12}" y="{bottom - SCALE * y + 4}">{y}</text>' for y in range(0, Y_UNITS + 1, 2)),
        f'<text x="{(LEFT + right) // 2}" y="{bottom + 34}">first feature</text>',
        f'<text transform="translate(18 {(TOP + bottom) // 2}) rotate(-90)">second feature</text>',
        "</g>",
    ]


def _cloud(picture: Picture) -> list[str]:
    """The least uncertain first, so that what matters lies on top. A rim keeps bright dots apart from the paper."""
    low, high = picture.range
    shades = (picture.scores - low) / ((high - low) or 1.0)
    steps = np.minimum((shades * len(STEPS)).astype(int), len(STEPS) - 1)
    groups = []
    for step, colour in enumerate(STEPS):
        inside = picture.points[steps == step]
        if len(inside):
            groups += [
                f'<g stroke="{INK}" stroke-width="6.2"><path id="s{step}" d="{_dots(_place(inside))}"/></g>',
                f'<use href="#s{step}" stroke="{colour}" stroke-width="4.6"/>',
            ]
    return ['<g stroke-linecap="round">', *groups, "</g>"]


def _lines(boundaries: Sequence[Sequence[Points]], width: float = 1.3) -> list[str]:
    path = "".join(
        "M" + "L".join(f"{x} {y}" for x, y in _place(line)) for lines in boundaries for line in lines if len(line)
    )
    return [f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="{width}"{_dash(len(boundaries) > 1)}/>']


def _known(labelled: Points, classes: NDArray[np.int64]) -> list[str]:
    found = []
    for label, colour in enumerate(CLASSES):
        path = "".join(f"M{x} {y}{_CROSSES[label]}" for x, y in _place(labelled[classes == label]))
        found += [
            f'<path d="{path}" fill="none" stroke="{PAPER}" stroke-width="6"/>',
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3"/>',
        ]
    return found


def _rings(picked: Points, radius: float = 6.5, width: float = 2.4) -> list[str]:
    circles = "".join(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in _place(picked))
    return [
        f'<g fill="none" stroke="{PAPER}" stroke-width="{width + 2.5}">{circles}</g>',
        f'<g fill="none" stroke="{PICKED}" stroke-width="{width}">{circles}</g>',
    ]


def _note(note: Note) -> str:
    [(x, y)] = _place(note.place[None, :])
    words = (
        f'<text x="{x}" y="{y}" text-anchor="middle" stroke="{PAPER}" stroke-width="4" paint-order="stroke">'
        f"{escape(note.words)}</text>"
    )
    if note.target is None:
        return words
    [(end_x, end_y)] = _place(note.target[None, :])
    return f'<path d="M{x} {_number(float(y) - 12)}L{end_x} {end_y}" stroke="{INK}"/>{words}'


def _legend(picture: Picture) -> list[str]:
    y = HEIGHT - 18
    crosses = [
        f'<path d="M{LEFT + 98 + 18 * i} {y - 4}{cross}" fill="none" stroke="{colour}" stroke-width="3"/>'
        for i, (cross, colour) in enumerate(zip(_CROSSES, CLASSES, strict=True))
    ]
    several = len(picture.boundaries) > 1
    line = f'<path d="M{LEFT + 258} {y - 4}h30" fill="none" stroke="{INK}" stroke-width="1.3"{_dash(several)}/>'
    words = "two classes level, for each model" if several else "two classes level"
    return [
        f'<circle cx="{LEFT + 8}" cy="{y - 4}" r="6.5" fill="none" stroke="{PICKED}" stroke-width="2.4"/>',
        f'<text x="{LEFT + 22}" y="{y}">picked</text>',
        *crosses,
        f'<text x="{LEFT + 148}" y="{y}">labelled</text>',
        line,
        f'<text x="{LEFT + 296}" y="{y}">{words}</text>',
    ]


def _scale(picture: Picture) -> list[str]:
    """What the colours mean, in the corner where no point is."""
    right, top = LEFT + SCALE * X_UNITS, TOP + 14
    low, high = picture.range
    return [
        f'<rect x="{right - 182}" y="{top - 12}" width="182" height="40" fill="{PAPER}"/>',
        f'<text x="{right}" y="{top}" text-anchor="end">{escape(picture.scale)}</text>',
        f'<text x="{right}" y="{top + 22}" text-anchor="end" fill="{QUIET}">{high:.2f}</text>',
        *(
            f'<rect x="{right - 134 + 20 * i}" y="{top + 11}" width="20" height="13" fill="{colour}"/>'
            for i, colour in enumerate(STEPS)
        ),
        f'<text x="{right - 140}" y="{top + 22}" text-anchor="end" fill="{QUIET}">{low:.2f}</text>',
    ]


def _dash(several: bool) -> str:
    return ' stroke-dasharray="5 4"' if several else ""
