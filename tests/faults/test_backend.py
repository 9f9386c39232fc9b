"""The backend fails in every way: what it can say is said of each task, and the rest is told with its reason."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.errors import ActiveLearningError, ServerUnreachable, UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.storage import MemoryStore
from tests.faults import proxy as faults
from tests.faults.conftest import Between, Outcome, Place, assert_same, calm_outcome, outcome_of
from tests.faults.proxy import Exchange, Request
from tests.real_stack import Running

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

Manager = Callable[..., ActiveLearningManager]
PREDICT = "POST /predict"


@dataclass(frozen=True)
class Case:
    """What goes wrong, and when."""

    name: str
    fault: faults.Fault
    how: dict[str, Any] = field(default_factory=dict)


def of_tasks(request: Request) -> list[int]:
    return [task["id"] for task in request.json["tasks"]]


def with_results(change: Callable[[list[Any]], list[Any]]) -> faults.Fault:
    return faults.changed(lambda _, answer: {**answer, "results": change(answer["results"])})


FEWER = with_results(lambda results: results[:-1])
MORE = with_results(lambda results: [*results, results[-1]])

LARGE = {"only": lambda request: len(of_tasks(request)) > 4}
ONCE = {"times": 1}

CURED_BY_SMALLER_CHUNKS = [
    Case("too few predictions for more than four tasks", FEWER, LARGE),
    Case("too many predictions for more than four tasks", MORE, LARGE),
    Case("HTML for more than four tasks", faults.HTML, LARGE),
    Case("nothing for more than four tasks", faults.NOTHING, LARGE),
    Case("an error for more than four tasks", faults.says(500), LARGE),
    Case("too much for more than four tasks", faults.says(413), LARGE),
    Case("no answer in time for more than four tasks", faults.late(90), LARGE),
    Case("an answer just in time", faults.late(0.7), {"times": 6}),
    Case("the connection breaks for more than four tasks", faults.cut_at(0.5), LARGE),
    Case("answers end too early for more than four tasks", faults.truncated_at(0.8), LARGE),
    Case("HTML once", faults.HTML, ONCE),
    Case("HTML after a while", faults.HTML, {"after": 3, "times": 3}),
]


@pytest.mark.parametrize("case", CURED_BY_SMALLER_CHUNKS, ids=lambda case: case.name)
def test_smaller_chunks_cure_it(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, case: Case
) -> None:
    rule = between.backend.when(PREDICT, case.fault, **case.how)
    assert_same(outcome_of(manager_at(asked_place, timeout=1)), calm_asked)
    assert rule.done


# --------------------------------------------------------------------- one task


@pytest.fixture
def odd_one(calm_asked: Outcome) -> int:
    """A task that the model is very sure of, so that no batch misses it."""
    return int(calm_asked.pool.task_ids[np.nanargmin(calm_asked.scores.bounds.low)])


ALWAYS_FAILS = [
    Case("too few", FEWER),
    Case("HTML", faults.HTML),
    Case("nothing", faults.NOTHING),
    Case("an error", faults.says(500, b'{"error": "no such picture"}', "application/json")),
    Case("no answer in time", faults.late(90)),
    Case("a refusal", faults.says(400, b'{"error": "no such picture"}', "application/json")),
    Case("a broken connection", faults.refused),
]


@pytest.mark.parametrize("case", ALWAYS_FAILS, ids=lambda case: case.name)
def test_one_task_fails_whatever_it_is_asked_with(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, odd_one: int, case: Case
) -> None:
    between.backend.when(PREDICT, case.fault, only=lambda request: odd_one in of_tasks(request))
    found = outcome_of(manager_at(asked_place, timeout=0.8))
    assert_same(found, calm_asked, unknown=np.array([odd_one]))
    assert found.unknown == {"the ML backend failed on this task": 1}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None, "much"])
def test_what_is_no_number_makes_one_task_unknown(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, odd_one: int, number: object
) -> None:
    def spoiled(request: Request, answer: Any) -> Any:
        result = answer["results"][of_tasks(request).index(odd_one)]
        result["score"] = number
        result["result"][0]["score"] = number
        result["result"][0]["probabilities"]["3"] = number
        return answer

    between.backend.when(PREDICT, faults.changed(spoiled), only=lambda request: odd_one in of_tasks(request))
    found = outcome_of(manager_at(asked_place))
    assert_same(found, calm_asked, unknown=np.array([odd_one]))
    assert sum(found.unknown.values()) == 1
    assert "the ML backend failed on this task" not in found.unknown


# --------------------------------------------------------------------- all of it

FAILS_FOR_GOOD = [
    Case("HTML", faults.HTML, {"words": "answered /predict with something that is not JSON"}),
    Case("nothing", faults.NOTHING, {"words": "answered /predict with nothing"}),
    Case("an error", faults.says(500, b"out of memory", "text/plain"), {"words": "failed at /predict .500.*memory"}),
    Case("too few", FEWER, {"words": "gave 0 results for 1 task"}),
    Case("no answer", faults.refused, {"words": "broke off"}),
]


@pytest.mark.parametrize("case", FAILS_FOR_GOOD, ids=lambda case: case.name)
@pytest.mark.parametrize("after", [0, 4])
def test_a_backend_that_fails_ends_the_work_and_what_it_said_is_kept(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, case: Case, after: int
) -> None:
    store = MemoryStore()
    between.backend.when(PREDICT, case.fault, after=after)
    # What it could do before it may be able to do again; a job waits for that. What never worked is for people to see.
    with pytest.raises(ServerUnreachable if after else UnexpectedAnswer, match=case.how["words"]):
        outcome_of(manager_at(asked_place, store=store))
    said = tasks_of_good_answers(between, after)
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)
    assert not said & asked_tasks(between)
    assert said | asked_tasks(between) == set(calm_asked.pool.task_ids.tolist())


def asked_tasks(between: Between) -> set[int]:
    return {task_id for request in between.backend.asked(PREDICT) for task_id in of_tasks(request)}


def tasks_of_good_answers(between: Between, count: int) -> set[int]:
    """The tasks of the first few requests, which were answered."""
    return {task_id for request in between.backend.asked(PREDICT)[:count] for task_id in of_tasks(request)}


@pytest.mark.parametrize("left", [1, 8, 30])
def test_a_gateway_before_a_dead_backend_is_no_failure_of_tasks(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, left: int
) -> None:
    """However few tasks are left when it dies, none of them may pass for one that the backend fails on."""
    store = MemoryStore()
    said: set[int] = set()
    is_dead = Event()

    def dies(exchange: Exchange) -> None:
        ids = of_tasks(exchange.request)
        if is_dead.is_set() or len(said) + len(ids) > len(calm_asked.pool.task_ids) - left:
            is_dead.set()
            faults.BAD_GATEWAY(exchange)
        else:
            said.update(ids)
            faults.passed_on(exchange)

    between.backend.when(PREDICT, dies)
    between.backend.when("", faults.BAD_GATEWAY, only=lambda _: is_dead.is_set())
    with pytest.raises(ActiveLearningError, match="502"):
        outcome_of(manager_at(asked_place, store=store))
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)
    assert not said & asked_tasks(between)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_backend_ends_the_work_for_now(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, status: int
) -> None:
    store = MemoryStore()
    between.backend.when(PREDICT, faults.says(status, Retry_After="7"), after=2)
    with pytest.raises(ServerUnreachable, match=rf"has no time for /predict now \({status}\)") as raised:
        outcome_of(manager_at(asked_place, store=store))
    assert raised.value.retry_after == 7
    assert len(between.backend.asked(PREDICT)) <= 8
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)


def test_a_backend_that_dies_and_comes_back_is_asked_for_the_rest(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, backend_process: Running
) -> None:
    store = MemoryStore()

    def dies(exchange: Exchange) -> None:
        backend_process.kill()
        exchange.cut()
        between.backend.down()

    between.backend.when(PREDICT, dies, after=4, times=1)
    with pytest.raises(ServerUnreachable, match="No ML backend answers at"):
        outcome_of(manager_at(asked_place, store=store))
    said = tasks_of_good_answers(between, 1)
    backend_process.start()
    between.backend.up()
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)
    assert not said & asked_tasks(between)
    assert len(asked_tasks(between)) < len(calm_asked.pool.task_ids)


# --------------------------------------------------------------------- another model


def test_a_model_that_changes_in_the_middle_is_never_mixed(
    between: Between, make_place: Callable[..., Place], mortal_backend: str, manager_at: Manager
) -> None:
    place = make_place(mortal_backend, digits=90, labelled=12)
    store = MemoryStore()
    between.backend.when(PREDICT, faults.when_asked(lambda: trained_anew(place)), after=2, times=1)
    with pytest.raises(UnexpectedAnswer, match=r"The model changed while it predicted \(.*, .*\)"):
        outcome_of(manager_at(place, store=store, timeout=20))
    between.heal()
    assert_same(outcome_of(manager_at(place, store=store)), calm_outcome(place))


def trained_anew(place: Place) -> None:
    server = place.label_studio
    assert place.backend_url
    backend = MLBackend(place.backend_url)
    with LabelStudio(server.url, server.token) as client:
        manager = ActiveLearningManager(client, place.project_id, backend)
        task = manager.read_pool().task_ids[-1]
        server.api.annotate(int(task), "4")
        manager.train(version_before=manager.model_version())
    backend.close()


# --------------------------------------------------------------------- written back


@pytest.mark.parametrize("fault", [faults.lost, faults.BAD_GATEWAY, faults.late(90)])
def test_predictions_are_stored_once_whatever_becomes_of_the_answer(
    between: Between, make_place: Callable[..., Place], mortal_backend: str, manager_at: Manager, fault: faults.Fault
) -> None:
    place = make_place(mortal_backend, digits=60, labelled=12)
    calm = calm_outcome(place)
    store = MemoryStore()
    rule = between.label_studio.when("POST /api/projects/[0-9]+/import/predictions", fault, after=1, times=1)
    try:
        found = outcome_of(manager_at(place, store=store, write_back=True))
    except ServerUnreachable:
        found = outcome_of(manager_at(place, store=store, write_back=True))
    assert rule.done
    assert_same(found, calm)
    stored = predictions_of(place)
    assert sorted(each["task"] for each in stored) == calm.pool.task_ids.tolist()


def predictions_of(place: Place) -> list[dict[str, Any]]:
    answer = place.label_studio.api.http.get(f"/api/predictions/?project={place.project_id}")
    found: list[dict[str, Any]] = json.loads(answer.content)
    return found
