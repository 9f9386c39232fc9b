"""What is kept of a training: one at a time for a backend, what it said while it went on, and what came of it."""

from math import inf, nan

import pytest
from django.utils import timezone

from al_core.evaluation import Evaluation as Measured
from al_core.evaluation import Metric, TestAnswer
from al_core.training import Before, CallBack
from al_core.types import Training
from tests.servers import BACKEND_URL
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Job, Round
from trustai_web.campaigns.services.jobs import Busy
from trustai_web.campaigns.services.rounds import round_work
from trustai_web.campaigns.services.training import (
    call_back_heard,
    call_back_of,
    call_back_url,
    evaluation_kept,
    training_begin,
    training_ended,
    training_trained,
)

BEFORE = Before("v1", {3: "abc", 4: ""})


@pytest.fixture
def run(make_round):
    return training_begin(round_=make_round("training"), before=BEFORE)


def came_to(verdict="new_model", **columns):
    values = {
        "verdict": verdict,
        "reason": "The backend has v2 now.",
        "route": "train",
        "label_count": 12,
        "version_before": "v1",
        "version_after": "v2",
        "seconds": 3.0,
    }
    return Training(**{**values, **columns})


# --------------------------------------------------------------------- begun


def test_what_the_backend_was_like_is_kept_for_whoever_goes_on(run):
    assert (run.verdict, run.version_before, run.backend_url) == ("running", "v1", BACKEND_URL)
    assert Before.from_dict(selectors.running_training(run.round).before) == BEFORE


def test_the_secret_is_another_each_time_and_cannot_be_guessed(run, make_round):
    training_ended(round_=run.round, verdict="failed", message="No.")
    other = training_begin(round_=run.round, before=BEFORE)
    assert len(other.call_back_token) >= 43
    assert other.call_back_token != run.call_back_token


@pytest.mark.parametrize(("site", "address"), [("", ""), ("https://t.test", "https://t.test/hooks/training/{}/")])
def test_a_backend_is_told_an_address_where_it_can_reach_one(run, settings, site, address):
    settings.SITE_URL = site
    assert call_back_url(run) == address.format(run.call_back_token)


@pytest.fixture
def elsewhere(connection, alice):
    """An open round of another campaign on the same backend."""

    def make(url):
        campaign = Campaign.objects.create(
            name="Other", connection=connection, project_id=9, backend_url=url, created_by=alice
        )
        return Round.objects.create(campaign=campaign, number=2, status="open", batch_size=1)

    return make


@pytest.mark.parametrize("url", [BACKEND_URL, f"{BACKEND_URL}/"])
def test_a_backend_is_trained_for_one_round_at_a_time_whatever_the_campaign(run, elsewhere, alice, url):
    other = elsewhere(url)
    with pytest.raises(Busy, match="being trained for round 1 of “Moods of letters”"):
        round_work(round_=other, kind=Job.Kind.TRAIN, user=alice)
    with pytest.raises(Busy, match="being trained for another round"):
        training_begin(round_=other, before=BEFORE)
    assert not other.training_runs.exists()
    training_ended(round_=run.round, verdict="cancelled", message="Cancelled.")
    assert round_work(round_=other, kind=Job.Kind.TRAIN, user=alice).kind == "train"
    assert training_begin(round_=other, before=BEFORE).verdict == "running"


def test_another_backend_does_not_wait(run, elsewhere, alice):
    other = elsewhere("http://another.test")
    round_work(round_=other, kind=Job.Kind.TRAIN, user=alice)
    assert training_begin(round_=other, before=BEFORE).verdict == "running"


# --------------------------------------------------------------------- the call-back


def test_what_a_backend_sends_is_kept_while_the_training_goes_on(run):
    assert call_back_of(run) is None
    body = {"status": "Done", "model_version": "v2", "metrics": {"accuracy": 0.9, "epochs": 3}}
    assert call_back_heard(run.call_back_token, body)
    assert call_back_of(run) == CallBack("done", "v2", "", {"accuracy": 0.9, "epochs": 3.0})
    assert call_back_heard(run.call_back_token, {"status": "failed", "error": "out of memory"}), "later words count"
    assert call_back_of(run) == CallBack("failed", "", "out of memory", {})


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, ""), ({"model_version": "v2"}, "done"), ({"error": "no"}, "failed"), ({"status": "epoch 3"}, "epoch 3")],
)
def test_a_backend_that_gives_no_status_is_understood_as_far_as_it_can_be(run, body, status):
    assert call_back_heard(run.call_back_token, body)
    assert call_back_of(run).status == status


def test_odd_words_are_cut_and_numbers_that_are_none_left_out(run):
    numbers = {"a": 1, "b": True, "c": "0.5", "d": nan, "e": inf, "f": None, "g\0": -2.5}
    body = {"status": "s" * 99, "model_version": "v" * 400, "error": "e\0\ud800" * 400, "metrics": numbers}
    assert call_back_heard(run.call_back_token, body)
    heard = call_back_of(run)
    assert (len(heard.status), len(heard.model_version), len(heard.error)) == (50, 255, 300)
    assert "\0" not in heard.error
    assert heard.reported == {"a": 1.0, "g": -2.5}
    assert call_back_heard(run.call_back_token, {"metrics": {str(i): i for i in range(200)}})
    assert len(call_back_of(run).reported) == 50
    assert call_back_heard(run.call_back_token, {"status": ["done"], "metrics": [1, 2]})


def test_nobody_is_heard_without_the_secret_or_after_the_end(run):
    for token in ("", "guess", run.call_back_token[:-1]):
        assert not call_back_heard(token, {"status": "done"})
    run.call_back_token = ""
    run.save()
    assert not call_back_heard("", {"status": "done"}), "a training of an older version has no secret"
    training_ended(round_=run.round, verdict="failed", message="No.")
    assert not call_back_heard(run.call_back_token, {"status": "done"})
    assert call_back_of(run) is None


# --------------------------------------------------------------------- what came of it


def test_all_that_is_known_of_a_training_is_kept(run):
    said = ("POST /train → 200 training_started", "x" * 999)
    training_trained(
        run=run,
        training=came_to(
            said=said, reported={"loss": 0.25, "bad": nan}, lead_seconds=99.5, lead_known=9, probed=50, probe_changed=3
        ),
    )
    assert (run.verdict, run.route, run.message, run.label_count) == (
        "new_model",
        "train",
        "The backend has v2 now.",
        12,
    )
    assert (run.version_after, run.lead_seconds, run.lead_known) == ("v2", 99.5, 9)
    assert (run.said[0], len(run.said[1]), run.reported) == (said[0], 300, {"loss": 0.25})
    assert (run.probed, run.probe_changed) == (50, 3)
    assert run.finished_at is not None


def test_a_training_that_was_ended_by_somebody_else_stays_ended(run):
    training_ended(round_=run.round, verdict="cancelled", message="Cancelled.")
    training_trained(run=run, training=came_to())
    assert (run.verdict, run.message, run.version_after) == ("cancelled", "Cancelled.", "")


def test_an_evaluation_is_kept_whole_and_a_later_one_takes_its_place(run):
    training_trained(run=run, training=came_to())

    def measured(right, count):
        share = Metric("accuracy", "Accuracy", right / count, 0.2, 0.9, count, "wilson", right)
        answers = [TestAnswer(i, "good", "good" if i < right else None, i < right, 0.8, 0.2) for i in range(count)]
        return Measured("v2", (share,), tuple(answers))

    evaluation_kept(run=run, evaluation=measured(3, 5))
    evaluation_kept(run=run, evaluation=measured(4, 6))
    run.round.refresh_from_db()
    kept = run.round.evaluation
    assert (kept.metric, kept.correct, kept.total, kept.unanswered) == ("accuracy", 4, 6, 2)
    assert (kept.label_count, kept.model_version, kept.confusion) == (12, "v2", {})
    assert kept.metrics[0]["how"] == "wilson"
    assert TestAnswer(**kept.answers[0]).is_right


def test_words_and_numbers_that_no_database_keeps_are_kept_as_far_as_they_can_be(make_round):
    run = training_begin(round_=make_round("training"), before=Before("v\0" * 300))
    assert run.version_before == "v" * 255
    training_trained(run=run, training=came_to("failed", reason="no\0 \ud800", version_after="w" * 300))
    assert (run.message, len(run.version_after)) == ("no ?", 255)
    share = Metric("accuracy", "Accuracy", 1.0, 0.2, 1.0, 1, "wilson", 1)
    answer = TestAnswer(1, "a\0b\udfff", "x", False, nan)
    evaluation_kept(run=run, evaluation=Measured("v2", (share,), (answer,)))
    (kept,) = run.round.evaluation.answers
    assert (kept["truth"], kept["predicted"], kept["confidence"], kept["is_right"]) == ("ab?", "x", None, False)


# --------------------------------------------------------------------- what may be done after it


@pytest.mark.parametrize(
    ("verdicts", "may"),
    [
        ([], False),
        (["same_model"], True),
        (["failed"], True),
        (["cancelled"], True),
        (["running"], False),
        (["new_model"], False),
        (["new_model", "same_model"], True),
    ],
)
def test_a_round_may_end_with_the_old_model_once_a_training_brought_none(make_round, campaign, verdicts, may):
    round_ = make_round("open")
    for verdict in verdicts:
        round_.training_runs.create(verdict=verdict)
    assert selectors.can_finish_without_model(round_) is may
    campaign.backend_url = ""
    campaign.save()
    assert selectors.can_finish_without_model(Round.objects.get())


def test_only_the_newest_model_can_be_measured_again(make_round):
    first, second = make_round("done", number=0), make_round("done", number=1)
    assert not selectors.can_be_measured_again(second), "it made none"
    first.training_runs.create(verdict="new_model", finished_at=timezone.now())
    assert selectors.can_be_measured_again(first)
    second.training_runs.create(verdict="same_model")
    assert selectors.can_be_measured_again(first), "the backend still has it"
    second.training_runs.create(verdict="new_model")
    assert not selectors.can_be_measured_again(first)
    assert selectors.can_be_measured_again(second)
    second.status = "training"
    assert not selectors.can_be_measured_again(second)
