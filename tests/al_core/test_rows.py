"""What predictions say as arrays: read one by one, merged, looked up, kept; the same as reading them at once."""

import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.errors import InvalidInput
from al_core.probabilities import CONSTANT_TASKS, RowReader, Rows, from_predictions, latest
from al_core.probabilities.regions import Reader, Unknown
from al_core.types import REASONS, Reason
from tests.al_core.predicted import BOXES, NAN, TAGS, THREE, TWO, box, check, predicted, region, space

WORDS = space(tag="TextArea", form="regions")
SPACES = [TWO, THREE, TAGS, BOXES, WORDS]
NUMBERS = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 0.7, 1.0, 1, 2, NAN, None])
VECTORS = st.dictionaries(st.sampled_from(["cat", "dog", "cow"]), NUMBERS) | st.sampled_from(
    [{"cat": 0.7, "dog": 0.2, "cow": 0.1}, {"cat": 0.25, "dog": 0.75}, None]
)


def words(text, **more):
    """A free answer."""
    return {"from_name": "kind", "type": "textarea", "value": {"text": [text]}} | more


@st.composite
def predictions(draw):
    """Of a few tasks, several for some, usable or not by any of the controls."""
    found = []
    for task_id in draw(st.lists(st.integers(1, 9), max_size=25)):
        regions = []
        for _ in range(draw(st.integers(0, 3))):
            make = draw(st.sampled_from([region, box, words]))
            more = {"score": draw(NUMBERS), "probabilities": draw(VECTORS)}
            regions.append(make(draw(st.sampled_from(["cat", "dog", "cow", "else"])), **more))
        version = draw(st.sampled_from(["v1", "v1", "v2"]))
        found.append(predicted(*regions, score=draw(NUMBERS), task_id=task_id, version=version))
    return found


def rows_of(given_ones, of, version=None):
    reader = RowReader(of, version)
    for prediction in given_ones:
        reader.add(prediction)
    return reader.rows()


def same(one, other):
    """Whether two answers hold equal arrays, NaN beside NaN."""
    assert one.form == other.form
    for name in ("task_ids", "starts", "values", "top", "answers", "scores", "reasons"):
        if hasattr(one, name) and hasattr(other, name):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
            assert getattr(one, name).dtype == getattr(other, name).dtype, name


def vector(*values):
    return dict(zip(("cat", "dog", "cow"), values, strict=True))


# ------------------------------------------------------------------- read one by one


class Odd(float):
    """A number that is not checked together with the others."""


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([(THREE, region), (TAGS, region), (BOXES, box)]),
    st.lists(st.floats(0, 1) | st.floats() | st.sampled_from([1.001, 1.0011, -0.0, 1e-320]), min_size=3, max_size=3)
    | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda two: [two[0], (1 - two[0]) * two[1], NAN])
    | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda two: [*two, 1 - sum(two)]),
    st.permutations(("cat", "dog", "cow")),
)
def test_numbers_that_are_checked_together_are_read_as_one_by_one(of_and_mark, values, order):
    of, mark = of_and_mark

    def read(kind):
        probabilities = {label: kind(value) for label, value in zip(order, values, strict=True)}
        try:
            return Reader(of).rows(predicted(mark("dog", probabilities=probabilities)))
        except Unknown as unknown:
            return unknown.reason

    assert repr(read(float)) == repr(read(Odd)).replace("Odd", "")


def test_a_label_too_many_is_still_unknown():
    more = vector(0.7, 0.2, 0.1) | {"horse": 0.0}
    rows = rows_of([predicted(region("cat", probabilities=more))], THREE)
    assert rows.probabilities(THREE, "").unknown == {Reason.UNKNOWN_LABEL: 1}


@settings(max_examples=100, deadline=None)
@given(predictions(), st.sampled_from(SPACES), st.sampled_from([None, "v1", "v3"]), st.permutations(range(1, 13)))
def test_read_one_by_one_is_as_read_at_once(given_ones, of, version, ids):
    found = rows_of(given_ones, of, version).of(ids)
    same(found.probabilities(of, ""), from_predictions(given_ones, ids, of, model_version=version))
    check(found.probabilities(of, ""))


def test_the_last_prediction_of_a_task_counts_and_tasks_ascend():
    rows = rows_of(
        [
            predicted(region("cat"), score=0.9, task_id=8),
            predicted(region("cat"), score=0.8, task_id=3),
            predicted(region("dog"), score=0.6, task_id=8),
            predicted(task_id=5),
        ],
        TWO,
    )
    assert rows.task_ids.tolist() == [3, 5, 8]
    np.testing.assert_allclose(rows.top, [0.8, NAN, 0.6], atol=1e-6)
    assert rows.answers.tolist() == [0, -1, 1]
    assert rows.reasons.tolist() == [0, REASONS.index(Reason.EMPTY_RESULT) + 1, 0]


@pytest.mark.parametrize("of", SPACES)
def test_a_task_can_be_unknown_without_a_prediction(of):
    reader = RowReader(of)
    reader.add(predicted(region("cat", score=0.9), task_id=2))
    reader.add_unknown(2, Reason.PREDICTION_FAILED)
    reader.add_unknown(1, Reason.PREDICTION_FAILED)
    found = reader.rows().probabilities(of, "")
    check(found)
    assert found.task_ids.tolist() == [1, 2]
    assert found.unknown == {Reason.PREDICTION_FAILED: 2}


def test_another_version_is_the_reason_only_where_nothing_better_comes():
    reader = RowReader(TWO, "v1")
    for task_id, version in ((1, "v1"), (1, "v2"), (2, "v2"), (3, "v2"), (2, "v1"), (4, "v2")):
        reader.add(predicted(region("cat"), score=0.9, task_id=task_id, version=version))
    reader.add_unknown(4, Reason.PREDICTION_FAILED)
    found = reader.rows().probabilities(TWO, "v1")
    assert [REASONS[code - 1] if code else None for code in found.reasons] == [
        None,
        None,
        Reason.OTHER_VERSION,
        Reason.PREDICTION_FAILED,
    ]


def test_a_reader_begins_anew_once_its_rows_are_taken():
    reader = RowReader(BOXES, "v1")
    reader.add(predicted(box("cat", score=0.9), task_id=1))
    reader.add(predicted(task_id=2, version="v2"))
    first = reader.rows()
    reader.add(predicted(box("dog", score=0.8), box("cat", score=0.7), task_id=3))
    second = reader.rows()
    assert (first.task_ids.tolist(), second.task_ids.tolist()) == ([1, 2], [3])
    assert (first.starts.tolist(), second.starts.tolist()) == ([0, 1, 1], [0, 2])
    assert len(reader.rows().task_ids) == 0


@pytest.mark.parametrize("form", ["single", "multi"])
def test_a_choice_without_classes_is_refused(form):
    with pytest.raises(InvalidInput, match="'kind' has no class"):
        RowReader(space(form=form))


def test_what_is_held_of_a_task_is_its_numbers():
    labels, count = [f"class {number}" for number in range(10)], 20_000
    prediction = predicted(region(labels[0], probabilities=dict.fromkeys(labels, 0.1)))
    tracemalloc.start()
    try:
        reader = RowReader(space(*labels))
        for task_id in range(count):
            reader.add(replace(prediction, task_id=task_id))
        held, _ = tracemalloc.get_traced_memory()
        rows = reader.rows()
        handed_over, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rows.task_ids) == count
    assert held / count <= 4 * 10 + 40
    assert handed_over / count <= 4 * 10 + 40, "the memory goes along instead of being copied"


# ------------------------------------------------------------------- merged and looked up


@settings(max_examples=100, deadline=None)
@given(predictions(), st.sampled_from(SPACES), st.integers(0, 25), st.integers(0, 25))
def test_parts_merge_to_what_one_reading_gives(given_ones, of, first, second):
    cuts = sorted((first, second))
    parts = [given_ones[: cuts[0]], given_ones[cuts[0] : cuts[1]], given_ones[cuts[1] :]]
    same(Rows.merged([rows_of(part, of) for part in parts]), rows_of(given_ones, of))


@pytest.mark.parametrize("of", SPACES)
def test_absent_tasks_have_no_prediction_in_whatever_order(of):
    make = {WORDS: words, BOXES: box}.get(of, region)
    more = {"probabilities": vector(0.7, 0.2, 0.1)} if of is TAGS else {"score": 0.8}
    rows = rows_of([predicted(make("cat", **more), task_id=task_id) for task_id in (10, 20)], of)
    found = rows.of([30, 20, 5, 10, 15])
    check(found.probabilities(of, ""))
    assert found.task_ids.tolist() == [30, 20, 5, 10, 15]
    assert (found.reasons == 0).tolist() == [False, True, False, True, False]
    assert found.probabilities(of, "").unknown == {Reason.NO_PREDICTION: 3}
    assert np.diff(found.starts).tolist() == ([0, 1, 0, 1, 0] if of.form == "regions" else [1] * 5)


def test_nothing_can_be_merged_and_looked_up_as_well():
    empty = rows_of([], BOXES)
    assert len(Rows.merged([empty, empty]).task_ids) == 0
    assert empty.of([3, 1]).probabilities(BOXES, "").unknown == {Reason.NO_PREDICTION: 2}
    assert len(rows_of([predicted(box("cat", score=0.5))], BOXES).of([]).task_ids) == 0


def test_only_rows_of_one_control_are_merged():
    with pytest.raises(ValueError, match="one control"):
        Rows.merged([rows_of([], TWO), rows_of([], THREE)])
    with pytest.raises(ValueError, match="one control"):
        Rows.merged([rows_of([], THREE), rows_of([], TAGS)])
    with pytest.raises(ValueError, match="at least one"):
        Rows.merged([])


def test_the_latest_of_each_id():
    assert latest(np.array([5, 3, 5, 9, 3])).tolist() == [4, 2, 3]
    assert latest(np.array([1, 2, 3])).tolist() == [0, 1, 2]
    assert latest(np.array([], dtype=np.int64)).tolist() == []


# ------------------------------------------------------------------- the same numbers for all


@pytest.mark.parametrize(("of", "make"), [(THREE, region), (BOXES, box)])
def test_which_tasks_are_alike_is_a_matter_of_those_asked_for(of, make):
    score = [0.9] * CONSTANT_TASKS + [0.8]
    rows = rows_of([predicted(make("cat", score=p), task_id=number) for number, p in enumerate(score)], of)
    before = rows.top.copy()
    alike = rows.of(range(CONSTANT_TASKS)).probabilities(of, "")
    check(alike)
    assert alike.unknown == {Reason.CONSTANT: CONSTANT_TASKS}
    np.testing.assert_array_equal(rows.top, before, err_msg="the rows themselves stay as they were")
    assert rows.probabilities(of, "").unknown == {}


def test_tasks_with_many_regions_are_counted_once():
    rows = rows_of([predicted(*[box("cat", score=0.9)] * 30, task_id=number) for number in range(3)], BOXES)
    assert rows.probabilities(BOXES, "").unknown == {}


# ------------------------------------------------------------------- kept


def kept(rows, of):
    file = io.BytesIO()
    np.savez(file, **rows.arrays())
    file.seek(0)
    with np.load(file) as arrays:
        return Rows.from_arrays(arrays, of)


@settings(max_examples=50, deadline=None)
@given(predictions(), st.sampled_from(SPACES))
def test_rows_can_be_kept(given_ones, of):
    rows = rows_of(given_ones, of)
    same(kept(rows, of), rows)


CHOICES = rows_of([predicted(region("cat", probabilities=vector(0.7, 0.2, 0.1)), task_id=t) for t in (1, 2)], THREE)
REGIONS = rows_of([predicted(*[box("cat", score=0.8)] * t, task_id=t) for t in (0, 1, 2)], BOXES)


def of_one(name, place, value):
    """An array of the choices or regions with another number in it."""

    def change(arrays):
        array = arrays[name].copy()
        array[place] = value
        return arrays | {name: array}

    return change


@pytest.mark.parametrize(("rows", "of"), [(CHOICES, THREE), (REGIONS, BOXES)], ids=["choices", "regions"])
@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {name: array for name, array in arrays.items() if name != "scores"},
        lambda arrays: arrays | {"values": arrays["values"].astype(np.float64)},
        lambda arrays: arrays | {"values": arrays["values"][:, :2]},
        lambda arrays: arrays | {"values": arrays["values"].reshape(-1)},
        lambda arrays: arrays | {"top": arrays["top"][:1]},
        lambda arrays: arrays | {"top": arrays["top"].reshape(-1, 1)},
        lambda arrays: arrays | {"answers": arrays["answers"][:1]},
        lambda arrays: arrays | {"scores": arrays["scores"][:1]},
        lambda arrays: arrays | {"reasons": arrays["reasons"][:1]},
        lambda arrays: arrays | {"starts": arrays["starts"][:-1]},
        lambda arrays: arrays | {"starts": np.zeros((), dtype=np.int64)},
        lambda arrays: arrays | {"task_ids": arrays["task_ids"][::-1]},
        lambda arrays: arrays | {"task_ids": arrays["task_ids"] * 0},
        lambda arrays: arrays | {"task_ids": arrays["task_ids"].reshape(1, -1)},
        of_one("starts", 0, 1),
        of_one("starts", 1, 99),
        of_one("starts", 1, -5),
        of_one("starts", -1, 99),
        of_one("values", 0, 1.5),
        of_one("values", 0, -0.5),
        of_one("values", (0, 1), np.inf),
        of_one("values", (0, slice(1, 3)), [NAN, 0.5]),
        of_one("top", 0, 1.5),
        of_one("top", 0, NAN),
        of_one("answers", 0, 3),
        of_one("answers", 0, -2),
        of_one("scores", 0, 7.0),
        of_one("reasons", -1, 1),
        of_one("reasons", -1, len(REASONS) + 1),
    ],
)
def test_nonsense_is_refused(rows, of, change):
    with pytest.raises(ValueError, match=r"rows|Rows"):
        Rows.from_arrays(change(rows.arrays()), of)


@pytest.mark.parametrize(("name", "value"), [("values", 0.5), ("reasons", len(REASONS) + 1)])
def test_an_unknown_task_has_no_numbers_and_a_reason_that_there_is(name, value):
    reader = RowReader(THREE)
    reader.add_unknown(1, Reason.PREDICTION_FAILED)
    arrays = reader.rows().arrays()
    Rows.from_arrays(arrays, THREE)
    with pytest.raises(ValueError, match="no rows of the control 'kind'"):
        Rows.from_arrays(of_one(name, 0, value)(arrays), THREE)


def test_rows_of_another_control_are_refused():
    with pytest.raises(ValueError, match="no rows of the control 'kind'"):
        Rows.from_arrays(REGIONS.arrays(), THREE)
    with pytest.raises(ValueError, match="no rows of the control 'kind'"):
        Rows.from_arrays(CHOICES.arrays(), TWO)
    Rows.from_arrays(CHOICES.arrays(), THREE)
