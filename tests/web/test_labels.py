"""What annotators did in Label Studio, read back onto the rows of a batch."""

from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from tests.servers import TOKEN
from trustai_web.campaigns import tasks
from trustai_web.campaigns.models import Campaign, Round
from trustai_web.campaigns.services import labels
from trustai_web.campaigns.services.labels import round_sync

BATCH = (3, 1, 2)


@pytest.fixture
def round_(make_round, server):
    """An open round with tasks 3, 1 and 2 in its tab."""
    made = make_round("open", published_at=timezone.now() - timedelta(minutes=1))
    for rank, task_id in enumerate(BATCH, start=1):
        made.batch_tasks.filter(rank=rank).update(task_id=task_id)
    items = [{"filter": "filter:tasks:id", "operator": "equal", "value": task_id} for task_id in BATCH]
    server.tabs[41] = {"id": 41, "data": {"title": made.tab_title, "filters": {"items": items}}}
    return made


def sync(round_):
    round_sync(round_)
    round_.refresh_from_db()
    return dict(round_.batch_tasks.order_by("rank").values_list("task_id", "status"))


def test_a_label_is_read_with_who_when_and_how_long(round_, server):
    server.annotate(1, "good", who="bob@example.com", lead_time=4.5)
    assert sync(round_) == {3: "open", 1: "labelled", 2: "open"}
    task = round_.batch_tasks.get(task_id=1)
    assert (task.label, task.annotator, task.lead_time) == ("good", "bob@example.com", 4.5)
    assert task.labelled_at is not None
    assert (round_.sync_error, round_.outside_task_ids) == ("", [])
    assert timezone.now() - round_.synced_at < timedelta(minutes=1)


def test_a_skip_is_an_answer_and_a_label_after_it_another(round_, server):
    server.annotate(1, None)
    assert sync(round_)[1] == "skipped"
    server.annotate(1, "bad")
    assert sync(round_)[1] == "labelled"
    assert round_.batch_tasks.get(task_id=1).label == "bad"


def test_a_label_that_was_changed_is_read_again(round_, server):
    server.annotate(1, "good")
    sync(round_)
    server.annotate(1, "bad", who="charlie@example.com")
    sync(round_)
    task = round_.batch_tasks.get(task_id=1)
    assert (task.label, task.annotator) == ("bad", "charlie@example.com")


def test_a_label_that_was_deleted_leaves_its_task_open(round_, server):
    server.annotate(1, "good")
    sync(round_)
    server.delete_annotations(1)
    assert sync(round_)[1] == "open"
    task = round_.batch_tasks.get(task_id=1)
    assert (task.label, task.annotator, task.labelled_at, task.lead_time) == ("", "", None, None)


def test_what_did_not_change_is_not_read_again(round_, server):
    server.annotate(1, "good")
    sync(round_)
    server.requests.clear()
    sync(round_)
    assert {r.url.path for r in server.requests} == {"/api/tasks"}


def test_labels_outside_the_batch_are_noted_and_forgotten_with_their_labels(round_, server):
    server.annotate(9, "good")
    server.annotate(1, "good")
    sync(round_)
    assert round_.outside_task_ids == [9]
    server.delete_annotations(9)
    sync(round_)
    assert round_.outside_task_ids == []


def test_labels_of_before_the_batch_are_not_outside(round_, server):
    server.annotate(9, "good")
    Round.objects.update(published_at=timezone.now() + timedelta(minutes=1))
    round_.refresh_from_db()
    sync(round_)
    assert round_.outside_task_ids == []


def test_a_task_that_was_deleted_stays_in_the_batch_and_breaks_nothing(round_, server):
    del server.tasks[1]
    server.annotate(2, "good")
    assert sync(round_) == {3: "open", 1: "open", 2: "labelled"}


def test_a_task_that_somebody_put_into_the_tab_is_not_part_of_the_batch(round_, server):
    server.tabs[41]["data"]["filters"]["items"].append({"operator": "equal", "value": 9})
    server.annotate(9, "good")
    assert sorted(sync(round_)) == [1, 2, 3]


def test_a_tab_that_is_gone_is_told_and_what_was_read_is_kept(round_, server):
    server.annotate(1, "good")
    sync(round_)
    server.tabs.clear()
    assert sync(round_)[1] == "labelled"
    assert round_.sync_error == "The tab is gone from Label Studio. Take the batch back and publish it again."
    assert round_.status == "open"


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.Response(500), httpx.Response(401)])
def test_an_outage_is_told_and_forgotten_when_it_ends(round_, server, fault):
    server.annotate(1, "good")
    sync(round_)
    read_at = round_.synced_at
    server.faults["."] = fault
    assert sync(round_)[1] == "labelled"
    assert "Label Studio" in round_.sync_error
    assert TOKEN not in round_.sync_error
    assert round_.synced_at == read_at, "it says when it was last read, not when that was last tried"
    server.faults.clear()
    sync(round_)
    assert round_.sync_error == ""


def test_a_bug_in_one_round_is_told_there_and_logged(round_, server, monkeypatch, caplog):
    monkeypatch.setattr(labels, "labels_read", lambda round_, manager: 1 / 0)
    tasks.rounds_sync()
    round_.refresh_from_db()
    assert "met a bug" in round_.sync_error
    assert "ZeroDivisionError" in caplog.text


def test_every_open_round_is_read_also_beside_one_that_fails(round_, server, make_round, connection, alice):
    other = Campaign.objects.create(name="A gone one", connection=connection, project_id=99, created_by=alice)
    make_round("open", campaign=other, number=1, view_id=77)
    make_round("done", campaign=other, number=0, view_id=78)
    server.annotate(1, "good")
    tasks.rounds_sync()
    assert round_.batch_tasks.get(task_id=1).status == "labelled"
    assert [bool(r.sync_error) for r in Round.objects.order_by("view_id")] == [False, True, False]
