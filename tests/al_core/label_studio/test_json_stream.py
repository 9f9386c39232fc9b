"""An array that is read as it comes, cut wherever a network may cut it."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.label_studio.json_stream import CutShort, objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=6)


def parts_of(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(ROWS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 2]))
def test_every_array_comes_whole_however_it_is_cut(rows, size, ascii_only, indent):
    content = json.dumps(rows, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    try:
        content.decode()
    except UnicodeDecodeError:
        return
    assert list(objects(parts_of(content, size))) == rows


@given(ROWS, st.integers(0, 1000), st.integers(1, 40), st.sampled_from([None, ConnectionError()]))
def test_an_array_that_breaks_off_gives_what_was_complete(rows, kept, size, error):
    content = json.dumps(rows).encode()[:-1]
    content = content[: kept % (len(content) + 1)]
    whole = [end for end in range(1, len(rows) + 1) if len(json.dumps(rows[:end])) - 1 <= len(content)]

    def parts():
        yield from parts_of(content, size)
        if error is not None:
            raise error

    found = []
    with pytest.raises(CutShort if error is None else ConnectionError):
        found.extend(objects(parts()))
    assert found == rows[: len(whole)]


@pytest.mark.parametrize("content", [b"", b"  ", b"[", b"[ ", b'[{"a": 1}', b'[{"a": 1},', b'[{"a": "\xc3'])
def test_what_may_be_the_beginning_of_an_array_is_cut(content):
    with pytest.raises(CutShort):
        list(objects([content]))


@pytest.mark.parametrize(
    "content", [b"<h1>no</h1>", b'{"a": 1}', b"[1, 2]", b'["a"]', b"[[1]]", b'[{"a": 1} x', b"\xff"]
)
def test_what_is_no_array_of_objects_is_told_from_a_cut(content):
    with pytest.raises(ValueError, match=r"array|decode") as caught:
        list(objects([content]))
    assert not isinstance(caught.value, CutShort)


def test_each_object_comes_before_the_next_part_is_asked_for():
    asked = []

    def parts():
        for number, part in enumerate([b'[{"a": 1}, {"a', b'": 2}', b", ]"]):
            asked.append(number)
            yield part

    found = objects(parts())
    assert next(found) == {"a": 1}
    assert asked == [0]
    assert next(found) == {"a": 2}
    assert asked == [0, 1]
    assert list(found) == []


def test_numbers_that_are_none_pass():
    (row,) = objects([b'[{"score": NaN}]'])
    assert row["score"] != row["score"]


def test_memory_does_not_grow_with_the_array():
    row = b'{"task": 1, "result": [{"value": {"choices": ["class 1"]}, "score": 0.5}], "score": 0.5}, '

    def parts():
        yield b"["
        for _ in range(100):
            yield row * 200
        yield row.rstrip(b", ") + b"]"

    tracemalloc.start()
    assert sum(1 for _ in objects(parts())) == 20_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_very_long_object_takes_time_by_its_length_and_not_by_the_square_of_it():
    content = json.dumps([{"rle": list(range(2_000_000))}]).encode()
    started = time.process_time()
    assert len(next(objects(parts_of(content, 16_384)))["rle"]) == 2_000_000
    assert time.process_time() - started < 20 * _seconds_to_load(content)


def _seconds_to_load(content: bytes) -> float:
    started = time.process_time()
    json.loads(content)
    return time.process_time() - started
