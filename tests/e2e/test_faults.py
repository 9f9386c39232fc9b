"""What breaks in the middle: the page tells the truth meanwhile, and the round finishes."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from examples.digits.data import LABEL_CONFIG, tasks, true_label
from tests.e2e.test_loop import WORK, batch_of, view_of
from tests.real_stack import LabelStudioServer, Site

pytestmark = [pytest.mark.e2e, pytest.mark.live, pytest.mark.timeout(420)]

numbers = count(1)
RECOVERY = 150_000


@pytest.fixture(scope="module")
def slow_backend(start_backend: Callable[..., str]) -> str:
    """A backend that takes a while over a pool, so that there is a middle to break."""
    return start_backend("--predict-delay", "0.03")


@pytest.fixture
def scoring(
    lead_page: Page,
    label_studio: LabelStudioServer,
    slow_backend: str,
    add_connection: Callable[[str, str, str], None],
    add_campaign: Callable[..., str],
) -> Page:
    """The page of a round that is in the middle of scoring 380 tasks."""
    page = lead_page
    title = f"Slow digits {next(numbers)}"
    api = label_studio.api
    api.connect_backend(api.create_project(title, LABEL_CONFIG, tasks(400)), slow_backend, "Slow backend")
    add_connection("Team server", label_studio.url, label_studio.token)
    campaign = add_campaign("Team server", title, batch_size=4, start_size=20, test_size=0)
    page.get_by_role("button", name="Start round 0").click()
    page.get_by_role("button", name="Publish 20 tasks").click(timeout=WORK)
    expect(page.get_by_text("Open for labelling")).to_be_visible(timeout=WORK)
    for task in api.tab_tasks(view_of(page)):
        api.annotate(task["id"], true_label(task["data"]))
    page.get_by_role("button", name="Train on 20 new labels").click(timeout=WORK)
    expect(page.get_by_role("link", name="See the learning curve")).to_be_visible(timeout=WORK)
    page.goto(campaign)
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_text(re.compile(r"Predicting: [1-9]\d* of 380 tasks")).first).to_be_visible(timeout=WORK)
    return page


def expect_a_whole_batch(page: Page) -> None:
    expect(page.get_by_role("button", name="Publish 4 tasks")).to_be_visible(timeout=RECOVERY)
    batch = batch_of(page)
    assert len(batch) == len(set(batch)) == 4
    expect(page.get_by_text("380 tasks that could be asked", exact=True)).to_be_visible()
    expect(page.get_by_text("380 exact, 0 within bounds, 0 unknown")).to_be_visible()


def test_a_killed_workers_round_is_finished_by_the_next(scoring: Page, site: Site) -> None:
    site.worker.kill()
    expect(scoring.get_by_text("The worker has given no sign of life for a while")).to_be_visible()
    expect(scoring.get_by_text("The job is picked up again as soon as a worker is there")).to_be_visible()
    site.worker.start()
    expect_a_whole_batch(scoring)


def test_scoring_goes_on_when_label_studio_is_back(scoring: Page, label_studio: LabelStudioServer) -> None:
    label_studio.running.kill()
    try:
        expect(scoring.get_by_text(re.compile(r"No Label Studio answers at .* Asking again")).first).to_be_visible(
            timeout=WORK
        )
    finally:
        label_studio.running.start()  # others need it, too
    expect_a_whole_batch(scoring)


def test_a_scoring_can_be_cancelled_and_done_again(scoring: Page) -> None:
    scoring.get_by_role("button", name="Cancel", exact=True).click()
    expect(scoring.get_by_role("button", name="Score the pool")).to_be_visible(timeout=WORK)
    scoring.get_by_role("button", name="Score the pool").click()
    expect_a_whole_batch(scoring)
