"""Who may open what: every address has a row here, and a new one fails until somebody decides."""

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.servers import PROJECT_ID

EVERYBODY, PEOPLE, READERS, LEADS, PROGRAMS = "everybody", "people", "readers", "leads", "programs"
"""Who may: also without logging in; whoever is logged in; who was given the campaign; leads alone; who has a secret."""

TABLE = {
    # name: (who, methods, arguments)
    "home": (PEOPLE, "get", []),
    "first_lead": (EVERYBODY, "get post", []),
    "login": (EVERYBODY, "get post", []),
    "logout": (PEOPLE, "post", []),
    "connection_list": (LEADS, "get", []),
    "connection_add": (LEADS, "get post", []),
    "connection_detail": (LEADS, "get", ["connection"]),
    "connection_edit": (LEADS, "get post", ["connection"]),
    "connection_test": (LEADS, "post", ["connection"]),
    "campaign_add": (LEADS, "get post", ["connection", PROJECT_ID]),
    "campaign_list": (PEOPLE, "get", []),
    "campaign_detail": (READERS, "get", ["campaign"]),
    "campaign_edit": (LEADS, "get post", ["campaign"]),
    "campaign_doctor": (LEADS, "get post", ["campaign"]),
    "campaign_backend": (LEADS, "get post", ["campaign"]),
    "campaign_backend_webhook": (LEADS, "post", ["campaign"]),
    "campaign_test_set": (LEADS, "get post", ["campaign"]),
    "campaign_labels": (LEADS, "get", ["campaign"]),
    "campaign_labels_publish": (LEADS, "post", ["campaign"]),
    "campaign_labels_retract": (LEADS, "post", ["campaign"]),
    "campaign_labels_read": (LEADS, "post", ["campaign"]),
    "campaign_score_with": (LEADS, "post", ["campaign"]),
    "round_start": (LEADS, "post", ["campaign"]),
    "round_detail": (READERS, "get", ["round"]),
    "round_next_task": (READERS, "get", ["round"]),
    "round_resume": (LEADS, "post", ["round"]),
    "round_cancel": (LEADS, "post", ["round"]),
    "round_finish": (LEADS, "post", ["round"]),
    "round_scores": (LEADS, "get", ["round"]),
    "round_scores_file": (LEADS, "get", ["round"]),
    "model_report": (READERS, "get", ["round"]),
    "round_work": (LEADS, "post", ["round", "train"]),
    "batch_list": (PEOPLE, "get", []),
    "person_list": (LEADS, "get post", []),
    "job_list": (LEADS, "get", []),
    "job_cancel": (LEADS, "post", ["job"]),
    "job_hurry": (LEADS, "post", ["job"]),
    "training_hook": (PROGRAMS, "post", ["no-such-secret"]),
}


def patterns(resolver):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from patterns(entry)


@pytest.fixture
def url_of(connection, campaign, make_round, make_job, server, backend):
    round_ = make_round("open")
    rows = {"connection": connection, "campaign": campaign, "round": round_, "job": make_job(round_, "train")}

    def url_of(name):
        values = [rows[value].pk if value in rows else value for value in TABLE[name][2]]
        return get_resolver().reverse(name, *values)

    return lambda name: "/" + url_of(name)


@pytest.fixture
def ask(as_alice, as_bob, as_charlie, as_nobody, url_of):
    clients = {"alice": as_alice, "bob": as_bob, "charlie": as_charlie, "nobody": as_nobody}
    return lambda who, method, name: getattr(clients[who], method)(url_of(name))


ROWS = [
    (name, who, method)
    for name, (who, methods, _) in TABLE.items()
    if who != PROGRAMS  # whoever calls, logged in or not: see test_hooks.py
    for method in methods.split()
]
CLOSED = [(name, method) for name, who, method in ROWS if who != EVERYBODY]


def test_every_address_has_a_row_and_every_row_an_address():
    names = [pattern.name for pattern in patterns(get_resolver())]
    assert None not in names
    assert sorted(names) == sorted(TABLE)


@pytest.mark.parametrize(("name", "method"), CLOSED)
def test_who_is_not_logged_in_is_sent_to_do_so(ask, url_of, name, method):
    answer = ask("nobody", method, name)
    assert (answer.status_code, answer.url) == (302, f"/login/?next={url_of(name)}")


@pytest.mark.parametrize(("name", "who", "method"), [row for row in ROWS if row[1] != EVERYBODY])
def test_annotators_may_what_the_table_says(ask, name, who, method):
    """Bob was given the campaign, charlie was not."""
    bob, charlie = ask("bob", method, name), ask("charlie", method, name)
    if who == LEADS:
        assert (bob.status_code, charlie.status_code) == (403, 403)
    elif who == READERS:
        assert bob.status_code in (200, 302)
        assert charlie.status_code == 404
    else:
        assert bob.status_code in (200, 302)
        assert charlie.status_code == bob.status_code


@pytest.mark.parametrize(("name", "who", "method"), ROWS)
def test_a_lead_may_everything(ask, name, who, method):
    assert ask("alice", method, name).status_code in (200, 302)


# The two pages of who is not logged in send a lead away, whatever the method.
@pytest.mark.parametrize("name", sorted({name for name, _ in CLOSED}))
def test_other_methods_are_refused(ask, name):
    takes = TABLE[name][1].split()
    for method in {"get", "post", "put", "delete"} - set(takes):
        assert ask("alice", method, name).status_code == 405, method


@pytest.mark.parametrize("name", sorted({name for name, _, method in ROWS if method == "post"}))
def test_no_form_is_taken_from_another_site(alice, url_of, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(url_of(name)).status_code == 403


def test_a_new_address_is_closed_to_who_is_not_logged_in(settings):
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE
