"""Whole numbers: exact, and so the same on any machine."""

import numpy as np
import pytest

from al_core.diversity.grid import LEVELS, first_of_each, nearest, on_grid, squared_distances, squared_norms
from al_core.diversity.grid import whole_weights as weigh


def test_the_grid_keeps_shape_and_order_of_distances():
    rows = np.random.default_rng(0).normal(size=(50, 4)) * 0.01 + 7
    gridded, _ = on_grid(rows)
    assert (gridded == np.rint(gridded)).all()
    assert np.abs(gridded).max() == LEVELS
    scale = 2 * LEVELS / np.ptp(rows, axis=0).max()
    np.testing.assert_allclose(gridded - gridded[0], (rows - rows[0]) * scale, atol=1)


@pytest.mark.parametrize("d", [1, 64, 2**15])
def test_distances_of_the_furthest_rows_are_exact(d):
    rng = np.random.default_rng(d)
    rows = rng.choice([-LEVELS, LEVELS, LEVELS - 1, 3], (6, d)).astype(np.float64)
    rows[0], rows[1] = -LEVELS, LEVELS
    whole = rows.astype(np.int64)
    expected = ((whole[:, None] - whole[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(squared_distances(rows, squared_norms(rows), rows).astype(np.int64), expected)


def test_with_very_many_features_the_grid_is_coarser_and_distances_still_exact():
    rows = np.random.default_rng(0).choice([-1.0, 1.0, 0.3], (4, 100_000))
    rows[0], rows[1] = -1, 1
    gridded, _ = on_grid(rows)
    assert np.abs(gridded).max() == LEVELS / 2
    whole = gridded.astype(np.int64)
    expected = ((whole[:, None] - whole[None]) ** 2).sum(axis=2)
    assert expected.max() < 2**53
    np.testing.assert_array_equal(
        squared_distances(gridded, squared_norms(gridded), gridded).astype(np.int64), expected
    )


def test_nearest_agrees_with_all_distances_over_several_blocks():
    rng = np.random.default_rng(0)
    rows, points = (rng.integers(-9, 9, shape).astype(np.float64) for shape in ((9000, 2), (99, 2)))
    distances = squared_distances(rows, squared_norms(rows), points)
    places, gaps = nearest(rows, squared_norms(rows), points)
    np.testing.assert_array_equal(places, distances.argmin(axis=0))  # ties too: the first
    np.testing.assert_array_equal(gaps, distances.min(axis=0))


def test_labelled_rows_are_on_the_same_grid():
    rows, labelled = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[10.0, 1.0], [2.0, 1.0]])
    gridded, others = on_grid(rows, labelled)
    assert others[1].tolist() == gridded[1].tolist()
    assert (gridded[0, 0], others[0, 0]) == (-LEVELS, LEVELS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_and_the_smallest_numbers_have_a_grid(dtype):
    largest, smallest = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    assert on_grid(np.array([[-largest], [largest], [0]], dtype=dtype))[0].ravel().tolist() == [-LEVELS, LEVELS, 0]
    assert on_grid(np.array([[0], [smallest * 4]], dtype=dtype))[0].ravel().tolist() == [-LEVELS, LEVELS]


def test_contents_are_equal_up_to_a_step_and_minus_zero_is_zero():
    rows = np.array([[1.0, 0.0], [1.0 + 1e-7, -0.0], [0.0, 0.0], [1.0, -1e-8], [1.0, 1e-3]])
    assert first_of_each(on_grid(rows)[0]).tolist() == [0, 2, 4]


def test_what_rounds_to_zero_from_below_is_zero():
    assert first_of_each(on_grid(np.array([[-1.0], [1.0], [-1e-9], [1e-9]]))[0]).tolist() == [0, 1, 2]


def test_weights_are_in_proportion_and_never_nothing():
    assert weigh(np.array([0.5, 1.0, 0.0])).tolist() == [2**13, 2**14, 1]
    assert weigh(np.array([-1.0, -3.0])).tolist() == [2**14, 1]
    assert weigh(np.zeros(3)).tolist() == [1, 1, 1]
    assert weigh(np.array([0.5, 1.0, 0.0]), power=2).tolist() == [2**12, 2**14, 1]
