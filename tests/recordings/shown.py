"""What tasks show: the object tags, and data for them."""

from typing import Any, NamedTuple


class Shown(NamedTuple):
    tags: str
    """The object tags of the configuration."""
    name: str
    """What a control's ``toName`` says."""
    data: dict[str, Any]
    """The data of a task."""


IMAGE = Shown('<Image name="picture" value="$image"/>', "picture", {"image": "https://example.com/street.jpg"})
TEXT = Shown(
    '<Text name="words" value="$text"/>', "words", {"text": "Ada Lovelace wrote to Charles Babbage in London."}
)
PAIR = Shown(
    '<Text name="one" value="$first"/><Text name="two" value="$second"/>',
    "one,two",
    {"first": "A short answer.", "second": "A somewhat longer answer."},
)
PAGE = Shown(
    '<HyperText name="page" value="$html"/>', "page", {"html": "<p>Ada Lovelace wrote to Charles Babbage.</p>"}
)
DIALOGUE = Shown(
    '<Paragraphs name="talk" value="$dialogue" layout="dialogue"/>',
    "talk",
    {"dialogue": [{"author": "Guide", "text": "Ada lived here."}, {"author": "Guest", "text": "When?"}]},
)
SERIES = Shown(
    '<TimeSeries name="curve" value="$series" timeColumn="time"><Channel column="speed"/></TimeSeries>',
    "curve",
    {"series": {"time": [0, 1, 2, 3, 4, 5], "speed": [0.1, 0.4, 0.9, 1.2, 0.7, 0.2]}},
)
VIDEO = Shown('<Video name="clip" value="$video"/>', "clip", {"video": "https://example.com/street.mp4"})
