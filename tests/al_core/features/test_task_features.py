"""What every kind of features keeps to, and the numeric fields of tasks without a text or a picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from al_core.errors import InvalidInput
from al_core.features import task_features
from al_core.types import LabelSpace
from tests.al_core.features.drawing import uri
from tests.al_core.features.test_content import JSON

TYPES = ("image", "text", "hypertext", "paragraphs", "audio", "video", "timeseries", "table")
NO_FIELD = "no field with numbers that differ from task to task"


def space(data_type, key="shown"):
    return LabelSpace("c", "o", ("a", "b"), key, data_type)


def of_fields(*tasks):
    return task_features(tasks, space("audio"))


def noise(seed):
    return uri(Image.fromarray(np.random.default_rng(seed).integers(0, 255, (12, 12), dtype=np.uint8)))


POOLS = {
    "image": [{"shown": noise(seed % 7)} for seed in range(20)] + [{"shown": "broken"}],
    "text": [{"shown": f"word{n % 3} word{n % 5} word{n % 7} word{n}"} for n in range(40)] + [{"shown": ""}],
    "audio": [{"loud": n % 5 / 3, "long": n**0.5, "rare": 0.1 * n} for n in range(20)] + [{"shown": "a.wav"}],
}
POOLS["embedded"] = [task | {"embedding": [1, n / 3, n % 4]} for n, task in enumerate(POOLS["text"])]


@pytest.mark.parametrize("kind", POOLS)
def test_permuted_tasks_get_permuted_rows(kind):
    tasks = POOLS[kind]
    features = task_features(tasks, space("text" if kind == "embedded" else kind), dimensions=16)
    order = np.random.default_rng(1).permutation(len(tasks))
    permuted = task_features(
        [tasks[index] for index in order], space("text" if kind == "embedded" else kind), dimensions=16
    )
    np.testing.assert_array_equal(permuted.rows, features.rows[order])
    assert permuted.missing == {place: features.missing[i] for place, i in enumerate(order) if i in features.missing}
    assert len(np.unique(features.rows[features.known], axis=0)) > 5


@pytest.mark.parametrize("kind", ["image", "text"])
def test_how_often_a_content_comes_changes_nothing(kind):
    tasks = POOLS[kind]
    once = task_features(tasks, space(kind))
    twice = task_features([*tasks, *tasks[:9]], space(kind))
    np.testing.assert_array_equal(twice.rows, np.concatenate([once.rows, once.rows[:9]]))


@pytest.mark.parametrize("data_type", TYPES)
def test_an_empty_pool_has_no_rows(data_type):
    features = task_features([], space(data_type))
    assert features.rows.shape[0] == 0
    assert features.missing == {}


@pytest.mark.parametrize("data_type", TYPES)
def test_tasks_that_say_nothing_are_missing_with_a_reason(data_type):
    features = task_features([{}, {"shown": None}, {"shown": []}], space(data_type))
    assert features.rows.shape[0] == 3
    assert np.isnan(features.rows).all(axis=1).tolist() == [True] * 3
    assert set(features.missing) == {0, 1, 2}
    assert not features.known.any()


ANY_TASK = JSON | st.dictionaries(st.sampled_from(["shown", "embedding", "vector", "n"]), JSON, max_size=4)


@settings(deadline=None)
@given(
    st.lists(ANY_TASK, max_size=6),
    st.sampled_from(TYPES),
    st.dictionaries(st.integers(-1, 6), st.lists(st.floats(), max_size=3).map(np.array), max_size=4),
)
def test_any_json_gives_finite_rows_or_a_reason(tasks, data_type, embeddings):
    features = task_features(tasks, space(data_type), embeddings=embeddings)
    assert len(features.rows) == len(tasks)
    assert features.rows.shape[1] >= 1
    known = np.isfinite(features.rows)
    assert (known.all(axis=1) == known.any(axis=1)).all()
    assert set(np.flatnonzero(~known.all(axis=1))) == set(features.missing)
    assert all(features.missing.values())


def test_numeric_fields_are_standardised():
    features = of_fields({"a": 1, "b": 100.0}, {"a": 2, "b": 300.0}, {"a": 3, "b": 200.0})
    assert features.source == "numbers"
    np.testing.assert_allclose(features.rows.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(features.rows.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(features.rows[:, 0], [-1.224745, 0, 1.224745], atol=1e-6)


def test_a_missing_number_is_the_mean_and_a_task_without_any_is_missing():
    features = of_fields({"a": 1, "b": 5}, {"a": 3, "b": None}, {"a": 2, "b": 9}, {"b": 7}, {"c": 1})
    np.testing.assert_allclose(features.rows[1, 1], 0, atol=1e-6)
    np.testing.assert_allclose(features.rows[3, 0], 0, atol=1e-6)
    np.testing.assert_allclose(features.rows[:3, 0], [-1.224745, 1.224745, 0], atol=1e-6)
    assert features.missing == {4: "none of the numeric fields"}
    assert np.isnan(features.rows[4]).all()


def test_a_field_that_few_tasks_have_or_that_never_differs_is_no_feature():
    features = of_fields({"a": 1, "few": 1, "same": 1e9}, {"a": 2, "few": 2, "same": 1e9}, *[{"a": 0, "same": 1e9}] * 3)
    assert features.rows.shape == (5, 1)
    assert of_fields({"same": 3, "zero": 0}, {"same": 3, "zero": 0}).missing == {0: NO_FIELD, 1: NO_FIELD}


@pytest.mark.parametrize("refused", [True, "1", None, float("nan"), float("inf"), 10**400, [1], {"a": 1}])
def test_what_is_no_number_is_no_feature(refused):
    assert set(of_fields({"a": refused}, {"a": refused}, {"a": 1}).missing) == {0, 1, 2}


def test_great_and_small_numbers_do_not_overflow():
    rows = of_fields({"a": 1e308, "b": 1e-308}, {"a": -1e308, "b": 0}).rows
    np.testing.assert_allclose(rows, [[1, 1], [-1, -1]])


def test_of_a_thousand_fields_the_usual_ones_are_taken():
    tasks = [{f"f{n:04}": n * (i + 1) + i for n in range(1000)} for i in range(4)]
    for task in tasks[:1]:
        del task["f0000"]
    rows = task_features(tasks, space("table")).rows
    assert rows.shape == (4, 256)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("dimensions", [0, -1, 1.5, True])
def test_dimensions_are_checked(dimensions):
    with pytest.raises(InvalidInput):
        task_features([{"shown": "red"}], space("text"), dimensions=dimensions)


def test_text_features_are_checked():
    with pytest.raises(InvalidInput, match="words, sentences"):
        task_features([{"shown": "red"}], space("text"), text="letters")
