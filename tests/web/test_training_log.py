"""The training log of a round: each attempt, its verdict, and what the backend said itself."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from trustai_web.campaigns.models import TrainingRun

HOSTILE = "</code><script>alert(1)</script>"


def log_of(client, round_):
    """The log as one line of text, without thin spaces."""
    page = client.get(f"/rounds/{round_.pk}/").text
    found = re.search(r'<section class="section" id="training">.*?</section>', page, re.S)
    return re.sub(r"\s+", " ", found[0].replace("\u202f", " ")) if found else None


def cell(log, label):
    return re.sub("<.*?>", "", re.search(rf'<td data-label="{label}"[^>]*>(.*?)</td>', log)[1]).strip()


@pytest.fixture
def train(make_round):
    """An attempt of a round, with what is known of it."""

    def train(round_=None, **columns):
        now = timezone.now()
        values = {"verdict": "new_model", "label_count": 275, "version_before": "v1", "finished_at": now}
        run = TrainingRun.objects.create(round=round_ or make_round("done"), **{**values, **columns})
        TrainingRun.objects.filter(pk=run.pk).update(created_at=now - timedelta(seconds=200))
        return run

    return train


def test_a_round_that_was_not_trained_has_no_log(as_alice, make_round):
    assert log_of(as_alice, make_round("open")) is None


def test_a_new_model_is_told_with_all_that_is_known(as_alice, train):
    run = train(
        route="train",
        version_after="v2",
        message="The version changed from v1 to v2, and 31 of 50 probe tasks are predicted differently.",
        said=["POST /train → 200 training_started", "GET /is_training → 200 model_version v2"],
        reported={"accuracy": 0.9132, "epochs": 12},
        probed=50,
        probe_changed=31,
        lead_seconds=8100.0,
        lead_known=270,
    )
    log = log_of(as_alice, run.round)
    assert cell(log, "Started") == "3 minutes ago"
    assert cell(log, "Verdict") == "New model"
    assert "state-done" in log
    assert cell(log, "Model") == "v1 → v2"
    assert cell(log, "Labels") == "275"
    assert cell(log, "Took") == "3 min 20 s"
    assert cell(log, "How") == "POST /train of the backend"
    assert "31 of 50 tasks are predicted differently than before" in log
    assert "accuracy 0.9132, epochs 12" in log
    assert "not checked by TrustAI" in log
    assert "2 h 15 min" in log
    assert "the time of 270 of 275 labels is known" in log
    assert re.findall(r"<li><code>(.*?)</code></li>", log) == [
        "POST /train → 200 training_started",
        "GET /is_training → 200 model_version v2",
    ]


@pytest.mark.parametrize(
    ("verdict", "word", "state"),
    [
        ("running", "Running", "running"),
        ("new_model", "New model", "done"),
        ("same_model", "Same model as before", "attention"),
        ("failed", "Failed", "failed"),
        ("cancelled", "Cancelled", "waiting"),
    ],
)
def test_each_verdict_has_its_icon_and_word(as_alice, train, verdict, word, state):
    log = log_of(as_alice, train(verdict=verdict).round)
    assert re.search(rf'<span class="state state-{state}"><svg.*?</svg> ?{word}</span>', log)


def test_what_is_not_known_is_said_to_be_so(as_alice, train):
    log = log_of(as_alice, train(verdict="running", label_count=None, version_before="", finished_at=None).round)
    assert cell(log, "Model") == "unknown"
    assert cell(log, "Labels") == "unknown"
    assert cell(log, "Took") == "not ended"
    assert cell(log, "How") == "unknown"
    for nothing in ("Probe", "Labelling took", "The backend says", "What the backend said"):
        assert nothing not in log


def test_a_model_that_stayed_the_same_says_so_and_its_words_lie_open(as_alice, train):
    run = train(verdict="same_model", version_after="v1", said=["POST /train → 200"], probed=50, probe_changed=0)
    log = log_of(as_alice, run.round)
    assert cell(log, "Model") == "v1"
    assert "the same predictions as before on all 50 tasks" in log
    assert "<details open>" in log


def test_attempts_stand_in_their_order(as_alice, train, make_round):
    round_ = make_round("done")
    train(round_, verdict="failed", message="It crashed.")
    train(round_, version_after="v2")
    log = log_of(as_alice, round_)
    assert log.count("<tbody>") == 2
    assert log.index("It crashed.") < log.index("New model")


def test_annotators_read_the_verdict_and_not_the_backends_words(as_bob, train):
    log = log_of(as_bob, train(said=["Traceback of /home/lead"], message="Trained.").round)
    assert "New model" in log
    assert "Traceback" not in log


def test_what_a_backend_says_stays_text(as_alice, train):
    run = train(said=[HOSTILE], message=HOSTILE, reported={HOSTILE: 1.0}, version_after=HOSTILE)
    assert "<script>alert" not in log_of(as_alice, run.round)


# --------------------------------------------------------------------- a training that brought no new model


def forms_of(client, round_):
    """Address and button of each form of the page."""
    text = client.get(f"/rounds/{round_.pk}/").text
    found = re.findall(r'<form method="post" action="([^"]+)"[^>]*>.*?<button[^>]*>(.*?)</button>', text, re.S)
    return {re.sub("<.*?>", "", words).strip(): action for action, words in found}


@pytest.mark.parametrize("verdict", ["same_model", "failed"])
def test_a_round_without_a_new_model_can_be_trained_again_or_ends_with_the_old_one(
    as_alice, as_bob, make_round, train, verdict
):
    round_ = make_round("failed", failed_from="open", failure="It is the same model as before.", view_id=41)
    train(round_, verdict=verdict)
    forms = forms_of(as_alice, round_)
    assert forms["Try again"] == f"/rounds/{round_.pk}/resume/"
    assert forms["Finish the round with the old model"] == f"/rounds/{round_.pk}/finish/"
    assert '<a href="#training">What the backend said</a>' in as_alice.get(f"/rounds/{round_.pk}/").text
    assert set(forms_of(as_bob, round_)) == {"Log out"}
    as_alice.post(f"/rounds/{round_.pk}/finish/")
    round_.refresh_from_db()
    assert (round_.status, round_.failure) == ("done", "")


def test_back_at_labelling_it_can_still_end_with_the_old_model(as_alice, make_round, train):
    round_ = make_round("open")
    assert "Finish with the old model" not in forms_of(as_alice, round_)
    train(round_, verdict="failed")
    assert forms_of(as_alice, round_)["Finish with the old model"] == f"/rounds/{round_.pk}/finish/"


def test_a_round_that_failed_before_its_training_cannot_end(as_alice, make_round):
    round_ = make_round("failed", failed_from="pending", failure="No answer.", tasks=0)
    assert "Finish the round with the old model" not in forms_of(as_alice, round_)


def test_the_newest_model_can_be_measured_again(as_alice, make_round, train):
    old = make_round("done", number=0)
    train(old, version_after="v2", not_measured="No task of the test set has a label.")
    assert "No task of the test set has a label." in log_of(as_alice, old)
    measure = "Measure the model again"
    assert forms_of(as_alice, old)[measure] == f"/rounds/{old.pk}/evaluate/"
    new = make_round("done", number=1)
    train(new, version_before="v2", version_after="v3")
    assert measure not in forms_of(as_alice, old), "the backend has it no more"
    as_alice.post(forms_of(as_alice, new)[measure])
    assert [job.kind for job in new.jobs.all()] == ["evaluate"]
