"""Probabilities and counts are checked before anything is calculated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from al_core.errors import InvalidInput
from al_core.validation import check_count, check_probabilities


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 1.0],
        [np.inf, 0.0],
        [-np.inf, np.inf],
        [-0.1, 1.1],
        [0.0, 0.0],
        [0.25, 0.25],
        [1.0, 1.0],
        [0.5, 0.5 + 2e-3],
        [0.5, 0.5 - 2e-3],
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_that_is_no_distribution_becomes_nan_and_its_neighbours_stay(row, dtype):
    checked = check_probabilities(np.array([[0.25, 0.75], row, [1.0, 0.0]], dtype=dtype))
    np.testing.assert_array_equal(checked, [[0.25, 0.75], [np.nan, np.nan], [1.0, 0.0]])


def test_a_row_within_the_tolerance_is_renormalised():
    checked = check_probabilities([[0.5, 0.5005], [0.2, 0.7995]])
    np.testing.assert_allclose(checked.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(checked[0], np.array([0.5, 0.5005]) / 1.0005)


def test_the_tolerance_is_the_callers():
    assert np.isnan(check_probabilities([[0.5, 0.45]], tolerance=0.01)).all()
    np.testing.assert_allclose(check_probabilities([[0.6, 0.3]], tolerance=0.2), [[2 / 3, 1 / 3]])


@pytest.mark.parametrize(
    "values", [0.5, [], [0.5, 0.5], [[[1.0]]], [[]], np.empty((3, 0)), [[0.5, 0.5], [1.0]], [["a", "b"]]]
)
def test_what_is_no_matrix_of_numbers_is_refused(values):
    with pytest.raises(InvalidInput):
        check_probabilities(values)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ([np.nan, 1.0], "holds a number that is not finite"),
        ([np.inf, 0.0], "holds a number that is not finite"),
        ([-0.25, 1.25], "holds a negative number"),
        ([0.25, 0.25], "sums to 0.5"),
    ],
)
def test_strictly_the_first_bad_row_is_named_with_its_fault(row, fault):
    good = [0.25, 0.75]
    with pytest.raises(InvalidInput, match=rf"^Row 1 is no probability distribution: it {fault}\."):
        check_probabilities([good, row, [np.nan, np.nan], good], strict=True)
    np.testing.assert_array_equal(check_probabilities([good, good], strict=True), [good, good])
    assert check_probabilities(np.empty((0, 2)), strict=True).shape == (0, 2)


def test_no_rows_are_fine_and_none_is_unknown():
    assert check_probabilities(np.empty((0, 3))).shape == (0, 3)
    np.testing.assert_array_equal(check_probabilities([[None, 1.0], [0.0, 1.0]]), [[np.nan] * 2, [0.0, 1.0]])


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.float16, np.float64), (np.int64, np.float64)],
)
def test_float32_stays_and_all_else_becomes_float64(given_dtype, kept):
    assert check_probabilities(np.array([[1, 0]], dtype=given_dtype)).dtype == kept


def test_the_input_is_left_alone():
    values = np.array([[0.5, 0.5005], [2.0, 2.0]])
    before = values.copy()
    check_probabilities(values)
    np.testing.assert_array_equal(values, before)


@given(hnp.arrays(st.sampled_from([np.float32, np.float64]), hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)))
def test_every_row_sums_to_one_or_is_nan_throughout(values):
    checked = check_probabilities(values)
    unknown = np.isnan(checked)
    assert (unknown.all(axis=1) == unknown.any(axis=1)).all()
    known = checked[~unknown.any(axis=1)]
    np.testing.assert_allclose(known.sum(axis=1), 1, rtol=1e-5)
    assert (known >= 0).all()


def test_counts_are_whole_numbers_from_the_minimum_up():
    assert check_count("Size", np.int64(3)) == 3
    assert check_count("Size", 1, minimum=1) == 1
    for wrong in (-1, 1.0, "1", None, True, np.True_):
        with pytest.raises(InvalidInput, match="Size must be a whole number of at least 0"):
            check_count("Size", wrong)
    with pytest.raises(InvalidInput, match="at least 1, not 0"):
        check_count("Size", 0, minimum=1)
