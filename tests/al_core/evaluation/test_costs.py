"""What labels cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.evaluation import labelling_seconds, seconds_per_label

times = st.lists(st.none() | st.floats(-10, 10_000, allow_nan=False), max_size=60)


def test_times_add_up():
    assert labelling_seconds([10.0, 20.0, 30.0]) == (60.0, 3)


def test_a_label_of_unknown_time_counts_as_the_mean_of_the_others():
    assert labelling_seconds([10.0, None, 30.0, None]) == (80.0, 2)


@pytest.mark.parametrize("unknown", [3600.5, 90_000, 0, -1, float("nan"), float("inf"), None])
def test_a_page_left_open_or_a_time_that_cannot_be_is_unknown(unknown):
    assert labelling_seconds([10.0, unknown]) == (20.0, 1)


def test_an_hour_is_still_believed():
    assert labelling_seconds([3600.0]) == (3600.0, 1)


@pytest.mark.parametrize("nothing", [[], [None], [None, 4000.0]])
def test_where_no_time_is_known_the_cost_is_unknown(nothing):
    assert labelling_seconds(nothing) == (None, 0)
    assert seconds_per_label(nothing) is None


def test_the_mean_of_few_times_has_no_interval():
    assert seconds_per_label([5.0, 6.0, 7.0] * 3) is None
    assert seconds_per_label([5.0, 6.0, 7.0] * 3 + [6.0]) is not None


def test_the_interval_of_the_mean_narrows_and_leans_to_the_long_times():
    few = seconds_per_label([10.0, 12.0, 14.0, 90.0] * 5)
    many = seconds_per_label([10.0, 12.0, 14.0, 90.0] * 100)
    assert few.value == many.value == 31.5
    assert few.high - few.low > 3 * (many.high - many.low)
    assert few.high - few.value > few.value - few.low


def test_the_same_seed_gives_the_same_interval():
    known = [float(seconds) for seconds in range(5, 60, 3)]
    assert seconds_per_label(known, seed=4) == seconds_per_label(known, seed=4)
    assert seconds_per_label(known, seed=4) != seconds_per_label(known, seed=5)


def test_many_times_go_by_the_normal_distribution():
    found = seconds_per_label([10.0, 20.0] * 1000)
    assert (found.low, found.high) == pytest.approx((15 - 1.96 * 5 / 2000**0.5, 15 + 1.96 * 5 / 2000**0.5), abs=1e-3)


def test_times_that_are_all_alike_are_known_exactly():
    found = seconds_per_label([7.5] * 12)
    assert (found.low, found.value, found.high) == (7.5, 7.5, 7.5)


@given(times)
def test_the_interval_holds_the_mean(lead_times):
    found = seconds_per_label(lead_times)
    seconds, known = labelling_seconds(lead_times)
    assert (found is None) == (known < 10)
    if found is not None:
        assert 0 <= found.low <= found.value <= found.high
        assert seconds == pytest.approx(found.value * len(lead_times))
