"""Predictions that Label Studio has stored: how they are read, and how seldom."""

import threading
import time

import httpx
import numpy as np
import pytest

from al_core.errors import Cancelled, NoPredictions, ServerUnreachable
from al_core.pool import PoolReader, pool_of
from al_core.predictions import stored
from al_core.types import Reason
from tests.al_core.leaving import cancel_after
from tests.al_core.predictions.conftest import same
from tests.servers import PROJECT_ID


def predict(server, task_ids, version="v1", good=0.6):
    for task_id in task_ids:
        server.predict(task_id, good + task_id / 1000, version)


EVERY = range(1, 31)


# --------------------------------------------------------------------- stored, then direct


def test_what_is_stored_is_read_and_the_rest_asked_for(server, bench, asked, reads):
    predict(server, range(1, 21))
    predict(server, range(21, 26), "v0")
    said = bench.model()
    assert asked() == list(range(21, 31))
    assert reads() == ["stream"]
    assert (said.version, said.kept, said.probabilities[0].unknown) == ("v1", 0, {})
    assert said.probabilities[0].values[0, 0] == pytest.approx(0.601)


def test_a_second_round_with_the_same_version_reads_and_asks_nothing(server, bench, asked, reads):
    predict(server, range(1, 21))
    first = bench.model()
    asked(), reads()
    server.requests.clear()
    second = bench.model()
    assert (asked(), reads()) == ([], [])
    assert second.kept == 30
    assert same(first, second)


def test_another_version_is_read_and_asked_anew_and_the_old_one_forgotten(server, backend, bench, asked):
    bench.model()
    asked()
    backend.version = "v2"
    predict(server, range(1, 11), "v2")
    assert bench.model().version == "v2"
    assert asked() == list(range(11, 31))
    assert len([name for name in bench.store.names("predictions/") if name.endswith(".npz")]) == 1


def test_predictions_imported_meanwhile_are_noticed_by_their_number(server, bench, asked, reads):
    predict(server, range(1, 11))
    bench.model(source="stored")
    reads()
    predict(server, range(11, 21))  # as an import: no task is stamped as changed
    said = bench.model()
    assert asked() == list(range(21, 31))
    assert reads() == ["stream"]
    assert said.kept == 10


def test_new_tasks_alone_are_read_by_their_ids(server, bench, asked, reads, monkeypatch):
    predict(server, EVERY)
    bench.model()
    reads()
    server.add_task(31, {"text": "new"})
    server.add_task(32, {"text": "new as well"})
    predict(server, [31])
    bench.model()
    assert reads() == ["ids"]
    assert asked() == [32]


def test_a_label_that_was_taken_back_needs_no_stored_predictions_read(server, bench, asked):
    predict(server, EVERY)
    bench.model()
    server.annotate(5, "good")
    server.delete_annotations(5)
    bench.model()
    assert asked() == [5]


# --------------------------------------------------------------------- one source only


def test_only_stored_ones_are_used_where_the_backend_may_not_be_asked(server, bench, asked, reads):
    predict(server, range(1, 21))
    predict(server, range(21, 26), "v0")
    said = bench.model(source="stored")
    assert asked() == []
    assert said.probabilities[0].unknown == {Reason.OTHER_VERSION: 5, Reason.NO_PREDICTION: 5}
    reads()
    again = bench.model(source="stored")
    assert reads() == [], "of those without a prediction that is known as well"
    assert same(said, again)


def test_where_nothing_of_the_backends_version_is_stored_the_error_says_so(server, bench):
    predict(server, range(1, 21), "v0")
    with pytest.raises(NoPredictions, match=r"no predictions of v1, the version of the ML backend.*It has those of v0"):
        bench.model(source="stored")


def test_a_backend_that_is_always_asked_gets_every_task(server, bench, asked, reads):
    predict(server, EVERY)
    bench.model()
    assert asked() == []
    reads()
    said = bench.model(source="direct")
    assert (asked(), reads(), said.kept) == (list(EVERY), [], 0)
    assert bench.model(source="direct").kept == 30


def test_what_a_backend_said_does_not_count_as_stored(server, bench):
    bench.model()
    predict(server, [1])
    assert bench.model(source="stored").probabilities[0].unknown == {Reason.NO_PREDICTION: 29}


def test_without_a_backend_a_task_that_changed_is_looked_up_again(server, bench, reads, monkeypatch):
    monkeypatch.setattr(stored, "BY_ID_COST", 1)
    predict(server, range(1, 21))
    first = bench.model(ask_backend=False)
    assert first.probabilities[0].unknown == {Reason.NO_PREDICTION: 10}
    reads()
    server.annotate(5, "good")
    server.delete_annotations(5)
    server.annotate(25, "good")
    server.delete_annotations(25)
    second = bench.model(ask_backend=False)
    assert reads() == ["ids"]
    assert (second.kept, second.probabilities[0].unknown) == (19, first.probabilities[0].unknown)


# --------------------------------------------------------------------- ways to read


def test_of_several_predictions_of_a_task_the_last_counts(server, bench):
    predict(server, [1], good=0.6)
    predict(server, [1], good=0.9)
    said = bench.model(ask_backend=False)
    assert said.probabilities[0].values[0, 0] == pytest.approx(0.901)


@pytest.mark.parametrize("page_size", [4, 500])
def test_too_many_for_one_answer_come_by_pages(server, bench, reads, monkeypatch, page_size):
    predict(server, EVERY)
    first = bench.model(store=None)
    monkeypatch.setattr(stored, "STREAM_MOST", 29)
    monkeypatch.setattr(stored, "PREDICTED_PAGE_SIZE", page_size)
    monkeypatch.setattr("al_core.label_studio.client.PREDICTED_PAGE_SIZE", page_size)
    reads()
    assert same(bench.model(store=None), first)
    assert reads() == ["page"] * -(-30 // page_size)


def test_what_falls_between_two_pages_is_fetched(server, bench, reads, monkeypatch):
    predict(server, EVERY)
    monkeypatch.setattr(stored, "STREAM_MOST", 0)
    monkeypatch.setattr(stored, "PAGES_IN_FLIGHT", 1)
    monkeypatch.setattr(stored, "PREDICTED_PAGE_SIZE", 10)
    monkeypatch.setattr("al_core.label_studio.client.PREDICTED_PAGE_SIZE", 10)
    pool, source = bench.pool(), bench.source(source="stored")

    def deleted(request):
        if request.url.params.get("page") == "2":
            server.tasks.pop(3, None)  # task 11 moves to page 1, which was read

    server.faults["GET /api/tasks"] = deleted
    said = source.model(pool)
    assert said.probabilities[0].unknown == {}, "of the one that is gone it was read before"


class Cut(httpx.SyncByteStream):
    def __init__(self, content, length):
        self.content, self.length = content, length

    def __iter__(self):
        yield self.content[: self.length]
        raise httpx.ReadError("cut")


def cut_stream(server):
    whole = httpx.Response(200, json=server.predictions).content
    return lambda _: httpx.Response(200, stream=Cut(whole, len(whole) // 2))


@pytest.mark.parametrize(
    "fault",
    [cut_stream, lambda _: httpx.Response(504), lambda _: httpx.ReadTimeout("slow")],
    ids=["cut in the middle", "gateway error", "time-out"],
)
def test_a_stream_that_breaks_off_gives_way_to_pages(server, bench, reads, asked, fault):
    predict(server, EVERY)
    first = bench.model(store=None)
    reads()
    server.faults["GET /api/predictions"] = fault(server)
    assert same(bench.model(), first)
    assert set(reads()) == {"stream", "page"}
    assert asked() == []


def test_what_came_before_label_studio_fell_is_kept(server, bench, asked):
    predict(server, EVERY)
    pool, source = bench.pool(), bench.source()
    server.faults["GET /api/predictions"] = cut_stream(server)
    server.faults["GET /api/tasks"] = lambda r: (
        httpx.Response(502) if "predictions" in r.url.params["include"] else None
    )
    with pytest.raises(ServerUnreachable):
        source.model(pool)
    server.faults.clear()
    said = source.model(pool)
    assert 10 < said.kept < 20
    assert (asked(), said.probabilities[0].unknown) == ([], {})


# --------------------------------------------------------------------- before the tasks are read


def ahead(bench, **settings):
    source = bench.source(**settings)
    found = source.read_ahead()
    if found is None:
        return source, None, None
    tasks, _ = PoolReader(bench.label_studio, PROJECT_ID).read(None, found.task_ids, as_of=found.as_of)
    return source, found, pool_of(tasks)


@pytest.mark.parametrize("ask_backend", [True, False])
def test_predictions_of_most_tasks_are_read_first_and_tell_the_tasks(server, bench, reads, asked, ask_backend):
    predict(server, range(1, 29))
    predict(server, [29], "v0")
    server.annotate(4, "good")
    source, found, pool = ahead(bench, ask_backend=ask_backend)
    assert reads() == ["stream"]
    assert found.task_ids.tolist() == list(range(1, 30))
    assert pool.task_ids.tolist() == [1, 2, 3, *range(5, 31)]
    said = source.model(pool)
    assert asked() == ([29, 30] if ask_backend else [])
    assert said.kept == 0, "they were read just now"
    known = {} if ask_backend else {Reason.OTHER_VERSION: 1, Reason.NO_PREDICTION: 1}
    assert said.probabilities[0].unknown == known
    assert reads() == []
    again = bench.source(ask_backend=ask_backend).read_ahead()
    assert set(found.task_ids) <= set(again.task_ids)
    assert reads() == [], "read once"


def test_a_task_that_changes_while_predictions_are_read_is_looked_at_again(server, bench, asked):
    predict(server, EVERY)

    def edited(_):
        server.tasks[7]["updated_at"] = server._now()

    server.faults["GET /api/predictions"] = edited
    source, _, pool = ahead(bench)
    server.faults.clear()
    assert source.model(pool).failed == 0
    assert asked() == [7]


@pytest.mark.parametrize("settings", [{"source": "direct"}, {}])
def test_nothing_is_read_first_where_too_little_is_stored_or_it_may_not_be_used(server, bench, reads, settings):
    predict(server, EVERY if settings else range(1, 20))
    assert ahead(bench, **settings)[1] is None
    assert reads() == []


# --------------------------------------------------------------------- several versions


def test_a_committee_of_stored_versions_is_read_in_one_go(server, bench, reads):
    for number in range(3):
        predict(server, EVERY, f"v{number}", good=0.5 + number / 10)
    said = bench.source(ask_backend=False).members(bench.pool())
    assert [member.version for member in said] == ["v0", "v1", "v2"]
    assert reads() == ["stream"] * 2, "one for the first, one for all the others"
    assert [round(float(member.probabilities[0].values[0, 0]), 3) for member in said] == [0.501, 0.601, 0.701]
    again = bench.source(ask_backend=False).members(bench.pool())
    assert reads() == []
    assert all(same(one, other) for one, other in zip(said, again, strict=True))


# --------------------------------------------------------------------- a few tasks for the doctor


def test_a_sample_is_what_is_stored_and_the_rest_asked_for(server, bench, asked):
    predict(server, range(1, 21))
    found = bench.source().sample(np.array([2, 19, 25]))
    assert [prediction.task_id for prediction in found] == [2, 19, 25]
    assert asked() == [25]
    assert [p.task_id for p in bench.source(source="stored").sample(np.array([2, 25]))] == [2]
    assert [p.task_id for p in bench.source(source="direct").sample(np.array([2, 25]))] == [2, 25]
    assert asked() == [2, 25]
    server.predictions.clear()
    with pytest.raises(NoPredictions):
        bench.source(source="stored").sample(np.array([2]))


# --------------------------------------------------------------------- leaving


@pytest.mark.parametrize(
    "line", ["POST /setup", "model-versions", "GET /api/predictions", "GET /api/tasks"], ids=lambda line: line
)
def test_a_server_that_hangs_can_be_left_within_two_seconds(server, backend, bench, line):
    predict(server, range(1, 29))
    source, pool = bench.source(), bench.pool()
    released = threading.Event()
    for broken in (server, backend):
        broken.faults[line] = lambda _: released.wait(20) and None
    began, stop = time.monotonic(), cancel_after(0.3)

    try:
        with pytest.raises(Cancelled):
            source.model(pool, stop)
        assert time.monotonic() - began < 2
    finally:
        released.set()
