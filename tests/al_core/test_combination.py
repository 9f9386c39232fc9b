"""Several controls of one configuration become one score a task."""

import numpy as np
import pytest

from al_core.combination import combine_controls
from al_core.errors import InvalidInput
from al_core.types import Bounds

NAN = float("nan")


def exact(*values):
    return Bounds(np.array(values), np.array(values))


def test_one_control_keeps_its_own_scores():
    alone = exact(0.2, 2.0, NAN)
    assert combine_controls([alone]) is alone


def test_scales_are_made_equal_before_they_are_averaged():
    combined = combine_controls([exact(2.0, 1.0, 0.0), exact(0.1, 0.5, 0.5)])
    assert combined.low.tolist() == pytest.approx([0.6, 0.75, 0.5])
    assert combined.exact.all()


def test_an_unknown_control_may_be_anything_and_widens_the_bounds():
    combined = combine_controls([exact(1.0, 1.0, NAN), exact(NAN, 0.5, NAN)])
    assert combined.low.tolist() == pytest.approx([0.5, 1.0, NAN], nan_ok=True)
    assert combined.high.tolist() == pytest.approx([1.0, 1.0, NAN], nan_ok=True)
    assert combined.exact.tolist() == [False, True, False]


def test_bounds_stay_bounds():
    bounded = Bounds(np.array([0.2, 0.4]), np.array([0.8, 0.4]))
    combined = combine_controls([bounded, exact(1.0, 1.0)])
    assert combined.low.tolist() == pytest.approx([(0.25 + 1) / 2, (0.5 + 1) / 2])
    assert combined.high.tolist() == pytest.approx([1.0, (0.5 + 1) / 2])


def test_controls_that_are_sure_of_everything_are_no_division_by_zero():
    assert combine_controls([exact(0.0, 0.0), exact(0.0, 0.0)]).low.tolist() == [0.0, 0.0]


def test_without_a_control_there_is_nothing_to_combine():
    with pytest.raises(InvalidInput):
        combine_controls([])
