"""Older versions of a backend's model: members of a committee, or chosen to score with, without being asked."""

import httpx
import numpy as np
import pytest

from al_core.errors import NoPredictions
from al_core.pool import PoolReader, pool_of
from al_core.predictions import kept_versions
from al_core.predictions.source import MEMBERS
from tests.al_core.predictions.conftest import same
from tests.servers import BACKEND_URL, PROJECT_ID, URL


@pytest.fixture
def kept(bench):
    return lambda: kept_versions(bench.store, URL, PROJECT_ID, BACKEND_URL)


def part_of(bench, count):
    """A pool of the first tasks."""
    tasks, changes = PoolReader(bench.label_studio, PROJECT_ID).read()
    return pool_of(tasks, held_out=tasks.task_ids[count:].tolist(), changes=changes)


def versions(models):
    return [model.version for model in models]


def first_good(model):
    return round(float(model.probabilities[0].values[0, 0]), 3)


# --------------------------------------------------------------------- a committee


def test_one_backend_is_a_committee_after_two_trainings(bench, backend, asked, reads):
    with pytest.raises(NoPredictions, match="needs two models or more"):
        bench.source().members(bench.pool())
    assert asked() == list(range(1, 31)), "what it said is kept all the same"
    backend.version, backend.good = "v2", lambda task_id: 0.9 + task_id / 1000
    said = bench.source().members(bench.pool())
    assert versions(said) == ["v2", "v1"]
    assert [first_good(model) for model in said] == [0.901, 0.255]
    assert (asked(), reads()) == (list(range(1, 31)), []), "the older one was neither asked nor looked for"
    assert [model.kept for model in said] == [0, 30]
    again = bench.source().members(bench.pool())
    assert asked() == []
    assert all(same(one, other) for one, other in zip(said, again, strict=True))


def test_a_strategy_of_one_model_leaves_the_last_version_to_a_committee(bench, backend, kept):
    bench.model()
    backend.version = "v2"
    bench.model()
    assert kept() == ["v2"]
    backend.version = "v3"
    assert versions(bench.source().members(bench.pool())) == ["v3", "v2"]


def test_the_newest_versions_are_members_and_older_ones_are_deleted(bench, backend, kept):
    bench.model()
    for number in range(2, MEMBERS + 3):
        backend.version = f"v{number}"
        said = bench.source().members(bench.pool())
    newest = [f"v{number}" for number in range(MEMBERS + 2, 2, -1)]
    assert versions(said) == kept() == newest
    assert len({name.split("/")[2] for name in bench.store.names("predictions/")}) == MEMBERS + 1, (
        "and the list of them"
    )
    bench.model()
    assert kept() == newest[:1]


def test_a_version_that_comes_back_is_the_newest(bench, backend, kept):
    for version in ("v1", "v2", "v1"):
        backend.version = version
        said = bench.source().members(bench.pool()) if kept() else [bench.model()]
    assert versions(said) == kept() == ["v1", "v2"]


@pytest.mark.parametrize(("count", "members"), [(14, ["v3", "v1"]), (15, ["v3", "v2", "v1"])])
def test_a_version_that_knows_less_than_half_of_the_pool_is_no_member(bench, backend, count, members):
    bench.model()
    backend.version = "v2"
    bench.source().members(part_of(bench, count))
    backend.version = "v3"
    assert versions(bench.source().members(bench.pool())) == members


def test_a_version_that_said_nothing_of_use_is_no_member(bench, backend):
    backend.result = lambda task_id: []
    bench.model()
    del backend.result
    backend.version = "v2"
    with pytest.raises(NoPredictions, match="needs two models or more"):
        bench.source().members(bench.pool())


def test_stored_versions_come_after_those_of_the_history(server, bench, backend, asked, reads):
    bench.model()
    for task_id in range(1, 31):
        server.predict(task_id, 0.3 + task_id / 1000, "imported")
        if task_id < 10:
            server.predict(task_id, 0.3 + task_id / 1000, "too few")
    backend.version = "v2"
    asked()
    said = bench.source().members(bench.pool())
    assert versions(said) == ["v2", "v1", "imported"]
    assert (asked(), reads()) == (list(range(1, 31)), ["stream"])


def test_what_was_only_said_is_no_member_where_only_stored_predictions_count(server, bench, backend):
    bench.model()
    for task_id in range(1, 31):
        server.predict(task_id, 0.3 + task_id / 1000, "v2")
    backend.version = "v2"
    with pytest.raises(NoPredictions, match="needs two models or more"):
        bench.source(source="stored").members(bench.pool())


def test_a_history_that_cannot_be_read_is_none(bench, backend, kept):
    bench.model()
    name = next(name for name in bench.store.names("predictions/") if name.endswith("history.json"))
    for content in (b"{", b"7", b'[["v1"]]', b"[7]", b"\xff"):
        bench.store.write(name, content)
        assert kept() == []
    backend.version = "v2"
    assert bench.model().version == "v2"
    assert kept() == ["v2"]


# --------------------------------------------------------------------- a version that was chosen


def test_a_chosen_version_scores_with_what_is_kept_and_nobody_is_asked(server, bench, backend, asked, kept):
    before = bench.model()
    backend.version = "v2"
    asked()
    server.add_task(31, {"text": "new"})
    backend.faults["."] = httpx.Response(500)  # which would be an error if it were asked
    said = bench.source(version="v1").model(bench.pool())
    assert asked() == []
    assert (said.version, said.kept) == ("v1", 30)
    assert said.probabilities[0].unknown == {"no prediction": 1}
    np.testing.assert_array_equal(said.probabilities[0].values[:30], before.probabilities[0].values)
    assert kept() == ["v1"]


def test_a_chosen_version_is_kept_beside_the_newest(bench, backend, asked, kept):
    bench.model()
    backend.version = "v2"
    bench.source(version="v1").model(bench.pool())
    bench.source().members(bench.pool())
    bench.source(version="v1").model(bench.pool())
    assert kept() == ["v2", "v1"]
    asked()
    assert bench.source(version="v1").model(bench.pool()).version == "v1"
    assert bench.model().version == "v2"
    assert asked() == []


def test_a_chosen_version_may_be_one_that_is_stored(server, bench, backend, asked):
    for task_id in range(1, 21):
        server.predict(task_id, 0.3 + task_id / 1000, "imported")
    said = bench.source(version="imported").model(bench.pool())
    assert (said.version, first_good(said), asked()) == ("imported", 0.301, [])
    assert said.probabilities[0].unknown == {"no prediction": 10}
    assert bench.source(version="imported").read_ahead() is None


def test_of_a_chosen_version_without_predictions_nothing_is_made_up(bench, backend):
    bench.model()
    with pytest.raises(NoPredictions, match=r"model version v7, and none of its predictions"):
        bench.source(version="v7").model(bench.pool())


def test_a_committee_of_a_chosen_version_has_no_newer_one(bench, backend, asked, kept):
    bench.model()
    for version in ("v2", "v3"):
        backend.version = version
        bench.source().members(bench.pool())
    asked()
    assert versions(bench.source(version="v2").members(bench.pool())) == ["v2", "v1"]
    assert kept() == ["v3", "v2", "v1"]
    assert asked() == []
