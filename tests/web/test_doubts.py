"""Labels in doubt: what is checked, what is shown, and the tab in which they are looked at again."""

import re

import httpx
import pytest

from tests.servers import URL
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, TrainingRun
from trustai_web.campaigns.selectors import doubts as reasons

HOSTILE = '"><script>alert(1)</script>'
SINGLE = {"name": "mood", "tag": "Choices", "form": "single", "classes": 2}


@pytest.fixture
def url(campaign):
    return f"/campaigns/{campaign.pk}/labels/"


def sure(label, confidence=0.9):
    return (
        {"good": confidence, "bad": 1 - confidence} if label == "good" else {"bad": confidence, "good": 1 - confidence}
    )


@pytest.fixture
def labelled(make_round, campaign):
    """A round whose tasks from 101 on are labelled, every other one good; the model agrees but for some tasks."""

    def labelled(count=60, *, wrong=(), number=1, **columns):
        round_ = make_round("done", number=number, tasks=count)
        for row in round_.batch_tasks.all():
            label = ("good", "bad")[row.task_id % 2]
            believed = ("bad", "good")[row.task_id % 2] if row.task_id in wrong else label
            row.label, row.status, row.annotator = label, "labelled", "bob@example.com"
            row.probabilities = sure(believed, 0.97 if row.task_id in wrong else 0.9)
            row.labelled_at = round_.published_at
            for name, value in columns.items():
                setattr(row, name, value)
            row.save()
        return round_

    return labelled


def ids_of(text):
    return [int(found) for found in re.findall(r'<tr data-task-id="(\d+)"', text)]


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, url, labelled):
    assert_refusals(url, bob=403, charlie=403)
    for work in ("publish", "retract", "read"):
        assert_refusals(f"{url}{work}/", takes=("post",), bob=403, charlie=403)


def test_a_campaign_that_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/campaigns/99/labels/").status_code == 404
    assert as_alice.post("/campaigns/99/labels/publish/").status_code == 404


def test_leads_find_the_page_from_the_campaign_and_annotators_no_link(as_alice, as_bob, campaign, url):
    assert f'href="{url}"' in as_alice.get(f"/campaigns/{campaign.pk}/").text
    assert url not in as_bob.get(f"/campaigns/{campaign.pk}/").text


# --------------------------------------------------------------------- what is checked


def test_labels_are_checked_by_what_the_model_said_before_they_were_given(labelled, campaign):
    labelled(52)
    given = selectors.given_labels(campaign)
    assert (len(given.checkable), set(given.classes), given.left_out) == (52, {"good", "bad"}, {})
    assert given.checkable[0] == selectors.doubts.GivenLabel(101, "bad", sure("bad"))


def test_what_cannot_be_checked_is_counted_with_its_reason(labelled, make_round, campaign):
    labelled(3, number=0, probabilities={})
    round_ = labelled(8)
    change = dict(zip(range(101, 106), ({}, {"good": 0.8}, sure("good"), sure("good"), sure("good")), strict=True))
    for task_id, said in change.items():
        round_.batch_tasks.filter(task_id=task_id).update(probabilities=said)
    round_.batch_tasks.filter(task_id=103).update(label="mixed")
    round_.batch_tasks.filter(task_id=104).update(status="skipped", label="")
    round_.batch_tasks.filter(task_id=105).update(probabilities={"good": 0.5, "bad": 0.3, "ugly": 0.2})
    TrainingRun.objects.create(round=round_, verdict="new_model", label_count=47)
    given = selectors.given_labels(campaign)
    assert [one.task_id for one in given.checkable] == [106, 107, 108]
    assert given.left_out == {
        reasons.NOT_ASKED: 1,
        reasons.ONLY_ITS_ANSWER: 1,
        reasons.NO_CLASS: 1,
        reasons.OTHER_CLASSES: 1,
        reasons.ELSEWHERE: 40,
    }, "of the 47 that were learned from 7 were asked for; tasks of two rounds count once"


def test_of_a_task_that_was_asked_about_twice_the_newest_answer_counts(labelled, campaign):
    labelled(2, number=0, probabilities={}, label="good")
    labelled(2, label="bad")
    given = selectors.given_labels(campaign)
    assert [(one.task_id, one.label) for one in given.checkable] == [(101, "bad"), (102, "bad")]


def test_the_test_set_is_checked_by_the_newest_model_that_was_measured(labelled, campaign):
    rounds = [labelled(3, number=number, lane="test", probabilities={}) for number in (0, 1)]
    for round_, said in zip(rounds, (sure("good"), sure("bad", 0.7)), strict=True):
        answers = [{"task_id": task_id, "truth": "good", "probabilities": said} for task_id in (101, 102, 900)]
        answers.append({"task_id": 103, "truth": "bad"})  # as an earlier version kept it
        Evaluation.objects.create(
            round=round_, model_version="v", metric="accuracy", value=1, low=0, high=1, correct=1, total=4,
            unanswered=0, label_count=5, answers=answers,
        )  # fmt: skip
    given = selectors.given_labels(campaign)
    assert [(one.task_id, one.label, one.probabilities["bad"]) for one in given.checkable] == [
        (101, "bad", 0.7),  # what the batch knows by now, not what was true when it was measured
        (102, "good", 0.7),
        (900, "good", 0.7),  # of an uploaded test set, in no batch
    ]
    assert given.left_out == {reasons.NOT_ASKED: 1}


# --------------------------------------------------------------------- what is shown


def test_too_few_labels_say_how_many_it_takes_and_the_next_step(as_alice, url, labelled, campaign):
    labelled(12)
    text = as_alice.get(url).text
    assert "Too few labels to check yet" in text
    assert "12 labels can be checked, and it takes 50" in text
    assert f'<a class="btn btn-primary" href="/campaigns/{campaign.pk}/">Go on with the campaign</a>' in text


def test_a_campaign_without_a_label_has_the_same_page(as_alice, url):
    assert "0 labels can be checked" in as_alice.get(url).text


def test_no_doubt_is_said_too(as_alice, url, labelled):
    labelled(60)
    text = as_alice.get(url).text
    assert "No label is in doubt" in text
    assert "<table" not in text


def test_labels_in_doubt_are_listed_with_all_it_takes_to_judge_them(as_alice, url, labelled, campaign):
    round_ = labelled(60, wrong={110, 121})
    round_.batch_tasks.filter(task_id=121).update(probabilities=sure("good", 0.99), lane="test")
    text = as_alice.get(url).text
    assert ids_of(text) == [121, 110], "the least believed first"
    rows = [text_of(row) for row in re.findall(r"<tr data-task-id.*?</tr>", text, re.S)]
    assert re.fullmatch(r"letter 21 121 bad bob@example.com \d+ \w+ ago test set good good 0.99 bad 0.01", rows[0]), (
        rows[0]
    )
    assert "good bob@example.com" in rows[1]
    assert f'href="{URL}/projects/{campaign.project_id}/data?task=121"' in text
    assert text.count('type="checkbox" name="task"') == text.count(" checked>") == 2
    assert "Publish as a tab</button>" in text


def test_only_the_least_believed_are_listed_where_there_are_many(as_alice, url, labelled, monkeypatch):
    monkeypatch.setattr(reasons, "LISTED", 3)
    labelled(200, wrong=set(range(110, 130)))
    text = as_alice.get(url).text
    assert len(ids_of(text)) == 3
    assert "20, of which the least believed 3 are listed" in text


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ({"form": "multi", "classes": 3}, "Answers to mood are any of 3."),
        ({"form": "regions", "classes": 3}, "Answers to mood are regions of 3 classes."),
        ({"form": "single", "classes": 0}, "Answers to mood are free answers."),
    ],
)
def test_other_answers_than_one_class_say_so(as_alice, url, labelled, campaign, control, words):
    labelled(60, wrong={110})
    Campaign.objects.update(controls=[SINGLE | control])
    text = as_alice.get(url).text
    assert "Only single choices can be checked" in text
    assert words in text
    assert "<table" not in text


def test_hostile_words_are_text(as_alice, url, labelled):
    round_ = labelled(60, wrong={110})
    preview = {"kind": "text", "content": HOSTILE}
    round_.batch_tasks.filter(task_id=110).update(annotator=HOSTILE, preview=preview)
    text = as_alice.get(url).text
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;") == 2


# --------------------------------------------------------------------- the tab


def publish(client, url, *task_ids):
    return client.post(f"{url}publish/", {"task": task_ids}, follow=True)


def titles(server):
    return [tab["data"]["title"] for tab in server.tabs.values()]


def test_chosen_labels_become_a_tab_without_in_list(as_alice, url, labelled, server, campaign):
    labelled(60, wrong={110, 121, 130})
    text = publish(as_alice, url, 110, 130).text
    assert "Published 2 tasks as a tab of Label Studio." in text
    assert "2 tasks are in a tab of Label Studio, to be looked at again." in text
    campaign.refresh_from_db()
    (view_id,) = server.tabs
    assert (campaign.relabel_view_id, campaign.relabel_ids) == (view_id, [110, 130])
    assert titles(server) == [f"TrustAI labels in doubt (#{campaign.pk})"]
    assert server.tab_ids(view_id) == [110, 130]
    assert "in_list" not in str(server.tabs)
    assert f"data?tab={view_id}&amp;task=110" in text
    assert "data?task=121" in text
    assert "Publish in place of the tab</button>" in text


def test_publishing_again_replaces_the_tab_also_one_that_was_left_behind(as_alice, url, labelled, server, campaign):
    labelled(60, wrong={110, 121})
    publish(as_alice, url, 110)
    Campaign.objects.update(relabel_view_id=None, relabel_ids=[])  # as if the site had died before it knew of it
    publish(as_alice, url, 121)
    publish(as_alice, url, 110, 121)
    assert len(server.tabs) == 1
    campaign.refresh_from_db()
    assert server.tab_ids(campaign.relabel_view_id) == campaign.relabel_ids == [110, 121]


def test_taking_the_tab_away_leaves_all_labels(as_alice, url, labelled, server, campaign):
    labelled(60, wrong={110})
    publish(as_alice, url, 110)
    text = as_alice.post(f"{url}retract/", follow=True).text
    assert "The tab is gone from Label Studio; all labels stay." in text
    assert server.tabs == {}
    campaign.refresh_from_db()
    assert (campaign.relabel_view_id, campaign.relabel_ids) == (None, [])
    assert ids_of(text) == [110]
    assert "gone from Label Studio; all labels stay" in as_alice.post(f"{url}retract/", follow=True).text


@pytest.mark.parametrize(
    ("chosen", "words"),
    [((), "No label was chosen. Choose one or more"), ((110, 999), "not checked any more"), (("x",), "No label was")],
)
def test_nothing_and_strange_tasks_are_not_published(as_alice, url, labelled, server, chosen, words):
    labelled(60, wrong={110})
    assert words in publish(as_alice, url, *chosen).text
    assert server.tabs == {}


def test_a_label_studio_that_does_not_do_it_is_said_and_nothing_is_claimed(as_alice, url, labelled, server, campaign):
    labelled(60, wrong={110, 121})
    publish(as_alice, url, 110)
    server.faults["DELETE /api/dm/views"] = httpx.ConnectError("down")
    assert "No Label Studio answers" in publish(as_alice, url, 121).text
    campaign.refresh_from_db()
    assert campaign.relabel_ids == [110], "the tab that there is"
    server.faults = {"POST /api/dm/views": httpx.ConnectError("down")}
    text = publish(as_alice, url, 121).text
    assert "No Label Studio answers" in text
    assert "to be looked at again" not in text
    campaign.refresh_from_db()
    assert (campaign.relabel_view_id, campaign.relabel_ids) == (None, []), "the old one was taken away first"


def test_new_answers_are_read_and_settle_doubts(as_alice, url, server, make_round, labelled, campaign):
    round_ = labelled(60, wrong={110, 121})
    for task_id in (110, 121):
        server.add_task(task_id, {"text": "a letter"})
        server.annotate(task_id, ("good", "bad")[task_id % 2])
    publish(as_alice, url, 110, 121)
    server.annotate(110, "bad", who="carol@example.com")
    text = as_alice.post(f"{url}read/", follow=True).text
    assert "1 label is another one than before." in text
    assert ids_of(text) == [121]
    row = round_.batch_tasks.get(task_id=110)
    assert (row.label, row.annotator) == ("bad", "carol@example.com")
    assert "No label of the tab is another one" in as_alice.post(f"{url}read/", follow=True).text


def test_a_tab_that_somebody_deleted_is_told_and_forgotten(as_alice, url, server, labelled, campaign):
    labelled(60, wrong={110})
    publish(as_alice, url, 110)
    server.tabs.clear()
    text = as_alice.post(f"{url}read/", follow=True).text
    assert "The tab is gone from Label Studio: somebody deleted it." in text
    assert "to be looked at again" not in text
    assert BatchTask.objects.filter(status="labelled").count() == 60
