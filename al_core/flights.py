"""Waiting for servers without going deaf: requests run in threads, the caller ticks meanwhile.

A *tick* is called about every ``TICK_SECONDS`` while there is nothing but waiting. It reports progress and may
raise, ``Cancelled`` above all: the error leaves at once, and requests that are under way are left to end unheard.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

Tick = Callable[[], None]

TICK_SECONDS = 0.25

PUMP_AHEAD = 4
"""Parcels that a pump may be ahead of its reader: enough to keep both busy, and little memory."""

PARCEL = 100
"""Items that cross from the pump's thread at once: fewer, and the crossing would cost more than the items; more, and
they live long enough for the garbage collector to go through them again and again."""

T = TypeVar("T")
R = TypeVar("R")


def awaited(work: Callable[[], R], tick: Tick) -> R:
    """What ``work`` gives, with ticks until it does."""
    return next(in_flight(lambda _: work(), (None,), 1, tick))


def in_flight(work: Callable[[T], R], items: Iterable[T], most: int, tick: Tick) -> Iterator[R]:
    """Work on items, ``most`` of them at a time, and give what comes of each as soon as it comes.

    Items are taken one by one as places become free, each when what came before was looked at, so an endless or an
    adapting iterable will do. An error of one ends the rest: what has come by then is given first, and those not
    begun never are.
    """
    landed: queue.SimpleQueue[Future[R]] = queue.SimpleQueue()

    def fly(item: T) -> None:
        flight: Future[R] = Future()
        try:
            flight.set_result(work(item))
        except BaseException as error:  # the caller gets it
            flight.set_exception(error)
        landed.put(flight)

    coming = iter(items)
    flying = 0
    while True:
        for item in islice(coming, most - flying):
            # Not an executor's threads: Python waits for those before it ends, so for a server that hangs.
            threading.Thread(target=fly, args=(item,), name="flight", daemon=True).start()
            flying += 1
        if not flying:
            return
        try:
            flight = landed.get(timeout=TICK_SECONDS)
        except queue.Empty:
            tick()
            continue
        flying -= 1
        if flight.exception() is not None:
            yield from _good(landed)
        yield flight.result()


def _good(landed: "queue.SimpleQueue[Future[R]]") -> Iterator[R]:
    """What has come by now, without errors."""
    while not landed.empty():
        flight = landed.get()
        if flight.exception() is None:
            yield flight.result()


def pumped(items: Iterable[T], tick: Tick, parcel_size: int = PARCEL) -> Iterator[T]:
    """The same items, fetched by a thread, with ticks while none comes.

    The thread is at most ``PUMP_AHEAD`` parcels ahead and ends when the reader stops. It should do little but wait: two
    threads that both calculate cost half as much again as one.
    """
    parcels: queue.Queue[list[T] | BaseException | None] = queue.Queue(PUMP_AHEAD)
    unheard = threading.Event()

    def hand_over(parcel: list[T] | BaseException | None) -> bool:
        while not unheard.is_set():
            try:
                parcels.put(parcel, timeout=TICK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def pump() -> None:
        parcel: list[T] = []
        try:
            for item in items:
                parcel.append(item)
                if len(parcel) == parcel_size:
                    if not hand_over(parcel):
                        return
                    parcel = []
        except BaseException as error:  # the reader gets what was fetched, then the error
            hand_over(parcel)
            hand_over(error)
            return
        hand_over(parcel)
        hand_over(None)

    threading.Thread(target=pump, name="pump", daemon=True).start()
    try:
        while True:
            try:
                parcel = parcels.get(timeout=TICK_SECONDS)
            except queue.Empty:
                tick()
                continue
            if parcel is None:
                return
            if isinstance(parcel, BaseException):
                raise parcel
            yield from parcel
    finally:
        unheard.set()
