"""Logging in and out, and the page that makes the first account."""

import pytest
from django.contrib.auth import get_user
from django.test import Client

from tests.web.conftest import PASSWORD
from trustai_web.accounts.models import User
from trustai_web.accounts.services import AccountsExist, first_lead_create

FIRST = {"username": "alice", "password1": "a long sentence 7", "password2": "a long sentence 7"}


# --------------------------------------------------------------------- the first account


def test_without_any_account_every_way_leads_to_the_page_that_makes_one(as_nobody):
    answer = as_nobody.get("/", follow=True)
    assert [step[0] for step in answer.redirect_chain] == ["/login/?next=/", "/setup/"]
    assert "Make the first account" in answer.text


def test_the_first_account_is_a_lead_and_logged_in(as_nobody):
    answer = as_nobody.post("/setup/", FIRST)
    assert (answer.status_code, answer.url) == (302, "/")
    alice = User.objects.get()
    assert alice.is_lead
    assert not alice.is_superuser
    assert alice.check_password(FIRST["password1"])
    assert get_user(as_nobody) == alice


def test_once_there_is_an_account_the_page_is_closed(as_nobody, bob):
    for answer in (as_nobody.get("/setup/"), as_nobody.post("/setup/", FIRST)):
        assert (answer.status_code, answer.url) == (302, "/login/")
    assert list(User.objects.all()) == [bob]


def test_the_service_refuses_a_second_first_lead(bob):
    with pytest.raises(AccountsExist):
        first_lead_create(username="mallory", password="a long sentence 7")
    assert list(User.objects.all()) == [bob]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short7!", "too short"),
        ("password123", "too common"),
        ("83749283749", "entirely numeric"),
        ("alice-alice", "too similar to the username"),
    ],
)
def test_a_weak_password_is_refused_beside_its_field(as_nobody, password, said):
    answer = as_nobody.post("/setup/", {"username": "alice-alice", "password1": password, "password2": password})
    assert answer.status_code == 200
    (error,) = answer.context["form"].errors["password2"]
    assert said in error
    assert said in answer.text
    assert 'value="alice-alice"' in answer.text
    assert password == "alice-alice" or password not in answer.text
    assert not User.objects.exists()


def test_two_different_passwords_are_refused(as_nobody):
    answer = as_nobody.post("/setup/", {**FIRST, "password2": "another sentence 8"})
    assert "password2" in answer.context["form"].errors
    assert not User.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_the_page_takes_no_other_method(as_nobody, method):
    assert getattr(as_nobody, method)("/setup/").status_code == 405


# --------------------------------------------------------------------- in and out


def test_logging_in_leads_to_where_one_wanted_to_go(as_nobody, alice):
    page = as_nobody.get("/login/?next=/jobs/")
    assert 'name="next" value="/jobs/"' in page.text
    answer = as_nobody.post("/login/", {"username": "alice", "password": PASSWORD, "next": "/jobs/"})
    assert (answer.status_code, answer.url) == (302, "/jobs/")
    assert get_user(as_nobody) == alice


def test_logging_in_leads_to_no_other_site(as_nobody, alice):
    answer = as_nobody.post("/login/?next=https://evil.test/", {"username": "alice", "password": PASSWORD})
    assert answer.url == "/"


def test_a_wrong_password_keeps_the_name_and_tells_nothing_more(as_nobody, alice):
    wrong = as_nobody.post("/login/", {"username": "alice", "password": "not hers"})
    unknown = as_nobody.post("/login/", {"username": "zoe", "password": "not hers"})
    assert 'value="alice"' in wrong.text
    assert "not hers" not in wrong.text
    assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
    assert wrong.context["form"].non_field_errors()[0] in wrong.text.replace("&#x27;", "'")
    assert not get_user(as_nobody).is_authenticated


def test_somebody_who_was_let_go_cannot_log_in(as_nobody, alice):
    User.objects.update(is_active=False)
    as_nobody.post("/login/", {"username": "alice", "password": PASSWORD})
    assert not get_user(as_nobody).is_authenticated


def test_who_is_in_needs_no_login_page(as_alice):
    assert as_alice.get("/login/").url == "/"


def test_logging_out_ends_the_session(as_alice):
    answer = as_alice.post("/logout/")
    assert (answer.status_code, answer.url) == (302, "/login/")
    assert as_alice.get("/").url == "/login/?next=/"


def test_a_link_cannot_log_anybody_out(as_alice):
    assert as_alice.get("/logout/").status_code == 405
    assert get_user(as_alice).is_authenticated


def test_forms_of_other_sites_are_refused(alice):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/login/", {"username": "alice", "password": PASSWORD}).status_code == 403
    assert not get_user(client).is_authenticated
