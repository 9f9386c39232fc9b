"""How fast work goes, from what it reports."""

from itertools import pairwise

import pytest

from trustai_web.campaigns.pace import Pace


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def go(pace, clock, seconds, rate, *, done=0, total=100_000, step=0.25):
    """Report as work of a steady pace does; gives the paces told."""
    told = []
    for number in range(1, int(seconds / step) + 1):
        clock.now += step
        told.append(pace.rate(int(done + number * step * rate), total))
    return told


def test_nothing_is_told_in_the_first_seconds(pace, clock):
    pace.rate(0, 100_000)
    assert go(pace, clock, 1.75, 400) == [None] * 7
    assert go(pace, clock, 0.25, 400, done=700) == pytest.approx([400])


def test_a_steady_pace_is_told_as_it_is(pace, clock):
    pace.rate(0, 100_000)
    assert go(pace, clock, 60, 400)[8:] == pytest.approx([400] * 232)


def test_what_was_done_before_the_first_report_is_no_pace(pace, clock):
    pace.rate(50_000, 100_000)
    assert go(pace, clock, 10, 40, done=50_000)[-1] == pytest.approx(40)


def test_a_pace_that_changes_is_followed_without_a_jump(pace, clock):
    pace.rate(0, 100_000)
    go(pace, clock, 30, 400)
    told = go(pace, clock, 30, 100, done=12_000)
    steps = [before - after for before, after in pairwise(told)]
    assert min(steps) >= 0
    assert max(steps) < 10
    assert 240 > told[39] > 150, "after the ten seconds the most of it is forgotten"
    assert told[-1] == pytest.approx(100, rel=0.2)


def test_work_that_comes_in_large_steps_shows_a_mean(pace, clock):
    """A backend that answers 100 tasks every two seconds, with ticks in between."""
    pace.rate(0, 100_000)
    told = []
    for tick in range(1, 241):
        clock.now += 0.25
        told.append(pace.rate(100 * (tick // 8), 100_000))
    assert max(told[80:]) < 60
    assert min(told[80:]) > 40


@pytest.mark.parametrize(("done", "total"), [(900, 50_000), (900, None), (10, 100_000)], ids=["total", "none", "less"])
def test_another_phase_begins_anew(pace, clock, done, total):
    pace.rate(0, 100_000)
    assert go(pace, clock, 10, 400)[-1] == pytest.approx(400)
    clock.now += 0.25
    assert pace.rate(done, total) is None
    assert go(pace, clock, 1.75, 8, done=done, total=total) == [None] * 7
    assert go(pace, clock, 4, 8, done=done + 14, total=total)[-1] == pytest.approx(8, rel=0.1)


def test_work_that_stands_still_has_no_pace(pace, clock):
    pace.rate(0, None)
    assert go(pace, clock, 20, 0, total=None) == [None] * 80
