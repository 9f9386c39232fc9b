"""The whole loop, clicked: from an empty TrustAI to a learning curve, on the real Label Studio."""

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from examples.digits.data import LABEL_CONFIG, tasks, true_label
from tests.real_stack import LabelStudioServer, Site

pytestmark = [pytest.mark.e2e, pytest.mark.live, pytest.mark.timeout(420)]

WORK = 60_000  # milliseconds that a job may take


def batch_of(page: Page) -> list[int]:
    """Task ids of the recommended batch, in rank order."""
    rows = page.get_by_role("region", name="Recommended batch").locator("tr[data-task-id]")
    return [int(row.get_attribute("data-task-id") or 0) for row in rows.all()]


def view_of(page: Page) -> int:
    href = page.get_by_role("link", name="Open the tab in Label Studio").get_attribute("href") or ""
    found = re.search(r"tab=(\d+)", href)
    assert found
    return int(found[1])


def log_in_to_label_studio(context: BrowserContext, server: LabelStudioServer) -> Page:
    page = context.new_page()
    page.goto(f"{server.url}/user/login/")
    page.fill("#email", server.email)
    page.fill("#password", server.password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{server.url}/**")
    return page


def submit(page: Page, label: str) -> None:
    """Answer the task that Label Studio's page shows."""
    choice = page.locator(f"input[type=checkbox][name='{label}']")
    choice.wait_for(state="attached")
    if not choice.is_checked():
        choice.check()
    page.get_by_role("button", name="Submit current annotation").click()
    expect(page.get_by_text("Update", exact=True)).to_be_visible()


def test_from_nothing_to_a_learning_curve(
    page: Page,
    look: Callable[[Page, str], None],
    request: pytest.FixtureRequest,
    context: BrowserContext,
    site: Site,
    label_studio: LabelStudioServer,
    backend_url: str,
    add_campaign: Callable[..., str],
) -> None:
    api = label_studio.api
    project = api.create_project("Clicked digits", LABEL_CONFIG, tasks(200))
    api.connect_backend(project, backend_url, "Reference backend")

    expect(page.get_by_role("heading", name="Make the first account")).to_be_visible()
    look(page, "first-lead")
    request.getfixturevalue("lead_page")
    look(page, "empty-home")

    # An empty home says what to do; a wrong token is said beside the form, and nothing that was typed is lost.
    expect(page.get_by_text("Three steps to the first round")).to_be_visible()
    page.get_by_role("link", name="Add a connection").click()
    page.get_by_label("Name").fill("Team server")
    page.get_by_label("Address").fill(label_studio.url)
    page.get_by_label("Token").fill("0" * 40)
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_role("alert")).to_contain_text("does not accept the legacy token")
    expect(page.get_by_label("Name")).to_have_value("Team server")
    look(page, "connection-add")
    page.get_by_label("Token").fill(label_studio.token)
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_text(f"Connected to Label Studio 1.23.2 as {label_studio.email}")).to_be_visible()

    look(page, "connection")

    # The project page says what it has.
    page.get_by_role("link", name="Clicked digits", exact=True).click()
    expect(page.get_by_text("200, 0 of them labelled")).to_be_visible()
    expect(page.get_by_text("Reference backend at")).to_contain_text("connected")
    look(page, "project")
    campaign = add_campaign("Team server", "Clicked digits", batch_size=4, start_size=20, test_size=20)

    look(page, "campaign-new")

    # Round 0 asks at random; an annotator answers through Label Studio's API.
    page.get_by_role("button", name="Start round 0").click()
    page.get_by_role("button", name="Publish 40 tasks").click(timeout=WORK)
    expect(page.get_by_text("Open for labelling")).to_be_visible(timeout=WORK)
    for task in api.tab_tasks(view_of(page)):
        api.annotate(task["id"], true_label(task["data"]))
    page.get_by_role("button", name="Train on 40 new labels").click(timeout=WORK)
    expect(page.get_by_role("heading", name=re.compile(r"Accuracy .* on the test set"))).to_be_visible(timeout=WORK)
    expect(page.get_by_text("Trained v1-20labels")).to_be_attached()

    # Round 1 is scored, shown, and published.
    page.goto(campaign)
    expect(page.get_by_role("heading", name=re.compile(r"Accuracy .* after 20 labels"))).to_be_visible()
    page.get_by_role("button", name="Start round 1").click()
    expect(page.get_by_role("button", name="Publish 4 tasks")).to_be_visible(timeout=WORK)
    expect(page.locator("[data-chart=histogram] .main-svg").first).to_be_visible()
    batch = batch_of(page)
    assert len(set(batch)) == 4
    first_row = page.locator("tr[data-task-id]").first
    expect(first_row.locator("img.thumb")).to_be_visible()
    expect(first_row.get_by_role("cell").nth(2)).to_have_text(re.compile(r"^\s*\d\s*$"))
    look(page, "round-ready")
    page.get_by_role("button", name="Publish 4 tasks").click()
    expect(page.get_by_text("Open for labelling")).to_be_visible(timeout=WORK)

    # Label Studio's own page shows exactly the batch.
    studio = log_in_to_label_studio(context, label_studio)
    studio.goto(page.get_by_role("link", name="Open the tab in Label Studio").get_attribute("href") or "")
    expect(studio.get_by_text("Tasks: 4 / 200")).to_be_visible()
    rows = studio.locator(".lsf-table__row-wrapper")
    expect(rows).to_have_count(4)
    shown = {int(text.split()[0]) for text in rows.all_inner_texts()}
    assert shown == set(batch)
    if folder := os.environ.get("PICTURES_DIR"):
        studio.screenshot(path=f"{folder}/label-studio-tab.png")
    studio.close()

    # "Open next" walks through it in rank order; what is submitted there is counted here.
    data = label_studio.api.tab_tasks(view_of(page))
    truth = {task["id"]: true_label(task["data"]) for task in data}
    for count, task_id in enumerate(batch[:2]):
        link = page.get_by_role("link", name=f"Open next ({count + 1} of 4)")
        expect(link).to_be_visible()
        with context.expect_page() as opened:
            link.click()
        studio = opened.value
        studio.wait_for_url(re.compile(rf"[?&]task={task_id}\b"))
        expect(studio.locator(".lsf-current-task__task-id")).to_have_text(str(task_id))
        submit(studio, truth[task_id])
        studio.close()
        expect(page.get_by_text(f"{count + 1} labelled")).to_be_visible()
        expect(page.locator(f"tr[data-task-id='{task_id}'] .state-done")).to_have_text(truth[task_id])

    expect(page.get_by_role("link", name="Open next (3 of 4)")).to_be_visible()
    expect(page.get_by_role("button", name="Train on 2 new labels")).to_be_visible()

    # A label outside the batch is welcome, and said.
    outside = next(task["id"] for task in unlabelled(label_studio, project) if task["id"] not in batch)
    api.annotate(outside, "1")
    notice = page.get_by_text("1 task outside this batch got a label")
    expect(notice).to_be_visible()
    expect(page.get_by_role("link", name=str(outside), exact=True)).to_be_visible()

    look(page, "round-open")

    # The rest, then the second point of the curve.
    for task_id in batch[2:]:
        api.annotate(task_id, truth[task_id])
    expect(page.get_by_text("4 labelled")).to_be_visible()
    page.get_by_role("button", name="Train on 4 new labels").click()
    expect(page.get_by_role("heading", name=re.compile(r"Accuracy .* on the test set"))).to_be_visible(timeout=WORK)
    look(page, "round-done")
    page.get_by_role("link", name="See the model report").click()
    expect(page.get_by_role("heading", name="Beside the model of round 0")).to_be_visible()
    expect(page.locator("[data-chart=confusion] .main-svg").first).to_be_visible()
    look(page, "model")
    page.goto(campaign)
    expect(page.locator("[data-chart=learning-curve] .main-svg").first).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(r"Accuracy .* after 25 labels"))).to_be_visible()
    expect(page.get_by_role("heading", name="Stop or go on?")).to_be_visible()
    expect(page.get_by_role("region", name="Rounds").get_by_role("row")).to_have_count(3)
    look(page, "campaign")

    # What the models are measured on, and who else tells the backend to train: Label Studio, until it is switched off.
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Test set").click()
    expect(page.get_by_text("20 of 20 that were asked for")).to_be_visible()
    look(page, "test-set")
    page.goto(f"{campaign}backend/")
    expect(page.get_by_role("row").filter(has_text="/train")).to_contain_text("Found")
    expect(page.get_by_text("Label Studio also tells the backend of every annotation")).to_be_visible()
    look(page, "backend")
    page.get_by_role("button", name="Switch the messages off").click()
    expect(page.get_by_text("From now on Label Studio tells the backend of no annotation.")).to_be_visible()
    hooks = api.http.get(f"/api/webhooks/?project={project}").json()
    assert [(hook["is_active"], hook["send_for_all_actions"]) for hook in hooks] == [(False, True)]

    for path, name in (
        ("", "home"),
        ("connections/", "connections"),
        ("people/", "people"),
        ("jobs/", "jobs"),
        ("batches/", "batches"),
    ):
        page.goto(f"{site.url}/{path}")
        look(page, name)
    page.goto(f"{campaign}settings/")
    look(page, "settings")
    page.get_by_role("button", name=re.compile("role, theme, log out")).click()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    look(page, "login")


def unlabelled(server: LabelStudioServer, project: int) -> list[dict[str, int]]:
    query = f"/api/tasks?project={project}&page_size=1000&include=id,is_labeled"
    answer = server.api.http.get(query).json()["tasks"]
    return [task for task in answer if not task["is_labeled"]]
