"""What a model gave to every class of a test task, where it told all of it."""

from dataclasses import replace

import pytest

from al_core.evaluation import evaluate
from al_core.evaluation.sureness import distributions
from al_core.types import LabelSpace, Prediction
from tests.servers import region

SPACE = LabelSpace("mood", "words", ("good", "bad", "mixed"), "text", "text")


def prediction(task_id, label, probabilities=None, score=None):
    found = region(label, probabilities)
    if score is not None:
        found["score"] = score
    return Prediction(task_id, [found], score, "v1")


def test_only_whole_distributions_are_kept_and_stand_with_the_answers():
    said = {"good": 0.7, "bad": 0.2, "mixed": 0.1}
    predictions = [prediction(1, "good", said), prediction(2, "bad", score=0.8), prediction(3, "bad")]
    found = distributions(predictions, SPACE)
    assert found == {1: pytest.approx(said)}
    truth = {task_id: [region("good")] for task_id in (1, 2, 3)}
    answers = evaluate(
        truth, {p.task_id: p.result for p in predictions}, SPACE, model_version="v1", probabilities=found
    ).answers
    assert [dict(answer.probabilities) for answer in answers] == [pytest.approx(said), {}, {}]


def test_sets_of_classes_have_none():
    assert distributions([prediction(1, "good", {"good": 0.7})], replace(SPACE, form="multi")) == {}
