"""Telling whether a model still predicts what it did."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.training.fingerprints import compare, fingerprint, fingerprints
from al_core.types import Prediction


def prediction(*result, score=0.7, task_id=1):
    return Prediction(task_id, list(result), score, "v1")


def region(choice="cat", **more):
    found = {"from_name": "kind", "to_name": "image", "type": "choices", "value": {"choices": [choice]}}
    return found | {"score": 0.7, "probabilities": {"cat": 0.7, "dog": 0.3}} | more


def same(one, other):
    found = compare({1: fingerprint(one)}, {1: fingerprint(other)})
    return not found.changed


def test_what_is_not_the_answer_changes_nothing():
    one = prediction(region(id="a1", origin="prediction", created_at="2026-01-02"), region("dog", id="b1"))
    other = prediction(region("dog", id="b2"), region(id="a2", readonly=True, created_at="2026-01-03"))
    assert same(one, other)
    assert same(prediction(region(score=1)), prediction(region(score=1.0)))


@pytest.mark.parametrize(
    "other",
    [
        prediction(region("dog")),
        prediction(region(), score=0.71),
        prediction(region(score=0.699)),
        prediction(region(probabilities={"cat": 0.6995, "dog": 0.3005})),
        prediction(region(meta={"probabilities": {"cat": 0.5}}, probabilities=None)),
        prediction(region(), region()),
        prediction(),
        prediction(region(), score=None),
        prediction(region(), score=math.nan),
    ],
)
def test_another_answer_or_another_number_is_a_change(other):
    assert not same(prediction(region()), other)


@given(st.floats(-1000, 1000), st.floats(-1e-7, 1e-7))
def test_the_rounding_of_a_model_is_no_change(number, noise):
    assert same(prediction(region(score=number)), prediction(region(score=number * (1 + noise))))


@given(st.floats(0, 1), st.floats(0.001, 0.5))
def test_a_change_that_training_makes_is_seen(number, change):
    assert not same(prediction(region(score=number)), prediction(region(score=number + change)))


def test_tasks_are_compared_that_were_answered_both_times():
    before = fingerprints([1, 2, 3], [prediction(region(score=n / 10), task_id=n) for n in (1, 2)])
    after = fingerprints([1, 2, 3], [prediction(region(score=0.1), task_id=1), prediction(region("dog"), task_id=2)])
    found = compare(before, after)
    assert (found.count, found.changed, found.has_numbers) == (2, {2}, True)
    assert compare(before, {}) is None
    assert compare({}, after) is None
    assert compare(before, fingerprints([1, 2, 3], [])) is None


def test_an_answer_after_none_at_all_is_a_change():
    before = fingerprints([1, 2], [])
    assert before == {1: "", 2: ""}
    found = compare(before, fingerprints([1, 2], [prediction(region(), task_id=2)]))
    assert (found.count, found.changed) == (2, {2})
    assert compare(before, before) is None


@pytest.mark.parametrize(
    ("one", "two", "has_numbers"),
    [
        (region(score=0.7), region(score=0.8), True),
        (region(), region(), False),
        (region(score=None, probabilities=None), region("dog", score=None, probabilities=None), False),
    ],
)
def test_the_same_number_for_every_task_tells_nothing(one, two, has_numbers):
    said = fingerprints([1, 2], [prediction(one, score=None), prediction(two, score=None, task_id=2)])
    found = compare(said, said)
    assert (found.count, found.changed, found.has_numbers) == (2, frozenset(), has_numbers)


def test_an_empty_answer_with_a_score_holds_no_numbers():
    said = fingerprints([1, 2], [prediction(score=0.0), prediction(score=0.1, task_id=2)])
    assert not compare(said, said).has_numbers
