"""The way of a round: who is first wins, what does not fit is refused, and nothing is lost on the way."""

import pytest
from django.db import IntegrityError, transaction

from al_core.types import Publication
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import BatchTask, Campaign, Job, Round
from trustai_web.campaigns.services.jobs import Busy
from trustai_web.campaigns.services.rounds import (
    round_cancel,
    round_create,
    round_job_begin,
    round_job_cancel,
    round_job_failed,
    round_published,
    round_resume,
    round_work,
)
from trustai_web.campaigns.services.statuses import WrongMoment

KINDS = {"score": "pending", "publish": "ready", "retract": "open", "train": "open"}


# --------------------------------------------------------------------- the next round


def test_the_first_round_asks_at_random_for_a_start_and_a_test_set(campaign, alice):
    round_ = round_create(campaign=campaign, user=alice)
    assert (round_.number, round_.status) == (0, "pending")
    assert (round_.strategy, round_.diversity) == ("random", "none")
    assert (round_.batch_size, round_.test_size) == (3, 5)
    job = round_.jobs.get()
    assert (job.kind, job.status, job.created_by) == ("score", "queued", alice)


@pytest.mark.parametrize(("diversity", "at_first"), [("typiclust", "typiclust"), ("facility", "none")])
def test_the_first_round_is_diverse_only_by_a_way_that_needs_no_model(campaign, alice, diversity, at_first):
    campaign.diversity = diversity
    assert round_create(campaign=campaign, user=alice).diversity == at_first


def test_the_second_round_asks_as_the_campaign_says(campaign, alice, make_round):
    make_round("done", number=0, test_tasks=5)
    round_ = round_create(campaign=campaign, user=alice)
    assert (round_.number, round_.strategy, round_.diversity) == (1, "margin", "facility")
    assert (round_.batch_size, round_.test_size, round_.candidate_factor) == (4, 0, 3)


def test_with_a_model_of_its_own_the_first_round_is_number_1(campaign, alice):
    campaign.start_size = campaign.test_size = 0
    round_ = round_create(campaign=campaign, user=alice)
    assert (round_.number, round_.strategy, round_.test_size) == (1, "margin", 0)


@pytest.mark.parametrize("status", ["pending", "scoring", "ready", "open", "training", "failed"])
def test_beside_an_unfinished_round_there_is_no_other(campaign, alice, make_round, status):
    make_round(status)
    with pytest.raises(WrongMoment, match="unfinished round"):
        round_create(campaign=campaign, user=alice)
    assert Round.objects.count() == 1
    assert not Job.objects.exists()


def test_a_campaign_does_not_wait_for_another(connection, campaign, alice, make_round):
    make_round("open")
    other = Campaign.objects.create(name="Other", connection=connection, project_id=9, created_by=alice)
    assert round_create(campaign=other, user=alice).number == 0


def test_of_two_who_start_a_round_at_once_one_does(campaign, alice, monkeypatch):
    """The second starts and ends between the moment the first looked and the moment it writes."""
    look, faster = selectors.last_round, []

    def look_and_be_overtaken(of):
        found = look(of)
        if not faster:
            faster.append(None)
            faster.append(round_create(campaign=of, user=alice))
        return found

    monkeypatch.setattr(selectors, "last_round", look_and_be_overtaken)
    with pytest.raises(WrongMoment):
        round_create(campaign=campaign, user=alice)
    assert list(Round.objects.all()) == [faster[1]]
    assert Job.objects.count() == 1


def test_the_database_itself_refuses_a_second_unfinished_round(make_round):
    make_round("open", number=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_round("pending", number=2)


def test_a_cancelled_round_gives_its_number_back(campaign, alice):
    first = round_create(campaign=campaign, user=alice)
    round_cancel(round_=first)
    again = round_create(campaign=campaign, user=alice)
    assert again.pk != first.pk
    assert (again.number, again.strategy, again.test_size) == (0, "random", 5)


def test_the_test_set_of_a_cancelled_round_is_given_up(campaign, make_round):
    make_round("cancelled", number=0, tasks=1, test_tasks=2)
    assert selectors.test_task_ids(campaign) == []
    make_round("done", number=0, tasks=1, test_tasks=2)
    assert selectors.test_task_ids(campaign) == [102, 103]


# --------------------------------------------------------------------- the next piece of work


@pytest.mark.parametrize(("kind", "before"), KINDS.items())
@pytest.mark.parametrize("status", Round.Status.values)
def test_work_starts_at_its_moment_and_at_no_other(alice, make_round, kind, before, status):
    round_ = make_round(status)
    if status == before:
        assert round_work(round_=round_, kind=Job.Kind(kind), user=alice).kind == kind
    else:
        with pytest.raises(WrongMoment, match="by now, so this does not fit"):
            round_work(round_=round_, kind=Job.Kind(kind), user=alice)
        assert not round_.jobs.exists()
    round_.refresh_from_db()
    assert round_.status == status


def test_who_saw_an_older_state_is_refused(alice, make_round):
    seen = make_round("ready")
    Round.objects.update(status="open")
    assert seen.status == "ready"
    with pytest.raises(WrongMoment, match="Round 1 is “Open for labelling” by now"):
        round_work(round_=seen, kind=Job.Kind.PUBLISH, user=alice)


def test_of_two_who_start_work_at_once_one_does(alice, make_round):
    one, other = make_round("open"), Round.objects.get()
    round_work(round_=one, kind=Job.Kind.TRAIN, user=alice)
    with pytest.raises(Busy, match="work under way"):
        round_work(round_=other, kind=Job.Kind.RETRACT, user=alice)
    assert Job.objects.get().kind == "train"


# --------------------------------------------------------------------- while a job works


@pytest.mark.parametrize(
    ("kind", "before", "during"),
    [
        ("score", "pending", "scoring"),
        ("publish", "ready", "ready"),
        ("retract", "open", "open"),
        ("train", "open", "training"),
    ],
)
def test_a_job_shows_what_goes_on_also_at_its_second_try(make_round, make_job, kind, before, during):
    round_ = make_round(before)
    job = make_job(round_, kind, "running")
    for _ in range(2):
        round_job_begin(job)
        round_.refresh_from_db()
        assert round_.status == during


def test_a_job_whose_round_went_on_does_not_begin(make_round, make_job):
    job = make_job(make_round("open"), "score", "running")
    with pytest.raises(WrongMoment):
        round_job_begin(job)


def test_a_late_failure_does_not_touch_a_round_that_went_on(make_round, make_job):
    round_ = make_round("open")
    round_job_failed(make_job(round_, "score", "failed"), "Too late.")
    round_.refresh_from_db()
    assert (round_.status, round_.failure) == ("open", "")


def test_a_failed_training_ends_its_run(make_round, make_job):
    round_ = make_round("training")
    round_.training_runs.create(version_before="v1")
    round_job_failed(make_job(round_, "train", "running"), "No new version.")
    round_.refresh_from_db()
    run = round_.training_runs.get()
    assert (round_.status, round_.failed_from, round_.failure) == ("failed", "open", "No new version.")
    assert (run.verdict, run.message) == ("failed", "No new version.")
    assert run.finished_at is not None


def test_cancelling_a_queued_training_leads_back_to_labelling(make_round, make_job):
    round_ = make_round("training")
    round_.training_runs.create(version_before="v1")
    round_job_cancel(job=make_job(round_, "train", "queued", tries=1))
    round_.refresh_from_db()
    assert round_.status == "open"
    assert round_.training_runs.get().verdict == "cancelled"


def test_publishing_twice_keeps_the_first_moment(make_round):
    round_ = make_round("ready")
    round_published(round_=round_, publication=Publication(41, "Tab"))
    first = round_.published_at
    assert (round_.status, round_.view_id) == ("open", 41)
    with pytest.raises(WrongMoment):
        round_published(round_=round_, publication=Publication(42, "Tab"))
    round_.refresh_from_db()
    assert (round_.view_id, round_.published_at) == (41, first)


# --------------------------------------------------------------------- failed, and on


@pytest.mark.parametrize(("failed_from", "kind"), [("pending", "score"), ("ready", "publish"), ("open", "train")])
def test_trying_again_repeats_the_step_that_failed(alice, make_round, make_job, failed_from, kind):
    round_ = make_round("failed", failed_from=failed_from, failure="No.")
    make_job(round_, kind, "failed")
    round_resume(round_=round_, again=True, user=alice)
    round_.refresh_from_db()
    assert (round_.status, round_.failed_from, round_.failure) == (failed_from, "", "")
    assert round_.jobs.get(status="queued").kind == kind


def test_trying_again_to_take_a_batch_back_does_not_train_instead(alice, make_round, make_job):
    round_ = make_round("failed", failed_from="open", failure="No.", view_id=41)
    make_job(round_, "train", "cancelled")
    make_job(round_, "retract", "failed")
    round_resume(round_=round_, again=True, user=alice)
    assert round_.jobs.get(status="queued").kind == "retract"


def test_of_two_who_try_again_at_once_one_does(alice, make_round, make_job):
    one = make_round("failed", failed_from="ready")
    make_job(one, "publish", "failed")
    other = Round.objects.get()
    round_resume(round_=one, again=True, user=alice)
    with pytest.raises(WrongMoment):
        round_resume(round_=other, again=True, user=alice)
    assert Job.objects.filter(status="queued").count() == 1


@pytest.mark.parametrize("status", ["pending", "open", "done", "cancelled"])
def test_what_did_not_fail_is_not_resumed(alice, make_round, status):
    with pytest.raises(WrongMoment):
        round_resume(round_=make_round(status), again=True, user=alice)
    assert not Job.objects.exists()


# --------------------------------------------------------------------- cancelled


@pytest.mark.parametrize("status", ["pending", "ready", "failed"])
def test_a_round_that_is_not_published_can_be_given_up(make_round, status):
    round_ = make_round(status)
    round_cancel(round_=round_)
    round_.refresh_from_db()
    assert round_.status == "cancelled"
    assert round_.finished_at is not None


@pytest.mark.parametrize("status", ["done", "cancelled"])
@pytest.mark.parametrize("view_id", [None, 41])
def test_a_finished_round_stays_finished(make_round, status, view_id):
    round_ = make_round(status, view_id=view_id)
    with pytest.raises(WrongMoment, match="finished already"):
        round_cancel(round_=round_)
    round_.refresh_from_db()
    assert (round_.status, round_.finished_at) == (status, None)


def test_a_published_round_is_taken_back_first(make_round):
    round_ = make_round("open")
    with pytest.raises(WrongMoment, match="Take it back first"):
        round_cancel(round_=round_)
    round_.refresh_from_db()
    assert round_.status == "open"


def test_giving_a_round_up_ends_what_waits_for_a_worker(make_round, make_job):
    round_ = make_round("pending", tasks=0)
    job = make_job(round_, "score", "queued")
    round_cancel(round_=round_)
    job.refresh_from_db()
    round_.refresh_from_db()
    assert (job.status, round_.status) == ("cancelled", "cancelled")


def test_giving_a_round_up_stops_a_worker_first(make_round, make_job):
    round_ = make_round("scoring", tasks=0)
    job = make_job(round_, "score", "running")
    with pytest.raises(WrongMoment, match="is being stopped"):
        round_cancel(round_=round_)
    job.refresh_from_db()
    round_.refresh_from_db()
    assert round_.status == "scoring"
    assert job.cancel_requested, "or it would never stop"


def test_who_gives_up_an_older_state_ends_no_job_of_a_newer_one(make_round, make_job):
    seen = make_round("pending", tasks=0)
    Round.objects.update(status="ready")
    job = make_job(seen, "publish", "queued")
    with pytest.raises(WrongMoment):
        round_cancel(round_=seen)
    job.refresh_from_db()
    assert job.status == "queued"


# --------------------------------------------------------------------- what the database holds to


def test_a_task_and_a_rank_are_in_a_batch_once(make_round):
    round_ = make_round("ready", tasks=1)
    for clash in ({"task_id": 101, "rank": 9}, {"task_id": 9, "rank": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BatchTask.objects.create(round=round_, lane="strategy", **clash)
