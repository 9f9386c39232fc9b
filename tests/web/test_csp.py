"""Every page keeps the strict policy that it is sent with."""

import re
from html.parser import HTMLParser

import pytest

from tests.servers import PROJECT_ID

PAGES = {
    "home": "/",
    "login": "/login/",
    "connections": "/connections/",
    "connection": "/connections/{connection}/",
    "add a connection": "/connections/new/",
    "change a connection": "/connections/{connection}/edit/",
    "add a campaign": f"/connections/{{connection}}/projects/{PROJECT_ID}/",
    "campaigns": "/campaigns/",
    "campaign": "/campaigns/{campaign}/",
    "settings": "/campaigns/{campaign}/settings/",
    "doctor": "/campaigns/{campaign}/doctor/",
    "backend": "/campaigns/{campaign}/backend/",
    "test set": "/campaigns/{campaign}/test-set/",
    "labels in doubt": "/campaigns/{campaign}/labels/",
    "open round": "/rounds/{open}/",
    "done round": "/rounds/{done}/",
    "scores": "/rounds/{open}/scores/",
    "model report": "/rounds/{done}/model/",
    "batches": "/batches/",
    "jobs": "/jobs/",
    "not found": "/nowhere/",
}


class Inline(HTMLParser):
    """Collects what a policy without 'unsafe-inline' would not run."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.script_sources = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "style":
            self.found.append("<style>")
        if tag == "script" and "src" in attributes:
            self.script_sources.append(attributes["src"])
        elif tag == "script" and attributes.get("type") != "application/json":
            self.found.append("<script>")
        self.found += [f"{name}={value}" for name, value in attrs if name == "style" or name.startswith("on")]
        self.found += [f"{name}={value}" for name, value in attrs if (value or "").strip().startswith("javascript:")]


def check(answer):
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = Inline()
    page.feed(answer.text)
    assert page.found == []
    assert page.script_sources
    assert all(source.startswith("/static/") for source in page.script_sources)
    assert not re.search(r'(src|href)="//', answer.text)


@pytest.fixture
def places(campaign, server, backend, make_round, evaluate):
    done = make_round("done", number=0)
    evaluate(done)
    open_ = make_round("open", number=1, test_tasks=1, outside_task_ids=[7])
    open_.batch_tasks.filter(rank=1).update(preview={"kind": "image", "content": "https://pics.test/1.png"})
    return {
        "connection": campaign.connection_id,
        "campaign": campaign.pk,
        "open": open_.pk,
        "done": done.pk,
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_policy_and_nothing_inline(as_alice, as_nobody, places, page):
    client = as_nobody if page == "login" else as_alice
    answer = client.get(PAGES[page].format(**places))
    assert answer.status_code == (404 if page == "not found" else 200)
    check(answer)


def test_the_first_page_of_all(as_nobody):
    answer = as_nobody.get("/setup/")
    assert answer.status_code == 200
    check(answer)


def test_the_page_of_a_refusal(as_bob):
    answer = as_bob.get("/jobs/")
    assert answer.status_code == 403
    check(answer)


@pytest.mark.parametrize(
    "markup",
    ["<script>1</script>", "<style>a{}</style>", '<p style="x">', '<p onclick="x">', '<a href="javascript:x">'],
)
def test_the_reader_of_these_tests_can_read(markup):
    page = Inline()
    page.feed(markup)
    assert page.found
