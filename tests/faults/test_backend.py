"""The backend fails in every way: what it can say is said of each task, and the rest is told with its reason."""

import json
from collections.abc import Callable
from itertools import cycle
from threading import Event, Lock
from typing import Any

import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.errors import ActiveLearningError, ServerUnreachable, UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.storage import MemoryStore
from tests.faults import proxy as faults
from tests.faults.conftest import SHORT, Between, Outcome, Place, assert_same, calm_outcome, outcome_of
from tests.faults.proxy import Exchange, Request
from tests.real_stack import Running

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

Manager = Callable[..., ActiveLearningManager]
PREDICT = "POST /predict"
IMPORT = "POST /api/projects/[0-9]+/import/predictions"


def of_tasks(request: Request) -> list[int]:
    return [task["id"] for task in request.json["tasks"]]


def with_results(change: Callable[[list[Any]], list[Any]]) -> faults.Fault:
    return faults.changed(lambda _, answer: {**answer, "results": change(answer["results"])})


FEWER = with_results(lambda results: results[:-1])
MORE = with_results(lambda results: [*results, results[-1]])


def is_large(request: Request) -> bool:
    return len(of_tasks(request)) > 4


def in_turn(*broken: faults.Fault) -> faults.Fault:
    """One after the other, then from the first again."""
    turns, lock = cycle(broken), Lock()

    def fault(exchange: Exchange) -> None:
        with lock:
            turn = next(turns)
        turn(exchange)

    return fault


BROKEN = {
    "gave 0 results for 1 task": FEWER,
    "answered /predict with something that is not JSON": faults.HTML,
    "answered /predict with nothing": faults.NOTHING,
    r"failed at /predict .500.*out of memory": faults.says(500, b"out of memory", "text/plain"),
    "broke off": faults.refused,
}
"""Words of the error → what the backend does."""


def test_smaller_chunks_cure_it(between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager) -> None:
    others = (MORE, faults.says(413), faults.cut_at(0.5), faults.truncated_at(0.8))
    rule = between.backend.when(PREDICT, in_turn(*BROKEN.values(), *others), only=is_large)
    assert_same(outcome_of(manager_at(asked_place)), calm_asked)
    assert rule.done >= 9
    assert len(between.backend.asked(PREDICT)) < 80


def test_smaller_chunks_are_in_time(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    between.backend.when(PREDICT, faults.late(90), only=lambda request: len(of_tasks(request)) > 8)
    between.backend.when(PREDICT, faults.late(SHORT / 2), times=4)
    assert_same(outcome_of(manager_at(asked_place, timeout=SHORT)), calm_asked)


@pytest.mark.parametrize("how", [{"times": 1}, {"after": 3, "times": 6}], ids=["once", "after a while"])
def test_it_fails_for_a_moment(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, how: dict[str, Any]
) -> None:
    between.backend.when(PREDICT, faults.HTML, **how)
    store = MemoryStore()
    try:
        found = outcome_of(manager_at(asked_place, store=store))
    except ServerUnreachable:  # where the moment lasts for all the tries that one task gets
        found = outcome_of(manager_at(asked_place, store=store))
    assert_same(found, calm_asked)


# --------------------------------------------------------------------- some tasks


@pytest.fixture
def sure_ones(calm_asked: Outcome) -> list[int]:
    """Tasks that the model is surest of, so that no batch misses them."""
    return calm_asked.pool.task_ids[np.argsort(calm_asked.scores.bounds.low)].tolist()[:7]


def test_some_tasks_fail_whatever_they_are_asked_with(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, sure_ones: list[int]
) -> None:
    refused = faults.says(400, b'{"error": "no such picture"}', "application/json")
    broken = [*BROKEN.values(), refused, faults.late(90)]
    for task_id, fault in zip(sure_ones, broken, strict=True):
        between.backend.when(PREDICT, fault, only=lambda request, bad=task_id: bad in of_tasks(request))  # type: ignore[misc]
    found = outcome_of(manager_at(asked_place, timeout=SHORT))
    assert_same(found, calm_asked, unknown=np.array(sure_ones))
    assert found.unknown == {"the ML backend failed on this task": 7}


def test_what_is_no_number_makes_a_task_unknown(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager, sure_ones: list[int]
) -> None:
    no_numbers = dict(zip(sure_ones, (float("nan"), float("inf"), None, "much"), strict=False))

    def spoiled(request: Request, answer: Any) -> Any:
        for task_id, result in zip(of_tasks(request), answer["results"], strict=True):
            if task_id in no_numbers:
                result["score"] = result["result"][0]["score"] = no_numbers[task_id]
                result["result"][0]["probabilities"]["3"] = no_numbers[task_id]
        return answer

    between.backend.when(PREDICT, faults.changed(spoiled))
    found = outcome_of(manager_at(asked_place))
    assert_same(found, calm_asked, unknown=np.array(list(no_numbers)))
    assert sum(found.unknown.values()) == len(no_numbers)
    assert "the ML backend failed on this task" not in found.unknown


# --------------------------------------------------------------------- all of them


def test_a_backend_that_never_worked_is_for_people_to_see(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    store = MemoryStore()
    between.backend.when(PREDICT, in_turn(*BROKEN.values()))
    with pytest.raises(UnexpectedAnswer, match=f"({'|'.join(BROKEN)}).*so the others were not tried"):
        outcome_of(manager_at(asked_place, store=store))
    assert len(asked_tasks(between)) < len(calm_asked.pool.task_ids)
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)


def test_a_backend_that_worked_before_is_waited_for(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    store = MemoryStore()
    said: set[int] = set()
    for words, fault in list(BROKEN.items())[::2]:
        between.heal()
        after = 0 if said else 4
        between.backend.when(PREDICT, fault, after=after)
        with pytest.raises(ServerUnreachable, match=words):
            outcome_of(manager_at(asked_place, store=store))
        said = said or tasks_of_good_answers(between, after)
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)
    assert not said & asked_tasks(between)
    assert said | asked_tasks(between) == set(calm_asked.pool.task_ids.tolist())


def asked_tasks(between: Between) -> set[int]:
    return {task_id for request in between.backend.asked(PREDICT) for task_id in of_tasks(request)}


def tasks_of_good_answers(between: Between, count: int) -> set[int]:
    """The tasks of the first few requests, which were answered."""
    return {task_id for request in between.backend.asked(PREDICT)[:count] for task_id in of_tasks(request)}


def test_a_gateway_before_a_dead_backend_is_no_failure_of_tasks(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    """However few tasks are left when it dies, none of them may pass for one that the backend fails on."""
    store = MemoryStore()
    said: set[int] = set()
    is_dead = Event()

    def dies(exchange: Exchange) -> None:
        ids = of_tasks(exchange.request)
        if is_dead.is_set() or len(said) + len(ids) > len(calm_asked.pool.task_ids) - 1:
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


def test_a_busy_backend_ends_the_work_for_now(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    store = MemoryStore()
    for status in (429, 503):
        between.heal()
        between.backend.when(PREDICT, faults.says(status, Retry_After="7"), after=1)
        with pytest.raises(ServerUnreachable, match=rf"has no time for /predict now \({status}\)") as raised:
            outcome_of(manager_at(asked_place, store=store))
        assert raised.value.retry_after == 7
        assert len(between.backend.asked(PREDICT)) <= 6
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
        manager.train(manager.before_training())
    backend.close()


# --------------------------------------------------------------------- written back


def test_predictions_are_stored_once_whatever_becomes_of_the_answer(
    between: Between, make_place: Callable[..., Place], mortal_backend: str, manager_at: Manager
) -> None:
    place = make_place(mortal_backend, digits=72, labelled=12)
    calm = calm_outcome(place)
    store = MemoryStore()
    broken = (faults.lost, faults.BAD_GATEWAY, faults.late(90))
    rules = [between.label_studio.when(IMPORT, fault, times=1) for fault in broken]
    for _ in broken:
        try:
            found = outcome_of(manager_at(place, store=store, write_back=True, timeout=5))
            break
        except ServerUnreachable:
            continue
    assert all(rule.done for rule in rules)
    assert_same(found, calm)
    assert sorted(each["task"] for each in predictions_of(place)) == calm.pool.task_ids.tolist()


def predictions_of(place: Place) -> list[dict[str, Any]]:
    answer = place.label_studio.api.http.get(f"/api/predictions/?project={place.project_id}")
    found: list[dict[str, Any]] = json.loads(answer.content)
    return found
