"""The curve through what was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.evaluation import Point, fit_power_law, wilson_interval


def measured(labels, shares, tests=200):
    rights = [round(share * tests) for share in shares]
    return [
        Point(count, right / tests, *wilson_interval(right, tests)) for count, right in zip(labels, rights, strict=True)
    ]


def rising(count=10, tests=200):
    labels = np.arange(1, count + 1) * 25
    return measured(labels.tolist(), (0.95 - 1.5 * labels**-0.5).tolist(), tests)


@pytest.mark.parametrize("labels", [[], [25], [25, 50], [25, 25, 50, 50], [0, 25, 50]])
def test_a_curve_needs_three_counts_of_labels(labels):
    assert fit_power_law(measured(labels, [0.5] * len(labels))) is None


def test_the_curve_runs_through_what_was_measured():
    points = rising()
    middle, low, high = fit_power_law(points).at([point.labels for point in points])
    assert middle == pytest.approx([point.value for point in points], abs=0.01)
    assert (low < middle).all()
    assert (middle < high).all()


def test_points_may_come_in_any_order():
    points = rising()
    one, other = fit_power_law(points), fit_power_law(points[::-1])
    assert one.gain(250, 100) == other.gain(250, 100)


def test_the_same_seed_gives_the_same_curve():
    points = rising()
    one, same, other = (fit_power_law(points, seed=seed).gain(250, 100) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.002)


def test_what_more_labels_bring_is_near_the_truth():
    found = fit_power_law(rising(tests=500)).gain(250, 250)
    truth = 1.5 * (250**-0.5 - 500**-0.5)
    assert found.low < truth < found.high
    assert found.value == pytest.approx(truth, abs=0.015)


def test_the_further_ahead_the_less_is_known():
    fit = fit_power_law(rising())
    gains = [fit.gain(250, more) for more in (10, 50, 100, 500, 5000)]
    widths = [gain.high - gain.low for gain in gains]
    assert widths == sorted(widths)
    assert fit.gain(250, 0).value == fit.gain(250, 0).low == 0


def test_a_larger_test_set_makes_the_curve_and_the_gain_more_exact():
    small, large = fit_power_law(rising(tests=100)), fit_power_law(rising(tests=2000))
    assert width(large.at([250])) < width(small.at([250])) / 3
    assert large.gain(250, 100).high - large.gain(250, 100).low < small.gain(250, 100).high - small.gain(250, 100).low


def test_more_rounds_do_not_make_the_test_set_any_larger():
    flat = [Point(25 * number, 0.8, *wilson_interval(160, 200)) for number in range(1, 41)]
    last = flat[-1]
    assert width(fit_power_law(flat).at([last.labels])) > 0.9 * (last.high - last.low)


def test_what_is_measured_scatters_more_than_the_curve():
    points = measured([25, 50, 75, 100, 125, 150], [0.6, 0.75, 0.68, 0.82, 0.74, 0.85])
    fit = fit_power_law(points)
    # Where the test set's own part is known from its measurements, what it shows next may be known better than the
    # truth; the luck of each measurement is there all the same.
    _, low, high = fit.measured_at([175])
    assert low < 0.8 < high
    assert (high - low)[0] > 0.1


def test_nothing_is_promised_above_everything_right():
    points = measured([20, 40, 60, 80], [0.9, 0.96, 0.985, 0.995])
    fit = fit_power_law(points)
    assert fit.gain(80, 1000).high < 0.04
    assert fit.at([10**7])[2][0] <= 1


def test_a_curve_that_falls_may_fall_on():
    fit = fit_power_law(measured([50, 100, 150, 200, 250], [0.9, 0.85, 0.8, 0.76, 0.72], tests=500))
    assert fit.gain(250, 50).low < -0.01


def test_an_early_count_is_told_too_and_none_counts_as_one():
    fit = fit_power_law(rising())
    low_end, one, none = (fit.at([labels])[0][0] for labels in (5, 1, 0))
    assert one == none <= low_end


counts = st.integers(1, 10**6)
shares = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)
widths = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


@given(st.lists(st.tuples(counts, shares, widths), min_size=3, max_size=20), st.integers(0, 10**6))
def test_nothing_makes_it_fail(rows, more):
    fit = fit_power_law([Point(n, value, max(0, value - half), min(1, value + half)) for n, value, half in rows])
    if fit is None:
        assert len({n for n, _, _ in rows}) < 3
        return
    gain = fit.gain(max(n for n, _, _ in rows), more)
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    for middle, low, high in (fit.at([1, 100, 10**6]), fit.measured_at([1, 100, 10**6])):
        assert (low >= 0).all()
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert (high <= 1).all()


def width(band):
    return float((band[2] - band[1])[0])
