"""The same on the site: a job waits or fails with the right words, goes on, and its batch is the right one."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults import proxy as faults
from tests.faults.conftest import ASKING, BATCH, Between, Outcome, Place
from tests.lead import Lead, RoundPage
from tests.real_stack import Site

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

READY = f"Publish {BATCH} tasks"
LABELLED = 3
"""Tasks of a batch that somebody answers."""

PREDICT = "POST /predict"


@pytest.fixture(scope="module")
def lead(site: Site) -> Iterator[Lead]:
    lead = Lead(site.url)
    yield lead
    lead.close()


@pytest.fixture(scope="module")
def connection(lead: Lead, proxies: Between, asked_place: Place) -> int:
    """Label Studio, by the address of the proxy."""
    return lead.connect("Team server", proxies.label_studio.url, asked_place.label_studio.token)


@pytest.fixture
def start_campaign(lead: Lead, connection: int) -> Callable[[Place], int]:
    """A campaign that asks by its strategy from the first round on."""

    def start(place: Place) -> int:
        sizes = {"batch_size": BATCH, "start_size": 0, "test_size": 0, "control_share": 0}
        return lead.start_campaign(connection, place.project_id, **sizes, **ASKING)

    return start


def test_label_studio_is_away_for_a_while_and_breaks_off_what_is_long(
    lead: Lead, between: Between, stored_place: Place, calm_stored: Outcome, start_campaign: Callable[[Place], int]
) -> None:
    campaign = start_campaign(stored_place)
    between.heal()
    away = between.label_studio.when("GET", faults.BAD_GATEWAY, seconds=10)
    cut = between.label_studio.when("GET /api/predictions/", faults.cut_at(0.6), times=1)
    round_ = lead.start_round(campaign)
    text = round_.wait_for(READY)
    assert away.done > 1
    assert cut.done == 1
    assert round_.batch == calm_stored.batch_ids
    assert f"{len(calm_stored.pool.task_ids)} exact, 0 within bounds, 0 unknown" in text


def test_a_backend_that_fails_and_then_is_gone(
    lead: Lead, between: Between, asked_place: Place, calm_asked: Outcome, start_campaign: Callable[[Place], int]
) -> None:
    campaign = start_campaign(asked_place)
    between.heal()
    between.backend.when(PREDICT, faults.HTML)
    round_ = lead.start_round(campaign)
    assert "answered /predict with something that is not JSON" in round_.wait_for("Try again")

    said: set[int] = set()

    def answers(exchange: faults.Exchange) -> None:
        faults.passed_on(exchange)
        said.update(task["id"] for task in exchange.request.json["tasks"])

    def dies(exchange: faults.Exchange) -> None:
        wait_for(lambda: said)
        time.sleep(1)  # until what was answered has arrived
        between.backend.down()
        exchange.cut()

    between.heal()
    between.backend.when(PREDICT, answers, times=1)
    between.backend.when(PREDICT, dies, times=1)
    round_.press("resume", again="1")
    round_.wait_for(r"No ML backend answers at .* Nothing is lost; the next try is in \d+ s")
    between.heal()
    between.backend.up()
    text = round_.wait_for(READY)
    assert round_.batch == calm_asked.batch_ids
    assert f"{len(calm_asked.pool.task_ids)} exact, 0 within bounds, 0 unknown" in text
    asked_again = {task["id"] for request in between.backend.asked(PREDICT) for task in request.json["tasks"]}
    # One may be, to tell a dead backend from one that fails on a task.
    assert len(said & asked_again) <= 1
    assert said


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_no_task_is_in_two_batches_where_rounds_are_labelled_in_part(
    lead: Lead, between: Between, make_stored_place: Callable[[], Place], start_campaign: Callable[[Place], int]
) -> None:
    place = make_stored_place()
    campaign = start_campaign(place)
    api = place.label_studio.api
    asked: list[int] = []
    for fault in (faults.BAD_GATEWAY, faults.cut_at(0.5), faults.truncated_at(0.5)):
        between.heal()
        between.label_studio.when("GET /api/(tasks|predictions)", fault, after=1, times=3)
        round_ = lead.start_round(campaign)
        text = round_.wait_for(READY)
        if asked:
            waiting = len(asked) - LABELLED * len(asked) // BATCH
            assert f"{waiting} tasks of earlier batches are still unanswered and were not asked again" in text
        batch = round_.batch
        assert len(batch) == len(set(batch)) == BATCH
        assert not set(batch) & set(asked)
        asked += batch
        round_.press("publish")
        round_.wait_for("Open for labelling")
        for task_id in batch[:LABELLED]:
            api.annotate(task_id, "3")
        finish(round_)


def finish(round_: RoundPage) -> None:
    round_.wait_for("Finish the round")
    round_.press("finish")
    round_.wait_for("Back to the campaign|See the learning curve|finished")
