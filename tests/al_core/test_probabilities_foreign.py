"""Whatever JSON stands in a prediction, it is read or unknown, and what is read holds together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.probabilities import from_predictions
from al_core.probabilities.answers import classes_of
from al_core.types import REASONS, LabelSpace, Prediction, Reason
from tests.al_core.foreign import PREDICTIONS, SPACES, VALUES
from tests.al_core.predicted import TWO, check, space


@pytest.mark.parametrize("of", SPACES, ids=lambda of: f"{of.tag} {of.form} {len(of.labels)}")
@settings(max_examples=60, deadline=None)
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


@settings(deadline=None)
@given(
    st.sampled_from([*{of.tag for of in SPACES}, "BrushLabels", "Nonsense"]), st.fixed_dictionaries({"value": VALUES})
)
def test_the_reader_of_answers_takes_any_value(tag: str, region: dict) -> None:
    found = classes_of(region, tag)
    assert found is None or isinstance(found, list)


DISTRIBUTIONS = st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda row: sum(row) > 1e-3)


@settings(deadline=None)
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


@settings(deadline=None)
@given(st.floats(0, 1, exclude_min=True), st.sampled_from(["cat", "dog"]))
def test_two_classes_are_exact_for_every_score(score: float, choice: str) -> None:
    prediction = Prediction(1, [{"from_name": "kind", "value": {"choices": [choice]}, "score": score}], None, "v1")
    found = from_predictions([prediction], [1], TWO)
    check(found)
    expected = [score, 1 - score] if choice == "cat" else [1 - score, score]
    np.testing.assert_array_equal(found.values[0], np.float32(expected))
