"""A backend that is asked for a pool: chunks, failures, outages and versions."""

import json
import threading
import time

import httpx
import numpy as np
import pytest

from al_core.errors import Cancelled, ServerUnreachable, UnexpectedAnswer
from al_core.predictions import direct
from tests.al_core.leaving import cancel_after
from tests.al_core.predictions.conftest import same
from tests.servers import region

REFUSED = httpx.ConnectError("refused")
FAILED = {"the ML backend failed on this task": 1}


def ids_of(request):
    return [task["id"] for task in json.loads(request.content)["tasks"]]


def for_task(number, answer):
    """A fault of every request that the task is in."""
    return lambda request: answer if number in ids_of(request) else None


@pytest.fixture
def only_direct(bench):
    return lambda **settings: bench.model(source="direct", **settings)


# --------------------------------------------------------------------- one wrong task


def too_few(request):
    return httpx.Response(200, json={"results": [{"result": []}] * (len(ids_of(request)) - 1)})


def too_many(request):
    return httpx.Response(200, json={"results": [{"result": []}] * (len(ids_of(request)) + 1)})


def one_task(fault):
    return lambda request: fault(request) if 13 in ids_of(request) else None


@pytest.mark.parametrize(
    "fault",
    [
        one_task(too_few),
        one_task(too_many),
        for_task(13, httpx.Response(200, html="<html>busy</html>")),
        for_task(13, httpx.Response(200)),
        for_task(13, httpx.Response(200, json=[1])),
        for_task(13, httpx.Response(500, json={"error": "out of memory"})),
        for_task(13, httpx.Response(400, json={"error": "bad picture"})),
        for_task(13, httpx.ReadTimeout("slow")),
        for_task(13, httpx.RemoteProtocolError("cut")),
    ],
    ids=["too few", "too many", "HTML", "empty body", "a list", "500", "400", "time-out", "broken off"],
)
def test_one_task_that_the_backend_cannot_do_costs_one_task(backend, only_direct, fault):
    backend.faults["/predict"] = fault
    said = only_direct()
    assert said.probabilities[0].unknown == FAILED
    assert said.probabilities[0].known.tolist() == [task_id != 13 for task_id in range(1, 31)]
    assert said.failed == 1
    assert len(backend.bodies("/predict")) < 20, "found by halves"


def test_a_number_that_is_none_costs_its_task_alone(backend, only_direct):
    real = backend.result

    def result(task_id):
        return [region("good", {"good": float("nan"), "bad": 0.4})] if task_id == 13 else real(task_id)

    def with_nan(request):
        results = [{"result": result(task_id), "model_version": "v1"} for task_id in ids_of(request)]
        return httpx.Response(200, content=json.dumps({"results": results}))

    backend.faults["/predict"] = with_nan
    said = only_direct()
    assert said.probabilities[0].unknown == {"not a number": 1}
    assert said.failed == 0


def test_a_failure_is_tried_again_by_the_next_run_and_what_is_known_is_not(backend, only_direct, asked):
    backend.faults["/predict"] = for_task(13, httpx.Response(500))
    only_direct()
    asked()
    backend.faults.clear()
    said = only_direct()
    assert asked() == [13]
    assert (said.kept, said.failed, said.probabilities[0].unknown) == (29, 0, {})


# --------------------------------------------------------------------- a broken backend


@pytest.mark.parametrize("task_count", [100, 1000])
def test_a_backend_that_fails_on_everything_is_one_clear_error(server, backend, only_direct, task_count):
    for task_id in range(31, task_count + 1):
        server.add_task(task_id, {"text": "more"})
    backend.faults["/predict"] = httpx.Response(500, json={"error": "weights not found"})
    with pytest.raises(UnexpectedAnswer, match=r"failed on 20 of the first 20 tasks.*weights not found"):
        only_direct()
    assert len(backend.bodies("/predict")) < 60


def test_many_failures_among_more_successes_are_no_reason_to_stop(server, backend, only_direct):
    for task_id in range(31, 101):
        server.add_task(task_id, {"text": "more"})

    def every_fourth(request):
        return httpx.Response(500) if any(task_id % 4 == 0 for task_id in ids_of(request)) else None

    backend.faults["/predict"] = every_fourth
    assert only_direct().failed == 25


# --------------------------------------------------------------------- outages


def test_an_outage_ends_the_run_and_the_next_goes_on_from_there(backend, only_direct, asked):
    whole = only_direct(store=None)
    asked()
    calls = []

    def falls(request):
        with lock:
            calls.append(1)
            return REFUSED if len(calls) > 2 else None

    lock = threading.Lock()
    backend.faults["/predict"] = falls
    with pytest.raises(ServerUnreachable):
        only_direct()
    assert len(calls) == 3, "nothing more is asked of a server that is gone"
    asked()
    backend.faults.clear()
    said = only_direct()
    assert len(asked()) == 10, "two chunks of ten were done"
    assert said.kept == 20
    assert same(said, whole)


def test_what_is_under_way_when_one_request_is_refused_is_kept(backend, only_direct, asked, monkeypatch):
    def falls(request):
        if 1 in ids_of(request):
            return REFUSED
        time.sleep(0.2)
        return None

    backend.faults["/predict"] = falls
    with pytest.raises(ServerUnreachable):
        only_direct()
    asked()
    backend.faults.clear()
    only_direct()
    assert asked() == list(range(1, 11))


def test_label_studio_that_falls_while_data_are_read_ends_the_run(server, only_direct, bench):
    pool = bench.pool()
    source = bench.source(source="direct")
    server.faults["GET /api/tasks"] = httpx.Response(502)
    with pytest.raises(ServerUnreachable):
        source.model(pool)


def test_a_hanging_backend_can_be_left_at_once(bench, backend):
    released = threading.Event()
    backend.faults["/predict"] = lambda _: released.wait(20) and None
    began, stop = time.monotonic(), cancel_after(0.3)

    try:
        with pytest.raises(Cancelled):
            bench.source().model(bench.pool(), stop)
        assert time.monotonic() - began < 2
    finally:
        released.set()


def test_a_cancelled_run_keeps_what_was_predicted(bench, backend, asked, monkeypatch):
    monkeypatch.setattr(direct, "IN_FLIGHT", 1)
    source, pool = bench.source(), bench.pool()

    def stop(done, total, sentence):
        if done == 20:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        source.model(pool, stop)
    asked()
    source.model(pool)
    assert asked() == list(range(21, 31))


# --------------------------------------------------------------------- versions


def test_a_model_that_changes_in_the_middle_is_an_error_and_what_was_said_before_is_kept(
    bench, backend, asked, monkeypatch
):
    monkeypatch.setattr(direct, "IN_FLIGHT", 1)

    def trained(request):
        backend.version = "v1" if 1 in ids_of(request) else "v2"

    backend.faults["/predict"] = trained
    source, pool = bench.source(), bench.pool()
    with pytest.raises(UnexpectedAnswer, match=r"model changed while it predicted \(v1, v2\)"):
        source.model(pool)
    backend.faults.clear()
    asked()
    assert source.model(pool).version == "v2"
    assert asked() == list(range(1, 31)), "what v1 said is of no use to v2"


def test_a_version_that_only_predictions_tell(server, backend, bench, asked):
    backend.faults["/setup"] = httpx.Response(200, json={})
    said = bench.model()
    assert (said.version, said.probabilities[0].unknown) == ("v1", {})
    asked()
    bench.model()
    assert asked() == list(range(1, direct_probe() + 1)), "only to hear which version it is by now"
    backend.version = "v2"
    assert bench.model().version == "v2"


def direct_probe():
    from al_core.predictions.source import PROBE

    return PROBE


def silently(backend):
    def answer(request):
        return httpx.Response(200, json={"results": [{"result": backend.result(i)} for i in ids_of(request)]})

    return answer


def test_a_version_that_only_the_setup_tells(backend, bench):
    backend.faults["/predict"] = silently(backend)
    said = bench.model()
    assert (said.version, said.probabilities[0].unknown) == ("v1", {})


def test_a_silent_model_that_changes_meanwhile_is_found_out(backend, bench, asked):
    answer = silently(backend)

    def trained(request):
        backend.version = "v2"
        return answer(request)

    backend.faults["/predict"] = trained
    with pytest.raises(UnexpectedAnswer, match=r"model changed"):
        bench.model()
    backend.version = "v1"
    asked()
    backend.faults["/predict"] = answer
    bench.model()
    assert asked() == list(range(1, 31)), "what it may have said of v2 is not kept"


def test_a_backend_that_never_tells_its_version_is_asked_anew_each_time(backend, bench, asked):
    backend.faults["/setup"] = httpx.Response(200, json={})
    backend.faults["/predict"] = silently(backend)
    assert bench.model().version == ""
    asked()
    assert bench.model().kept == 0
    assert set(asked()) == set(range(1, 31))


# --------------------------------------------------------------------- chunks


def test_chunks_grow_where_it_is_quick_and_shrink_where_it_is_slow(monkeypatch):
    monkeypatch.setattr(direct, "MOST_CHUNK", 500)
    chunks = direct._Chunks(np.arange(100_000))
    sizes = []
    for seconds in [0.1] * 7 + [1.5] * 2 + [3.0] * 12:
        chunk = next(chunks)
        sizes.append(len(chunk.task_ids))
        chunks.went_well(chunk, seconds, characters=1000)
    assert sizes[:9] == [16, 32, 64, 128, 256, 500, 500, 500, 500]
    assert sizes[9:] == [500, 250, 125, 62, 31, 15, 7, 3, 1, 1, 1, 1]


def test_tasks_with_long_texts_or_pictures_go_few_at_a_time(server, backend, bench, asked, monkeypatch):
    monkeypatch.setattr(direct, "MOST_CHUNK", 500)
    monkeypatch.setattr(direct, "IN_FLIGHT", 1)
    monkeypatch.setattr(direct, "MOST_CHARACTERS", 10_000)
    for task_id in range(1, 201):
        server.add_task(task_id, {"text": "x" * 1000})
    sizes: list[int] = []
    backend.faults["/predict"] = lambda request: sizes.append(len(ids_of(request)))
    bench.model()
    assert sizes[0] == 16
    assert set(sizes[1:-1]) == {8}


def test_a_backend_that_takes_few_at_a_time_gets_few(server, backend, bench, monkeypatch):
    monkeypatch.setattr(direct, "MOST_CHUNK", 500)
    for task_id in range(31, 201):
        server.add_task(task_id, {"text": "more"})
    backend.faults["/predict"] = lambda request: httpx.Response(413) if len(ids_of(request)) > 4 else None
    said = bench.model()
    assert (said.failed, said.probabilities[0].unknown) == (0, {})


@pytest.mark.parametrize(("most", "flights"), [(1, 1), (3, 4), (7, 2), (10, 8), (500, 4)])
def test_whatever_the_chunks_the_same_is_said(backend, bench, monkeypatch, most, flights):
    backend.faults["/predict"] = for_task(13, httpx.Response(500))
    first = bench.model(store=None)
    monkeypatch.setattr(direct, "MOST_CHUNK", most)
    monkeypatch.setattr(direct, "IN_FLIGHT", flights)
    assert same(bench.model(store=None), first)


def test_helpers_in_any_order_and_parts_done_twice_change_nothing(backend, bench):
    first = bench.model(store=None)

    def spread(work, part, task_ids, progress):
        pieces = np.array_split(task_ids, 4)
        for piece in [pieces[3], pieces[1], pieces[0], pieces[1], pieces[2]]:
            bench.source().predict_part(bench.backend, part.model_version, piece)

    assert same(bench.model(spread=spread), first)


def test_a_part_that_is_done_again_asks_only_for_what_is_not_there(backend, bench, asked):
    def spread(work, part, task_ids, progress):
        work(task_ids[:12], progress)
        asked()
        work(task_ids, progress)

    bench.model(spread=spread)
    assert asked() == list(range(13, 31))


def test_a_task_that_is_gone_is_left_out(server, bench):
    pool = bench.pool()
    del server.tasks[30]
    said = bench.source().model(pool)
    assert said.probabilities[0].unknown == {"no prediction": 1}
    assert said.failed == 0


def test_a_task_whose_data_changed_is_predicted_anew(server, bench, asked):
    bench.model()
    asked()
    server.tasks[7]["data"] = {"text": "other words"}
    server.tasks[7]["updated_at"] = server._now()
    said = bench.model()
    assert asked() == [7]
    assert said.kept == 29
