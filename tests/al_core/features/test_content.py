"""Content keys: equal content, equal key, whatever else a task says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.features import content_keys
from al_core.types import LabelSpace

SPACE = LabelSpace("topic", "text", ("a", "b"), "body", "text")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def key(shown):
    return content_keys([{"body": shown}], SPACE)[0]


def test_what_is_shown_counts_and_nothing_else():
    keys = content_keys([{"body": "red", "id": 1}, {"body": "red", "id": 2}, {"body": "blue", "id": 1}], SPACE)
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == 32 and int(key, 16) >= 0 for key in keys)


def test_a_key_is_the_same_on_any_machine():
    assert key("red") == "00bf679021e4a4d5e8a9b410f5791f7e"
    assert key({"b": [1, 2.5, None, True], "a": "ü"}) == "76401af9d21b1c97f9c9b8f61acc510b"


def test_the_order_of_an_object_does_not_count_and_that_of_a_list_does():
    assert key({"a": {"x": 1, "y": 2}, "b": 2}) == key({"b": 2, "a": {"y": 2, "x": 1}})
    assert key([1, 2]) != key([2, 1])


@pytest.mark.parametrize("nothing", [{}, {"body": None}])
def test_without_anything_shown_the_whole_data_counts(nothing):
    keys = content_keys(
        [nothing | {"sound": "a.wav"}, nothing | {"sound": "b.wav"}, nothing | {"sound": "a.wav"}], SPACE
    )
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        (1, 1.0),
        (1, True),
        ("None", None),
        (["ab"], ["a", "b"]),
        ([["a"], "b"], [["a", "b"]]),
        ({"a": "b"}, ["a", "b"]),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ("s3:red", "red"),
        ([], {}),
        ("value\0[0:", []),
    ],
)
def test_different_contents_have_different_keys(one, other):
    assert key(one) != key(other)


@settings(deadline=None)
@given(JSON, JSON)
def test_keys_are_equal_exactly_where_contents_are(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key([one]) == key([other])) is same


@pytest.mark.parametrize(
    "hostile", ["\ud800", float("nan"), float("inf"), [-(10**9999)], [["\udfff"]], {"\ud800": 1}], ids=type
)
def test_what_json_can_hold_but_few_expect_has_a_key(hostile):
    assert key(hostile) == key(hostile) != key("")


def test_nesting_is_no_trouble():
    deep = None
    for _ in range(100_000):
        deep = [deep]
    assert key({"a": deep}) == key({"a": deep}) != key({"a": deep[0]})


def test_data_that_is_no_object_has_a_key():
    keys = content_keys(["red", ["red"], None], SPACE)
    assert len(set(keys)) == 3
