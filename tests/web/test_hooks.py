"""The address that an ML backend calls when a training has ended."""

import json
import logging

import pytest
from django.test import Client
from django.urls import reverse

from trustai_web.campaigns.models import TrainingRun

TOKEN = "dear-backend_this-is-your-secret"
DONE = {"status": "done", "model_version": "v2", "metrics": {"accuracy": 0.91}}


@pytest.fixture
def run(make_round):
    return TrainingRun.objects.create(round=make_round("training"), verdict="running", call_back_token=TOKEN)


@pytest.fixture
def call(db):
    """Call as a program does: without a session, and with checks of forms switched on."""
    client = Client(enforce_csrf_checks=True)

    def call(body, token=TOKEN, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body)
        return client.post(reverse("training_hook", args=[token]), content, content_type="application/json", **headers)

    return call


def test_what_a_backend_says_of_its_training_is_kept(call, run):
    answer = call(DONE)
    assert (answer.status_code, answer.content) == (204, b"")
    run.refresh_from_db()
    assert run.verdict == "running", "it is believed only after a look at the model"
    assert run.call_back["status"] == "done"
    assert run.call_back["model_version"] == "v2"
    assert run.call_back["reported"] == {"accuracy": 0.91}


def test_of_metrics_only_numbers_are_kept(call, run):
    metrics = {"accuracy": 0.9, "epochs": 3, "name": "bert", "list": [1], "is_good": True, "none": None}
    assert call({**DONE, "metrics": metrics}).status_code == 204
    run.refresh_from_db()
    assert run.call_back["reported"] == {"accuracy": 0.9, "epochs": 3}


def test_a_number_that_json_does_not_have_is_left_out(call, run):
    content = b'{"status": "done", "metrics": {"loss": NaN, "gain": Infinity, "f1": 0.5}}'
    assert call(content).status_code == 204
    run.refresh_from_db()
    assert run.call_back["reported"] == {"f1": 0.5}


def test_an_unknown_secret_learns_nothing(call, run):
    answer = call(DONE, token="another")
    assert (answer.status_code, answer.content) == (404, b"")
    run.refresh_from_db()
    assert run.call_back == {}


@pytest.mark.parametrize("verdict", ["new_model", "same_model", "failed", "cancelled"])
def test_the_secret_ends_with_the_training(call, run, verdict):
    TrainingRun.objects.update(verdict=verdict)
    answer = call(DONE)
    assert (answer.status_code, answer.content) == (404, b"")
    run.refresh_from_db()
    assert run.call_back == {}


def test_a_training_without_a_secret_is_nobodys_to_end(call, run):
    TrainingRun.objects.update(call_back_token="")
    assert call(DONE, token="-").status_code == 404


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[1]", b'"done"', b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_object_is_refused_whatever_the_secret(call, run, content):
    for token in (TOKEN, "another"):
        answer = call(content, token=token)
        assert (answer.status_code, answer.text) == (400, "The body is no JSON object.\n")
    run.refresh_from_db()
    assert run.call_back == {}


def test_a_body_that_is_too_long_is_not_read(call, run):
    for token in (TOKEN, "another"):
        assert call({"status": "done", "error": "x" * 16_000}, token=token).status_code == 413
    run.refresh_from_db()
    assert run.call_back == {}


def test_words_of_any_length_and_kind_are_cut_and_kept(call, run):
    assert (
        call({"status": 7, "model_version": "v" * 5000, "error": {"why": "\0"}, "metrics": "good"}).status_code == 204
    )
    run.refresh_from_db()
    assert len(run.call_back["model_version"]) == 255
    assert run.call_back["reported"] == {}


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_it_is_called_by_post_alone(as_nobody, run, method):
    assert getattr(as_nobody, method)(reverse("training_hook", args=[TOKEN])).status_code == 405


def test_being_logged_in_is_no_help(as_alice, run):
    assert as_alice.post(reverse("training_hook", args=["another"]), DONE, "application/json").status_code == 404


@pytest.mark.parametrize(("content", "status"), [(b"no JSON", 400), (b"{" + b" " * 20_000 + b"}", 413)])
def test_a_refusal_leaves_no_secret_in_the_log(call, run, content, status, caplog):
    with caplog.at_level(logging.DEBUG):
        assert call(content).status_code == status
    assert "/hooks/training/…/" in caplog.text
    assert TOKEN not in caplog.text
