"""The page of a campaign's ML backend: what it is, what it offers, how it is spoken to, and who else trains it."""

import base64
import html
import re

import httpx
import pytest

from tests.servers import BACKEND_URL, PROJECT_ID
from trustai_web.campaigns.models import TrainingRun
from trustai_web.connections.models import BackendSettings
from trustai_web.connections.services import ml_backend

HOOK = {
    "id": 5,
    "project": PROJECT_ID,
    "url": f"{BACKEND_URL}/webhook",
    "is_active": True,
    "send_for_all_actions": True,
    "actions": [],
}
FORM = {"train_route": "", "train_minutes": "", "username": "", "password": ""}
PASSWORD = "a password that nobody sees"


@pytest.fixture
def url(campaign):
    return f"/campaigns/{campaign.pk}/backend/"


@pytest.fixture
def saved(campaign):
    """A backend that asks for a user and password, which were entered."""
    return BackendSettings.objects.create(
        connection=campaign.connection, url=BACKEND_URL, username="trainer", password=PASSWORD
    )


def page_of(client, url):
    """The page on one line, as it is read."""
    return re.sub(r"\s+", " ", html.unescape(client.get(url).text.replace("\u202f", " ")))


def found(text, path):
    return re.search(rf"<code>{path}</code></td> <td.*?</svg> ?([\w ]+)</span>", text)[1]


def authorization(backend):
    return {request.headers.get("authorization") for request in backend.requests}


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, server, backend, url):
    assert_refusals(url, takes=("get", "post"), bob=403, charlie=403)
    assert_refusals(f"{url}webhook/", takes=("post",), bob=403, charlie=403)
    assert not BackendSettings.objects.exists()


def test_a_campaign_that_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/campaigns/99/backend/").status_code == 404
    assert as_alice.post("/campaigns/99/backend/webhook/").status_code == 404


def test_a_campaign_without_a_backend_says_what_that_means(as_alice, campaign, url):
    campaign.backend_url = ""
    campaign.save()
    assert "nothing is trained" in page_of(as_alice, url)
    assert as_alice.post(f"{url}webhook/", {"active": "0"}).status_code == 404


# --------------------------------------------------------------------- what is seen


def test_a_backend_that_answers_tells_what_it_offers(as_alice, url, server, backend):
    backend.faults = {"GET /train": httpx.Response(405), "GET /webhook": httpx.Response(500)}
    text = page_of(as_alice, url)
    assert re.search(r"</svg> ?Answers</span>", text)
    assert f"Reference · {BACKEND_URL}" in text
    assert [found(text, path) for path in ("/train", "/webhook", "/is_training")] == ["Found", "Not known", "Found"]
    assert "<dt>Label Studio says</dt><dd>connected</dd>" in text
    assert "<dt>Next training</dt><dd>POST /train of the backend</dd>" in text
    assert {request.method for request in backend.requests} == {"GET"}, "looking starts nothing"


@pytest.mark.parametrize(
    ("train", "webhook", "route", "way"),
    [
        (405, 405, "", "POST /train of the backend"),
        (404, 405, "", "START_TRAINING on the backend's /webhook"),
        (404, 404, "", "Through Label Studio"),
        (500, 405, "", '<span class="muted">unknown until it is asked</span>'),
        (405, 405, "label_studio", "Through Label Studio"),
        (404, 404, "train", "POST /train of the backend"),
    ],
)
def test_the_way_of_the_next_training_is_told(as_alice, campaign, url, server, backend, train, webhook, route, way):
    backend.faults = {"GET /train": httpx.Response(train), "GET /webhook": httpx.Response(webhook)}
    BackendSettings.objects.create(connection=campaign.connection, url=BACKEND_URL, train_route=route)
    assert f"<dt>Next training</dt><dd>{way}</dd>" in page_of(as_alice, url)


def test_a_backend_that_can_hardly_be_trained_is_pointed_out(as_alice, url, server, backend):
    assert "neither a /train nor a /webhook" in page_of(as_alice, url)
    backend.faults["GET /webhook"] = httpx.Response(405)
    assert "neither a /train" not in page_of(as_alice, url)


def test_whether_the_backend_is_asked_to_call_is_told(as_alice, url, server, backend, settings):
    settings.SITE_URL = ""
    assert "this site has no SITE_URL" in page_of(as_alice, url)
    settings.SITE_URL = "https://trustai.example.com"
    assert "asked to call https://trustai.example.com" in page_of(as_alice, url)


def test_the_last_training_is_told_with_its_way(as_alice, url, server, backend, make_round):
    assert '<dt>Last training</dt><dd><span class="muted">none yet</span>' in page_of(as_alice, url)
    round_ = make_round("done")
    TrainingRun.objects.create(round=round_, verdict="same_model", route="webhook")
    text = page_of(as_alice, url)
    assert f'START_TRAINING on the backend\'s /webhook, in <a href="/rounds/{round_.pk}/#training">round 1</a>' in text
    assert "Same model as before</span>" in text


def test_a_backend_that_is_down_is_told_in_words_and_the_settings_are_there(as_alice, url, server, backend):
    backend.faults["."] = httpx.ConnectError("refused")
    text = page_of(as_alice, url)
    assert re.search(r"</svg> ?Does not answer</span>", text)
    assert f"No ML backend answers at {BACKEND_URL}." in text
    assert found(text, "/train") == "Not known"
    assert "Save</button>" in text


def test_a_backend_that_wants_a_password_says_so(as_alice, url, server, backend):
    backend.faults["."] = httpx.Response(401)
    assert "asks for a user and password" in page_of(as_alice, url)


def test_a_backend_without_health_answers_all_the_same(as_alice, url, server, backend):
    backend.faults["GET /health"] = httpx.Response(404)
    assert re.search(r"</svg> ?Answers</span>", page_of(as_alice, url))


def test_a_slow_backend_is_not_waited_for_long(as_alice, url, server, backend):
    as_alice.get(url)
    assert max(request.extensions["timeout"]["read"] for request in backend.requests) <= 10


def test_a_label_studio_that_is_down_is_told_and_no_obstacle(as_alice, url, server, backend):
    server.faults["."] = httpx.ConnectError("refused")
    text = page_of(as_alice, url)
    assert "No Label Studio answers" in text
    assert re.search(r"</svg> ?Answers</span>", text)
    assert "own messages" not in text


def test_a_backend_that_label_studio_has_no_more_is_pointed_out(as_alice, url, server, backend):
    server.backends = []
    assert "the project has no backend of this address any more" in page_of(as_alice, url)


def test_what_label_studio_remembers_of_a_failure_is_shown_as_text_and_not_wiped_out(as_alice, url, server, backend):
    server.backends[0] |= {"state": "ER", "error_message": "<script>alert(1)</script>"}
    for _ in range(2):
        assert "error: &lt;script&gt;alert(1)" in as_alice.get(url).text


# --------------------------------------------------------------------- Label Studio's own messages


def test_without_a_webhook_there_is_nothing_to_switch(as_alice, url, server, backend):
    server.webhooks[6] = HOOK | {"id": 6, "url": "http://elsewhere.test/webhook"}
    text = page_of(as_alice, url)
    assert "Label Studio has no webhook to this backend" in text
    assert "/webhook/" not in text


def test_a_webhook_that_trains_besides_ours_is_shown_and_switched_off(as_alice, url, server, backend):
    server.webhooks = {5: dict(HOOK), 6: HOOK | {"id": 6, "url": "http://elsewhere.test/webhook"}}
    text = page_of(as_alice, url)
    assert "Label Studio also tells the backend of every annotation, which may start trainings besides ours." in text
    assert "Switch the messages off" in text
    answer = as_alice.post(f"{url}webhook/", {"active": "0"}, follow=True)
    assert answer.redirect_chain == [(url, 302)]
    assert "Label Studio tells the backend of no annotation." in answer.text
    assert {number: hook["is_active"] for number, hook in server.webhooks.items()} == {5: False, 6: True}


def test_a_webhook_that_is_off_can_be_switched_on(as_alice, url, server, backend):
    server.webhooks[5] = HOOK | {"is_active": False}
    assert "so it learns by rounds alone" in page_of(as_alice, url)
    answer = as_alice.post(f"{url}webhook/", {"active": "1"}, follow=True)
    assert "Label Studio tells the backend of every annotation." in answer.text
    assert server.webhooks[5]["is_active"] is True


def test_a_switch_that_label_studio_refuses_is_told(as_alice, url, server, backend):
    server.webhooks[5] = dict(HOOK)
    server.faults["PATCH"] = httpx.Response(403)
    answer = as_alice.post(f"{url}webhook/", {"active": "0"}, follow=True)
    assert "callout-failed" in answer.text
    assert server.webhooks[5]["is_active"] is True


# --------------------------------------------------------------------- settings


def test_how_a_training_goes_and_how_long_is_a_setting(as_alice, campaign, url, server, backend):
    answer = as_alice.post(url, {**FORM, "train_route": "label_studio", "train_minutes": "90"}, follow=True)
    assert "Saved." in answer.text
    saved = BackendSettings.objects.get()
    assert (saved.connection, saved.url) == (campaign.connection, BACKEND_URL)
    assert (saved.train_route, saved.train_minutes, saved.username) == ("label_studio", 90, "")
    text = as_alice.get(url).text
    assert 'name="train_minutes" value="90"' in text
    assert re.search(r'value="label_studio"[^>]*checked', text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("train_route", "by_pigeon"), ("train_minutes", "0"), ("train_minutes", "soon"), ("train_minutes", "99999")],
)
def test_bad_input_is_told_beside_its_field_and_changes_nothing(as_alice, url, server, backend, field, value):
    answer = as_alice.post(url, {**FORM, field: value})
    assert list(answer.context["form"].errors) == [field]
    assert "has-errors" in answer.text
    assert not BackendSettings.objects.exists()


def test_a_password_is_kept_and_never_shown(as_alice, url, server, backend):
    answer = as_alice.post(url, {**FORM, "username": "trainer", "password": PASSWORD}, follow=True)
    assert PASSWORD not in answer.text
    assert 'name="username" value="trainer"' in answer.text
    assert "keep the one that is saved" in answer.text
    assert BackendSettings.objects.get().password == PASSWORD
    wrong = as_alice.post(url, {**FORM, "username": "trainer", "password": PASSWORD, "train_minutes": "0"})
    assert PASSWORD not in wrong.text, "not even in a form that comes back"


def test_the_page_asks_with_the_user_and_password_and_shows_neither_elsewhere(as_alice, url, server, backend, saved):
    text = as_alice.get(url).text
    expected = "Basic " + base64.b64encode(f"trainer:{PASSWORD}".encode()).decode()
    assert authorization(backend) == {expected}
    assert PASSWORD not in text
    assert all(expected not in request.headers.values() for request in server.requests)


def test_a_saved_password_goes_to_no_other_address(wire, campaign, saved):
    other = wire.get("http://other.test/health").mock(return_value=httpx.Response(200))
    with ml_backend(campaign.connection, "http://other.test") as backend:
        backend.health()
    assert "authorization" not in other.calls.last.request.headers


def test_a_redirect_does_not_carry_the_password_away(wire, as_alice, url, server, backend, saved):
    elsewhere = wire.route(host="elsewhere.test").mock(return_value=httpx.Response(200))
    backend.faults["."] = httpx.Response(302, headers={"Location": "http://elsewhere.test/"})
    as_alice.get(url)
    assert not elsewhere.called


def test_an_empty_password_keeps_the_one_that_is_saved(as_alice, url, server, backend, saved):
    as_alice.post(url, {**FORM, "username": "trainer", "train_minutes": "5"})
    saved.refresh_from_db()
    assert (saved.password, saved.train_minutes) == (PASSWORD, 5)


def test_another_user_needs_a_password_of_their_own(as_alice, url, server, backend, saved):
    answer = as_alice.post(url, {**FORM, "username": "somebody"})
    assert list(answer.context["form"].errors) == ["password"]
    saved.refresh_from_db()
    assert (saved.username, saved.password) == ("trainer", PASSWORD)


def test_a_password_needs_a_user(as_alice, url, server, backend):
    answer = as_alice.post(url, {**FORM, "password": PASSWORD})
    assert list(answer.context["form"].errors) == ["username"]
    assert not BackendSettings.objects.exists()


def test_without_a_user_the_password_is_forgotten(as_alice, url, server, backend, saved):
    as_alice.post(url, FORM)
    saved.refresh_from_db()
    assert (saved.username, saved.password) == ("", "")
    backend.requests.clear()
    as_alice.get(url)
    assert authorization(backend) == {None}
