"""Mean average precision of boxes."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from al_core.evaluation import evaluate
from al_core.evaluation.boxes import _Matches, _weighed, boxes_of
from tests.al_core.evaluation.results import BOXES, box


def measured(truth, said, seed=0):
    return evaluate(dict(enumerate(truth)), dict(enumerate(said)), BOXES, model_version="v1", seed=seed)


def pictures(rng, count=40):
    truth, said = [], []
    for _ in range(count):
        places = [(str(rng.choice(BOXES.labels)), *rng.uniform(0, 80, 2)) for _ in range(rng.poisson(2))]
        truth.append([box(label, x, y) for label, x, y in places])
        found = [(label, *(np.array(at) + rng.normal(0, 1, 2))) for label, *at in places if rng.random() < 0.8]
        found += [(str(rng.choice(BOXES.labels)), *rng.uniform(0, 80, 2)) for _ in range(rng.poisson(0.5))]
        said.append([box(label, float(x), float(y), score=float(rng.random())) for label, x, y in found])
    return truth, said


def test_average_precision_by_hand():
    # Of two cats one is found, second in the order of scores: precision 1/2 up to recall 1/2, then nothing.
    truth = [[box("cat", 0, 0), box("cat", 50, 50)]]
    said = [[box("cat", 80, 80, score=0.9), box("cat", 0, 0, score=0.6)]]
    found = measured(truth, said)
    assert [metric.name for metric in found.metrics] == ["map_50", "map_50_95"]
    assert [metric.value for metric in found.metrics] == pytest.approx([51 / 101 / 2] * 2)
    cat, dog = found.classes
    assert (cat.support, cat.average_precision.value, cat.f1) == (2, pytest.approx(51 / 202), None)
    assert (dog.support, dog.average_precision) == (0, None)


def test_a_box_must_cover_enough():
    # Moved by 2 of 10: 80 of 120 are shared, which is enough at 0.50, 0.55, 0.60 and 0.65.
    found = measured([[box("cat", 0, 0)]], [[box("cat", 2, 0)]])
    assert [metric.value for metric in found.metrics] == pytest.approx([1, 0.4])
    assert [answer.is_right for answer in found.answers] == [True]


def test_the_weighed_measure_is_the_one_of_the_library_where_all_weigh_the_same():
    truth, said = pictures(np.random.default_rng(3))
    matches = _Matches([boxes_of(r, BOXES) for r in truth], [boxes_of(r, BOXES) for r in said], BOXES.labels)
    ones = np.ones((1, len(truth)))
    for column in range(2):
        hits, owner = matches._found[column]
        found = _weighed(hits, ones[:, owner], ones @ matches.positives[:, column], np.zeros(1))
        assert found[0] == pytest.approx(matches.average_precisions()[:, column])


def test_every_number_lies_in_its_interval_and_the_seed_decides_it(capsys):
    truth, said = pictures(np.random.default_rng(4))
    found = measured(truth, said)
    numbers = [*found.metrics, *(row.average_precision for row in found.classes)]
    assert all(0 < number.low < number.value < number.high < 1 for number in numbers)
    assert measured(truth, said) == found
    assert measured(truth, said, seed=1).headline.low != found.headline.low
    assert capsys.readouterr().out == "", "the library keeps its words to itself"


def test_whole_pictures_are_right_or_wrong():
    one, other = box("cat", 0, 0), box("dog", 50, 50)
    truth = [[one, other], [one], [one], [], [], [one]]
    said = [[other, one], [one, other], [box("dog", 0, 0)], [], [one]]
    found = measured(truth, said)
    assert [answer.is_right for answer in found.answers] == [True, False, False, True, False, False]
    assert found.unanswered == 1


@pytest.mark.parametrize(("said", "value"), [([[], []], 1), ([[box("cat", 0, 0)], []], 0)])
def test_without_a_box_of_peoples_nothing_is_known(said, value):
    found = measured([[], []], said)
    assert [(m.value, m.low, m.high) for m in found.metrics] == [(value, 0, 1)] * 2


def test_nothing_said_is_nothing_found():
    found = measured([[box("cat", 0, 0)], [box("cat", 0, 0)]], [[], []])
    assert found.headline.value == found.headline.low == 0
    assert 0.2 < found.headline.high < 1


def test_a_turned_box_counts_as_the_upright_one_around_it():
    (found,) = boxes_of([box("cat", 50, 50, 10, 10, rotation=45)], BOXES)
    half = 10 / sqrt(2)
    assert found[1:5] == pytest.approx((50 - half, 50, 2 * half, 2 * half))
    wide = {**box("cat", 50, 50, 10, 20, rotation=90), "original_width": 200, "original_height": 100}
    (turned,) = boxes_of([wide], BOXES)
    assert turned[1:5] == pytest.approx((40, 50, 10, 20)), "20 % of the height are 10 % of the width"


def test_what_is_no_box_is_passed_over_and_no_score_counts_as_sure():
    broken = [box("cat", "x", 0), box("cat", float("nan"), 0), {**box("cat", 0, 0), "value": None}, box(3, 0, 0)]
    sound = [box("cat", 0, 0), {**box("cat", 0, 0), "score": True}, box("cat", 0, 0, score=0.25)]
    assert [found.score for found in boxes_of(broken + sound, BOXES)] == [1, 1, 0.25]
    assert boxes_of(sound, replace(BOXES, control="other")) == []
