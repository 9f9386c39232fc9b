"""From predictions to probabilities; what is unknown stays unknown, with its reason."""

import numpy as np
import pytest

from al_core import probabilities as reasons
from al_core.errors import InvalidInput
from al_core.probabilities import from_predictions
from al_core.types import LabelSpace, Prediction

TWO = LabelSpace("kind", "image", ("cat", "dog"), "image", "image")
THREE = LabelSpace("kind", "image", ("cat", "dog", "cow"), "image", "image")
ONE = LabelSpace("kind", "image", ("cat",), "image", "image")
NAN = float("nan")


def region(choice="cat", control="kind", **more):
    found = {"from_name": control, "to_name": "image", "type": "choices", "value": {"choices": [choice]}}
    return found | more


def predicted(*result, score=None, task_id=1, version="v1"):
    return Prediction(task_id, list(result), score, version)


def row_of(prediction, space=TWO):
    """The one row, or the one reason."""
    found = from_predictions([prediction], np.array([1]), space)
    if found.unknown:
        assert np.isnan(found.values).all()
        assert list(found.unknown.values()) == [1]
        return next(iter(found.unknown))
    assert found.known.all()
    return pytest.approx(found.values[0].tolist(), abs=1e-6)


VECTOR = {"dog": 0.2, "cow": 0.1, "cat": 0.7}


@pytest.mark.parametrize(
    "place",
    [
        region(probabilities=VECTOR),
        region(meta={"probabilities": VECTOR}),
        region(value={"choices": ["cat"], "probabilities": VECTOR}),
        region(probabilities=VECTOR, score=2.0, meta={"text": ["note"]}),
    ],
)
def test_a_full_vector_is_read_from_wherever_the_contract_allows_it(place):
    assert row_of(predicted(place), THREE) == [0.7, 0.2, 0.1]


def test_the_place_beside_the_score_comes_first():
    both = region(probabilities=VECTOR, meta={"probabilities": {"cat": 1.0}})
    assert row_of(predicted(both), THREE) == [0.7, 0.2, 0.1]


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        ({"cat": 1}, [1.0, 0.0, 0.0]),
        ({"cat": 1.0005}, [1.0, 0.0, 0.0]),
        ({"cat": 1.002}, reasons.OUT_OF_RANGE),
        ({"cat": 0.4, "cow": 0.6}, [0.4, 0.0, 0.6]),
        ({"cat": 0.5, "cow": 0.5005}, [0.5 / 1.0005, 0.0, 0.5005 / 1.0005]),
        ({"cat": 0.4, "cow": 0.4}, reasons.WRONG_SUM),
        ({"cat": 0.9, "cow": 0.9}, reasons.WRONG_SUM),
        ({}, reasons.WRONG_SUM),
        ({"cat": 0.5, "horse": 0.5}, reasons.UNKNOWN_LABEL),
        ({"cat": 1.0, "horse": 0.0}, reasons.UNKNOWN_LABEL),
        ({"cat": 1.5, "cow": -0.5}, reasons.OUT_OF_RANGE),
        ({"cat": float("inf")}, reasons.OUT_OF_RANGE),
        ({"cat": NAN, "cow": 0.5}, reasons.NOT_A_NUMBER),
        ({"cat": None, "cow": 1.0}, reasons.NOT_A_NUMBER),
        ({"cat": "0.5", "cow": 0.5}, reasons.NOT_A_NUMBER),
        ({"cat": True}, reasons.NOT_A_NUMBER),
    ],
)
def test_a_vector_is_a_distribution_over_known_labels_or_unknown(vector, expected):
    assert row_of(predicted(region(probabilities=vector), score=0.9), THREE) == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (predicted(region("cat"), score=0.8), [0.8, 0.2]),
        (predicted(region("dog"), score=0.8), [0.2, 0.8]),
        (predicted(region("dog", score=0.6), score=0.9), [0.4, 0.6]),
        (predicted(region("cat", score=None), score=0.9), [0.9, 0.1]),
        (predicted(region("cat"), score=1), [1.0, 0.0]),
        (predicted(region("cat"), score=0.0), reasons.DEFAULT_ZERO),
        (predicted(region("cat", score=0.0), score=0.9), reasons.DEFAULT_ZERO),
        (predicted(region("cat"), score=2.0), reasons.OUT_OF_RANGE),
        (predicted(region("cat"), score=1.0001), reasons.OUT_OF_RANGE),
        (predicted(region("cat"), score=-0.1), reasons.OUT_OF_RANGE),
        (predicted(region("cat"), score=float("-inf")), reasons.OUT_OF_RANGE),
        (predicted(region("cat"), score=NAN), reasons.NOT_A_NUMBER),
        (predicted(region("cat"), score=None), reasons.NOT_A_NUMBER),
        (predicted(region("cat", score="high"), score=0.9), reasons.NOT_A_NUMBER),
        (predicted(region("horse"), score=0.9), reasons.UNKNOWN_LABEL),
        (predicted(score=0.0), reasons.EMPTY_RESULT),
        (predicted(region(control="other"), score=0.9), reasons.EMPTY_RESULT),
        (predicted(region(value={"choices": []}), score=0.9), reasons.EMPTY_RESULT),
        (predicted(region(value={}), score=0.9), reasons.EMPTY_RESULT),
        (predicted(region(value=None), score=0.9), reasons.EMPTY_RESULT),
        (predicted(None, "text", score=0.9), reasons.EMPTY_RESULT),
        (Prediction(1, None, 0.9, "v1"), reasons.EMPTY_RESULT),
        (predicted(region(value={"choices": ["cat", "dog"]}), score=0.9), reasons.NOT_ONE_CHOICE),
        (predicted(region(value={"choices": "cat"}), score=0.9), reasons.NOT_ONE_CHOICE),
    ],
)
def test_two_classes_follow_exactly_from_one_score(prediction, expected):
    assert row_of(prediction) == expected


def test_more_classes_do_not_follow_from_one_score():
    assert row_of(predicted(region("cat", score=0.8)), THREE) == reasons.ONLY_TOP_CLASS
    assert row_of(predicted(region("cat"), score=1.0), THREE) == reasons.ONLY_TOP_CLASS
    assert row_of(predicted(region("cat"), score=2.0), THREE) == reasons.OUT_OF_RANGE
    assert row_of(predicted(region("cat", score=0.8)), ONE) == [1.0]


def test_the_region_of_the_control_is_found_among_others():
    other = region(control="mood", probabilities={"happy": 1.0})
    assert row_of(predicted(other, region("dog", score=0.75))) == [0.25, 0.75]


def test_rows_follow_the_task_ids_and_reasons_are_counted():
    given = [
        predicted(region("cat"), score=0.9, task_id=30),
        predicted(region("dog"), score=0.9, task_id=10),
        predicted(score=0.0, task_id=20),
        predicted(region("cat"), score=2.0, task_id=50),
        predicted(region("cat"), score=0.5, task_id=99, version="of a task not asked for"),
    ]
    found = from_predictions(iter(given), np.array([10, 20, 30, 40, 50, 60]), TWO)
    np.testing.assert_array_equal(found.task_ids, [10, 20, 30, 40, 50, 60])
    np.testing.assert_array_equal(found.known, [True, False, True, False, False, False])
    np.testing.assert_allclose(found.values[[0, 2]], [[0.1, 0.9], [0.9, 0.1]], atol=1e-6)
    assert found.values.dtype == np.float32
    assert found.labels == ("cat", "dog")
    assert found.unknown == {reasons.NO_PREDICTION: 2, reasons.EMPTY_RESULT: 1, reasons.OUT_OF_RANGE: 1}
    assert found.model_version == "v1"


def test_of_several_predictions_for_a_task_the_last_counts():
    given = [
        predicted(region("cat"), score=0.9, version="v1"),
        predicted(region("cat"), score=0.6, version="v2"),
    ]
    found = from_predictions(given, np.array([1]), TWO)
    np.testing.assert_allclose(found.values, [[0.6, 0.4]], atol=1e-6)
    assert found.model_version == "v2"


def test_differing_model_versions_leave_none():
    given = [
        predicted(region(), score=0.9, version="v1"),
        predicted(region(), score=0.9, task_id=2, version="v2"),
    ]
    assert from_predictions(given, np.array([1, 2]), TWO).model_version == ""
    assert from_predictions([], np.array([1, 2]), TWO).model_version == ""


def test_empty_pools_are_fine_and_a_space_without_classes_is_refused():
    found = from_predictions([predicted(region(), score=0.9)], np.array([], dtype=np.int64), TWO)
    assert found.values.shape == (0, 2)
    assert found.unknown == {}
    with pytest.raises(InvalidInput):
        from_predictions([], np.array([1]), LabelSpace("kind", "image", (), "image", "image"))
