"""Every control that TrustAI scores: a labelling configuration, a task under it, and what models say of it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from label_studio_sdk.converter.brush import mask2rle

from tests.recordings import several, states
from tests.recordings.backend import Prediction
from tests.recordings.round_trip import Control
from tests.recordings.shown import DIALOGUE, IMAGE, PAGE, PAIR, SERIES, TEXT, VIDEO, Shown

Form = Callable[..., tuple[dict[str, Prediction], dict[str, Prediction]]]

ANIMALS = ("cat", "dog", "fox")
THINGS = ("Car", "Person", "Bike")
NAMES = ("PER", "LOC", "MISC")
MOVES = ("Run", "Walk")

ON_IMAGES = {"original_width": 640, "original_height": 480, "image_rotation": 0}
"""What the editor writes beside the value of every region of an image."""

MASK = np.pad(np.full((2, 3), 255, dtype=np.uint8), 3)
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
TRACK = [
    {"frame": 1, "time": 0.04, "enabled": True, "rotation": 0, "x": 10, "y": 20, "width": 5, "height": 8},
    {"frame": 25, "time": 1.0, "enabled": False, "rotation": 0, "x": 30, "y": 20, "width": 5, "height": 8},
]


def control(
    name: str,
    shown: Shown,
    tag: str,
    answers: Sequence[str],
    value: Callable[[Sequence[str]], dict[str, Any]],
    form: Form,
    *,
    inside: str = "",
    attributes: str = "",
    beside: dict[str, Any] | None = None,
    **states_of: Any,
) -> Control:
    """One control named ``answer``; ``value`` gives the value of a region that answers with these classes."""

    def make(chosen: Sequence[str]) -> dict[str, Any]:
        return {
            "from_name": "answer",
            "to_name": shown.name.split(",")[0],  # the server knows no object named "one,two"
            "type": tag.lower(),
            "value": value(chosen),
            **(beside or {}),
        }

    predicted, imported = form(make, answers, **states_of)
    config = f'<View>{shown.tags}<{tag} name="answer" toName="{shown.name}"{attributes}>{inside}</{tag}></View>'
    return Control(name, config, shown.data, predicted, imported)


def listed(labels: Sequence[str], tag: str = "Label") -> str:
    return "".join(f'<{tag} value="{label}"/>' for label in labels)


def regions(
    shown: Shown, tag: str, labels: Sequence[str], place: dict[str, Any], beside: dict[str, Any] | None = None
) -> Control:
    """A control that marks places, each with labels under the name of the control's tag."""

    def value(chosen: Sequence[str]) -> dict[str, Any]:
        return {**place, tag.lower(): list(chosen)}

    return control(tag.lower(), shown, tag, labels, value, states.regions, inside=listed(labels), beside=beside)


def paths(chosen: Sequence[str]) -> dict[str, Any]:
    return {"taxonomy": [path.split("/") for path in chosen]}


TREE = (
    '<Choice value="Animal"><Choice value="Cat"/><Choice value="Dog" alias="dog"/></Choice>'
    '<Choice value="Plant"><Choice value="Fern"/></Choice>'
)

CONTROLS: tuple[Control, ...] = (
    control(
        "choices_single",
        IMAGE,
        "Choices",
        ANIMALS,
        lambda chosen: {"choices": list(chosen)},
        states.single,
        inside=listed(ANIMALS, "Choice"),
    ),
    control(
        "choices_multiple",
        IMAGE,
        "Choices",
        ANIMALS,
        lambda chosen: {"choices": list(chosen)},
        states.multi,
        inside=listed(ANIMALS, "Choice"),
        attributes=' choice="multiple"',
    ),
    control(
        "choices_alias",
        TEXT,
        "Choices",
        ("pos", "neg"),
        lambda chosen: {"choices": list(chosen)},
        states.single,
        inside='<Choice value="Positive" alias="pos"/><Choice value="Negative" alias="neg"/>',
        unknown="Positive",
    ),
    control(
        "taxonomy_single",
        IMAGE,
        "Taxonomy",
        ("Animal/Cat", "Animal/dog", "Plant/Fern"),
        paths,
        states.single,
        inside=TREE,
        attributes=' leafsOnly="true" maxUsages="1"',
        unknown="Plant/Oak",
    ),
    control(
        "taxonomy_multiple",
        IMAGE,
        "Taxonomy",
        ("Animal", "Animal/Cat", "Animal/dog", "Plant", "Plant/Fern"),
        paths,
        states.multi,
        inside=TREE,
    ),
    control(
        "rating",
        TEXT,
        "Rating",
        ("1", "2", "3", "4"),
        lambda chosen: {"rating": int(chosen[0])},
        states.single,
        attributes=' maxRating="4"',
        unknown="9",
    ),
    control(
        "pairwise",
        PAIR,
        "Pairwise",
        ("left", "right"),
        lambda chosen: {"selected": chosen[0]},
        states.single,
        unknown="none",
    ),
    control("number", IMAGE, "Number", ("12.5",), lambda chosen: {"number": float(chosen[0])}, states.free),
    control(
        "textarea",
        IMAGE,
        "TextArea",
        ("INVOICE 2026-17", "Total: 12.50 €"),
        lambda chosen: {"text": list(chosen)},
        states.free,
    ),
    regions(TEXT, "Labels", NAMES, {"start": 0, "end": 12, "text": "Ada Lovelace"}),
    regions(
        PAGE,
        "HyperTextLabels",
        NAMES,
        {
            "start": "/p[1]/text()[1]",
            "end": "/p[1]/text()[1]",
            "startOffset": 0,
            "endOffset": 12,
            "globalOffsets": {"start": 0, "end": 12},
            "text": "Ada Lovelace",
        },
    ),
    regions(
        DIALOGUE,
        "ParagraphLabels",
        NAMES,
        {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3, "text": "Ada"},
    ),
    regions(SERIES, "TimeSeriesLabels", MOVES, {"start": 1.5, "end": 4.25, "instant": False}),
    regions(VIDEO, "TimelineLabels", MOVES, {"ranges": [{"start": 3, "end": 47}]}),
    regions(
        IMAGE,
        "RectangleLabels",
        THINGS,
        {"x": 12.5, "y": 33.333333333333336, "width": 25.0, "height": 10.0, "rotation": 0},
        ON_IMAGES,
    ),
    regions(
        IMAGE,
        "PolygonLabels",
        THINGS,
        {"points": [[10.5, 10.0], [40.25, 12.0], [33.3, 60.0]], "closed": True},
        ON_IMAGES,
    ),
    regions(
        IMAGE,
        "EllipseLabels",
        THINGS,
        {"x": 40.0, "y": 30.0, "radiusX": 12.5, "radiusY": 6.0, "rotation": 15},
        ON_IMAGES,
    ),
    regions(IMAGE, "KeyPointLabels", THINGS, {"x": 40.0, "y": 30.0, "width": 0.5}, ON_IMAGES),
    regions(IMAGE, "BrushLabels", THINGS, {"format": "rle", "rle": list(mask2rle(MASK))}, ON_IMAGES),
    regions(IMAGE, "BitmaskLabels", THINGS, {"imageDataURL": PNG}, ON_IMAGES),
    regions(
        IMAGE,
        "VectorLabels",
        THINGS,
        {
            "closed": False,
            "vertices": [{"id": "a", "x": 1.5, "y": 2.0, "isBezier": False}, {"id": "b", "x": 9.0, "y": 8.0}],
        },
        ON_IMAGES,
    ),
    control(
        "videorectangle",
        Shown(f'{VIDEO.tags}<Labels name="names" toName="clip">{listed(THINGS)}</Labels>', "clip", VIDEO.data),
        "VideoRectangle",
        THINGS,
        lambda chosen: {"framesCount": 120, "duration": 4.8, "sequence": TRACK, "labels": list(chosen)},
        states.regions,
    ),
    several.SEVERAL,
)
