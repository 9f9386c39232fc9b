"""What is kept of predictions: merged, judged beside a pool, put away and read again."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.predictions.table import PredictionTable, TableBuilder
from al_core.types import LabelSpace, Pool, Prediction, Reason
from tests.servers import region

MOOD = LabelSpace("mood", "words", ("good", "bad"), "text", "text")
BOX = LabelSpace("box", "picture", ("cat",), "image", "image", "RectangleLabels", "regions")
SPACES = (MOOD, BOX)


def prediction(task_id, good=0.7, **extra):
    return Prediction(task_id, [{**region("good", {"good": good, "bad": 1 - good}), **extra}], None, "v1")


def table(says, *, as_of=10, is_direct=False, version="v1", spaces=SPACES, stored_count=0):
    """From task id → probability, or a reason."""
    builder = TableBuilder(spaces)
    for task_id, said in says.items():
        if isinstance(said, Reason):
            builder.add_unknown(task_id, said, as_of, is_direct=is_direct)
        else:
            builder.add(prediction(task_id, said), as_of, is_direct=is_direct)
    return builder.table(version, stored_count)


def pool(task_ids, changed_at):
    ids = np.array(task_ids, dtype=np.int64)
    nobody = np.empty(0, dtype=np.int64)
    return Pool(ids, nobody, len(ids), "", datetime.now(UTC), np.array(changed_at, dtype=np.int64))


def goods(found):
    return {task: round(float(good), 3) for task, good in zip(found.task_ids, found.rows[0].values[:, 0], strict=True)}


def test_tasks_may_come_in_any_order_and_the_last_of_each_counts():
    builder = TableBuilder([MOOD])
    for number, (task_id, good) in enumerate([(5, 0.1), (2, 0.2), (5, 0.3), (1, 0.4)]):
        builder.add(prediction(task_id, good), number, is_direct=task_id == 5)
    found = builder.table("v1")
    assert goods(found) == {1: 0.4, 2: 0.2, 5: 0.3}
    assert (found.as_of.tolist(), found.is_direct.tolist()) == ([3, 1, 2], [False, False, True])
    assert len(builder.table("v1")) == 0, "it is empty again"


def test_an_answer_beats_a_failure_and_the_later_the_earlier():
    failed, nothing = Reason.PREDICTION_FAILED, Reason.NO_PREDICTION
    parts = [
        table({1: 0.1, 2: failed, 3: nothing, 4: 0.4}, as_of=20, stored_count=2),
        table({1: 0.9, 2: 0.2, 3: failed, 5: 0.5}, as_of=10, stored_count=3),
    ]
    both = PredictionTable.merged(parts)
    swapped = PredictionTable.merged(parts[::-1])
    for found in (both, swapped):
        known = found.has_answer
        assert goods(found.only(known)) == pytest.approx({1: 0.1, 2: 0.2, 4: 0.4, 5: 0.5})
        assert found.failed_count(np.array([1, 2, 3])) == 1
        assert found.stored_count == 5
        assert found.missing(np.array([1, 3, 7])).tolist() == [3, 7]


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 99), st.integers(1, 5)), max_size=30), st.randoms())
def test_a_table_does_not_depend_on_how_it_was_cut(said, random):
    # Of one task and one moment there is one answer.
    said = [(task_id, as_of * 7 % 97 + task_id, as_of) for task_id, _, as_of in said]
    parts = [table({task_id: good / 200}, as_of=as_of) for task_id, good, as_of in said]
    whole = PredictionTable.merged([PredictionTable.empty(SPACES, "v1"), *parts])
    random.shuffle(parts)
    half = len(parts) // 2
    pieces = [
        PredictionTable.merged([PredictionTable.empty(SPACES, "v1"), *piece]) for piece in (parts[:half], parts[half:])
    ]
    again = PredictionTable.merged(pieces)
    assert goods(again) == goods(whole)
    np.testing.assert_array_equal(again.as_of, whole.as_of)


def test_what_was_said_before_a_task_changed_is_of_no_use():
    both = PredictionTable.merged([table({1: 0.1, 2: 0.2, 9: 0.9}), table({3: 0.3}, is_direct=True)])
    now = pool([1, 2, 3], [10, 11, 5])
    assert list(goods(both.valid(now))) == [1, 3, 9], "of what is not in the pool nothing is known"
    assert list(goods(both.valid(now, direct=False))) == [1, 9]
    assert list(goods(both.valid(now, stored=False))) == [3]
    assert both.valid(pool([1, 3], [10, 10])) is both
    unknown = replace(now, changed_at=np.empty(0, dtype=np.int64))
    assert list(goods(both.valid(unknown))) == [9]


def test_what_was_said_after_a_reading_holds_for_its_tasks():
    now = pool([1, 2, 3], [7, 30, 5])
    assert table({1: 0.1, 2: 0.2, 9: 0.9}).said_after(now).as_of.tolist() == [10, 30, 10]


def test_what_is_put_away_comes_back():
    found = PredictionTable.merged(
        [table({1: 0.1, 2: Reason.PREDICTION_FAILED}, stored_count=1), table({3: 0.3}, is_direct=True)]
    )
    builder = TableBuilder(SPACES)
    builder.add(prediction(7, embedding=[1.0, 2.0]), 3, is_direct=True)
    found = replace(PredictionTable.merged([found, builder.table("v1")]), complete_as_of=4)
    again = PredictionTable.from_bytes(found.to_bytes(), SPACES)
    assert goods(again.only(again.has_answer)) == goods(found.only(found.has_answer))
    for name in ("as_of", "is_direct", "reasons", "task_ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    assert (again.model_version, again.stored_count, again.complete_as_of) == ("v1", 1, 4)
    assert again.embeddings.vectors.tolist() == [[1.0, 2.0]]
    assert PredictionTable.from_bytes(table({}).to_bytes(), SPACES).task_ids.tolist() == []


def test_what_cannot_be_read_is_not_there():
    content = table({1: 0.1, 2: 0.2}).to_bytes()
    assert PredictionTable.from_bytes(b"", SPACES) is None
    assert PredictionTable.from_bytes(content[: len(content) // 2], SPACES) is None
    assert PredictionTable.from_bytes(b"PK" + content[2:][::-1], SPACES) is None
    assert PredictionTable.from_bytes(content, (*SPACES, MOOD)) is None
    assert PredictionTable.from_bytes(content, (replace(MOOD, labels=("a", "b", "c")), BOX)) is None
