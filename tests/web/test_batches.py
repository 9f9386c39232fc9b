"""The annotator's page."""

import pytest

from tests.servers import URL
from trustai_web.campaigns.models import Round


def test_the_refusals(assert_refusals):
    assert_refusals("/batches/", takes=("get", "head"), bob=200, charlie=200)


def test_an_open_batch_is_there_to_go_on_with(as_bob, make_round):
    round_ = make_round("open")
    round_.batch_tasks.filter(rank=1).update(status="labelled")
    text = as_bob.get("/batches/").text
    assert "Moods of letters, round 1" in text
    assert "1 labelled, 2 open, 0 skipped" in text
    assert "Open next (2 of 3)" in text
    assert f'href="/rounds/{round_.pk}/next/"' in text
    assert f'href="{URL}/projects/7/data?tab=41&amp;labeling=1"' in text


def test_a_batch_that_is_answered_says_thank_you(as_bob, make_round):
    make_round("open").batch_tasks.update(status="labelled")
    text = as_bob.get("/batches/").text
    assert "All answered. Thank you" in text
    assert "Open next" not in text


@pytest.mark.parametrize("status", [s for s in Round.Status.values if s != "open"])
def test_only_open_batches_are_shown(as_bob, make_round, status):
    make_round(status)
    assert "Nothing to label" in as_bob.get("/batches/").text


def test_a_stranger_sees_no_batch_and_a_lead_every_one(as_charlie, as_alice, make_round):
    make_round("open")
    text = as_charlie.get("/batches/").text
    assert "Nothing to label" in text
    assert "Moods" not in text
    assert "Moods of letters, round 1" in as_alice.get("/batches/").text


def test_htmx_gets_the_living_part_alone(as_bob, make_round):
    make_round("open")
    answer = as_bob.get("/batches/", headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<div id="live"')
    assert "Moods of letters, round 1" in answer.text
    assert "<html" not in answer.text
