"""The report of a round's model: how good, what it confuses, whether its sureness means anything, what changed."""

import html
from dataclasses import asdict

import pytest

from al_core.evaluation import evaluate as measure
from al_core.types import LabelSpace
from tests.servers import URL
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Evaluation

SPACE = LabelSpace(control="mood", target="words", labels=("good", "bad"), data_key="text", data_type="text")
TASKS = range(201, 241)


def result(label):
    return [{"from_name": "mood", "to_name": "words", "type": "choices", "value": {"choices": [label]}}]


def truth(task_id):
    return "good" if task_id % 2 else "bad"


def other(label):
    return "bad" if label == "good" else "good"


def page_of(client, round_):
    answer = client.get(f"/rounds/{round_.pk}/model/")
    assert answer.status_code == 200
    return html.unescape(answer.text).replace("\u202f", " ")


@pytest.fixture
def kept():
    """Keep an evaluation of a round's model as its job does."""

    def kept(round_, found, **columns):
        head = found.headline
        values = {
            "model_version": found.model_version,
            "metric": head.name,
            "value": head.value,
            "low": head.low,
            "high": head.high,
            "correct": head.correct,
            "total": len(found.answers),
            "unanswered": found.unanswered,
            "label_count": 10,
            "metrics": [asdict(metric) for metric in found.metrics],
            "classes": [asdict(row) for row in found.classes],
            "confusion": asdict(found.confusion) if found.confusion else {},
            "answers": [asdict(answer) for answer in found.answers],
        }
        return Evaluation.objects.create(round=round_, **{**values, **columns})

    return kept


@pytest.fixture
def measured(kept):
    """A model that is wrong on some tasks, and unsure of some."""

    def measured(round_, *, wrong=(), unsure=None, silent=()):
        said = {t: result(other(truth(t)) if t in wrong else truth(t)) for t in TASKS if t not in silent}
        unsure = wrong if unsure is None else unsure
        confidence = {t: 0.55 if t in unsure else 0.95 for t in said}
        labels = {t: result(truth(t)) for t in TASKS}
        version = f"v{round_.number + 1}"
        return kept(round_, measure(labels, said, SPACE, model_version=version, confidence=confidence))

    return measured


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, make_round, measured):
    round_ = make_round("done")
    measured(round_)
    assert_refusals(f"/rounds/{round_.pk}/model/", takes=("get", "head"), bob=200, charlie=404)


def test_what_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/rounds/99/model/").status_code == 404


def test_a_round_without_a_measured_model_says_when_there_is_one(as_alice, make_round):
    text = page_of(as_alice, make_round("open"))
    assert "No model was measured in this round" in text
    assert "data-chart" not in text


def test_the_page_of_the_round_leads_here(as_alice, make_round, measured):
    round_ = make_round("done")
    measured(round_, wrong=TASKS[:4])
    text = html.unescape(as_alice.get(f"/rounds/{round_.pk}/").text).replace("\u202f", " ")
    assert "Accuracy 90.0 % on the test set" in text
    assert "36 of 40 answers are right" in text
    assert f'href="/rounds/{round_.pk}/model/"' in text


# --------------------------------------------------------------------- how good


def test_every_measure_has_its_interval_and_says_how_it_was_made(as_alice, make_round, measured):
    round_ = make_round("done")
    row = measured(round_, wrong=TASKS[:4], silent=TASKS[4:5])
    text = page_of(as_alice, round_)
    for metric in row.metrics:
        assert metric["label"] in text
        assert f"{metric['low'] * 100:.1f} % to {metric['high'] * 100:.1f} %" in text
    assert "35 of 40 right" in text
    assert "Wilson's score interval" in text
    assert "(bootstrap)" in text
    assert "The model gave no answer for 1 test task; it counts as wrong." in text


def test_classes_and_confusions_are_drawn(as_alice, make_round, measured):
    round_ = make_round("done")
    measured(round_, wrong=TASKS[:3:2])
    answer = as_alice.get(f"/rounds/{round_.pk}/model/")
    assert answer.context["confusion"].title == "“good” is most often taken for “bad” (2 times)"
    for chart in ("classes", "confusion", "reliability", "on-test-set"):
        assert f'data-chart="{chart}"' in answer.text


def test_what_the_backend_says_of_itself_is_set_apart(as_alice, make_round, measured):
    round_ = make_round("done")
    measured(round_)
    round_.training_runs.create(verdict="new_model", version_after="v2", reported={"loss": 0.25})
    text = page_of(as_alice, round_)
    assert "What the backend says of itself" in text
    assert "Not checked by TrustAI" in text
    assert "0.2500" in text


def test_what_it_says_of_another_model_is_not(as_alice, make_round, measured):
    round_ = make_round("done")
    measured(round_)
    round_.training_runs.create(verdict="failed", version_after="v9", reported={"loss": 0.25})
    assert "What the backend says of itself" not in page_of(as_alice, round_)


def test_of_an_older_evaluation_the_one_number_is_shown(as_alice, make_round, evaluate):
    round_ = make_round("done")
    evaluate(round_, correct=3, total=5)
    text = page_of(as_alice, round_)
    assert "Accuracy 60.0 % on the test set" in text
    assert "an older version of TrustAI" in text
    assert "data-chart" not in text


def span(label, start, end):
    value = {"start": start, "end": end, "text": "x", "labels": [label]}
    return {"from_name": "names", "to_name": "words", "type": "labels", "value": value}


def topics(*chosen):
    return [{"from_name": "topics", "to_name": "words", "type": "choices", "value": {"choices": list(chosen)}}]


FORMS = {
    "spans": (
        LabelSpace("names", "words", ("person", "place"), "text", "text", "Labels", "regions"),
        {n: [span("person", 0, 4), span("place", 8, 12)] for n in range(1, 9)},
        {n: [span("person", 0, 4), span("place", 8, 12 + n % 2)] for n in range(1, 9)},
    ),
    "sets": (
        LabelSpace("topics", "words", ("sport", "art", "law"), "text", "text", "Choices", "multi"),
        {n: topics("sport", "art") for n in range(1, 9)},
        {n: topics("sport", *["art"] * (n % 2)) for n in range(1, 9)},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_answers_that_are_no_single_class_have_their_own_measures(as_alice, make_round, kept, form):
    space, said, predicted = FORMS[form]
    before, after = make_round("done", number=1), make_round("done", number=2)
    row = kept(before, measure(said, said, space, model_version="v2"))
    kept(after, measure(said, predicted, space, model_version="v3"))
    answer = as_alice.get(f"/rounds/{after.pk}/model/")
    text = html.unescape(answer.text)
    for metric in row.metrics:
        assert metric["label"] in text
    assert answer.context["classes"] is not None
    assert answer.context["confusion"] is None
    change = answer.context["change"]
    assert change.difference.lost
    assert change.chart is None, "whole answers are no classes"
    assert [row.after.label for row in change.classes] == list(space.labels)
    assert "F1 of each class" in text
    assert "Not known yet" in text


# --------------------------------------------------------------------- whether its sureness means anything


@pytest.mark.parametrize(
    ("wrong", "unsure", "expected"),
    [
        (TASKS[:12], TASKS[:12], "Useful: of the test answers"),
        (TASKS[:12], TASKS[12:], "Misleading: of the test answers"),
        (TASKS[:12], TASKS[6:26], "No better than chance: of the test answers"),
        (
            TASKS[:2],
            TASKS[1:21],
            "Not clear yet: so far no better than chance, but only 2 of 40 test answers are wrong.",
        ),
        ((), TASKS[:12], "Not known yet"),
    ],
)
def test_the_verdict_about_uncertainty(as_alice, make_round, measured, wrong, unsure, expected):
    round_ = make_round("done")
    measured(round_, wrong=wrong, unsure=unsure)
    assert expected in page_of(as_alice, round_)


def test_advice_to_examine_the_numbers_is_a_link_for_a_lead(as_alice, as_bob, campaign, make_round, measured):
    round_ = make_round("done")
    measured(round_, wrong=TASKS[:12], unsure=TASKS[12:])
    assert f'href="/campaigns/{campaign.pk}/doctor/"' in page_of(as_alice, round_)
    assert f'href="/campaigns/{campaign.pk}/doctor/"' not in page_of(as_bob, round_)


@pytest.fixture
def later(make_round):
    """The batch that the model of round 1 put together, of which it answers some wrongly."""

    def later(*wrong, tasks=30, **columns):
        round_ = make_round("done", number=2, tasks=tasks, model_version="v2", **columns)
        for task in round_.batch_tasks.all():
            is_wrong = task.rank in wrong
            # What is wrong has the highest score.
            score = (1000 if is_wrong else 500) - task.rank
            BatchTask.objects.filter(pk=task.pk).update(
                status="labelled", label="bad" if is_wrong else "good", score=score / 1000
            )
        return round_

    return later


def test_labels_that_came_later_decide_where_they_tell_more(as_alice, make_round, measured, later):
    round_ = make_round("done", number=1)
    measured(round_, wrong=TASKS[:12], unsure=TASKS[6:26])
    later(*range(1, 11))
    answer = as_alice.get(f"/rounds/{round_.pk}/model/")
    assert "Useful: of the later answers" in answer.text
    assert 'data-chart="on-later"' in answer.text
    assert answer.context["on_test_set"].verdict == "chance"


def test_too_few_later_errors_leave_the_verdict_to_the_test_set(as_alice, make_round, measured, later):
    round_ = make_round("done", number=1)
    measured(round_, wrong=TASKS[:12])
    later(30, tasks=30)
    BatchTask.objects.filter(rank=30).update(score=0.5 - 0.015)
    answer = as_alice.get(f"/rounds/{round_.pk}/model/")
    assert answer.context["on_later"].verdict == "chance"
    assert "Useful: of the test answers" in answer.text


def test_later_answers_are_those_of_the_batches_that_this_model_chose(make_round, later):
    first = make_round("done", number=1)
    second = later(2, 3, tasks=5)
    second.batch_tasks.filter(rank=4).update(status="skipped")
    second.batch_tasks.filter(rank=5).update(lane="test")
    found = selectors.later_answers(first, "v2")
    assert [(answer.task_id, answer.is_wrong) for answer in found] == [(101, False), (102, True), (103, True)]
    assert found[1].uncertainty == pytest.approx(0.998)
    assert selectors.later_answers(first, "v1") == []
    assert selectors.later_answers(second, "v2") == [], "it had learned from these"


def test_where_a_score_is_not_exact_the_probability_tells_the_uncertainty(make_round, later):
    first = make_round("done", number=1)
    later(tasks=2).batch_tasks.filter(rank=1).update(score_high=0.9)
    assert selectors.later_answers(first, "v2")[0].uncertainty == pytest.approx(0.4)


@pytest.mark.parametrize(("form", "count"), [("single", 2), ("multi", 0), ("regions", 0)])
def test_only_answers_of_one_class_are_right_or_wrong_as_a_whole(campaign, make_round, later, form, count):
    campaign.controls = [{"name": "mood", "tag": "Choices", "form": form, "classes": 2}]
    campaign.save()
    first = make_round("done", number=1)
    later(tasks=2)
    assert len(selectors.later_answers(first, "v2")) == count


# --------------------------------------------------------------------- what changed


@pytest.fixture
def two(make_round, measured):
    """Two models: the second is right on three tasks that the first was wrong on, and wrong on another."""
    before, after = make_round("done", number=1), make_round("done", number=2)
    measured(before, wrong=TASKS[:3])
    measured(after, wrong=TASKS[10:11])
    return before, after


def test_the_model_before_is_set_beside(as_alice, two):
    _, after = two
    text = page_of(as_alice, after)
    assert "Beside the model of round 1" in text
    assert "3 are right now and were wrong before, 1 the other way round: +5.0 points" in text
    assert "That may be chance (McNemar's test, p = 0." in text
    assert 'data-chart="class-changes"' in text


def test_tasks_that_flipped_lead_to_label_studio_those_that_were_lost_first(as_alice, campaign, two):
    _, after = two
    answer = as_alice.get(f"/rounds/{after.pk}/model/")
    assert [flip.after.task_id for flip in answer.context["change"].flips] == [211, 201, 202, 203]
    assert f'href="{URL}/projects/{campaign.project_id}/data?task=211"' in answer.text


def test_many_flips_are_folded(as_alice, make_round, measured):
    before, after = make_round("done", number=1), make_round("done", number=2)
    measured(before, wrong=TASKS[:15])
    measured(after)
    text = page_of(as_alice, after)
    assert "<summary>The others</summary>" in text
    assert "That is more than chance (McNemar's test, p < 0.001)" in text


def test_the_first_model_has_none_before_it(as_alice, two):
    before, _ = two
    assert "Beside the model" not in page_of(as_alice, before)


def test_a_cancelled_round_is_not_the_one_before(as_alice, two):
    before, after = two
    before.status = "cancelled"
    before.save()
    assert "Beside the model" not in page_of(as_alice, after)


def test_models_without_a_task_in_common_are_not_compared(as_alice, two):
    before, after = two
    Evaluation.objects.filter(round=before).update(answers=[])
    assert "Beside the model" not in page_of(as_alice, after)


def test_a_lead_may_let_the_model_before_score(as_alice, as_bob, campaign, two):
    _, after = two
    form = f'action="/campaigns/{campaign.pk}/score-with/"'
    text = page_of(as_alice, after)
    assert form in text
    assert 'name="version" value="v2"' in text
    assert form not in page_of(as_bob, after)


def test_what_is_chosen_already_is_not_offered(as_alice, campaign, two):
    _, after = two
    campaign.score_version = "v2"
    campaign.save()
    assert "score-with" not in page_of(as_alice, after)


def test_a_model_that_is_not_the_newest_offers_nothing(as_alice, make_round, two):
    _, after = two
    make_round("done", number=3).training_runs.create(verdict="new_model", version_after="v4")
    assert "score-with" not in page_of(as_alice, after)
