"""Label Studio is slow, breaks off, answers rubbish or changes while it is read, and the batch is the right one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.errors import ServerUnreachable
from al_core.label_studio import client, queries
from al_core.pool import asking, reading
from al_core.predictions import stored
from al_core.storage import MemoryStore
from examples.digits.data import tasks, true_label
from tests.faults import proxy as faults
from tests.faults.conftest import (
    BATCH,
    SHORT,
    Between,
    Outcome,
    Place,
    assert_same,
    calm_outcome,
    direct_client,
    outcome_of,
)
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

Manager = Callable[..., ActiveLearningManager]

EVERYTHING = "GET /api/"
PROJECT = "GET /api/projects/[0-9]+/( |$)"
STREAM = "GET /api/predictions/"
STATES = r"GET /api/tasks\?.*include=id%2Cis_labeled"
CONTENTS = r"GET /api/tasks\?.*include=id%2Cdata"
COUNTED = "GET /api/tasks.*completed_at"
PREDICTED_PAGES = r"GET /api/tasks\?.*%2Cpredictions"

ONCE = {"times": 1}


@dataclass(frozen=True)
class Case:
    """What goes wrong where."""

    name: str
    pattern: str
    fault: faults.Fault
    how: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


BROKEN_ANSWERS = [
    (STATES, [faults.cut_at(0.5), faults.HTML, faults.truncated_at(0.5)]),
    (CONTENTS, [faults.refused, faults.truncated_at(0.9), faults.cut_at(0.95)]),
    (COUNTED, [faults.NOTHING, faults.cut_at(0)]),
    (PROJECT, [faults.HTML, faults.NOTHING]),
]
"""Each once; what is asked again may meet the next one."""

STREAM_IS_BROKEN = [
    Case("breaks once", STREAM, faults.cut_at(0.5), ONCE),
    Case("breaks every time", STREAM, faults.cut_at(0.7)),
    Case("ends too early", STREAM, faults.truncated_at(0.5)),
    Case("ends between two predictions", STREAM, faults.changed(lambda _, found: found[: len(found) // 3])),
    Case("is given up by a gateway", STREAM, faults.says(504)),
    Case("is HTML", STREAM, faults.HTML),
]


def shorten_pages(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A small project has several pages too."""
    for module in (client, asking, reading):
        monkeypatch.setattr(module, "PAGE_SIZE", size)
    for module in (client, stored):
        monkeypatch.setattr(module, "PREDICTED_PAGE_SIZE", size)
    monkeypatch.setattr(queries, "IDS_PER_CALL", size)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_pages(monkeypatch, 30)


@pytest.fixture
def tiny_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_pages(monkeypatch, 15)


@pytest.mark.usefixtures("small_pages")
def test_label_studio_is_slow(between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager) -> None:
    between.label_studio.when(STATES, faults.late(90), after=1, times=1)
    between.label_studio.when(CONTENTS, faults.late(90), after=1, times=1)
    between.label_studio.when(STATES, faults.late(SHORT * 0.6), times=2)
    between.label_studio.when("", faults.late(0.1))
    assert_same(outcome_of(manager_at(asked_place, timeout=SHORT, patience=30)), calm_asked)
    for pattern in (STATES, CONTENTS):
        targets = [request.target for request in between.label_studio.asked(pattern)]
        assert len(targets) > len(set(targets))  # what was too late was asked again


@pytest.mark.usefixtures("small_pages")
def test_a_gateway_says_for_a_while_that_label_studio_is_away(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    rule = between.label_studio.when(EVERYTHING, faults.BAD_GATEWAY, seconds=2)
    assert_same(outcome_of(manager_at(asked_place)), calm_asked)
    assert rule.done > 1


@pytest.mark.usefixtures("small_pages")
def test_answers_are_cut_or_no_answers_at_all(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    when = between.label_studio.when
    rules = [when(pattern, fault, times=1) for pattern, broken in BROKEN_ANSWERS for fault in broken]
    assert_same(outcome_of(manager_at(asked_place, patience=60)), calm_asked)
    assert all(rule.done for rule in rules)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("case", STREAM_IS_BROKEN, ids=str)
def test_the_stream_of_predictions(
    between: Between, stored_place: Place, calm_stored: Outcome, manager_at: Manager, case: Case
) -> None:
    rule = between.label_studio.when(case.pattern, case.fault, **case.how)
    assert_same(outcome_of(manager_at(stored_place, patience=0)), calm_stored)
    assert rule.done


@pytest.mark.usefixtures("small_pages")
def test_the_pages_of_predictions_are_broken_as_well(
    between: Between, stored_place: Place, calm_stored: Outcome, manager_at: Manager
) -> None:
    between.label_studio.when(STREAM, faults.says(504))
    broken = [faults.cut_at(0.5), faults.truncated_at(0.9), faults.BAD_GATEWAY]
    rules = [between.label_studio.when(PREDICTED_PAGES, fault, times=1) for fault in broken]
    assert_same(outcome_of(manager_at(stored_place)), calm_stored)
    assert all(rule.done for rule in rules)


def test_predictions_that_came_before_the_patience_ended_are_not_read_again(
    between: Between, stored_place: Place, calm_stored: Outcome, manager_at: Manager
) -> None:
    store = MemoryStore()
    between.label_studio.when(f"{STREAM}|{PREDICTED_PAGES}", faults.cut_at(0.5))
    with pytest.raises(ServerUnreachable, match="broke off"):
        outcome_of(manager_at(stored_place, patience=0, store=store))
    between.heal()
    assert_same(outcome_of(manager_at(stored_place, store=store)), calm_stored)


@pytest.mark.usefixtures("small_pages")
def test_waits_as_long_as_it_is_asked_to(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    for pattern in (STATES, CONTENTS):
        between.label_studio.when(pattern, faults.says(429, Retry_After="3"), times=1)
    assert_same(outcome_of(manager_at(asked_place)), calm_asked)
    for pattern in (STATES, CONTENTS):
        asked = between.label_studio.asked(pattern)
        again = next(request for request in asked[1:] if request.target == asked[0].target)
        assert again.at - asked[0].at >= 3
        meanwhile = [r for r in between.label_studio.requests if asked[0].at < r.at < asked[0].at + 3]
        assert len(meanwhile) <= 8  # what is under way beside it goes on


def test_what_lasts_longer_than_the_patience_is_said_and_gone_on_with_later(
    between: Between, asked_place: Place, calm_asked: Outcome, manager_at: Manager
) -> None:
    store = MemoryStore()
    rule = between.label_studio.when(CONTENTS, faults.BAD_GATEWAY, after=3)
    with pytest.raises(ServerUnreachable, match=r"Label Studio at .* answers with an error \(502\)"):
        outcome_of(manager_at(asked_place, patience=1, store=store))
    assert rule.done >= 2
    predicted = asked_tasks(between)
    assert predicted
    between.heal()
    assert_same(outcome_of(manager_at(asked_place, store=store)), calm_asked)
    assert not predicted & asked_tasks(between)
    assert predicted | asked_tasks(between) == set(calm_asked.pool.task_ids.tolist())


def asked_tasks(between: Between) -> set[int]:
    """Ids of the tasks that the backend was asked to predict."""
    return {task["id"] for request in between.backend.asked("POST /predict") for task in request.json["tasks"]}


# --------------------------------------------------------------------- people work on it meanwhile


@dataclass(frozen=True)
class People:
    """Who change a project: they delete, import, label and skip."""

    server: LabelStudioServer
    place: Place
    ids: list[int]
    """Of the tasks at first."""

    def delete(self, *task_ids: int) -> None:
        for task_id in task_ids:
            self.server.api.http.delete(f"/api/tasks/{task_id}/").raise_for_status()

    def add(self, count: int) -> None:
        new = tasks(200 + count)[200:]
        self.server.api.http.post(f"/api/projects/{self.place.project_id}/import", json=new).raise_for_status()

    def label(self, *task_ids: int) -> None:
        for task_id in task_ids:
            self.server.api.annotate(task_id, true_label({"index": 1}))

    def skip(self, *task_ids: int) -> None:
        for task_id in task_ids:
            self.server.api.skip(task_id)

    def do_all(self) -> None:
        """Delete six tasks, add seven, answer three."""
        self.delete(*self.ids[2:7], self.ids[40])
        self.add(7)
        self.label(self.ids[10], self.ids[45])
        self.skip(self.ids[47])


def people_of(place: Place) -> People:
    with direct_client(place) as client:
        ids = sorted(state.task_id for page, _ in client.task_states(place.project_id) for state in page)
    return People(place.label_studio, place, ids)


CHANGING = {"digits": 60, "labelled": 2}


@pytest.fixture
def people(make_stored_place: Callable[..., Place]) -> People:
    """In a project of which too little is predicted to tell its tasks by that: they are read by pages."""
    return people_of(make_stored_place(share=0.8, **CHANGING))


def page(number: int) -> str:
    return rf"{STATES}.*[?&]page={number}(&|$)"


@pytest.mark.usefixtures("tiny_pages")
def test_changes_between_two_pages(between: Between, manager_at: Manager, people: People) -> None:
    rule = between.label_studio.when(page(3), faults.before_it_arrives(people.do_all), times=1)
    found = outcome_of(manager_at(people.place))
    assert rule.done
    assert_same(found, calm_outcome(people.place))
    assert found.pool.total_count == 60 - 6 + 7
    assert not set(people.ids[2:7]) & set(found.pool.task_ids.tolist())


@pytest.mark.parametrize("pattern", [STREAM, COUNTED])
def test_changes_where_the_predictions_tell_the_tasks(
    between: Between, make_stored_place: Callable[..., Place], manager_at: Manager, pattern: str
) -> None:
    people = people_of(make_stored_place(**CHANGING))
    rule = between.label_studio.when(pattern, faults.before_it_arrives(people.do_all), times=1)
    found = outcome_of(manager_at(people.place))
    assert rule.done
    assert_same(found, calm_outcome(people.place))
    assert not set(people.ids[2:7]) & set(found.pool.task_ids.tolist())


def test_changes_between_two_rounds_and_in_the_middle_of_one(
    between: Between, make_place: Callable[..., Place], mortal_backend: str, manager_at: Manager
) -> None:
    people = people_of(make_place(mortal_backend, digits=60, labelled=8))
    store = MemoryStore()
    outcome_of(manager_at(people.place, store=store))
    people.do_all()
    between.heal()

    manager = manager_at(people.place, store=store)
    found = outcome_of(manager)
    calm = calm_outcome(people.place)
    assert_same(found, calm)
    changes = found.pool.changes
    assert (changes.added, changes.deleted, changes.labelled, changes.is_first) == (7, 6, 3, False)
    assert len(asked_tasks(between)) == 7  # the new ones; what was answered need not be predicted any more

    gone = found.batch_ids[:3]
    people.delete(gone[0])
    people.label(gone[1])
    people.skip(gone[2])
    batch = manager.recommend(found.scores, BATCH)
    ids = [item.task_id for item in batch.items]
    assert len(set(ids)) == BATCH
    assert not set(ids) & set(gone)
    assert "2 tasks were answered meanwhile and left out" in batch.note
