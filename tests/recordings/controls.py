"""Every control that TrustAI scores: a labelling configuration, a task under it, and what models say of it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from label_studio_sdk.converter.brush import mask2rle

from tests.recordings import states
from tests.recordings.round_trip import Control

Value = Callable[[Sequence[str]], dict[str, Any]]
"""Answer → the ``value`` of a region that gives it."""

IMAGE = '<Image name="picture" value="$image"/>'
TEXT = '<Text name="words" value="$text"/>'
VIDEO = '<Video name="clip" value="$video"/>'
SEEN = {"image": "https://example.com/street.jpg"}
READ = {"text": "Ada Lovelace wrote to Charles Babbage in London."}
WATCHED = {"video": "https://example.com/street.mp4"}
SIZE = {"original_width": 640, "original_height": 480, "image_rotation": 0}
"""What the editor writes beside the value of every region of an image."""

ANIMALS = ("cat", "dog", "fox")
THINGS = ("Car", "Person", "Bike")
NAMES = ("PER", "LOC", "MISC")

MASK = np.pad(np.full((2, 3), 255, dtype=np.uint8), 3)


def control(
    name: str,
    config: str,
    data: dict[str, Any],
    answers: Sequence[str],
    value: Value,
    form: Callable[..., Any],
    **beside: Any,
) -> Control:
    """A configuration with one control named ``answer``; its region's type is the tag in lower case."""
    tag, target = config.split('name="answer"')[0].rsplit("<", 1)[1].strip(), config.split('toName="')[1]

    def make(chosen: Sequence[str]) -> dict[str, Any]:
        return {
            "from_name": "answer",
            "to_name": target.split('"')[0].split(",")[0],
            "type": tag.lower(),
            "value": value(chosen),
            **beside,
        }

    predicted, imported = form(make, answers)
    return Control(name, f"<View>{config}</View>", data, predicted, imported)


def choices(labels: Sequence[str], tag: str = "Choice") -> str:
    return "".join(f'<{tag} value="{label}"/>' for label in labels)


def labels(names: Sequence[str]) -> str:
    return choices(names, "Label")


def on_image(tag: str, shape: dict[str, Any]) -> Control:
    """A control that draws shapes of one kind on an image."""
    config = f'{IMAGE}<{tag} name="answer" toName="picture">{labels(THINGS)}</{tag}>'
    value = lambda chosen: {**shape, tag.lower(): list(chosen)}  # noqa: E731
    return control(tag.lower(), config, SEEN, THINGS, value, states.regions, **SIZE)


def in_span(
    tag: str, shown: str, data: dict[str, Any], span: dict[str, Any], names: Sequence[str] = NAMES, key: str = ""
) -> Control:
    """A control that marks stretches of a text, a dialogue, a series or a clip."""
    target = shown.split('name="')[1].split('"')[0]
    config = f'{shown}<{tag} name="answer" toName="{target}">{labels(names)}</{tag}>'
    value = lambda chosen: {**span, key or tag.lower(): list(chosen)}  # noqa: E731
    return control(tag.lower(), config, data, names, value, states.regions)


CONTROLS: tuple[Control, ...] = (
    control(
        "choices_single",
        f'{IMAGE}<Choices name="answer" toName="picture">{choices(ANIMALS)}</Choices>',
        SEEN,
        ANIMALS,
        lambda chosen: {"choices": list(chosen)},
        states.single,
    ),
    in_span("Labels", TEXT, READ, {"start": 0, "end": 12, "text": "Ada Lovelace"}),
    on_image("RectangleLabels", {"x": 12.5, "y": 33.333333333333336, "width": 25.0, "height": 10.0, "rotation": 0}),
)
