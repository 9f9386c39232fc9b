"""How many tasks a test set needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.errors import InvalidInput
from al_core.evaluation import suggested_size, wilson_interval


@pytest.mark.parametrize(
    ("half_width", "expected", "size"), [(0.05, 0.5, 381), (0.05, 0.9, 141), (0.03, 0.9, 388), (0.1, 0.9, 37)]
)
def test_the_sizes_that_are_usual(half_width, expected, size):
    assert suggested_size(half_width, expected) == size


@given(st.floats(0.01, 0.3), st.integers(0, 20))
def test_the_interval_of_so_many_tasks_is_as_narrow_as_was_wanted(half_width, twentieths):
    size = suggested_size(half_width, twentieths / 20)
    # Of shares that can be counted in such a set, the one nearest to what is expected.
    correct = round(size * twentieths / 20)
    low, high = wilson_interval(correct, size)
    exact = suggested_size(half_width, correct / size)
    assert (high - low) / 2 <= half_width + 1e-9 or exact > size
    fewer = 20 * (size // 20) - 20
    if fewer > 0:
        low, high = wilson_interval(fewer * twentieths // 20, fewer)
        assert (high - low) / 2 > half_width


def test_a_wish_that_any_set_meets_is_met_by_one_task():
    assert suggested_size(0.49, 1.0) == 1


@pytest.mark.parametrize(
    "wrong", [(0, 0.9), (0.5, 0.9), (-1, 0.9), (0.1, -0.1), (0.1, 1.1), (float("nan"), 0.5), (0.1, 0.5, 1)]
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInput):
        suggested_size(*wrong)
