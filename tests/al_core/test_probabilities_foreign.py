"""Whatever JSON stands in a prediction, it is read or unknown, and what is read holds together."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.probabilities import from_predictions
from al_core.probabilities.answers import classes_of
from al_core.types import REASONS, LabelSpace, Prediction, Reason
from tests.al_core.predicted import BOXES, TAGS, THREE, TWO, check, space

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


@pytest.mark.parametrize("of", SPACES, ids=lambda of: f"{of.tag} {of.form} {len(of.labels)}")
@settings(max_examples=60)
@given(st.lists(PREDICTIONS, max_size=6))
def test_arbitrary_json_is_read_or_unknown(of: LabelSpace, predictions: list[Prediction]) -> None:
    for version in (None, "a"):
        found = from_predictions(predictions, np.arange(1, 6), of, model_version=version)
        check(found)
        assert REASONS[found.reasons[4] - 1] == Reason.NO_PREDICTION
        assert sum(found.unknown.values()) + found.known.sum() == 5


def nested(depth: int) -> list:
    found: list = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("of", SPACES, ids=lambda of: f"{of.tag} {of.form} {len(of.labels)}")
def test_nothing_follows_deep_json_down(of: LabelSpace) -> None:
    deep = nested(100_000)
    places = ["choices", "taxonomy", "rating", "text", "rectanglelabels", "probabilities"]
    results = [
        [{"from_name": "kind", "value": {place: deep}, "score": deep, "meta": {"probabilities": {"cat": deep}}}, deep]
        for place in places
    ]
    found = from_predictions(
        [Prediction(number, result, 0.5, "v1") for number, result in enumerate(results)], range(6), of
    )
    check(found)
    assert not found.known.any()


@given(
    st.sampled_from([*{of.tag for of in SPACES}, "BrushLabels", "Nonsense"]), st.fixed_dictionaries({"value": VALUES})
)
def test_the_reader_of_answers_takes_any_value(tag: str, region: dict) -> None:
    found = classes_of(region, tag)
    assert found is None or isinstance(found, list)


DISTRIBUTIONS = st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda row: sum(row) > 1e-3)


@given(st.lists(DISTRIBUTIONS, min_size=1, max_size=5).map(lambda rows: [row[: min(map(len, rows))] for row in rows]))
def test_full_rows_sum_to_1_and_keep_their_order(rows: list[list[float]]) -> None:
    rows = [row for row in rows if sum(row) > 1e-3]
    labels = [f"class {column}" for column in range(len(rows[0]))] if rows else ["none"]
    predictions = [
        Prediction(
            number,
            [
                {
                    "from_name": "kind",
                    "probabilities": {label: p / sum(row) for label, p in zip(labels, row, strict=True)},
                }
            ],
            None,
            "v1",
        )
        for number, row in enumerate(rows)
    ]
    found = from_predictions(predictions, np.arange(len(rows)), space(*labels))
    check(found)
    assert found.full.all()
    for read, row in zip(found.values, rows, strict=True):
        np.testing.assert_allclose(read, np.array(row) / sum(row), rtol=1e-5, atol=1e-7)


@given(st.floats(0, 1, exclude_min=True), st.sampled_from(["cat", "dog"]))
def test_two_classes_are_exact_for_every_score(score: float, choice: str) -> None:
    prediction = Prediction(1, [{"from_name": "kind", "value": {"choices": [choice]}, "score": score}], None, "v1")
    found = from_predictions([prediction], [1], TWO)
    check(found)
    expected = [score, 1 - score] if choice == "cat" else [1 - score, score]
    np.testing.assert_array_equal(found.values[0], np.float32(expected))
