"""The interval of a share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.errors import InvalidInput
from al_core.evaluation import wilson_interval


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_the_interval_agrees_with_published_values(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.01, 0.999))
def test_the_interval_holds_the_share_inside_0_and_1(correct, total, confidence):
    correct = min(correct, total)
    low, high = wilson_interval(correct, total, confidence)
    assert 0 <= low <= correct / total <= high <= 1
    assert low < high
    mirrored = wilson_interval(total - correct, total, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize("total", [1, 3, 7, 10, 49, 1000])
def test_the_interval_touches_the_ends_exactly(total):
    assert wilson_interval(0, total)[0] == 0.0
    assert wilson_interval(total, total)[1] == 1.0


def test_more_trials_narrow_the_interval_and_more_confidence_widens_it():
    def width(*arguments):
        low, high = wilson_interval(*arguments)
        return high - low

    assert width(80, 100) < width(8, 10) < width(8, 10, 0.99)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [(5, 4), (-1, 4), (1, -4), (1.0, 4), (1, 2, 0), (1, 2, 1), (1, 2, float("nan"))])
def test_an_impossible_interval_is_refused(wrong):
    with pytest.raises(InvalidInput):
        wilson_interval(*wrong)
