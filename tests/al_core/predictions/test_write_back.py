"""What a backend says, stored in Label Studio as well."""

import json
from collections import Counter

import httpx
import pytest

from al_core.errors import ServerUnreachable, UnexpectedAnswer
from tests.al_core.predictions.conftest import same

IMPORT = "POST /api/projects/7/import/predictions"


@pytest.fixture
def write_back(bench):
    return lambda **settings: bench.model(write_back=True, **settings)


def stored(server):
    """Task → how many predictions are stored of it."""
    return Counter(prediction["task"] for prediction in server.predictions)


def once(*task_ids):
    return dict.fromkeys(task_ids, 1)


EVERY = range(1, 31)


def test_every_task_is_stored_once_and_not_again(server, write_back, asked, reads):
    server.predict(4, 0.6, "v1")
    first = write_back()
    assert stored(server) == once(*EVERY)
    assert {prediction["model_version"] for prediction in server.predictions} == {"v1"}
    asked(), reads()
    second = write_back()
    assert (stored(server), asked(), reads()) == (once(*EVERY), [], [])
    assert same(first, second)


def test_what_was_stored_is_read_by_whoever_has_another_store(server, bench, write_back, asked):
    first = write_back()
    asked()
    assert same(bench.model(store=None), first)
    assert asked() == []


def test_without_being_told_to_nothing_is_stored(server, bench):
    bench.model()
    bench.model(source="direct", write_back=True, store=None)
    assert server.predictions == []


def test_what_was_only_said_is_said_again_to_be_stored(server, bench, write_back, asked):
    bench.model()
    asked()
    write_back()
    assert asked() == list(EVERY)
    assert stored(server) == once(*EVERY)


def lost(server, when):
    """An import that is done, or is not, and whose answer is lost; the first alone."""
    answered = []

    def fault(request):
        answered.append(1)
        if len(answered) > 1:
            return None
        if when == "after":
            server.answer(request)
        return httpx.ReadError("cut")

    return fault


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_import_whose_answer_was_lost_is_looked_up_before_it_is_repeated(server, write_back, when):
    server.faults[IMPORT] = lost(server, when)
    said = write_back()
    assert stored(server) == once(*EVERY)
    assert said.probabilities[0].unknown == {}


def test_an_import_whose_outcome_stays_unknown_ends_the_run_and_nothing_is_stored_twice(server, write_back, asked):
    answered = []

    def falls(request):
        answered.append(1)
        server.answer(request)
        server.faults["GET /api/tasks"] = httpx.Response(502)
        return httpx.Response(502)

    server.faults[IMPORT] = falls
    server_reads = server.faults
    with pytest.raises(ServerUnreachable):
        write_back()
    server_reads.clear()
    asked()
    write_back()
    assert stored(server) == once(*EVERY)
    assert len(asked()) == 30 - 10 * len(answered)


def test_a_task_that_is_gone_costs_no_other_task_its_place(server, bench, asked):
    pool = bench.pool()

    def gone(request):
        server.tasks.pop(13, None)

    server.faults[IMPORT] = gone
    bench.source(write_back=True).model(pool)
    assert stored(server) == once(*(set(EVERY) - {13}))


def test_what_the_backend_failed_on_is_not_stored(server, backend, write_back):
    backend.faults["/predict"] = lambda r: httpx.Response(500) if b'"id": 13,' in r.content else None
    assert write_back().failed == 1
    assert stored(server) == once(*(set(EVERY) - {13}))


def test_a_number_that_is_none_is_not_stored(server, backend, write_back):
    real = backend.result
    backend.result = lambda task_id: [{"score": float("nan")}] if task_id == 13 else real(task_id)
    backend.faults["/predict"] = lambda r: httpx.Response(
        200, content=json.dumps(backend._predict(json.loads(r.content)["tasks"]))
    )
    write_back()
    assert stored(server) == once(*(set(EVERY) - {13}))


def test_one_prediction_that_label_studio_refuses_is_left_out(server, write_back):
    server.faults[IMPORT] = lambda r: (
        httpx.Response(400, json={}) if b'"task":13,' in r.content.replace(b" ", b"") else None
    )
    write_back()
    assert stored(server) == once(*(set(EVERY) - {13}))


def test_a_label_studio_that_refuses_all_is_one_clear_error(server, write_back):
    server.faults[IMPORT] = httpx.Response(400, json={"detail": "not allowed"})
    with pytest.raises(UnexpectedAnswer, match="not allowed"):
        write_back()


def test_what_label_studio_passes_over_in_silence_counts_as_said_and_is_not_said_again(
    server, write_back, bench, asked
):
    def all_but_one(request):
        body = [item for item in json.loads(request.content) if item["task"] != 13]
        server.predictions += body
        return httpx.Response(201, json={"created": len(body)})

    server.faults[IMPORT] = all_but_one
    first = write_back()
    assert stored(server) == once(*(set(EVERY) - {13}))
    assert first.probabilities[0].unknown == {}
    asked()
    assert same(write_back(), first)
    assert asked() == []
    assert bench.model(source="stored").probabilities[0].unknown == {"no prediction": 1}
