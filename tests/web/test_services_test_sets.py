"""What the models of a campaign are measured on: drawn, marked as true, or a list; never what a model has learned."""

from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from al_core.errors import InvalidInput, ServerUnreachable
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services import test_sets as services
from trustai_web.campaigns.services.rounds import round_create
from trustai_web.campaigns.services.statuses import WrongMoment


@pytest.fixture
def change(campaign, server):
    def change(source, **given):
        found = services.test_set_change(campaign=campaign, source=source, **given)
        campaign.refresh_from_db()
        return found

    return change


@pytest.fixture
def trained(make_round):
    """A training has ended, on whatever was labelled by then."""
    return lambda: make_round("done", number=0, tasks=0).training_runs.create(
        verdict="new_model", finished_at=timezone.now()
    )


def test_a_list_of_ids_becomes_the_test_set(change, campaign, server):
    server.annotate(5, "good")
    server.annotate(6, None)
    found = change("upload", ids=[9, 5, 6, 5])
    assert (campaign.test_source, campaign.test_ids) == ("upload", [5, 6, 9])
    assert selectors.test_task_ids(campaign) == [5, 6, 9]
    assert (found.held_out, found.learned, found.unlabelled) == (3, 0, 2)
    assert found.sentence == (
        "The test set is saved: 3 tasks are held out. 2 tasks are without a label: the next round asks for them."
    )


def test_what_was_drawn_before_stays_in_the_test_set(change, campaign, make_round):
    make_round("done", number=0, tasks=1, test_tasks=2)
    assert change("upload", ids=[5]).held_out == 3
    assert selectors.test_task_ids(campaign) == [5, 102, 103]
    change("random", size=40)
    assert (campaign.test_source, campaign.test_size, campaign.test_ids) == ("random", 40, [])
    assert selectors.test_task_ids(campaign) == [102, 103]


def test_ids_of_another_project_are_named_and_nothing_is_changed(change, campaign):
    with pytest.raises(InvalidInput, match="3 of 4 ids are no tasks of the project, such as 31, 32, 99"):
        change("upload", ids=[1, 31, 99, 32])
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_ids) == ("random", [])


@pytest.mark.parametrize(("ids", "words"), [([], "holds no id"), (range(1, 2002), "at most 2,000")])
def test_a_list_that_makes_no_test_set_is_refused(change, ids, words):
    with pytest.raises(InvalidInput, match=words):
        change("upload", ids=ids)


def test_what_a_model_has_learned_is_left_out_and_said(change, campaign, server, trained):
    server.annotate(1, "good")
    server.annotate(2, None)
    trained()
    found = change("upload", ids=[1, 2, 3])
    assert campaign.test_ids == [2, 3], "a skip teaches nothing"
    assert found.learned == 1
    assert "1 task is left out: what a model was trained on" in found.sentence


def test_what_was_held_out_or_labelled_since_was_not_learned(change, campaign, server, trained):
    server.annotate(1, "good")
    change("upload", ids=[1])
    run = trained()
    server.annotate(2, "good")
    later = (run.finished_at + timedelta(seconds=1)).isoformat()
    server.tasks[2]["annotations"][0]["created_at"] = later
    assert change("upload", ids=[1, 2]).learned == 0
    assert campaign.test_ids == [1, 2]


def test_where_everything_was_learned_nothing_is_changed(change, campaign, server, trained):
    server.annotate(1, "good")
    trained()
    with pytest.raises(InvalidInput, match="trained on the labels of this task"):
        change("upload", ids=[1])
    campaign.refresh_from_db()
    assert campaign.test_ids == []


def test_a_training_that_brought_nothing_may_have_taught_all_the_same(change, server, trained):
    server.annotate(1, "good")
    run = trained()
    run.verdict = "failed"
    run.save()
    assert change("upload", ids=[1, 2]).learned == 1


def test_ground_truths_become_the_test_set(campaign, server):
    for task_id in (3, 4, 8):
        server.annotate(task_id, "good")
        server.tasks[task_id]["annotations"][0]["ground_truth"] = task_id != 4
    found = services.test_set_from_ground_truth(campaign=campaign)
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_ids, found.unlabelled) == ("ground_truth", [3, 8], 0)


def test_of_very_many_ground_truths_a_part_is_drawn_and_that_is_said(campaign, server, monkeypatch):
    for task_id in range(1, 31):
        server.annotate(task_id, "good")
        server.tasks[task_id]["annotations"][0]["ground_truth"] = True
    monkeypatch.setattr(services, "MOST_TASKS", 10)
    found = services.test_set_from_ground_truth(campaign=campaign)
    campaign.refresh_from_db()
    assert (len(campaign.test_ids), found.too_many) == (10, 20)
    assert campaign.test_ids == sorted(campaign.test_ids) != list(range(1, 11))
    assert "20 tasks are left out at random: a test set has at most 10." in found.sentence


def test_a_training_that_ended_while_label_studio_was_asked_is_seen(campaign, server, make_round, monkeypatch):
    round_ = make_round("done", number=0, tasks=0)
    real = services._uploaded

    def meanwhile(ids):
        round_.training_runs.create(verdict="new_model", finished_at=timezone.now())
        return real(ids)

    monkeypatch.setattr(services, "_uploaded", meanwhile)
    with pytest.raises(WrongMoment):
        services.test_set_change(campaign=campaign, source="upload", ids=[3])
    campaign.refresh_from_db()
    assert campaign.test_ids == []


def test_without_a_ground_truth_it_is_told_where_to_make_one(change, server):
    server.annotate(3, "good")
    with pytest.raises(InvalidInput, match="No task of the project has a ground truth"):
        change("ground_truth")


@pytest.mark.parametrize("source", ["random", "upload"])
def test_while_a_training_goes_on_the_test_set_stays(change, campaign, make_round, source):
    make_round("training")
    with pytest.raises(WrongMoment, match="A training is under way"):
        change(source, ids=[3], size=9)
    campaign.refresh_from_db()
    assert (campaign.test_ids, campaign.test_size) == ([], 5)


def test_a_label_studio_that_is_gone_changes_nothing(change, campaign, server):
    server.faults["."] = httpx.ConnectError("refused")
    with pytest.raises(ServerUnreachable):
        change("upload", ids=[3])
    campaign.refresh_from_db()
    assert campaign.test_ids == []


# --------------------------------------------------------------------- in the next round


def test_a_test_set_that_was_made_larger_grows_in_the_next_round(change, campaign, make_round, alice):
    make_round("done", number=0, tasks=1, test_tasks=5)
    change("random", size=12)
    assert round_create(campaign=campaign, user=alice).test_size == 7


def test_one_that_was_made_smaller_or_chosen_draws_nothing(change, campaign, make_round, alice):
    make_round("done", number=0, tasks=1, test_tasks=5)
    change("random", size=3)
    assert selectors.missing_test_size(campaign) == 0
    change("upload", ids=[3])
    Campaign.objects.update(test_size=100)
    campaign.refresh_from_db()
    assert round_create(campaign=campaign, user=alice).test_size == 0


def test_chosen_tasks_are_in_the_next_batch_until_one_has_asked_for_them(
    change, campaign, make_round, alice, work, server, backend
):
    make_round("done", number=0, tasks=0)
    server.annotate(8, "good")
    change("upload", ids=[4, 8, 15, 16])
    job = work(round_create(campaign=campaign, user=alice).jobs.get())
    assert job.status == "succeeded", job.message
    batch = job.round.batch_tasks
    assert sorted(batch.filter(lane="test").values_list("task_id", flat=True)) == [4, 15, 16]
    assert batch.filter(lane="strategy").count() == 4
    assert not batch.filter(lane="strategy", task_id__in=[4, 8, 15, 16]).exists()
    assert selectors.test_ids_to_ask(job.round) == [4, 8, 15, 16], "its own batch does not count"
    batch.update(status="labelled")
    job.round.__class__.objects.filter(pk=job.round_id).update(status="done")
    again = work(round_create(campaign=campaign, user=alice).jobs.get())
    assert again.status == "succeeded", again.message
    assert not again.round.batch_tasks.filter(task_id__in=[4, 8, 15, 16]).exists()


def test_chosen_tasks_of_a_round_that_was_given_up_are_asked_again(change, campaign, make_round):
    campaign.test_source, campaign.test_ids = "upload", [7, 101, 102]
    campaign.save()
    make_round("cancelled", number=1, tasks=2)
    round_ = make_round("pending", number=1, tasks=0)
    assert selectors.test_ids_to_ask(round_) == [7, 101, 102]


def test_a_campaign_with_a_chosen_test_set_and_a_model_needs_no_start_round(campaign, change):
    change("upload", ids=[3])
    campaign.start_size = 0
    assert not selectors.needs_start_round(campaign)
    campaign.start_size = 3
    assert selectors.needs_start_round(campaign)
