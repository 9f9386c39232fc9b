"""Waiting for servers: what comes, in which order, and that nobody goes deaf meanwhile."""

import gc
import subprocess
import sys
import threading
import time
from itertools import count

import pytest

from al_core.errors import Cancelled, ServerUnreachable
from al_core.flights import PARCEL, PUMP_AHEAD, awaited, in_flight, pumped


def silent() -> None:
    pass


def cancelling() -> None:
    raise Cancelled("Cancelled.")


@pytest.fixture
def never():
    """An event that is set only when the test is over, so that hanging work ends with it."""
    event = threading.Event()
    yield event
    event.set()


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --------------------------------------------------------------------- awaited


def test_what_is_awaited_comes():
    assert awaited(lambda: 7, silent) == 7


def test_who_waits_hears_ticks():
    ticks, enough = [], threading.Event()

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) == 3:
            enough.set()

    assert awaited(lambda: enough.wait(10), tick) is True
    assert len(ticks) >= 3


def test_cancelling_leaves_what_hangs_at_once(never):
    started = time.monotonic()
    with pytest.raises(Cancelled):
        awaited(never.wait, cancelling)
    assert time.monotonic() - started < 2


def test_an_error_of_the_work_is_the_callers():
    def work():
        raise ServerUnreachable("It is down.", retry_after=7)

    with pytest.raises(ServerUnreachable, match="It is down") as caught:
        awaited(work, silent)
    assert caught.value.retry_after == 7


def test_python_ends_although_a_request_hangs():
    program = (
        "import time\n"
        "from al_core.flights import awaited, pumped\n"
        "def leave(): raise SystemExit(3)\n"
        "awaited(lambda: time.sleep(60), leave)\n"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", program], timeout=50).returncode == 3
    assert time.monotonic() - started < 30


# --------------------------------------------------------------------- several in flight


def test_everything_comes_once():
    assert sorted(in_flight(lambda number: number * number, range(50), 4, silent)) == [n * n for n in range(50)]


def test_nothing_comes_of_nothing():
    assert list(in_flight(lambda number: number, (), 4, silent)) == []


def test_never_more_than_asked_for_and_all_of_those_at_once():
    meet, inside, most = threading.Barrier(3), [], []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            inside.append(number)
            most.append(len(inside))
        meet.wait(10)  # breaks unless three are here together
        with lock:
            inside.remove(number)
        return number

    assert len(list(in_flight(work, range(12), 3, silent))) == 12
    assert max(most) == 3


def test_what_is_quick_does_not_wait_for_what_is_slow(never):
    found = in_flight(lambda number: number or never.wait(10), range(4), 2, silent)
    assert sorted(next(found) for _ in range(3)) == [1, 2, 3]
    never.set()
    assert next(found) is True


def test_an_item_is_taken_after_what_came_before_was_looked_at():
    """So the size of the next chunk can follow how long the last one took."""
    taken = []

    def items():
        for number in count():
            taken.append(number)
            yield number

    found = in_flight(lambda number: number, items(), 2, silent)
    next(found)
    assert taken == [0, 1]
    next(found)
    assert taken == [0, 1, 2]


def test_an_error_ends_the_rest():
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise ServerUnreachable("It is down.")
        return number

    with pytest.raises(ServerUnreachable):
        list(in_flight(work, range(1000), 2, silent))
    assert len(begun) < 20


def test_what_has_come_with_an_error_is_given_before_it():
    gate = threading.Event()

    def work(number: int) -> int:
        gate.wait(10)
        if number == 0:
            raise ServerUnreachable("It is down.")
        return number

    def tick() -> None:
        gate.set()
        time.sleep(0.5)  # until all four have landed, in whatever order

    landed = []
    with pytest.raises(ServerUnreachable):
        landed.extend(in_flight(work, range(4), 4, tick))
    assert sorted(landed) == [1, 2, 3]


def test_an_error_of_the_items_is_the_callers():
    def items():
        yield 1
        raise ServerUnreachable("It is down.")

    with pytest.raises(ServerUnreachable):
        list(in_flight(lambda number: number, items(), 2, silent))


def test_who_stops_reading_starts_nothing_more():
    begun = []
    found = in_flight(lambda number: begun.append(number), range(100), 2, silent)
    next(found)
    found.close()
    time.sleep(0.1)
    assert len(begun) <= 3


# --------------------------------------------------------------------- pumped


@pytest.mark.parametrize("number", [0, 1, PARCEL - 1, PARCEL, PARCEL + 1, 7 * PARCEL])
def test_pumped_items_are_the_same_in_the_same_order(number):
    assert list(pumped(range(number), silent)) == list(range(number))


def test_what_was_fetched_before_an_error_comes_before_it():
    def items():
        yield from range(PARCEL + 3)
        raise ServerUnreachable("It broke off.")

    found = []
    with pytest.raises(ServerUnreachable, match="broke off"):
        found.extend(pumped(items(), silent))
    assert found == list(range(PARCEL + 3))


def test_a_pump_is_not_far_ahead_of_its_reader():
    fetched = []

    def items():
        for number in count():
            fetched.append(number)
            yield number

    found = pumped(items(), silent)
    next(found)
    time.sleep(0.2)
    # What waits, what the reader has, and what the pump has in its hands.
    assert len(fetched) <= (PUMP_AHEAD + 2) * PARCEL + 1
    found.close()


def test_a_pump_ends_and_closes_its_source_when_the_reader_stops():
    closed = threading.Event()

    def items():
        try:
            yield from count()
        finally:
            closed.set()

    found = pumped(items(), silent)
    next(found)
    found.close()
    del found
    gc.collect()
    assert closed.wait(10)
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "pump"])


def test_cancelling_leaves_a_silent_source_at_once(never):
    def items():
        yield 1
        never.wait(60)

    started = time.monotonic()
    with pytest.raises(Cancelled):
        list(pumped(items(), cancelling))
    assert time.monotonic() - started < 2
