"""A long scoring, watched and stopped: it stops at once, and what it predicted is not predicted again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from examples.digits.data import LABEL_CONFIG, tasks, true_label
from tests.e2e.test_loop import WORK, batch_of, view_of
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.e2e, pytest.mark.live, pytest.mark.timeout(420)]

STOPPED = 2_000 + 2_000 + 4_000
"""Milliseconds: what is promised, the time until the page asks again, and that of loading it on a busy machine."""


def test_a_scoring_tells_its_pace_stops_when_told_to_and_goes_on_from_what_is_kept(
    lead_page: Page,
    label_studio: LabelStudioServer,
    start_backend: Callable[..., str],
    look: Callable[[Page, str], None],
    add_connection: Callable[[str, str, str], None],
    add_campaign: Callable[..., str],
) -> None:
    page, api = lead_page, label_studio.api
    backend_url = start_backend("--predict-delay", "0.3")
    api.connect_backend(api.create_project("Many digits", LABEL_CONFIG, tasks(620)), backend_url, "Slow backend")
    add_connection("Team server", label_studio.url, label_studio.token)
    campaign = add_campaign("Team server", "Many digits", batch_size=4, start_size=20, test_size=0)
    page.get_by_role("button", name="Start round 0").click()
    page.get_by_role("button", name="Publish 20 tasks").click(timeout=WORK)
    expect(page.get_by_text("Open for labelling")).to_be_visible(timeout=WORK)
    for task in api.tab_tasks(view_of(page)):
        api.annotate(task["id"], true_label(task["data"]))
    page.get_by_role("button", name="Train on 20 new labels").click(timeout=WORK)
    expect(page.get_by_role("link", name="See the learning curve")).to_be_visible(timeout=WORK)

    page.goto(campaign)
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_text(re.compile(r"^Predicting: [1-9]\d* of 600 tasks")).first).to_be_visible(timeout=WORK)
    counts = page.locator(".job-progress-counts")
    expect(counts).to_contain_text(re.compile(r"[1-9]\d* of 600\s+\d+(\.\d)? a second · (about .+|a few seconds) left"))
    look(page, "scoring")

    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("button", name="Score the pool")).to_be_visible(timeout=STOPPED)
    expect(page.locator("tr", has_text="Score the pool").filter(has_text="Cancelled")).to_be_attached()

    page.get_by_role("button", name="Score the pool").click()
    expect(page.get_by_role("button", name="Publish 4 tasks")).to_be_visible(timeout=2 * WORK)
    assert len(set(batch_of(page))) == 4
    expect(page.get_by_text("600 exact, 0 within bounds, 0 unknown")).to_be_visible()
    said = page.locator("tr", has_text="Recommended 4 of 600 tasks").text_content() or ""
    kept = re.search(r"Kept ([1-9]\d*) predictions from before", said)
    assert kept, said
    assert int(kept[1]) < 600
