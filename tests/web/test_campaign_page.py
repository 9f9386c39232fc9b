"""How a campaign does: the learning curve, whether to stop, and where its time went."""

import html
from datetime import timedelta

import pytest

from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Evaluation, Round


def page_of(client, campaign, query=""):
    answer = client.get(f"/campaigns/{campaign.pk}/{query}")
    assert answer.status_code == 200
    return html.unescape(answer.text).replace("\u202f", " ")


@pytest.fixture
def grown(campaign, make_round, evaluate):
    """Four rounds whose models became better, and what people spent on their labels."""
    for number, correct in enumerate((60, 70, 76, 80)):
        round_ = make_round("done", number=number, model_version=f"v{number}")
        labels = 25 * (number + 1)
        evaluate(round_, correct=correct, total=100, label_count=labels)
        Evaluation.objects.filter(round=round_).update(low=correct / 100 - 0.09, high=correct / 100 + 0.08)
        round_.training_runs.create(
            verdict="new_model", version_after=f"v{number + 1}", label_count=labels, lead_seconds=36.0 * labels
        )
        round_.batch_tasks.update(status="labelled", label="good", lead_time=36.0)
    return campaign


def test_the_curve_says_what_the_next_labels_bring(as_alice, grown):
    answer = as_alice.get(f"/campaigns/{grown.pk}/")
    title = answer.context["curve"].title.replace("\u202f", " ")
    assert title.startswith("Accuracy 80.0 % after 100 labels, the next 100 bring ")
    roles = [trace["meta"]["role"] for trace in answer.context["curve"].figure["data"]]
    assert roles == ["fit_band", "fit", "band", "model"]


def test_the_curve_can_be_drawn_against_hours_without_a_script(as_alice, grown):
    text = page_of(as_alice, grown)
    assert 'href="?by=hours"' in text
    answer = as_alice.get(f"/campaigns/{grown.pk}/?by=hours")
    assert answer.context["by"] == "hours"
    assert answer.context["curve"].figure["layout"]["xaxis"]["title"]["text"] == "hours that annotators spent"
    assert answer.context["curve"].title.replace("\u202f", " ").startswith("Accuracy 80.0 % after 1.0 hour,")
    assert as_alice.get(f"/campaigns/{grown.pk}/?by=nonsense").context["by"] == "labels"


def test_where_no_hours_are_known_there_is_nothing_to_switch(as_alice, campaign, make_round, evaluate):
    evaluate(make_round("done", number=0))
    assert "?by=hours" not in page_of(as_alice, campaign)
    assert as_alice.get(f"/campaigns/{campaign.pk}/?by=hours").context["curve"] is not None


def test_a_curve_has_one_measure(as_alice, campaign, make_round, evaluate):
    evaluate(make_round("done", number=0), label_count=10)
    evaluate(make_round("done", number=1), label_count=20)
    Evaluation.objects.filter(round__number=1).update(metric="span_f1", correct=None)
    answer = as_alice.get(f"/campaigns/{campaign.pk}/")
    (line,) = [trace for trace in answer.context["curve"].figure["data"] if trace["meta"]["role"] == "model"]
    assert list(line["x"]) == [20]
    assert "Span F1 (95 % interval)" in answer.text
    assert "Accuracy <a" in answer.text


def test_the_control_lane_is_drawn_beside_the_test_set(as_alice, grown):
    lane = Round.objects.get(number=3).batch_tasks
    lane.update(lane="control")
    marks = [
        trace
        for trace in as_alice.get(f"/campaigns/{grown.pk}/").context["curve"].figure["data"]
        if trace["meta"]["role"] == "control"
    ]
    assert list(marks[0]["x"]) == [75], "the model that was asked in round 3 had learned from 75 labels"


def test_the_stop_board_has_one_sentence_and_each_rule_with_its_evidence(as_alice, as_bob, grown):
    answer = as_alice.get(f"/campaigns/{grown.pk}/")
    text = page_of(as_bob, grown)
    board = answer.context["board"]
    assert board.sentence.replace("\u202f", " ") in text
    for rule in board.rules:
        assert rule.label in text
        assert rule.evidence.replace("\u202f", " ") in text
        assert rule.source in text
    assert {rule.says for rule in board.rules} >= {"unknown", "go_on"}
    for word in ("Unknown</span>", "Go on</span>"):
        assert word in text
    assert "Advice, never a lock" in text


def test_before_a_model_there_is_no_stop_board(as_alice, campaign, make_round):
    make_round("open", number=0)
    assert "Stop or go on?" not in page_of(as_alice, campaign)


def test_a_test_set_that_may_have_leaked_is_called_out(as_alice, grown):
    assert "may have leaked" not in page_of(as_alice, grown)
    Evaluation.objects.update(correct=99, total=100, value=0.99)
    for round_ in Round.objects.filter(number__gt=0):
        round_.batch_tasks.update(lane="control", label="bad")
    text = page_of(as_alice, grown)
    assert "The test set may have leaked into the training." in text
    assert selectors.leak_of(grown).sentence.replace("\u202f", " ") in text


def test_an_older_model_that_scores_is_said(as_alice, as_bob, grown):
    Campaign.objects.update(score_version="v2")
    assert "The pool is scored with v2, not with the newest model." in page_of(as_bob, grown)
    assert "is changed, in the" in page_of(as_alice, grown)
    assert "is changed, in the" not in page_of(as_bob, grown)


def test_the_timeline_has_what_has_ended(campaign, make_round, make_job):
    round_ = make_round("done", number=1)
    began = round_.created_at
    make_job(
        round_, "score", "succeeded", started_at=began + timedelta(seconds=2), finished_at=began + timedelta(seconds=12)
    )
    make_job(round_, "publish", "succeeded", started_at=began, finished_at=began + timedelta(seconds=99))
    Round.objects.update(published_at=began + timedelta(minutes=1))
    round_.batch_tasks.filter(rank=1).update(labelled_at=began + timedelta(minutes=3))
    run = round_.training_runs.create(verdict="failed", finished_at=began + timedelta(minutes=9))
    type(run).objects.update(created_at=began + timedelta(minutes=5))
    round_.training_runs.create(verdict="running")
    make_round("cancelled", number=2)
    (times,) = selectors.round_times(campaign)
    assert [(s.step, s.start, s.seconds) for s in times.segments] == [
        ("scoring", 2, 10),
        ("labelling", 60, 120),
        ("training", 300, 240),
    ]


def test_labels_that_are_older_than_the_batch_take_no_time(campaign, make_round):
    round_ = make_round("done", number=1)
    Round.objects.update(published_at=round_.created_at + timedelta(minutes=1))
    round_.batch_tasks.update(labelled_at=round_.created_at)
    assert selectors.round_times(campaign)[0].segments == ()
