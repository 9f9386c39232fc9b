"""The four measures of uncertainty, against the formulas written down plainly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core import rowwise
from al_core.errors import InvalidInput
from al_core.uncertainty import UncertaintySampling

MEASURES = ["entropy", "least_confidence", "margin", "ratio"]


def plainly(row, measure):
    first, second = [*sorted(row, reverse=True), 0.0][:2]
    if measure == "entropy":
        return -sum(p * math.log(p) for p in row if p > 0)
    return {"least_confidence": 1 - first, "margin": 1 - (first - second), "ratio": second / first}[measure]


@st.composite
def distributions(draw):
    """(n, k) rows with zeros and ties among them, k from 1 to 9."""
    k = draw(st.integers(1, 9))
    parts = st.lists(st.integers(0, 5), min_size=k, max_size=k).filter(any)
    rows = np.array(draw(st.lists(parts, min_size=1, max_size=8)), dtype=float)
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions())
def test_agrees_with_the_formula(rows, measure):
    expected = [plainly(row, measure) for row in rows.tolist()]
    np.testing.assert_allclose(UncertaintySampling.score(rows, measure), expected, atol=1e-12)
    single = UncertaintySampling.score(rows.astype(np.float32), measure)
    np.testing.assert_allclose(single, expected, atol=2e-6)
    assert single.dtype == np.float64


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions(), seed=st.integers(0, 99))
def test_the_order_of_classes_does_not_matter_and_that_of_tasks_is_kept(rows, measure, seed):
    rng = np.random.default_rng(seed)
    tasks, classes = rng.permutation(len(rows)), rng.permutation(rows.shape[1])
    expected = UncertaintySampling.score(rows, measure)[tasks]
    np.testing.assert_allclose(UncertaintySampling.score(rows[tasks][:, classes], measure), expected, atol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions())
def test_stays_between_certain_and_even(rows, measure):
    k = rows.shape[1]
    scores = UncertaintySampling.score(rows, measure)
    even = UncertaintySampling.score(np.full((1, k), 1 / k), measure)[0]
    assert (scores >= 0).all()
    assert (scores <= even + 1e-12).all()


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("entropy", [0.0, math.log(2), math.log(4)]),
        ("least_confidence", [0.0, 0.5, 0.75]),
        ("margin", [0.0, 1.0, 1.0]),
        ("ratio", [0.0, 1.0, 1.0]),
    ],
)
def test_known_values_and_higher_is_more_uncertain(measure, expected):
    rows = [[0, 1, 0, 0], [0.5, 0, 0, 0.5], [0.25] * 4]
    np.testing.assert_allclose(UncertaintySampling.score(rows, measure), expected, atol=1e-15)


@pytest.mark.parametrize("measure", MEASURES)
def test_unknown_rows_are_nan_and_the_rest_is_scored(measure):
    good = [0.1, 0.2, 0.7]
    bad = [[np.nan, 0.5, 0.5], [np.inf, 0, 0], [-0.2, 0.6, 0.6], [0, 0, 0], [0.5, 0, 0], [1, 1, 0]]
    scores = UncertaintySampling.score([good, *bad, good], measure)
    assert np.isnan(scores[1:-1]).all()
    np.testing.assert_allclose(scores[[0, -1]], plainly(good, measure), atol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_class_is_never_uncertain(measure):
    scores = UncertaintySampling.score([[1.0], [1.0005], [np.nan]], measure)
    np.testing.assert_array_equal(scores, [0.0, 0.0, np.nan])
    assert not np.signbit(scores[:2]).any()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shape", [(1000, 2), (1000, 3), (300, 7), (97, 40), (3, 200)])
def test_chunks_change_nothing(measure, shape, monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(shape[1]), shape[0])
    rows[1] = np.nan
    whole = UncertaintySampling.score(rows, measure)
    monkeypatch.setattr(rowwise, "_CHUNK", 800)  # many chunks, the last one short, or less than a row
    # A chunk of one row is summed in another order: the last digit may differ.
    np.testing.assert_allclose(UncertaintySampling.score(rows, measure), whole, rtol=1e-12)
    assert np.isnan(whole).sum() == 1


@pytest.mark.parametrize("measure", MEASURES)
def test_the_layout_of_memory_does_not_matter_and_the_input_is_left_alone(measure):
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 40)
    expected = [plainly(row, measure) for row in rows.tolist()]
    for view in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2]):
        before = view.copy()
        view.flags.writeable = False
        np.testing.assert_allclose(UncertaintySampling.score(view, measure), expected, atol=1e-12)
        np.testing.assert_array_equal(view, before)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_empty_pool_has_no_scores_and_a_wrong_shape_is_refused(measure):
    assert UncertaintySampling.score(np.empty((0, 3)), measure).shape == (0,)
    for wrong in ([0.5, 0.5], np.empty((2, 0)), np.ones((2, 2, 2))):
        with pytest.raises(InvalidInput):
            UncertaintySampling.score(wrong, measure)


def test_the_default_is_entropy_and_an_unknown_name_is_answered_with_the_known_ones():
    rows = [[0.1, 0.2, 0.7]]
    assert UncertaintySampling.score(rows) == UncertaintySampling.entropy(rows)
    with pytest.raises(InvalidInput, match=r"'mragin'.*entropy, least_confidence, margin, ratio"):
        UncertaintySampling.score(rows, "mragin")
