"""What a model is measured by, whatever an answer is."""

from dataclasses import replace

import pytest

from al_core.errors import NoLabels, UnsupportedProject
from al_core.evaluation import can_be_measured, evaluate, measured_by
from al_core.types import LabelSpace
from tests.al_core.evaluation.results import BOXES, CLASSES, NUMBER, ONE_CLASS, SPANS, choice, choices, number


def test_one_class():
    truth = {3: choice("cat"), 1: choice("dog"), 2: choice("cat"), 4: choice()}
    found = evaluate(
        truth,
        {1: choice("dog"), 2: choice("dog"), 9: choice("cat")},
        ONE_CLASS,
        model_version="v2",
        uncertainty={1: 0.4},
        confidence={1: 0.9, 2: 0.75},
    )
    assert (found.model_version, found.unanswered) == ("v2", 1)
    told = [(a.task_id, a.truth, a.predicted, a.is_right, a.confidence, a.uncertainty) for a in found.answers]
    assert told == [
        (1, "dog", "dog", True, 0.9, 0.4),
        (2, "cat", "dog", False, 0.75, 0.25),
        (3, "cat", None, False, None, None),
    ]
    assert (found.headline.name, found.headline.correct, found.headline.count) == ("accuracy", 1, 3)
    assert found.confusion.counts[0] == (0, 1, 0, 1)
    assert [row.support for row in found.classes] == [2, 1, 0]


def test_a_set_of_classes():
    truth = {1: choices("cat", "dog"), 2: [], 3: choices("emu"), 4: choices("cat")}
    found = evaluate(truth, {1: choices("dog", "cat"), 2: [], 3: choices("cat")}, CLASSES, model_version="v2")
    assert [answer.is_right for answer in found.answers] == [True, True, False, False]
    assert [answer.truth for answer in found.answers] == ["cat + dog", "no class", "emu", "cat"]
    assert [answer.predicted for answer in found.answers] == ["cat + dog", "no class", "cat", None]
    assert (found.headline.name, found.headline.correct) == ("exact_match", 2)
    assert found.confusion is None


def test_free_answers_are_the_same_or_not():
    found = evaluate({1: number(3), 2: number(4), 3: []}, {1: number(3.0), 2: number(5)}, NUMBER, model_version="v2")
    assert (found.headline.name, found.headline.correct, found.headline.count) == ("accuracy", 1, 2)
    text = LabelSpace("count", "picture", (), "image", "image", "TextArea", "regions")
    long = "word " * 40

    def written(words):
        return [{"from_name": "count", "value": {"text": [words]}}]

    far_apart = evaluate({1: written(f"{long}a")}, {1: written(f"{long}b")}, text, model_version="v2")
    assert far_apart.headline.correct == 0, "what is shown is cut, what is compared is not"
    assert len(far_apart.answers[0].truth) == 100


@pytest.mark.parametrize(
    ("space", "measure"),
    [
        (ONE_CLASS, "classes"),
        (CLASSES, "sets"),
        (SPANS, "spans"),
        (BOXES, "boxes"),
        (NUMBER, "free"),
        (replace(SPANS, data_type="image"), None),
        (replace(BOXES, tag="PolygonLabels"), None),
        (replace(ONE_CLASS, form="regions"), None),
    ],
)
def test_what_an_answer_is_measured_as(space, measure):
    assert measured_by(space.tag, space.form, space.data_type) == measure
    assert can_be_measured(space) == (measure is not None)
    if measure is None:
        with pytest.raises(UnsupportedProject, match=f"regions of {space.tag}"):
            evaluate({1: []}, {}, space, model_version="v2")


@pytest.mark.parametrize("truth", [{}, {1: []}, {1: choices("cat")}])
def test_nothing_can_be_measured_without_a_label(truth):
    with pytest.raises(NoLabels):
        evaluate(truth, {1: choice("cat")}, ONE_CLASS, model_version="v2")


@pytest.mark.parametrize("space", [ONE_CLASS, CLASSES, SPANS, BOXES, NUMBER], ids=lambda space: space.tag + space.form)
@pytest.mark.parametrize("said", [None, "text", [None], [7], [{"from_name": 3}], [{"value": {}}]], ids=str)
def test_a_broken_prediction_is_wrong_and_breaks_nothing(space, said):
    truth = {"Number": number(3)}.get(space.tag, choice("cat") if space is ONE_CLASS else [])
    found = evaluate({1: truth}, {1: said}, space, model_version="v2")
    assert len(found.answers) == 1
