"""One configuration with several controls: a class of the whole picture, boxes, a class of each box, a remark."""

from typing import Any

from tests.recordings.round_trip import Control
from tests.recordings.shown import IMAGE
from tests.recordings.states import FIRST, NOTHING, SECOND, by_contract, distribution, predicted

WEATHER, THINGS, SIGHT = ("sun", "rain", "snow"), ("Car", "Person"), ("clear", "hidden")

CONFIG = (
    f"<View>{IMAGE.tags}"
    '<Choices name="weather" toName="picture">'
    '<Choice value="sun"/><Choice value="rain"/><Choice value="snow"/></Choices>'
    '<RectangleLabels name="box" toName="picture"><Label value="Car"/><Label value="Person"/></RectangleLabels>'
    '<Choices name="sight" toName="picture" perRegion="true"><Choice value="clear"/><Choice value="hidden"/></Choices>'
    '<TextArea name="remark" toName="picture"/></View>'
)
BOX = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0}


def _region(name: str, kind: str, value: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": "picture", "type": kind, "value": value, **beside}


def _weather(label: str) -> dict[str, Any]:
    return _region("weather", "choices", {"choices": [label]})


def _box(label: str, box_id: str) -> dict[str, Any]:
    return _region("box", "rectanglelabels", {**BOX, "rectanglelabels": [label]}, id=box_id)


def _sight(label: str, box_id: str) -> dict[str, Any]:
    """Belongs to a box: has its id, and its place again."""
    return _region("sight", "choices", {**BOX, "choices": [label]}, id=box_id)


REMARK = _region("remark", "textarea", {"text": ["fog in the background"]})

SEVERAL = Control(
    name="several_controls",
    label_config=CONFIG,
    data=IMAGE.data,
    predicted={
        "all by contract": predicted(
            [
                by_contract(_weather("rain"), distribution(WEATHER, "rain", 0.6)),
                by_contract(_box("Car", "box-1"), distribution(THINGS, "Car", 0.9)),
                by_contract(_sight("hidden", "box-1"), distribution(SIGHT, "hidden", 0.7)),
                by_contract(_box("Person", "box-2"), distribution(THINGS, "Person", 0.55)),
                {**REMARK, "score": 0.8},
            ],
            0.7,
        ),
        "all with scores": predicted(
            [
                {**_weather("sun"), "score": 0.5},
                {**_box("Car", "box-1"), "score": 0.8},
                {**_sight("clear", "box-1"), "score": 0.6},
                {**REMARK, "score": 0.7},
            ],
            0.65,
        ),
        "one task score": predicted([_weather("sun"), _box("Car", "box-1")], 0.65),
        "class only": predicted([{**_weather("snow"), "score": 0.77}], 0.77),
        "boxes only": predicted([{**_box("Person", "box-1"), "score": 0.31}], 0.31),
        "one by contract, one with a score": predicted(
            [
                by_contract(_weather("sun"), distribution(WEATHER, "sun", 0.8)),
                {**_box("Car", "box-1"), "score": 0.45},
            ],
            0.6,
            FIRST,
        ),
        **NOTHING,
    },
    imported={
        "all by contract": predicted(
            [by_contract(_weather("sun"), distribution(WEATHER, "sun", 0.5)), {**_box("Car", "box-1"), "score": 0.6}],
            0.55,
            SECOND,
        )
    },
)
