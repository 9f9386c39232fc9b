"""The answers of people, and of models, as Label Studio keeps them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.answers import answer_of
from al_core.label_studio import chosen_label, label_space, label_spaces
from al_core.types import LabelSpace
from tests.servers import CONFIG, region

RECORDINGS = Path(__file__).parents[2] / "recordings"


def space(tag="Choices", form="single", labels=("a", "b", "c")):
    return LabelSpace("answer", "shown", labels, "x", "text", tag, form)


def said(*values, name="answer"):
    return [{"from_name": name, "to_name": "shown", "type": "any", "value": value} for value in values]


# --------------------------------------------------------------------- of one task


def annotation(label, at, *, cancelled=False):
    return {
        "task": 4,
        "result": [region(label)] if label else [],
        "was_cancelled": cancelled,
        "updated_at": f"2026-01-02T00:00:{at:02}Z",
        "created_username": " Bob Builder bob@example.com, 5",
        "lead_time": 1.5,
    }


def test_nobody_answered():
    assert chosen_label([], label_space(CONFIG)) is None


def test_the_newest_label_counts_in_any_order():
    old, new = annotation("good", 1), annotation("bad", 2)
    for order in ([old, new], [new, old]):
        assert chosen_label(order, label_space(CONFIG)).value == "bad"


def test_a_label_counts_before_a_later_skip():
    label = chosen_label([annotation("good", 1), annotation(None, 2, cancelled=True)], label_space(CONFIG))
    assert (label.value, label.skipped) == ("good", False)


def test_a_skip_alone_is_a_skip_even_if_it_holds_a_draft():
    label = chosen_label([annotation("good", 1, cancelled=True)], label_space(CONFIG))
    assert (label.value, label.skipped) == (None, True)


def test_a_label_knows_who_when_and_how_long():
    label = chosen_label([annotation("good", 7)], label_space(CONFIG))
    assert label.task_id == 4
    assert label.annotator == "Bob Builder bob@example.com"
    assert label.labelled_at == datetime(2026, 1, 2, 0, 0, 7, tzinfo=UTC)
    assert label.lead_time == 1.5
    nameless = {**annotation("good", 7), "created_username": None}
    assert chosen_label([nameless], label_space(CONFIG)).annotator == "unknown"


def test_an_answer_without_a_choice_is_an_answer():
    other = {**region("good"), "from_name": "why"}
    assert answer_of([other, {**region("good"), "value": {}}], label_space(CONFIG)) is None
    label = chosen_label([annotation(None, 1)], label_space(CONFIG))
    assert (label.value, label.skipped) == (None, False)


# --------------------------------------------------------------------- of one control


@pytest.mark.parametrize(
    ("asked", "result", "answer"),
    [
        (space(), said({"choices": ["b"]}), "b"),
        (space(), said({"choices": ["b"]}, {"choices": ["c"]}), "b"),
        (space(), said({"choices": ["gone"]}), "gone"),
        (space(), said({"choices": []}), None),
        (space(), said({"choices": ["b"]}, name="other"), None),
        (space("Rating", labels=("1", "2", "3")), said({"rating": 3}), "3"),
        (space("Pairwise", labels=("left", "right")), said({"selected": "left"}), "left"),
        (space("Pairwise", labels=("left", "right")), said({"selected": "none"}), None),
        (space("Taxonomy", labels=("A", "A/b")), said({"taxonomy": [["A", "b"]]}), "A/b"),
    ],
)
def test_one_class_is_told_by_its_name(asked, result, answer):
    assert answer_of(result, asked) == answer


EDITOR_CONFIG = """
<View>
  <Text name="one" value="$first"/><Text name="two" value="$second"/>
  <Choices name="mood" toName="one"><Choice value="Positive" alias="pos"/><Choice value="Negative"/></Choices>
  <Choices name="kind" toName="one" choice="multiple"><Choice value="M1"/><Choice value="M2"/></Choices>
  <Choices name="nested" toName="one" allowNested="true">
    <Choice value="Top"><Choice value="Under" alias="u"/></Choice>
  </Choices>
  <Rating name="stars" toName="one" maxRating="3"/>
  <Number name="age" toName="one"/>
  <Pairwise name="better" toName="one,two"/>
  <Taxonomy name="animal" toName="one"><Choice value="Animal"><Choice value="Dog" alias="dog"/></Choice></Taxonomy>
</View>
"""
EDITED = [
    {"from_name": "mood", "to_name": "one", "type": "choices", "value": {"choices": ["pos"]}},
    {"from_name": "kind", "to_name": "one", "type": "choices", "value": {"choices": ["M1", "M2"]}},
    {"from_name": "nested", "to_name": "one", "type": "choices", "value": {"choices": [["Top"], ["Top", "u"]]}},
    {"from_name": "stars", "to_name": "one", "type": "rating", "value": {"rating": 1}},
    {"from_name": "age", "to_name": "one", "type": "number", "value": {"number": 12.5}},
    {"from_name": "better", "to_name": "better", "type": "pairwise", "value": {"selected": "right"}},
    {"from_name": "animal", "to_name": "one", "type": "taxonomy", "value": {"taxonomy": [["Animal", "dog"]]}},
]
"""What the editor of Label Studio 1.23.2 saved when it was clicked through: with aliases, with the choices above a
nested one, and with a Pairwise that is its own target."""


def test_what_the_editor_saves_is_told():
    told = {asked.control: answer_of(EDITED, asked) for asked in label_spaces(EDITOR_CONFIG)}
    assert told == {
        "mood": "pos",
        "kind": "M1 + M2",
        "nested": "Top/u",
        "stars": "1",
        "age": "12.5",
        "better": "right",
        "animal": "Animal/dog",
    }
    for asked in label_spaces(EDITOR_CONFIG):
        answer = told[asked.control] or ""
        assert asked.form == "regions" or set(answer.split(" + ")) <= set(asked.labels)


@pytest.mark.parametrize(
    ("asked", "result", "answer"),
    [
        (space(form="multi"), said({"choices": ["c", "a", "c"]}), "a + c"),
        (space(form="multi"), said({"choices": ["gone", "b"]}), "b + gone"),
        (space(form="multi"), said({"choices": []}), None),
        (space(form="multi"), [], None),
        (space("Taxonomy", "multi", ("A", "A/b")), said({"taxonomy": [["A", "b"], ["A"]]}), "A + A/b"),
    ],
)
def test_a_set_of_classes_is_told_in_the_order_of_the_configuration(asked, result, answer):
    assert answer_of(result, asked) == answer


CAR, MAN = {"x": 1, "rectanglelabels": ["Car"]}, {"x": 2, "rectanglelabels": ["Man"]}


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (said(CAR, MAN, CAR), "3 regions: Man × 1, Car × 2"),
        (said(CAR), "1 region: Car × 1"),
        (said({"x": 1, "rectanglelabels": ["Car", "Man"]}), "1 region: Man × 1, Car × 1"),
        (said({"x": 1}), "1 region"),
        ([], None),
        (said(CAR, name="other"), None),
    ],
)
def test_regions_are_counted_by_class(result, answer):
    assert answer_of(result, space("RectangleLabels", "regions", ("Man", "Car"))) == answer


@pytest.mark.parametrize(
    ("tag", "result", "answer"),
    [
        ("Number", said({"number": 12.5}), "12.5"),
        ("Number", said({"number": 12.0}), "12"),
        ("Number", said({"number": 0}), "0"),
        ("Number", said({"number": float("inf")}), None),
        ("Number", said({"number": 10**400}), None),
        ("Number", said({"number": True}), None),
        ("TextArea", said({"text": ["one\n two", "three"]}), "one two | three"),
        ("TextArea", said({"text": "alone"}), "alone"),
        ("TextArea", said({"text": [""]}), None),
        ("TextArea", said({"text": ["x" * 100]}), "x" * 100),
        ("TextArea", said({"text": ["x" * 101]}), "x" * 99 + "…"),
        ("TextArea", [], None),
    ],
)
def test_free_answers_are_told_themselves(tag, result, answer):
    assert answer_of(result, space(tag, "regions", ())) == answer


# --------------------------------------------------------------------- whatever comes

SPACES = [
    space(),
    space(form="multi"),
    space("RectangleLabels", "regions"),
    space("VideoRectangle", "regions"),
    space("Rating", labels=("1", "2")),
    space("Pairwise", labels=("left", "right")),
    space("Taxonomy", "multi", ("a", "a/b")),
    space("Number", "regions", ()),
    space("TextArea", "regions", ()),
]
KEYS = ["choices", "rectanglelabels", "labels", "rating", "selected", "taxonomy", "number", "text"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "b", "left"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REGION = st.fixed_dictionaries(
    {"from_name": st.just("answer"), "value": JSON | st.dictionaries(st.sampled_from(KEYS), JSON)}
)


@given(JSON | st.lists(REGION | JSON, max_size=4), st.sampled_from(SPACES))
def test_any_json_has_an_answer_or_none(result, asked):
    answer = answer_of(result, asked)
    assert answer is None or answer
    assert answer == answer_of(json.loads(json.dumps(result)), asked), "and the same one after a round trip"


# --------------------------------------------------------------------- recorded


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_result_is_told(path):
    recording = json.loads(path.read_text())
    for asked in label_spaces(recording["label_config"]):
        for prediction in recording["predictions"]:
            regions = [r for r in prediction["result"] if r["from_name"] == asked.control]
            answer = answer_of(prediction["result"], asked)
            if asked.form == "regions" and asked.labels:
                assert (answer or "0").split()[0] == str(len(regions))
            elif not regions:
                assert answer is None
