"""How an ML backend is spoken to: user and password, by which way it is trained, and for how long."""

from contextlib import closing

import httpx
import numpy as np
import pytest
from django.db import connection as database

from al_core.errors import InvalidInput
from al_core.predictions import PartSpec
from tests.servers import BACKEND_URL, BackendServer
from trustai_web.campaigns import parts
from trustai_web.campaigns.services.campaigns import campaign_store
from trustai_web.campaigns.services.jobs import job_claim
from trustai_web.campaigns.services.parts import part_claim
from trustai_web.connections.models import BackendSettings, Connection
from trustai_web.connections.services import backend_settings, backend_settings_save, ml_backend

GIVEN = {"username": "ann", "password": "secret", "train_route": "", "train_minutes": None}


def told(connection, server, url=BACKEND_URL):
    with closing(ml_backend(connection, url)) as client:
        client.health()
    return server.requests[-1].headers.get("authorization")


def test_a_backend_without_settings_is_asked_without_a_name(connection, backend):
    found = backend_settings(connection, BACKEND_URL)
    assert (found.pk, found.username, found.train_route, found.train_minutes) == (None, "", "", None)
    assert told(connection, backend) is None


def test_user_and_password_go_to_their_backend_and_to_no_other(connection, backend, wire):
    other = BackendServer()
    wire.route(url__startswith="http://other.test").mock(side_effect=other)
    backend_settings_save(connection, f"{BACKEND_URL}/", **GIVEN)
    assert told(connection, backend) == httpx.BasicAuth("ann", "secret")._auth_header
    assert told(connection, other, "http://other.test") is None
    lab = Connection.objects.create(
        name="Other lab", url="http://lab.test", token="t", created_by=connection.created_by
    )
    assert told(lab, backend) is None


def test_the_password_is_encrypted(connection):
    backend_settings_save(connection, BACKEND_URL, **GIVEN)
    with database.cursor() as cursor:
        cursor.execute("SELECT password FROM connections_backendsettings")
        (kept,) = cursor.fetchone()
    assert "secret" not in kept


def test_an_empty_password_keeps_the_one_of_the_same_user_alone(connection):
    def save(**changes):
        return backend_settings_save(connection, BACKEND_URL, **{**GIVEN, "password": "", **changes}).password

    backend_settings_save(connection, BACKEND_URL, **GIVEN)
    assert save(train_minutes=9) == "secret"
    assert save(password="new") == "new"
    assert save(username="bob") == "", "it was not bob's"
    backend_settings_save(connection, BACKEND_URL, **GIVEN)
    assert save(username=" ", password="left over") == ""
    assert BackendSettings.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_route": "pigeon"}, "no way of training called 'pigeon'"),
        ({"train_minutes": 0}, "at least a minute"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_saved(connection, changes, words):
    with pytest.raises(InvalidInput, match=words):
        backend_settings_save(connection, BACKEND_URL, **{**GIVEN, **changes})
    assert not BackendSettings.objects.exists()


def test_a_committee_speaks_to_each_backend_with_its_own_name(
    start, work, later_round, backend, server, campaign, connection, wire
):
    other = BackendServer("w1")
    other.good = lambda task_id: 1 - backend.good(task_id)
    wire.route(url__startswith="http://other.test").mock(side_effect=other)
    server.backends.append({**server.backends[0], "id": 4, "url": "http://other.test", "model_version": "w1"})
    backend_settings_save(connection, BACKEND_URL, **GIVEN)
    backend_settings_save(connection, "http://other.test", **{**GIVEN, "username": "eve"})
    campaign.strategy, campaign.diversity = "vote_entropy", "none"
    campaign.save()
    job = work(start())
    assert job.status == "succeeded", job.message
    for backend_, name in ((backend, "ann"), (other, "eve")):
        names = {request.headers.get("authorization") for request in backend_.requests}
        assert names == {httpx.BasicAuth(name, "secret")._auth_header}


def test_a_worker_that_helps_speaks_with_the_name_of_the_backend(start, later_round, backend, campaign, connection):
    backend_settings_save(connection, BACKEND_URL, **GIVEN)
    job = job_claim(start().pk)
    shared = parts.SharedOut(job, campaign_store(campaign))
    shared._hand_out([np.arange(1, 11), np.arange(11, 21)], PartSpec(BACKEND_URL, "v1"))
    parts._predict(part_claim(job.pk), lambda done, total, sentence: None)
    assert len(backend.bodies("/predict")[0]["tasks"]) == 10
    names = {request.headers.get("authorization") for request in backend.requests}
    assert names == {httpx.BasicAuth("ann", "secret")._auth_header}
