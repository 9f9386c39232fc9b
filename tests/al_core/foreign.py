"""Predictions of hypothesis: some right, some broken in one place, some no more than JSON."""

from typing import Any

from hypothesis import strategies as st

from al_core.types import Prediction
from tests.al_core.predicted import BOXES, TAGS, THREE, TWO, space

SPACES = [
    TWO,
    THREE,
    TAGS,
    BOXES,
    space("cat"),
    space("cat", "cat/dog", tag="Taxonomy", form="multi"),
    space("1", "2", "3", tag="Rating"),
    space("left", "right", tag="Pairwise"),
    space(tag="Number", form="regions"),
    space(tag="TextArea", form="regions"),
    space("cat", "dog", tag="Choices", form="regions"),
    space("cat", tag="VideoRectangle", form="regions"),
    space("cat", "\udc80", "", tag="Labels", form="regions"),
]

NUMBERS = st.one_of(
    st.floats(0, 1),
    st.floats(),
    st.integers(),
    st.sampled_from([0, 0.0, 1, 2, 2.0, 0.5, 10**400, -(10**400), 1 / 3]),
)
NAMES = st.sampled_from(["cat", "dog", "cow", "left", "1", "\udc80", "", "horse"]) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
KEYS = st.sampled_from(
    ["choices", "labels", "rectanglelabels", "taxonomy", "rating", "selected", "number", "text", "probabilities"]
)
# What is right for one control or another, so that some predictions are whole and others broken in one place only.
RIGHT: dict[str, Any] = {
    "choices": ["cat"],
    "labels": ["cat"],
    "rectanglelabels": ["dog"],
    "taxonomy": [["cat", "dog"]],
    "rating": 2,
    "selected": "left",
    "number": 3,
    "text": ["cat"],
}
SCORES = st.floats(0.5, 1) | NUMBERS | JSON
VECTORS = st.one_of(
    st.sampled_from([{"cat": 1.0}, {"cat": 0.25, "dog": 0.75}, {"1": 0.5, "3": 0.5}, {"left": 0.1, "right": 0.9}]),
    st.dictionaries(NAMES | st.none() | st.integers() | st.tuples(NAMES), NUMBERS | JSON, max_size=4),
)
ANSWERS = st.one_of(JSON, NAMES, st.lists(NAMES, max_size=2), st.lists(st.lists(NAMES, max_size=2), max_size=2))
VALUES = st.just(RIGHT) | JSON | st.dictionaries(KEYS, ANSWERS | VECTORS, max_size=3).map(lambda other: RIGHT | other)
REGIONS = st.fixed_dictionaries(
    {"from_name": st.just("kind"), "value": VALUES},
    optional={
        "score": SCORES,
        "probabilities": VECTORS | JSON,
        "meta": st.fixed_dictionaries({}, optional={"probabilities": VECTORS}) | JSON,
    },
)
RESULTS = st.lists(REGIONS, min_size=1, max_size=1) | JSON | st.lists(REGIONS | JSON, max_size=3)
PREDICTIONS = st.builds(Prediction, st.integers(1, 4), RESULTS, SCORES, st.sampled_from("ab"))
