"""From the predictions of a single choice to probabilities; what is unknown stays unknown, with its reason."""

import numpy as np
import pytest

from al_core.errors import InvalidInput
from al_core.probabilities import CONSTANT_TASKS, from_predictions
from al_core.types import Prediction, Reason
from tests.al_core.predicted import (
    BOXES,
    NAN,
    TAGS,
    THREE,
    TWO,
    approximately,
    box,
    check,
    predicted,
    read,
    reason_of,
    region,
    space,
)

ONE = space("cat")
VECTOR = {"dog": 0.2, "cow": 0.1, "cat": 0.7}


def row_of(prediction, of=TWO):
    """The one row, or the one reason."""
    found = read(prediction, of)
    return reason_of(prediction, of) or approximately(found.values[0].tolist())


@pytest.mark.parametrize(
    "place",
    [
        region(probabilities=VECTOR),
        region(meta={"probabilities": VECTOR}),
        region(value={"choices": ["cat"], "probabilities": VECTOR}),
        region(probabilities=VECTOR, score=2.0, meta={"text": ["note"]}),
        region(probabilities=VECTOR, value={"choices": ["cat", "dog"]}),
        region(probabilities=VECTOR, value=None),
    ],
)
def test_a_full_vector_is_read_from_wherever_the_contract_allows_it(place):
    assert row_of(predicted(place), THREE) == [0.7, 0.2, 0.1]


def test_the_place_beside_the_score_comes_first():
    both = region(probabilities=VECTOR, meta={"probabilities": {"cat": 1.0}})
    assert row_of(predicted(both), THREE) == [0.7, 0.2, 0.1]
    later = region(meta={"probabilities": VECTOR}, value={"choices": ["cat"], "probabilities": {"cat": 1.0}})
    assert row_of(predicted(later), THREE) == [0.7, 0.2, 0.1]


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        ({"cat": 1}, [1.0, 0.0, 0.0]),
        ({"cat": 1.0005}, [1.0, 0.0, 0.0]),
        ({"cat": 1.002}, Reason.OUT_OF_RANGE),
        ({"cat": 0.4, "cow": 0.6}, [0.4, 0.0, 0.6]),
        ({"cat": 0.5, "cow": 0.5005}, [0.5 / 1.0005, 0.0, 0.5005 / 1.0005]),
        ({"cat": 0.4, "cow": 0.4}, Reason.WRONG_SUM),
        ({"cat": 0.9, "cow": 0.9}, Reason.WRONG_SUM),
        ({}, Reason.WRONG_SUM),
        ({"cat": 0.5, "horse": 0.5}, Reason.UNKNOWN_LABEL),
        ({"cat": 1.0, "horse": 0.0}, Reason.UNKNOWN_LABEL),
        ({"cat": 1.5, "cow": -0.5}, Reason.OUT_OF_RANGE),
        ({"cat": 2.0}, Reason.OUT_OF_RANGE),
        ({"cat": float("inf")}, Reason.OUT_OF_RANGE),
        ({"cat": 10**400, "cow": -(10**400)}, Reason.OUT_OF_RANGE),
        ({"cat": NAN, "cow": 0.5}, Reason.NOT_A_NUMBER),
        ({"cat": None, "cow": 1.0}, Reason.NOT_A_NUMBER),
        ({"cat": "0.5", "cow": 0.5}, Reason.NOT_A_NUMBER),
        ({"cat": True}, Reason.NOT_A_NUMBER),
    ],
)
def test_a_vector_is_a_distribution_over_known_labels_or_unknown(vector, expected):
    assert row_of(predicted(region(probabilities=vector), score=0.9), THREE) == expected


def test_the_answer_of_a_full_row_is_its_likeliest_class():
    found = read(predicted(region("dog", probabilities=VECTOR)), THREE)
    assert (found.answers[0], found.top[0]) == (0, approximately(0.7))


@pytest.mark.parametrize(("choice", "column"), [("cow", 2), ("dog", 1), ("cat", 1), ("horse", 1)])
def test_of_classes_that_are_level_the_chosen_one_is_the_answer(choice, column):
    found = read(predicted(region(choice, probabilities={"dog": 0.5, "cow": 0.5})), THREE)
    assert (found.answers[0], found.top[0]) == (column, 0.5)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (predicted(region("cat"), score=0.8), [0.8, 0.2]),
        (predicted(region("dog"), score=0.8), [0.2, 0.8]),
        (predicted(region("dog"), score=0.3), [0.7, 0.3]),
        (predicted(region("dog", score=0.6), score=0.9), [0.4, 0.6]),
        (predicted(region("dog", score=0.6), score=0.0), [0.4, 0.6]),
        (predicted(region("cat", score=None), score=0.9), [0.9, 0.1]),
        (predicted(region("cat"), score=1), [1.0, 0.0]),
        (predicted(region("cat"), score=0.0), Reason.SENTINEL),
        (predicted(region("cat"), score=-0.0), Reason.SENTINEL),
        (predicted(region("cat", score=0), score=0.9), Reason.SENTINEL),
        (predicted(region("cat"), score=2.0), Reason.SENTINEL),
        (predicted(region("cat"), score=2.0001), Reason.OUT_OF_RANGE),
        (predicted(region("cat"), score=1.0001), Reason.OUT_OF_RANGE),
        (predicted(region("cat"), score=-0.1), Reason.OUT_OF_RANGE),
        (predicted(region("cat"), score=10**400), Reason.OUT_OF_RANGE),
        (predicted(region("cat"), score=float("-inf")), Reason.OUT_OF_RANGE),
        (predicted(region("cat"), score=NAN), Reason.NOT_A_NUMBER),
        (predicted(region("cat"), score=None), Reason.NOT_A_NUMBER),
        (predicted(region("cat"), score=True), Reason.NOT_A_NUMBER),
        (predicted(region("cat", score="high"), score=0.9), Reason.NOT_A_NUMBER),
        (predicted(region("horse"), score=0.9), Reason.UNKNOWN_LABEL),
        (predicted(region([["cat"]]), score=0.9), Reason.UNKNOWN_LABEL),
        (predicted(region(1), score=0.9), Reason.UNKNOWN_LABEL),
        (predicted(score=0.0), Reason.EMPTY_RESULT),
        (predicted(score=2.0), Reason.EMPTY_RESULT),
        (predicted(region(control="other"), score=0.9), Reason.EMPTY_RESULT),
        (predicted(region(value={"choices": []}), score=0.9), Reason.EMPTY_RESULT),
        (predicted(region(value={}), score=0.9), Reason.EMPTY_RESULT),
        (predicted(region(value=None), score=0.9), Reason.EMPTY_RESULT),
        (predicted(None, "text", score=0.9), Reason.EMPTY_RESULT),
        (Prediction(1, None, 0.9, "v1"), Reason.EMPTY_RESULT),
        (Prediction(1, {"from_name": "kind"}, 0.9, "v1"), Reason.EMPTY_RESULT),
        (Prediction(1, 3, 0.9, "v1"), Reason.EMPTY_RESULT),
        (predicted(region(value={"choices": ["cat", "dog"]}), score=0.9), Reason.NOT_ONE_CLASS),
        (predicted(region(value={"choices": "cat"}), score=0.9), Reason.NOT_ONE_CLASS),
        (predicted(region("cat"), region("dog"), score=0.9), Reason.NOT_ONE_CLASS),
    ],
)
def test_two_classes_follow_exactly_from_one_score(prediction, expected):
    assert row_of(prediction) == expected


@pytest.mark.parametrize(
    ("choice", "score", "answer"), [("dog", 0.8, 1), ("dog", 0.3, 0), ("cat", 0.3, 1), ("dog", 0.5, 1), ("cat", 0.5, 0)]
)
def test_of_two_classes_the_likelier_is_the_answer(choice, score, answer):
    found = read(predicted(region(choice), score=score), TWO)
    assert (found.answers[0], found.top[0]) == (answer, approximately(max(score, 1 - score)))


def test_of_more_classes_one_score_tells_only_the_top():
    found = read(predicted(region("dog", score=0.8)), THREE)
    assert found.known.all()
    assert not found.full.any()
    assert (found.answers[0], found.top[0]) == (1, approximately(0.8))
    assert reason_of(predicted(region("cat"), score=2.0), THREE) == Reason.SENTINEL


def test_a_single_class_is_certain_whatever_its_score():
    assert row_of(predicted(region("cat", score=0.3)), ONE) == [1.0]
    assert row_of(predicted(region("cat", score=0.0)), ONE) == Reason.SENTINEL


@pytest.mark.parametrize(
    ("score", "top"),
    [(0.34, 0.34), (0.3333, 1 / 3), (0.333, 1 / 3), (0.332, Reason.NOT_THE_TOP), (0.1, Reason.NOT_THE_TOP)],
)
def test_the_likeliest_of_k_classes_has_at_least_1_in_k(score, top):
    prediction = predicted(region("cat"), score=score)
    assert (reason_of(prediction, THREE) or approximately(read(prediction, THREE).top[0])) == top


def test_the_region_of_the_control_is_found_among_others():
    other = region(control="mood", probabilities={"happy": 1.0})
    assert row_of(predicted(other, region("dog", score=0.75))) == [0.25, 0.75]


def test_rows_follow_the_task_ids_and_reasons_are_counted():
    given = [
        predicted(region("cat"), score=0.9, task_id=30),
        predicted(region("dog"), score=0.9, task_id=10),
        predicted(score=0.0, task_id=20),
        predicted(region("cat"), score=7, task_id=50),
        predicted(region("cat"), score=0.5, task_id=99, version="of a task not asked for"),
    ]
    found = from_predictions(iter(given), np.array([10, 20, 30, 40, 50, 60]), TWO)
    check(found)
    np.testing.assert_array_equal(found.task_ids, [10, 20, 30, 40, 50, 60])
    np.testing.assert_array_equal(found.known, [True, False, True, False, False, False])
    np.testing.assert_allclose(found.values[[0, 2]], [[0.1, 0.9], [0.9, 0.1]], atol=1e-6)
    np.testing.assert_array_equal(found.answers, [1, -1, 0, -1, -1, -1])
    assert found.labels == ("cat", "dog")
    assert found.form == "single"
    assert found.unknown == {Reason.NO_PREDICTION: 2, Reason.EMPTY_RESULT: 1, Reason.OUT_OF_RANGE: 1}
    assert found.model_version == "v1"


def test_of_several_predictions_for_a_task_the_last_counts():
    given = [
        predicted(region("cat"), score=0.9, version="v1"),
        predicted(region("cat"), score=0.6, version="v2"),
    ]
    found = from_predictions(given, np.array([1]), TWO)
    np.testing.assert_allclose(found.values, [[0.6, 0.4]], atol=1e-6)
    assert found.model_version == "v2"


def test_other_versions_than_the_asked_one_are_passed_over():
    given = [
        predicted(region("cat"), score=0.9, version="v1"),
        predicted(region("cat"), score=0.6, version="v2"),
        predicted(region("cat"), score=0.7, task_id=2, version="v2"),
        predicted(region("cat"), score=0.8, task_id=3, version="v1"),
    ]
    found = from_predictions(given, np.array([1, 2, 3, 4]), TWO, model_version="v1")
    check(found)
    np.testing.assert_allclose(found.top[[0, 2]], [0.9, 0.8], atol=1e-6)
    assert found.unknown == {Reason.OTHER_VERSION: 1, Reason.NO_PREDICTION: 1}
    assert found.model_version == "v1"


def test_differing_model_versions_leave_none():
    given = [
        predicted(region(), score=0.9, version="v1"),
        predicted(region(), score=0.9, task_id=2, version="v2"),
    ]
    assert from_predictions(given, np.array([1, 2]), TWO).model_version == ""
    assert from_predictions([], np.array([1, 2]), TWO).model_version == ""


@pytest.mark.parametrize("of", [TWO, TAGS, BOXES])
def test_empty_pools_are_fine(of):
    found = from_predictions([predicted(region(), score=0.9)], np.array([], dtype=np.int64), of)
    check(found)
    assert found.unknown == {}


@pytest.mark.parametrize("form", ["single", "multi"])
def test_a_choice_without_classes_is_refused(form):
    with pytest.raises(InvalidInput, match="'kind' has no class"):
        from_predictions([], np.array([1]), space(form=form))


def pool(make, count=CONSTANT_TASKS, of=THREE):
    """What is read where every task has the prediction that ``make`` gives for its number."""
    result = [predicted(*make(number), task_id=number) for number in range(count)]
    found = from_predictions(result, np.arange(count), of)
    check(found)
    return found


CHOICES = ("cat", "dog")


@pytest.mark.parametrize(
    ("make", "of"),
    [
        (lambda number: [region(CHOICES[number % 2], score=0.1)], TWO),
        (lambda number: [region(CHOICES[number % 2], score=0.9)], THREE),
        (lambda number: [region("cat", probabilities=VECTOR)], THREE),
        (lambda number: [region("cat", probabilities=VECTOR)], TAGS),
        (lambda number: [box("cat", score=0.9)] * (1 + number % 3), BOXES),
        (lambda number: [box("cat", probabilities=VECTOR)] * (1 + number % 3), BOXES),
    ],
)
def test_a_model_that_says_the_same_of_every_task_ranks_nothing(make, of):
    assert pool(make, CONSTANT_TASKS, of).unknown == {Reason.CONSTANT: CONSTANT_TASKS}
    assert pool(make, CONSTANT_TASKS - 1, of).unknown == {}


def test_one_other_number_is_enough_to_tell_tasks_apart():
    assert pool(lambda number: [region("cat", score=0.8 if number == 13 else 0.9)]).unknown == {}
    other = {"cat": 0.7, "dog": 0.1, "cow": 0.2}
    assert pool(lambda number: [region("cat", probabilities=other if number == 13 else VECTOR)]).unknown == {}


@pytest.mark.parametrize(("of", "mark"), [(THREE, region), (BOXES, box)])
def test_constant_scores_take_only_their_own_tasks_along(of, mark):
    def make(number):
        if number == 0:
            return []
        if number % 2:
            return [mark("cat", score=0.9)]
        return [mark("dog", probabilities={"dog": 1 - number / 200, "cow": number / 200})]

    found = pool(make, 2 * CONSTANT_TASKS, of)
    assert found.unknown == {Reason.CONSTANT: CONSTANT_TASKS, Reason.EMPTY_RESULT: 1}
    np.testing.assert_array_equal(found.known, [number > 0 and number % 2 == 0 for number in range(2 * CONSTANT_TASKS)])
    np.testing.assert_allclose(found.top[np.isfinite(found.top)], 1 - np.arange(2, 40, 2) / 200, atol=1e-6)


def test_a_large_pool_is_read_in_seconds():
    vector = {f"class {number}": 0.1 for number in range(10)}
    result = [predicted(region("class 3", probabilities=vector), task_id=number) for number in range(20_000)]
    result[7] = predicted(region("class 3", probabilities={"class 3": 1.0}), task_id=7)
    found = from_predictions(result, np.arange(20_000), space(*vector))
    assert found.full.sum() == 20_000
