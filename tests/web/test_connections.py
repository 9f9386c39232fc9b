"""Connecting a Label Studio server: tested before it is kept, and its token never shown."""

import logging

import httpx
import pytest
from django.db import connection as database

from tests.servers import BOXES, TOKEN, URL
from trustai_web.connections.models import Connection
from trustai_web.connections.services import connection_create

FORM = {"name": "Lab", "url": URL, "token": TOKEN}


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, connection):
    page = f"/connections/{connection.pk}/"
    assert_refusals("/connections/", takes=("get", "head"), bob=403, charlie=403)
    assert_refusals("/connections/new/", takes=("get", "post"), bob=403, charlie=403)
    assert_refusals(page, takes=("get", "head"), bob=403, charlie=403)
    assert_refusals(f"{page}edit/", takes=("get", "post"), bob=403, charlie=403)
    assert_refusals(f"{page}test/", takes=("post",), bob=403, charlie=403)


def test_what_is_not_there_is_not_found(as_alice):
    for path in ("", "edit/"):
        assert as_alice.get(f"/connections/99/{path}").status_code == 404
    assert as_alice.post("/connections/99/test/").status_code == 404


# --------------------------------------------------------------------- adding one


def test_a_connection_is_tested_saved_and_shown(as_alice, server):
    answer = as_alice.post("/connections/new/", {**FORM, "url": f"{URL}/"}, follow=True)
    connection = Connection.objects.get()
    assert answer.redirect_chain == [(f"/connections/{connection.pk}/", 302)]
    assert "Connected to Label Studio 1.23.2 as lead@example.com. Pick a project." in answer.text
    assert (connection.url, connection.token, connection.token_kind) == (URL, TOKEN, "legacy token")
    assert connection.tested_at is not None
    assert connection.created_by.username == "alice"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (httpx.ConnectError("refused"), "No Label Studio answers at http://labels.test."),
        (httpx.ReadTimeout("slow"), "Label Studio at http://labels.test did not answer in time."),
        (httpx.Response(401), "does not accept the legacy token."),
        (httpx.Response(500), "answers with an error (500)."),
        (httpx.Response(301, headers={"location": "https://elsewhere.test/"}), "sends us to another address."),
        (httpx.Response(200, html="<h1>Hello</h1>"), "answers, but not as Label Studio does."),
        (httpx.Response(200, json={"hello": "world"}), "answers, but not as Label Studio does."),
        (httpx.Response(404), "answers, but not as Label Studio does."),
    ],
)
def test_a_failed_test_is_told_and_nothing_is_saved(as_alice, server, caplog, fault, said):
    server.faults["."] = fault
    with caplog.at_level(logging.DEBUG):
        answer = as_alice.post("/connections/new/", FORM)
    assert answer.status_code == 200
    assert said in answer.text
    assert 'value="Lab"' in answer.text
    assert f'value="{URL}"' in answer.text
    assert not Connection.objects.exists()
    assert TOKEN not in answer.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "url", ["labels.test", "ftp://labels.test", "javascript:alert(1)", "http://lead:pw@labels.test"]
)
def test_what_is_no_address_is_told_and_nothing_is_asked(as_alice, server, url):
    answer = as_alice.post("/connections/new/", {**FORM, "url": url})
    assert "address" in answer.context["form"].non_field_errors()[0].casefold()
    assert f'value="{url}"' in answer.text
    assert not Connection.objects.exists()
    assert server.requests == []


@pytest.mark.parametrize("field", ["name", "url", "token"])
def test_what_is_missing_is_told_beside_its_field(as_alice, server, field):
    answer = as_alice.post("/connections/new/", {**FORM, field: ""})
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in answer.text
    for other in {"name", "url"} - {field}:
        assert f'value="{FORM[other]}"' in answer.text
    assert TOKEN not in answer.text
    assert server.requests == []


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_taken_is_told_beside_its_field(as_alice, connection, server):
    answer = as_alice.post("/connections/new/", FORM)
    assert answer.context["form"].errors == {"name": ["Another connection has this name."]}
    assert "Another connection has this name." in answer.text
    assert Connection.objects.count() == 1


# --------------------------------------------------------------------- the token


def test_the_token_is_not_in_the_database_as_it_is(alice, server):
    saved = connection_create(name="Lab", url=URL, token=TOKEN, user=alice)
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_connection")
        row = repr(cursor.fetchall())
    assert "Lab" in row
    assert TOKEN not in row
    saved.refresh_from_db()
    assert saved.token == TOKEN


def test_no_page_shows_the_token(as_alice, connection, server):
    for path in ("", "edit/"):
        answer = as_alice.get(f"/connections/{connection.pk}/{path}")
        assert answer.status_code == 200
        assert TOKEN not in answer.text
    assert TOKEN not in as_alice.get("/connections/").text


# --------------------------------------------------------------------- changing one


def test_an_empty_token_keeps_the_one_there_is(as_alice, connection, server):
    answer = as_alice.post(f"/connections/{connection.pk}/edit/", {"name": "Other", "url": URL, "token": ""})
    assert answer.url == f"/connections/{connection.pk}/"
    connection.refresh_from_db()
    assert (connection.name, connection.token) == ("Other", TOKEN)
    assert server.requests[-1].headers["authorization"] == f"Token {TOKEN}"


def test_a_new_token_takes_the_place_of_the_old(as_alice, connection, server):
    server.authorization = "Token new"
    as_alice.post(f"/connections/{connection.pk}/edit/", {"name": "Lab", "url": URL, "token": "new"})
    connection.refresh_from_db()
    assert connection.token == "new"


def test_a_change_that_fails_its_test_changes_nothing(as_alice, connection, server):
    answer = as_alice.post(f"/connections/{connection.pk}/edit/", {"name": "Other", "url": URL, "token": "wrong"})
    assert "does not accept the legacy token" in answer.text
    assert 'value="Other"' in answer.text
    assert "wrong" not in answer.text
    connection.refresh_from_db()
    assert (connection.name, connection.token) == ("Lab", TOKEN)


def test_the_kept_token_is_not_sent_to_another_address(as_alice, connection, wire):
    """Else whoever may change the address could read the token that nobody is shown."""
    elsewhere = wire.route(host="elsewhere.test").respond(401)
    change = {"name": "Lab", "url": "http://elsewhere.test", "token": ""}
    answer = as_alice.post(f"/connections/{connection.pk}/edit/", change)
    assert list(answer.context["form"].errors) == ["token"]
    assert 'value="http://elsewhere.test"' in answer.text
    assert not elsewhere.called
    connection.refresh_from_db()
    assert connection.url == URL


@pytest.mark.django_db(transaction=True)
def test_a_change_to_a_taken_name_is_told_beside_its_field(as_alice, alice, connection, server):
    other = Connection.objects.create(name="Other", url=URL, token=TOKEN, created_by=alice)
    answer = as_alice.post(f"/connections/{other.pk}/edit/", {"name": "Lab", "url": URL, "token": ""})
    assert answer.context["form"].errors == {"name": ["Another connection has this name."]}


# --------------------------------------------------------------------- testing again


def test_testing_again_keeps_what_came_of_it(as_alice, connection, server):
    server.faults["."] = httpx.ConnectError("refused")
    answer = as_alice.post(f"/connections/{connection.pk}/test/", follow=True)
    assert "No Label Studio answers" in answer.text
    connection.refresh_from_db()
    assert "No Label Studio answers" in connection.error
    assert "state-failed" in as_alice.get("/connections/").text
    server.faults.clear()
    answer = as_alice.post(f"/connections/{connection.pk}/test/", follow=True)
    assert "Label Studio 1.23.2 answers." in answer.text
    connection.refresh_from_db()
    assert connection.error == ""
    assert connection.token == TOKEN


# --------------------------------------------------------------------- lists


def test_without_a_connection_the_list_offers_to_add_one(as_alice):
    text = as_alice.get("/connections/").text
    assert "No Label Studio connected" in text
    assert 'href="/connections/new/"' in text


def test_the_list_names_each_server(as_alice, connection):
    text = as_alice.get("/connections/").text
    assert f'href="/connections/{connection.pk}/"' in text
    assert "Label Studio 1.23.2, tested" in text


def test_a_project_can_be_picked(as_alice, connection, server):
    text = as_alice.get(f"/connections/{connection.pk}/").text
    assert f'href="/connections/{connection.pk}/projects/7/"' in text
    assert ">Moods</a>" in text


def test_a_project_that_has_a_campaign_leads_there(as_alice, campaign, server):
    text = as_alice.get(f"/connections/{campaign.connection_id}/").text
    assert "/projects/7/" not in text
    assert f'<a href="/campaigns/{campaign.pk}/">Moods of letters</a>' in text


def test_a_title_from_there_is_text_and_not_markup(as_alice, connection, server):
    server.title, server.label_config = "<script>alert(1)</script>", BOXES
    text = as_alice.get(f"/connections/{connection.pk}/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_server_without_projects_says_what_to_do(as_alice, connection, server):
    server.faults["GET /api/projects"] = httpx.Response(200, json={"results": [], "next": None})
    assert "No project here" in as_alice.get(f"/connections/{connection.pk}/").text


def test_a_server_that_is_down_does_not_break_the_page(as_alice, connection, server):
    server.faults["."] = httpx.ConnectError("refused")
    answer = as_alice.get(f"/connections/{connection.pk}/")
    assert answer.status_code == 200
    assert "No Label Studio answers" in answer.text
    assert "Campaigns and their rounds are kept." in answer.text
