"""A real Chromium, and people who use it."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.real_stack import Site

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)  # Label Studio takes its time on a busy machine

LEAD, PASSWORD = "alice", "correct horse battery"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "No Chromium on the PATH. Install it with: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """The first page of TrustAI; any error in its console fails the test."""
    page = context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site.url)
    yield page
    assert complaints == [], "the page's console must stay clean; a broken policy shows here"


@pytest.fixture
def lead_page(page: Page, site: Site) -> Page:
    """The home of the first lead, whose account is made where this site has none yet."""
    if page.url.endswith("/setup/"):
        page.get_by_label("Username").fill(LEAD)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password confirmation").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
    else:
        page.get_by_label("Username").fill(LEAD)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.url}/")
    return page


WIDTHS = (1400, 768, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def look() -> Callable[[Page, str], None]:
    """Look at a page in every width and theme: nothing may stick out at the side.

    With PICTURES_DIR in the environment the wide light and the narrow dark one are kept there.
    """
    folder = os.environ.get("PICTURES_DIR")

    def look(page: Page, name: str) -> None:
        for width in WIDTHS:
            for theme in THEMES:
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=theme)
                page.wait_for_timeout(150)  # charts are drawn anew
                assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
                sticks_out = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert sticks_out <= 0, f"{name} at {width} pixels sticks out by {sticks_out}"
                if folder and (width, theme) in ((1400, "light"), (390, "dark")):
                    page.screenshot(path=f"{folder}/{name}{'' if width == 1400 else '-small'}.png", full_page=True)
        page.set_viewport_size({"width": 1400, "height": 900})
        page.emulate_media(color_scheme="light")

    return look


@pytest.fixture
def add_campaign(page: Page, site: Site) -> Callable[..., str]:
    """Put a project of Label Studio under active learning through the pages; give the campaign's address."""

    def add(connection: str, project: str, **settings: Any) -> str:
        page.goto(f"{site.url}/connections/")
        page.get_by_role("link", name=connection).click()
        page.get_by_role("link", name=project, exact=True).click()
        for label, value in settings.items():
            page.get_by_label(label.replace("_", " ").capitalize()).fill(str(value))
        page.get_by_role("button", name="Start the campaign").click()
        page.wait_for_url("**/campaigns/*/")
        return page.url

    return add


@pytest.fixture
def add_connection(page: Page, site: Site) -> Callable[[str, str, str], None]:
    """Connect a server through the pages, unless the site has it."""

    def add(name: str, url: str, token: str) -> None:
        page.goto(f"{site.url}/connections/")
        if page.get_by_role("link", name=name).count():
            return
        page.goto(f"{site.url}/connections/new/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Address").fill(url)
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Test and save").click()

    return add
