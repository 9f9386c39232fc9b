"""Sets of choices, regions and free answers; and where each control tag keeps its answer."""

import numpy as np
import pytest

from al_core.probabilities import from_predictions
from al_core.probabilities.answers import classes_of
from al_core.types import Reason
from tests.al_core.predicted import (
    BOXES,
    NAN,
    TAGS,
    approximately,
    box,
    check,
    predicted,
    read,
    reason_of,
    region,
    space,
)

VECTOR = {"cat": 0.7, "dog": 0.2, "cow": 0.1}


def rows_of(prediction, of):
    """The top, the answer and the row of each region, or the one reason."""
    found = read(prediction, of)
    rows = zip(found.top.tolist(), found.answers.tolist(), found.values.tolist(), strict=True)
    return reason_of(prediction, of) or [tuple(map(approximately, row)) for row in rows]


# --------------------------------------------------------------------- sets of choices


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (predicted(region(probabilities={"cat": 0.9, "dog": 0.8, "cow": 0.1})), [0.9, 0.8, 0.1]),
        (predicted(region(meta={"probabilities": {"cat": 0.9, "dog": 0.8, "cow": 0.1}})), [0.9, 0.8, 0.1]),
        (predicted(region(probabilities={"dog": 0.8})), [0.0, 0.8, 0.0]),
        (predicted(region(probabilities={"cat": 0, "dog": 0.0, "cow": 0})), [0.0, 0.0, 0.0]),
        (predicted(region(probabilities={"cat": 1.0004, "dog": 1, "cow": 0})), [1.0, 1.0, 0.0]),
        (predicted(region("dog", score=0.8), region(probabilities={"dog": 0.7})), [0.0, 0.7, 0.0]),
        (predicted(region(probabilities={"horse": 0.8})), Reason.UNKNOWN_LABEL),
        (predicted(region(probabilities={"cat": 1.1})), Reason.OUT_OF_RANGE),
        (predicted(region(probabilities={"cat": -0.1})), Reason.OUT_OF_RANGE),
        (predicted(region(probabilities={"cat": NAN})), Reason.NOT_A_NUMBER),
        (predicted(region(value={"choices": ["cat", "dog"]}), score=0.9), Reason.ONE_SCORE_FOR_SEVERAL),
        (predicted(region("cat", score=0.9)), Reason.ONE_SCORE_FOR_SEVERAL),
        (predicted(region("cat", score=0.9, probabilities={})), Reason.ONE_SCORE_FOR_SEVERAL),
        (predicted(region(value={"choices": "cat"}), score=0.9), Reason.ONE_SCORE_FOR_SEVERAL),
        (predicted(region(value={"choices": []}), score=0.9), Reason.EMPTY_RESULT),
        (predicted(region(value={"choices": []}, probabilities={}), score=0.9), Reason.EMPTY_RESULT),
        (predicted(score=2.0), Reason.EMPTY_RESULT),
    ],
)
def test_a_set_of_choices_is_known_by_a_probability_for_each_label(prediction, expected):
    known = reason_of(prediction, TAGS) or approximately(read(prediction, TAGS).values[0].tolist())
    assert known == expected


def test_an_empty_set_answers_nothing_and_is_known():
    found = read(predicted(region(value={"choices": []}, probabilities={"cat": 0.3, "cow": 0.1})), TAGS)
    assert (found.answers[0], found.top[0]) == (-1, approximately(0.3))
    found = read(predicted(region("cow", probabilities={"cat": 0.8, "cow": 0.9})), TAGS)
    assert (found.answers[0], found.top[0]) == (2, approximately(0.9))


# --------------------------------------------------------------------- regions

NOTHING = [NAN] * 3


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (predicted(box("dog", score=0.05)), [(0.05, 1, NOTHING)]),
        (predicted(box("dog", score=0.9), box("cat", score=0.6), score=0.75), [(0.9, 1, NOTHING), (0.6, 0, NOTHING)]),
        (predicted(box("dog", probabilities=VECTOR)), [(0.7, 0, [0.7, 0.2, 0.1])]),
        (
            predicted(box("dog", score=0.9), box("cat", meta={"probabilities": VECTOR}), score=0.1),
            [(0.9, 1, NOTHING), (0.7, 0, [0.7, 0.2, 0.1])],
        ),
        (predicted(box("cow"), score=0.8), [(0.8, 2, NOTHING)]),
        (predicted(box("cow"), box("cow", score=None), score=0.8), [(0.8, 2, NOTHING)]),
        (predicted(box("cow"), box("cat"), score=0.8), [(0.8, -1, NOTHING)]),
        (predicted(box("cow", control="other", score=0.4), box("cow"), score=0.8), [(0.8, 2, NOTHING)]),
        (predicted(score=0.0), Reason.EMPTY_RESULT),
        (predicted(score=2.0), Reason.EMPTY_RESULT),
        (predicted(box("cat", control="other", score=0.7)), Reason.EMPTY_RESULT),
        (predicted(box("cat"), score=2.0), Reason.SENTINEL),
        (predicted(box("cat"), score=None), Reason.NOT_A_NUMBER),
        (predicted(box("cat", score=0.0), score=0.8), Reason.SENTINEL),
        (predicted(box("cat", score=NAN), score=0.8), Reason.NOT_A_NUMBER),
        (predicted(box(score=0.8)), Reason.NOT_ONE_CLASS),
        (predicted(box(), score=0.8), Reason.NOT_ONE_CLASS),
        (predicted(box("cat", "dog", score=0.8)), Reason.NOT_ONE_CLASS),
        (predicted(box("horse", score=0.8)), Reason.UNKNOWN_LABEL),
        (predicted(box("cat", probabilities={"cat": 0.4})), Reason.WRONG_SUM),
    ],
)
def test_every_region_is_a_row(prediction, expected):
    assert rows_of(prediction, BOXES) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (box("dog", score=2.0), Reason.SENTINEL),
        (box("dog", score=-1), Reason.OUT_OF_RANGE),
        (box("dog"), Reason.NOT_A_NUMBER),
        (box("horse", score=0.5), Reason.UNKNOWN_LABEL),
        (box("dog", probabilities={"dog": 0.5}), Reason.WRONG_SUM),
    ],
)
def test_one_unusable_region_makes_its_task_unknown(bad, reason):
    assert reason_of(predicted(box("cat", score=0.9), bad, score=0.9), BOXES) == reason


def test_a_detector_with_one_label_tells_the_top_alone():
    found = read(predicted(box("cat", score=0.3)), space("cat", tag="RectangleLabels", form="regions"))
    assert (found.top[0], found.answers[0]) == (approximately(0.3), 0)
    assert not found.full.any()


def test_rows_of_several_tasks_lie_in_task_order():
    given = [
        predicted(box("cow", score=0.9), task_id=4),
        predicted(box("cat", score=0.5), box("dog", score=0.6), box("dog", score=0.7), task_id=2),
        predicted(score=0.0, task_id=3),
        predicted(box("cat", score=0.5), box("horse", score=0.6), task_id=5),
    ]
    found = from_predictions(given, np.array([1, 2, 3, 4, 5]), BOXES)
    check(found)
    np.testing.assert_array_equal(found.starts, [0, 0, 3, 3, 4, 4])
    np.testing.assert_array_equal(found.answers, [0, 1, 1, 2])
    np.testing.assert_allclose(found.top, [0.5, 0.6, 0.7, 0.9], atol=1e-6)
    assert found.unknown == {Reason.NO_PREDICTION: 1, Reason.EMPTY_RESULT: 1, Reason.UNKNOWN_LABEL: 1}


# --------------------------------------------------------------------- free answers


def answered(tag, value, **more):
    return {"from_name": "kind", "to_name": "image", "type": tag.lower(), "value": value} | more


@pytest.mark.parametrize(
    ("tag", "value"), [("Number", {"number": 0}), ("TextArea", {"text": ["a b"]}), ("TextArea", {"text": "a b"})]
)
def test_free_answers_have_a_score_and_no_class(tag, value):
    free = space(tag=tag, form="regions")
    assert rows_of(predicted(answered(tag, value, score=0.9), score=0.1), free) == [(0.9, -1, [])]
    assert rows_of(predicted(answered(tag, value), score=0.1), free) == [(0.1, -1, [])]
    twice = predicted(answered(tag, value), answered(tag, value), score=0.1)
    assert rows_of(twice, free) == [(0.1, -1, [])]
    lines = predicted(answered(tag, value, score=0.4), answered(tag, value, score=0.6))
    assert rows_of(lines, free) == [(0.4, -1, []), (0.6, -1, [])]
    by_contract = predicted(answered(tag, value, probabilities={"3": 0.5}), score=0.1)
    assert rows_of(by_contract, free) == [(0.1, -1, [])]
    assert reason_of(predicted(answered(tag, value), score=2.0), free) == Reason.SENTINEL
    assert (
        reason_of(predicted(answered(tag, value, score=0.4), answered(tag, value), score=0.8), free)
        == Reason.NOT_A_NUMBER
    )


@pytest.mark.parametrize(("tag", "value"), [("Number", {}), ("Number", {"number": None}), ("TextArea", {"text": []})])
def test_a_free_answer_that_says_nothing_is_none(tag, value):
    free = space(tag=tag, form="regions")
    assert reason_of(predicted(answered(tag, value, score=0.9)), free) == Reason.EMPTY_RESULT
    assert reason_of(predicted(score=0.9), free) == Reason.EMPTY_RESULT


# --------------------------------------------------------------------- every tag

SPANS = ("Labels", "HyperTextLabels", "ParagraphLabels", "TimeSeriesLabels", "TimelineLabels")
SHAPES = ("RectangleLabels", "PolygonLabels", "EllipseLabels", "KeyPointLabels", "BrushLabels")


@pytest.mark.parametrize(
    ("tag", "value", "classes"),
    [
        ("Choices", {"choices": ["cat"]}, ["cat"]),
        ("Choices", {"choices": ["cat", "dog"]}, ["cat", "dog"]),
        ("Choices", {"choices": []}, []),
        ("Choices", {"choices": [["Animal", "Cat"], "dog", 3]}, ["Animal/Cat", "dog", 3]),
        ("Choices", {"rectanglelabels": ["cat"]}, []),
        ("Choices", {"choices": "cat"}, None),
        ("Taxonomy", {"taxonomy": [["Animal", "Cat"]]}, ["Animal/Cat"]),
        ("Taxonomy", {"taxonomy": [["Animal"], ["Plant", "Tree"]]}, ["Animal", "Plant/Tree"]),
        ("Taxonomy", {"taxonomy": [["Animal", 3], []]}, [["Animal", 3], []]),
        ("Taxonomy", {"taxonomy": "Animal"}, None),
        ("Rating", {"rating": 4}, ["4"]),
        ("Rating", {"rating": 4.0}, ["4"]),
        ("Rating", {"rating": 4.5}, None),
        ("Rating", {"rating": True}, None),
        ("Rating", {"rating": "4"}, None),
        ("Rating", {"rating": NAN}, None),
        ("Rating", {"rating": 10**5000}, None),
        ("Pairwise", {"selected": "left"}, ["left"]),
        ("Pairwise", {}, []),
        ("Number", {"number": 3}, [3]),
        ("Number", {"number": 0}, [0]),
        ("TextArea", {"text": ["a", "b"]}, ["a", "b"]),
        ("TextArea", {"text": "a"}, ["a"]),
        ("VideoRectangle", {"labels": ["Car"], "sequence": []}, ["Car"]),
        *((tag, {tag.lower(): ["Car"]}, ["Car"]) for tag in (*SPANS, *SHAPES)),
        *((tag, {"labels": ["Car"]}, ["Car"]) for tag in (*SPANS, *SHAPES)),
        *((tag, {"x": 1.0}, []) for tag in (*SPANS, *SHAPES)),
        ("Labels", {"labels": "Car"}, None),
        ("Labels", None, []),
        ("Labels", ["Car"], []),
    ],
)
def test_each_tag_has_its_place_for_the_answer(tag, value, classes):
    assert classes_of({"value": value}, tag) == classes


@pytest.mark.parametrize(
    ("tag", "form", "labels", "value", "column"),
    [
        ("Taxonomy", "single", ("Animal", "Animal/Cat"), {"taxonomy": [["Animal", "Cat"]]}, 1),
        ("Rating", "single", ("1", "2", "3"), {"rating": 3}, 2),
        ("Pairwise", "single", ("left", "right"), {"selected": "right"}, 1),
        ("Choices", "regions", ("cat", "dog"), {"x": 1, "y": 2, "choices": ["dog"]}, 1),
        ("VideoRectangle", "regions", ("Car", "Bus"), {"framesCount": 2, "sequence": [], "labels": ["Bus"]}, 1),
        *((tag, "regions", ("Car", "Bus"), {tag.lower(): ["Bus"]}, 1) for tag in (*SPANS, *SHAPES)),
    ],
)
def test_a_score_is_read_through_every_tag(tag, form, labels, value, column):
    found = read(predicted(answered(tag, value, score=0.75)), space(*labels, tag=tag, form=form))
    assert (found.top[0], found.answers[0]) == (0.75, column)
