"""What the rows of a campaign tell of its models: curves, the control lane, leaks, and rounds for the stop board."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from al_core.evaluation import Interval
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Evaluation, Round

SINGLE = [{"name": "mood", "tag": "Choices", "form": "single", "classes": 2}]


@pytest.fixture
def trained(make_round, evaluate):
    """A round that made a model, and measured it."""

    def trained(number, *, labels=10, seconds=None, correct=3, total=5, **columns):
        round_ = make_round("done", number=number, tasks=0, **columns)
        version = f"v{number + 1}"
        round_.training_runs.create(
            verdict="new_model", version_after=version, label_count=labels, lead_seconds=seconds, lead_known=labels
        )
        evaluate(round_, correct=correct, total=total, label_count=labels)
        return round_

    return trained


@pytest.fixture
def lane(campaign):
    """The control lane of a round: so many right and wrong answers to what the model had said before."""
    campaign.controls = SINGLE
    campaign.save()
    ids = iter(range(1000, 9000))

    def lane(round_, right, wrong, lane="control", **columns):
        for is_right in [True] * right + [False] * wrong:
            task_id = next(ids)
            values = {
                "rank": task_id,
                "task_id": task_id,
                "lane": lane,
                "status": "labelled",
                "label": "good" if is_right else "bad",
                "probabilities": {"bad": 0.4, "good": 0.6},
            }
            BatchTask.objects.create(round=round_, **{**values, **columns})

    return lane


# --------------------------------------------------------------------- the curve


def test_a_point_knows_its_labels_its_hours_and_what_is_behind_it(trained, campaign):
    trained(0, labels=10)
    trained(1, labels=20, seconds=5400.0, correct=4)
    first, second = selectors.learning_curve(campaign)
    assert (first.round_number, first.label_count, first.hours) == (0, 10, None)
    assert (second.round_number, second.label_count, second.hours) == (1, 20, 1.5)
    assert (second.metric, second.correct, second.total, second.model_version) == ("accuracy", 4, 5, "v2")
    assert (second.value, second.low, second.high) == (0.8, 0.2, 0.9)


def test_hours_are_those_of_the_training_that_made_the_model(trained, campaign):
    round_ = trained(0, seconds=3600.0)
    round_.training_runs.create(verdict="failed", lead_seconds=9999.0)
    (point,) = selectors.learning_curve(campaign)
    assert point.hours == 1.0


def test_what_a_label_takes_is_told_of_all_labels_of_the_campaign(make_round, campaign):
    assert selectors.seconds_per_label(campaign) is None
    round_ = make_round("done", tasks=40)
    round_.batch_tasks.update(status="labelled", lead_time=4.0)
    round_.batch_tasks.filter(rank=1).update(lead_time=None)
    round_.batch_tasks.filter(rank=2).update(status="skipped", lead_time=100.0)
    found = selectors.seconds_per_label(campaign)
    assert (found.value, found.low, found.high) == pytest.approx((4.0, 4.0, 4.0))


# --------------------------------------------------------------------- the control lane


def test_the_control_lane_judges_each_model_by_what_came_after_its_predictions(trained, make_round, lane, campaign):
    trained(0, labels=10, seconds=360.0)
    trained(1, labels=30)
    lane(make_round("done", number=2, tasks=0, model_version="v1"), right=6, wrong=2)
    lane(make_round("done", number=3, tasks=0, model_version="v2"), right=3, wrong=1)
    found = selectors.control_lane(campaign)
    first, second = found.points
    assert (first.model_version, first.round_number, first.correct, first.total) == ("v1", 2, 6, 8)
    assert (first.label_count, first.hours, first.value) == (10, 0.1, 0.75)
    assert first.low < 0.75 < first.high
    assert (second.model_version, second.label_count, second.correct, second.total) == ("v2", 30, 3, 4)
    assert (found.pooled.correct, found.pooled.total) == (9, 12)
    assert selectors.control_points(campaign) == [first, second]


def test_rounds_of_one_model_are_one_point(make_round, lane, campaign):
    for number in (1, 2):
        lane(make_round("done", number=number, tasks=0, model_version="v1"), right=1, wrong=1)
    (point,) = selectors.control_lane(campaign).points
    assert (point.round_number, point.correct, point.total, point.label_count) == (2, 2, 4, 0)
    assert selectors.control_points(campaign) == [], "nobody knows what it had learned from"


def test_what_says_nothing_of_the_model_is_left_out(make_round, lane, campaign):
    round_ = make_round("open", number=1, tasks=0, model_version="v1")
    for columns in (
        {"lane": "strategy"},
        {"lane": "test"},
        {"status": "open"},
        {"status": "skipped", "label": ""},
        {"probabilities": {}},
        {"label": ""},
    ):
        lane(round_, 1, 0, **columns)
    assert selectors.control_lane(campaign) == selectors.ControlLane([], None)
    gone = make_round("cancelled", number=2, tasks=0, model_version="v1")
    lane(gone, 1, 0)
    assert selectors.control_points(campaign) == []


def test_answers_that_are_no_single_class_are_not_judged(make_round, lane, campaign):
    lane(make_round("done", number=1, tasks=0, model_version="v1"), right=3, wrong=1)
    campaign.controls = [{**SINGLE[0], "form": "multi"}]
    assert selectors.control_lane(campaign).pooled is None


# --------------------------------------------------------------------- leaks


def test_a_test_set_that_a_model_knows_by_heart_stands_out(trained, make_round, lane, campaign):
    assert not selectors.leak_of(campaign).is_suspected
    trained(0, correct=200, total=200)
    assert selectors.leak_of(campaign).difference is None, "there is no control lane yet"
    lane(make_round("done", number=1, tasks=0, model_version="v1"), right=30, wrong=30)
    found = selectors.leak_of(campaign)
    assert found.is_suspected
    assert found.difference.value == pytest.approx(0.5)


def test_the_same_test_set_counts_once_however_many_models_it_judged(trained, make_round, lane, campaign, monkeypatch):
    trained(0, correct=15, total=20)
    trained(1, correct=20, total=20)
    trained(2, correct=20, total=20)
    lane(make_round("done", number=3, tasks=0, model_version="v1"), right=3, wrong=1)
    lane(make_round("done", number=4, tasks=0, model_version="v2"), right=12, wrong=0)
    asked = []
    monkeypatch.setattr("trustai_web.campaigns.selectors.measuring.leak_check", lambda *pair: asked.append(pair))
    selectors.leak_of(campaign)
    assert asked == [((19, 20), (15, 16))], "0.75 counts for 4 tasks and 1 for 12; v3 has no control lane"


# --------------------------------------------------------------------- round by round


def test_the_stop_board_is_told_of_each_model_what_its_own_scoring_found(trained, make_round, campaign):
    alike = {"kappa": 0.9, "low": 0.8, "high": 0.95, "tasks": 28, "round": 1}
    trained(0, labels=10)
    trained(
        1,
        labels=20,
        correct=4,
        model_version="v1",
        scored_at="2026-01-02T12:00Z",
        uncertainty={"mean": 0.3, "max": 0.5, "tasks": 28},
    )
    make_round(
        "open",
        number=2,
        model_version="v2, other",
        scored_at="2026-01-03T12:00Z",
        uncertainty={"mean": 0.2, "max": 0.45, "tasks": 28},
        agreement=alike,
    )
    first, second = selectors.facts_of_rounds(campaign)
    assert (first.number, first.labels, first.value) == (0, 10, Interval(0.6, 0.2, 0.9))
    assert (first.mean_uncertainty, first.max_uncertainty, first.agreement) == (0.3, 0.5, None)
    assert (second.number, second.labels, second.value.value) == (1, 20, 0.8)
    assert (second.mean_uncertainty, second.max_uncertainty) == (0.2, 0.45)
    assert (second.agreement.kappa, second.agreement.tasks) == (0.9, 28)


def test_what_is_not_known_of_a_model_stays_unknown(make_round, campaign):
    make_round("done", number=0, tasks=0).training_runs.create(verdict="new_model", version_after="v1")
    make_round("done", number=1, tasks=0).training_runs.create(verdict="same_model", version_after="v1")
    (facts,) = selectors.facts_of_rounds(campaign)
    assert (facts.number, facts.labels, facts.value, facts.mean_uncertainty, facts.agreement) == (
        0,
        0,
        None,
        None,
        None,
    )


# --------------------------------------------------------------------- what it costs


def test_lists_ask_as_often_whatever_the_number_of_rounds_and_read_no_long_columns(
    trained, make_round, lane, campaign, alice
):
    def queries():
        with CaptureQueriesContext(
            database,
        ) as asked:
            selectors.campaign_cards(alice)
            for row in selectors.rounds_of(campaign):
                getattr(row, "evaluation", None)
            selectors.learning_curve(campaign)
            selectors.control_lane(campaign)
            selectors.facts_of_rounds(campaign)
            selectors.leak_of(campaign)
        return asked.captured_queries

    trained(0)
    lane(make_round("done", number=1, tasks=0, model_version="v1"), right=1, wrong=1)
    few = queries()
    for number in range(2, 7):
        lane(trained(number, model_version=f"v{number}"), right=1, wrong=1)
    many = queries()
    assert len(many) == len(few)
    assert not [query for query in many if '"answers"' in query["sql"] or '"confusion"' in query["sql"]]
    assert Evaluation.objects.count() == 6
    assert Round.objects.count() == 7
