"""Embeddings, from a model or in the data: used where most tasks have one, and never trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_core.features import Embeddings, embedding_of, task_features
from al_core.features.embeddings import MAX_LENGTH
from al_core.types import LabelSpace
from tests.al_core.features.test_content import JSON

TEXT = LabelSpace("topic", "text", ("a", "b"), "body", "text")
TASKS = [{"body": "red green"}, {"body": "blue green"}, {"body": "red yellow"}, {"body": "blue yellow"}]
NO_EMBEDDING = "no embedding of the same length as the others"


def of_data(*values, key="embedding"):
    return task_features([{"body": "red green", key: value} for value in values], TEXT)


def test_given_embeddings_come_first_with_unit_length():
    features = task_features(
        [task | {"embedding": [1, 1]} for task in TASKS],
        TEXT,
        embeddings={index: np.array([3.0, 4.0 * index, 0.0]) for index in range(4)},
    )
    assert features.source == "embeddings of the model"
    assert features.missing == {}
    assert features.rows.dtype == np.float32
    np.testing.assert_allclose(features.rows[:2], [[1, 0, 0], [0.6, 0.8, 0]], atol=1e-6)


def test_half_of_the_tasks_are_enough_and_the_others_are_missing():
    vector = np.ones(5)
    half = task_features(TASKS, TEXT, embeddings={0: vector, 3: vector, 7: vector, -1: vector})
    assert half.source == "embeddings of the model"
    assert half.missing == {1: NO_EMBEDDING, 2: NO_EMBEDDING}
    assert np.isnan(half.rows[[1, 2]]).all()
    assert np.isfinite(half.rows[half.known]).all()
    assert task_features(TASKS, TEXT, embeddings={0: vector}).source == "words"
    assert task_features(TASKS, TEXT, embeddings={}).source == "words"


def test_the_commonest_length_counts_and_other_lengths_are_missing():
    vectors = {0: np.ones(3), 1: np.ones(4), 2: np.ones(3), 3: np.array([])}
    features = task_features(TASKS, TEXT, embeddings=vectors)
    assert features.rows.shape == (4, 3)
    assert set(features.missing) == {1, 3}


@pytest.mark.parametrize("key", ["embedding", "embeddings", "vector"])
def test_embeddings_in_the_data_are_found(key):
    features = of_data([0, 2], [1.5, 0], "none", key=key)
    assert features.source == "embeddings of the task"
    np.testing.assert_allclose(features.rows[:2], [[0, 1], [1, 0]])
    assert features.missing == {2: NO_EMBEDDING}


@pytest.mark.parametrize(
    "refused",
    [
        None,
        5,
        "1, 2",
        [],
        [1.0],
        [0.0, 0],
        [1, True],
        [1, "2"],
        [1, None],
        [[1, 2]],
        [[1, 2], [3]],
        [1, float("nan")],
        [1, float("inf")],
        [1, 1e39],
        [1, 10**400],
        {"0": 1},
        [1] * (MAX_LENGTH + 1),
    ],
    ids=lambda refused: str(refused)[:20],
)
def test_what_is_no_embedding_is_passed_over(refused):
    assert of_data(refused, refused, refused).source == "words"
    assert embedding_of([{"embedding": refused}]) is None
    assert of_data([1, 2], [1, 2], refused).missing == {2: NO_EMBEDDING}


@pytest.mark.parametrize(
    "refused", [np.ones((2, 2)), np.array(["a", "b"]), np.array([1, None]), np.array(3.0), "ab", np.array([1 + 1j, 2])]
)
def test_what_a_caller_gives_is_checked_too(refused):
    features = task_features(TASKS[:2], TEXT, embeddings={0: refused, 1: np.ones(4)})
    assert features.missing == {0: NO_EMBEDDING}


def test_the_longest_vectors_are_used_and_great_numbers_do_not_overflow():
    features = of_data([1] * MAX_LENGTH, [3e38] * MAX_LENGTH)
    np.testing.assert_allclose(features.rows, MAX_LENGTH**-0.5, rtol=1e-6)


@pytest.mark.parametrize(
    "region",
    [{"embedding": [1, 2]}, {"meta": {"embedding": [1, 2]}}, {"value": {"embedding": [1, 2], "choices": ["a"]}}],
)
def test_a_prediction_may_hold_its_embedding_in_three_places(region):
    found = embedding_of([{"from_name": "topic"}, region, {"embedding": [3, 4]}])
    assert found.dtype == np.float32
    assert found.tolist() == [1, 2]


@settings(deadline=None)
@given(JSON | st.lists(st.dictionaries(st.sampled_from(["embedding", "meta", "value"]), JSON)))
def test_any_prediction_is_read_without_an_error(result):
    found = embedding_of(result)
    assert found is None or (found.ndim == 1 and np.isfinite(found).all())


# ------------------------------------------------------------------- many as one array


def embeddings(**found):
    """Of tasks by name: ``t3=[1, 2]``."""
    return Embeddings.of_tasks({int(name[1:]): np.array(vector, dtype=np.float32) for name, vector in found.items()})


def listed(found):
    assert (found.task_ids.dtype, found.vectors.dtype) == (np.int64, np.float32)
    return dict(zip(found.task_ids.tolist(), found.vectors.tolist(), strict=True))


def test_vectors_become_rows_by_ascending_task_and_other_lengths_are_left_out():
    found = embeddings(t9=[1, 2], t4=[3, 4], t5=[1, 2, 3])
    assert listed(found) == {4: [3, 4], 9: [1, 2]}
    assert found.task_ids.tolist() == [4, 9]
    assert found.length == 2
    assert embeddings().vectors.shape == (0, 0)


def test_of_several_for_a_task_the_last_part_counts():
    parts = [embeddings(t1=[1, 1], t5=[5, 5]), embeddings(), embeddings(t3=[3, 3], t1=[7, 7]), embeddings(t8=[1, 2, 3])]
    merged = Embeddings.merged(parts)
    assert listed(merged) == {1: [7, 7], 3: [3, 3], 5: [5, 5]}
    assert merged.task_ids.tolist() == [1, 3, 5]
    assert Embeddings.merged([embeddings(), parts[0]]) is parts[0]
    assert Embeddings.merged([]).vectors.shape == (0, 0)
    assert Embeddings.merged([embeddings()]).length == 0


def test_tasks_are_looked_up_in_any_order():
    found = embeddings(t2=[2, 2], t4=[4, 4], t6=[6, 6])
    assert listed(found.of([6, 5, 2, 99, 6])) == {2: [2, 2], 6: [6, 6]}
    assert found.of([6, 2]).task_ids.tolist() == [2, 6]
    by_place = found.by_place(np.array([6, 5, 2, 99]))
    assert {place: vector.tolist() for place, vector in by_place.items()} == {0: [6, 6], 2: [2, 2]}
    assert embeddings().by_place([1, 2]) == {}
    assert listed(found.of([])) == {}


def test_embeddings_can_be_kept():
    for found in (embeddings(), embeddings(t2=[2, 2], t4=[4, 4])):
        assert listed(Embeddings.from_arrays(found.arrays())) == listed(found)


@pytest.mark.parametrize(
    "changed",
    [
        {"task_ids": np.array([4, 2])},
        {"task_ids": np.array([2, 2])},
        {"task_ids": np.array([2])},
        {"task_ids": np.array([2.0, 4.0])},
        {"task_ids": np.array([[2, 4]])},
        {"vectors": np.ones((2, 2))},
        {"vectors": np.ones(2, dtype=np.float32)},
        {"vectors": np.array([[1, np.nan], [1, 1]], dtype=np.float32)},
        {"vectors": np.ones((2, MAX_LENGTH + 1), dtype=np.float32)},
        {"vectors": None},
    ],
)
def test_nonsense_is_refused(changed):
    arrays = embeddings(t2=[2, 2], t4=[4, 4]).arrays()
    with pytest.raises(ValueError, match="mbeddings"):
        Embeddings.from_arrays(arrays | changed)
