"""The probability doctor: what a model gives, what that is good for, and what would make it exact."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.doctor import ControlReport, Diagnosis, Gives, Verdict, examine
from al_core.probabilities import from_predictions
from al_core.strategies import STRATEGIES
from al_core.types import LabelSpace, Prediction, Reason
from tests.al_core.foreign import PREDICTIONS, SPACES
from tests.al_core.predicted import BOXES, NAN, TAGS, THREE, TWO, box, predicted, region, space

MEASURES = ("margin", "entropy", "least_confidence", "ratio")
COMMITTEE = ("vote_entropy", "consensus_entropy", "kl_divergence")
NUMBER = space(tag="Number", form="regions")


def vector(p: float) -> dict[str, float]:
    return {"cat": p, "dog": (1 - p) / 2, "cow": (1 - p) / 2}


def report(of: LabelSpace, make: Any, known: int = 42, sampled: int = 50) -> ControlReport:
    """On a sample whose first tasks have what ``make`` gives for a p, and the others have nothing."""
    predictions = [
        predicted(*(make(0.5 + number / 100) if number < known else []), score=0.0, task_id=number)
        for number in range(sampled)
    ]
    diagnosis = examine(predictions, range(sampled), [of])
    assert Diagnosis.from_dict(json.loads(json.dumps(diagnosis.as_dict(), allow_nan=False))) == diagnosis
    assert (diagnosis.sampled, diagnosis.model_version) == (sampled, "v1")
    found = diagnosis.controls[0]
    assert (found.control, found.tag, found.form, found.labels) == (of.control, of.tag, of.form, of.labels)
    assert list(found.strategies) == list(STRATEGIES)
    assert found.strategies["random"].kind == "exact"
    assert found.known + sum(found.reasons.values()) == found.sampled == sampled
    return found


def kinds(found: ControlReport) -> dict[str, str]:
    return {name: found.strategies[name].kind for name in (*MEASURES, *COMMITTEE)}


EXACT = dict.fromkeys((*MEASURES, *COMMITTEE), "exact")
IMPOSSIBLE = dict.fromkeys((*MEASURES, *COMMITTEE), "impossible")
BOUNDED = IMPOSSIBLE | dict.fromkeys(MEASURES, "bounded") | {"least_confidence": "exact"}


@pytest.mark.parametrize(
    ("of", "make", "gives", "verdicts", "sentence"),
    [
        (
            THREE,
            lambda p: [region(probabilities=vector(p))],
            Gives.FULL,
            EXACT,
            "42 of 50 tasks have the probability of every class; 8 are unknown (empty result).",
        ),
        (
            TWO,
            lambda p: [region(score=p)],
            Gives.FULL,
            EXACT,
            "42 of 50 tasks have the probability of every class; 8 are unknown (empty result).",
        ),
        (
            TAGS,
            lambda p: [region(probabilities={"cat": p, "dog": p})],
            Gives.FULL,
            EXACT,
            "42 of 50 tasks have the probability of every class; 8 are unknown (empty result).",
        ),
        (
            THREE,
            lambda p: [region(score=p)],
            Gives.TOP,
            BOUNDED,
            "42 of 50 tasks have only the probability of the likeliest class; 8 are unknown (empty result).",
        ),
        (
            TAGS,
            lambda p: [region(score=p)],
            Gives.TOP,
            IMPOSSIBLE,
            "0 of 50 tasks have the probability of every class; 50 are unknown "
            "(42 one score for several labels, 8 empty result).",
        ),
        (
            BOXES,
            lambda p: [box("cat", score=p), box("dog", score=0.4)],
            Gives.REGIONS,
            BOUNDED,
            "42 of 50 tasks have only scores of regions; 8 are unknown (empty result).",
        ),
        (
            BOXES,
            lambda p: [box("cat", probabilities=vector(p))],
            Gives.FULL,
            EXACT | dict.fromkeys(COMMITTEE, "impossible"),
            "42 of 50 tasks have the probability of every class; 8 are unknown (empty result).",
        ),
        (
            space("cat", tag="RectangleLabels", form="regions"),
            lambda p: [box("cat", score=p)],
            Gives.REGIONS,
            EXACT | dict.fromkeys(COMMITTEE, "impossible"),
            "42 of 50 tasks have only scores of regions; 8 are unknown (empty result).",
        ),
        (
            NUMBER,
            lambda p: [{"from_name": "kind", "value": {"number": 3}, "score": p}],
            Gives.TOP,
            IMPOSSIBLE | {"least_confidence": "exact"},
            "42 of 50 tasks have a score of the answer; 8 are unknown (empty result).",
        ),
        (
            THREE,
            lambda p: [region(score=0.1)],
            Gives.OUT_OF_RANGE,
            IMPOSSIBLE,
            "0 of 50 tasks have the probability of every class; 50 are unknown "
            "(42 a score too low for the likeliest class, 8 empty result).",
        ),
        (
            TWO,
            lambda p: [region(score=0.1)],
            Gives.CONSTANT,
            IMPOSSIBLE,
            "0 of 50 tasks have the probability of every class; 50 are unknown "
            "(42 the same score for every task, 8 empty result).",
        ),
        (
            THREE,
            lambda p: [region(score=10 * p)],
            Gives.OUT_OF_RANGE,
            IMPOSSIBLE,
            "0 of 50 tasks have the probability of every class; 50 are unknown (42 out of range, 8 empty result).",
        ),
        (
            NUMBER,
            lambda p: [],
            Gives.MISSING,
            IMPOSSIBLE,
            "0 of 50 tasks have a score of the answer; 50 are unknown (empty result). "
            "A model that was never trained answers so.",
        ),
        (
            THREE,
            lambda p: [region(score=2.0)],
            Gives.MISSING,
            IMPOSSIBLE,
            "0 of 50 tasks have the probability of every class; 50 are unknown "
            "(42 a score that means “none” (0.0 or 2.0), 8 empty result).",
        ),
    ],
)
def test_what_a_model_gives_and_what_it_is_good_for(of, make, gives, verdicts, sentence):
    found = report(of, make)
    assert found.gives == gives
    assert kinds(found) == verdicts
    assert found.sentence == sentence


def test_a_mixture_is_told_part_by_part():
    def make(p: float) -> list[Any]:
        return [region(probabilities=vector(p)) if p < 0.8 else region(score=p)]

    found = report(THREE, make, known=31, sampled=32)
    assert found.sentence == (
        "30 of 32 tasks have the probability of every class; 1 has only the probability of the likeliest class; "
        "1 is unknown (empty result)."
    )
    assert found.gives == Gives.TOP
    assert found.strategies["entropy"].kind == "bounded"
    assert "Exact for 30 of 31 known tasks." in found.strategies["entropy"].why
    assert found.strategies["vote_entropy"].kind == "exact"
    assert "It scores 30 of 31 known tasks." in found.strategies["vote_entropy"].why
    assert found.share_unknown == 1 / 32


def test_a_committee_is_told_what_it_needs():
    given = report(THREE, lambda p: [region(score=p)])
    for name in COMMITTEE:
        assert given.strategies[name] == Verdict(
            "impossible",
            "It needs full probabilities of two models or more; this one gives top probability only.",
        )


@pytest.mark.parametrize(
    ("make", "lowest", "highest", "in_range"),
    [
        (lambda p: [region(score=0.9 if p < 0.6 else 3)], 0.9, 3.0, 0.25),
        (lambda p: [region(score=-1 if p < 0.6 else NAN)], -1.0, -1.0, 0.0),
        (lambda p: [region(probabilities={"cat": 0.5, "dog": "much"}, score=7)], 0.5, 0.5, 0.5),
        (lambda p: [region(score=10**400)], None, None, 0.0),
        (lambda p: [region(score=float("inf"))], None, None, 0.0),
        (lambda p: [region()], 0.0, 0.0, 1.0),
        (lambda p: [region(score=0.9), region()], 0.9, 0.9, 1.0),
        (lambda p: [], None, None, None),
    ],
)
def test_the_numbers_are_those_that_the_reader_meets(make, lowest, highest, in_range):
    found = report(THREE, make, known=40, sampled=40)
    assert (found.lowest, found.highest, found.in_range) == (lowest, highest, in_range)


def test_every_control_is_examined_by_itself():
    mood = space("good", "bad", control="mood")
    result = [region(probabilities=vector(0.7)), region("good", control="mood")]
    diagnosis = examine([predicted(*result, score=0.6)], [1], [THREE, mood])
    assert [(found.control, found.gives, found.highest) for found in diagnosis.controls] == [
        ("kind", Gives.FULL, 0.7),
        ("mood", Gives.FULL, 0.6),
    ]


def test_of_several_versions_the_commonest_is_examined():
    given = [
        predicted(region(score=0.9), task_id=1, version="v1"),
        predicted(region(score=0.8), task_id=2, version="v1"),
        predicted(region(score=0.7), task_id=2, version="v2"),
        predicted(region(score=5), task_id=3, version="v2"),
        *(predicted(region(score=0.6), task_id=number, version="elsewhere") for number in range(10, 20)),
    ]
    diagnosis = examine(given, [1, 2, 3], [TWO])
    found = diagnosis.controls[0]
    assert diagnosis.model_version == "v1"
    assert (found.known, found.reasons) == (2, {Reason.OTHER_VERSION: 1})
    assert (found.lowest, found.highest) == (0.8, 0.9)


def test_nothing_at_all_can_be_examined():
    diagnosis = examine([], [], [TWO])
    assert diagnosis.controls[0].share_unknown == 0
    assert diagnosis.controls[0].gives == Gives.MISSING
    assert diagnosis.controls[0].strategies["margin"] == Verdict("impossible", "No task.")
    nobody = examine([], [1, 2], [TWO])
    assert nobody.model_version == ""
    assert nobody.controls[0].sentence == (
        "0 of 2 tasks have the probability of every class; 2 are unknown (no prediction)."
    )


# --------------------------------------------------------------------- the lines for a model.py

ODD = 'a "quoted"\nname'
WRITTEN = [
    THREE,
    TAGS,
    BOXES,
    space("1", "2", "3", tag="Rating"),
    space("left", "right", "same", tag="Pairwise"),
    space("Animal", "Animal/Cat", "Plant", tag="Taxonomy"),
    space("Animal", "Animal/Cat", "Plant", tag="Taxonomy", form="multi"),
    space("Animal", "Animal/Cat", "Plant", tag="Taxonomy", form="regions"),
    space("a", "b", "c", tag="Choices", form="regions"),
    space("a", "b", "c", tag="VideoRectangle", form="regions"),
    space("\udc80", "x" * 300, ODD, "Käse", "'", "\\", control="\udc80" + ODD),
    space(*(f"class {number}" for number in range(1000))),
    *(
        space("a", "b", "c", tag=tag, form="regions")
        for tag in ("Labels", "HyperTextLabels", "ParagraphLabels", "TimeSeriesLabels", "TimelineLabels")
    ),
    *(
        space("a", "b", "c", tag=tag, form="regions")
        for tag in ("PolygonLabels", "EllipseLabels", "KeyPointLabels", "BrushLabels")
    ),
]


def written(of: LabelSpace) -> tuple[str, dict[str, Any]]:
    """The lines for a control of which nothing is known yet, and the names that they make."""
    code = examine([], [1], [of]).controls[0].snippet
    names: dict[str, Any] = {}
    exec(compile(code, "model.py", "exec"), names)
    return code, names


@pytest.mark.parametrize("of", WRITTEN, ids=lambda of: f"{of.tag} {of.form} {len(of.labels)}")
def test_the_lines_make_a_result_that_is_read_in_full(of):
    code, names = written(of)
    assert all(line.isprintable() and len(line) <= 170 for line in code.splitlines())
    share = 0.4 / (len(of.labels) - 1)
    probabilities = {label: 0.6 if column == 1 else share for column, label in enumerate(of.labels)}
    shape = ({"x": 1.0, "y": 2.0},) if of.form == "regions" else ()
    result = [names["region"](*shape, probabilities)]
    assert result[0]["from_name"] == of.control
    assert result[0]["to_name"] == of.target
    assert result[0]["type"] == of.tag.lower()
    assert of.form != "regions" or result[0]["value"].items() >= {"x": 1.0, "y": 2.0}.items()
    read = from_predictions([Prediction(1, result, None, "v1")], [1], of)
    assert read.full.all()
    assert read.answers[0] == 1
    np.testing.assert_allclose(read.values[0], list(probabilities.values()), atol=1e-6)
    # Without the contract's object the same result still answers that class: the value is right as well.
    del result[0]["probabilities"]
    if of.form != "multi":
        read = from_predictions([Prediction(1, result, None, "v1")], [1], of)
        assert (read.answers[0], read.top[0]) == (1, pytest.approx(0.6))
    assert examine([Prediction(1, result, None, "v1")], [1], [of]).controls[0].snippet == code


@pytest.mark.parametrize(("tag", "answer", "value"), [("Number", 3, {"number": 3}), ("TextArea", "x", {"text": ["x"]})])
def test_the_lines_of_a_free_answer_give_it_a_score(tag, answer, value):
    of = space(tag=tag, form="regions")
    _, names = written(of)
    result = [names["region"](answer, 0.8)]
    assert result[0]["value"] == value
    read = from_predictions([Prediction(1, result, None, "v1")], [1], of)
    assert (read.known.all(), read.top[0]) == (True, pytest.approx(0.8))
    assert examine([Prediction(1, result, None, "v1")], [1], [of]).controls[0].snippet == ""


def test_the_lines_name_a_few_labels():
    assert '# The labels: "cat", "dog", "cow".' in written(THREE)[0]
    many = written(space(*(f"class {number}" for number in range(1000))))[0]
    assert '# The labels: "class 0", "class 1", "class 2", "class 3" and 996 more.' in many


def test_an_empty_set_by_the_lines_is_known():
    _, names = written(TAGS)
    result = [names["region"]({"cat": 0.2, "dog": 0.1, "cow": 0.0})]
    assert result[0]["value"] == {"choices": []}
    read = from_predictions([Prediction(1, result, None, "v1")], [1], TAGS)
    assert read.full.all()
    assert read.answers[0] == -1


@pytest.mark.parametrize("make", [lambda p: [region(probabilities=vector(p))], lambda p: [region(score=p)]])
def test_lines_are_given_only_where_they_would_help(make):
    assert report(TWO, lambda p: [region(score=p)]).snippet == ""
    assert (report(THREE, make).snippet == "") == ("probabilities" in make(0.5)[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(PREDICTIONS, max_size=5), st.sampled_from(SPACES))
def test_the_doctor_takes_whatever_comes(predictions, of):
    diagnosis = examine(predictions, range(1, 6), [of])
    told = json.dumps(diagnosis.as_dict(), allow_nan=False)
    assert Diagnosis.from_dict(json.loads(told)) == diagnosis
    found = diagnosis.controls[0]
    assert found.in_range is None or 0 <= found.in_range <= 1
    assert found.sampled == 5
    assert found.sentence.endswith(".")
