"""Jobs: owned by one worker at a time, whatever happens to workers and to the broker."""

from datetime import timedelta

import pytest
from celery import Celery
from django.utils import timezone

from al_core.errors import Cancelled
from trustai_web.campaigns import tasks
from trustai_web.campaigns.models import Campaign, Job
from trustai_web.campaigns.services import jobs
from trustai_web.campaigns.services.jobs import (
    Busy,
    JobLost,
    job_beat,
    job_cancel,
    job_claim,
    job_create,
    job_end,
    job_hurry,
    job_postpone,
    job_report,
    jobs_sweep,
)


@pytest.fixture
def queued(make_round, make_job):
    return make_job(make_round("pending", tasks=0), "score", "queued", run_after=timezone.now())


@pytest.fixture
def sent(monkeypatch):
    """What goes to the broker, in order."""
    found = []
    monkeypatch.setattr(jobs.current_app, "send_task", lambda name, args: found.append((name, *args)))
    return found


def go_silent(job, settings):
    since = timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=since)


# --------------------------------------------------------------------- in the queue


def test_a_job_is_sent_when_it_is_written_and_not_before(
    alice, campaign, make_round, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = job_create(kind=Job.Kind.SCORE, campaign=campaign, round_=make_round("pending"), user=alice)
        assert sent == []
    assert sent == [("trustai_web.campaigns.tasks.job_run", job.pk)]
    assert tasks.job_run.name == jobs.RUN_JOB, "or no worker would know it"


def test_a_round_has_one_job_at_a_time(alice, campaign, make_round, make_job):
    round_ = make_round("open")
    make_job(round_, "train", "running")
    with pytest.raises(Busy):
        job_create(kind=Job.Kind.RETRACT, campaign=campaign, round_=round_, user=alice)
    Job.objects.update(status="failed")
    assert job_create(kind=Job.Kind.RETRACT, campaign=campaign, round_=round_, user=alice).status == "queued"


def test_a_campaign_is_examined_once_at_a_time_beside_the_work_of_its_round(
    alice, connection, campaign, make_round, make_job
):
    make_job(make_round("open"), "train", "running")
    first = job_create(kind=Job.Kind.DOCTOR, campaign=campaign, user=alice)
    assert (first.campaign, first.round, str(first)) == (
        campaign,
        None,
        "Examine the numbers · Moods of letters",
    )
    with pytest.raises(Busy, match="The campaign has such work under way already"):
        job_create(kind=Job.Kind.DOCTOR, campaign=campaign, user=alice)
    other = Campaign.objects.create(name="Other", connection=connection, project_id=9, created_by=alice)
    job_create(kind=Job.Kind.DOCTOR, campaign=other, user=alice)
    job_cancel(first)
    assert job_create(kind=Job.Kind.DOCTOR, campaign=campaign, user=alice).status == "queued"


def test_a_broker_that_is_down_breaks_no_request(
    as_alice, campaign, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    deaf = Celery(broker="redis://127.0.0.1:9/0", set_as_current=False)
    deaf.conf.task_publish_retry = False
    monkeypatch.setattr(jobs, "current_app", deaf)
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_alice.post(f"/campaigns/{campaign.pk}/rounds/")
    assert answer.status_code == 302
    job = Job.objects.get()
    assert job.status == "queued"
    assert f"The broker does not answer; job {job.pk} waits in the database." in caplog.text


# --------------------------------------------------------------------- taken by one


def test_a_job_is_taken_once(queued):
    job = job_claim(queued.pk)
    assert (job.status, job.tries) == ("running", 1)
    assert job.heartbeat_at == job.started_at is not None
    assert job_claim(queued.pk) is None


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "errored", "cancelled"])
def test_what_is_not_queued_is_not_taken(make_round, make_job, status):
    assert job_claim(make_job(make_round("ready"), "score", status).pk) is None


def test_a_job_is_not_taken_before_its_time_nor_when_it_is_gone(queued):
    Job.objects.update(run_after=timezone.now() + timedelta(minutes=1))
    assert job_claim(queued.pk) is None
    assert job_claim(999) is None


def test_progress_is_written_and_is_a_sign_of_life(queued):
    job = job_claim(queued.pk)
    Job.objects.update(heartbeat_at=None)
    job_report(job, 3, 10, "Three of ten.")
    job.refresh_from_db()
    assert (job.done, job.total, job.message) == (3, 10, "Three of ten.")
    assert job.heartbeat_at is not None


def test_a_report_hears_that_the_job_is_to_stop(queued):
    job = job_claim(queued.pk)
    assert job_cancel(queued) is False
    with pytest.raises(Cancelled):
        job_report(job, 3, 10, "Three of ten.")


# --------------------------------------------------------------------- lost workers


def test_a_job_whose_worker_died_goes_back_and_is_sent(queued, sent, settings):
    job = job_claim(queued.pk)
    assert jobs_sweep() == []
    go_silent(job, settings)
    assert jobs_sweep() == [job.pk]
    assert [job_id for _, job_id in sent] == [job.pk]
    job.refresh_from_db()
    assert job.status == "queued"
    assert "went silent" in job.message


def test_a_worker_that_came_back_from_the_dead_writes_nothing_more(queued, sent, settings):
    zombie = job_claim(queued.pk)
    go_silent(zombie, settings)
    jobs_sweep()
    owner = job_claim(queued.pk)
    assert owner.tries == 2
    assert job_beat(zombie) is False
    for write in (
        lambda: job_report(zombie, 9, 10, "Nine."),
        lambda: job_end(zombie, Job.Status.SUCCEEDED, "Done."),
        lambda: job_postpone(zombie, "Later."),
    ):
        with pytest.raises(JobLost):
            write()
    assert job_beat(owner) is True
    job_report(owner, 1, 10, "One.")
    owner.refresh_from_db()
    assert (owner.status, owner.done, owner.message) == ("running", 1, "One.")


def test_a_zombie_is_known_before_anybody_takes_the_job_again(queued, sent, settings):
    zombie = job_claim(queued.pk)
    go_silent(zombie, settings)
    jobs_sweep()
    with pytest.raises(JobLost):
        job_report(zombie, 9, 10, "Nine.")


def test_the_sweep_sends_what_is_due_and_nothing_else(make_round, make_job, connection, alice, sent, queued):
    Job.objects.update(run_after=timezone.now() + timedelta(minutes=1))
    assert jobs_sweep() == []
    Job.objects.update(run_after=timezone.now() - timedelta(seconds=1))
    assert jobs_sweep() == [queued.pk]
    job_claim(queued.pk)
    assert jobs_sweep() == []


def test_a_job_that_was_to_stop_when_its_worker_died_stops_at_its_next_try(queued, sent, settings):
    job = job_claim(queued.pk)
    job_cancel(job)
    go_silent(job, settings)
    jobs_sweep()
    again = job_claim(queued.pk)
    with pytest.raises(Cancelled):
        job_report(again, 0, None, "At it again.")


# --------------------------------------------------------------------- later, and now after all


@pytest.mark.parametrize(("tries", "wait"), [(1, 5), (2, 10), (4, 40)])
def test_a_job_waits_ever_longer(queued, settings, tries, wait):
    settings.JOB_RETRY_SECONDS = 5
    Job.objects.update(tries=tries - 1)
    job = job_claim(queued.pk)
    before = timezone.now()
    job_postpone(job, "No answer.")
    job.refresh_from_db()
    assert job.status == "queued"
    assert timedelta(seconds=wait) <= job.run_after - before < timedelta(seconds=wait + 2)
    assert job.message == f"No answer. Nothing is lost; the next try is in {wait} s."
    assert job_claim(job.pk) is None


def test_hurrying_sends_a_postponed_job_now(queued, sent, django_capture_on_commit_callbacks):
    job_postpone(job_claim(queued.pk), "No answer.")
    with django_capture_on_commit_callbacks(execute=True):
        job_hurry(queued)
    assert [job_id for _, job_id in sent] == [queued.pk]
    assert job_claim(queued.pk).tries == 2


def test_hurrying_what_runs_sends_nothing(queued, sent, django_capture_on_commit_callbacks):
    job_claim(queued.pk)
    with django_capture_on_commit_callbacks(execute=True):
        job_hurry(queued)
    assert sent == []


# --------------------------------------------------------------------- stopping


def test_cancelling_what_waits_ends_it_at_once(queued):
    assert job_cancel(queued) is True
    queued.refresh_from_db()
    assert queued.status == "cancelled"
    assert queued.finished_at is not None
    assert job_claim(queued.pk) is None


def test_cancelling_what_ended_changes_nothing(queued):
    job = job_claim(queued.pk)
    job_end(job, Job.Status.SUCCEEDED, "Done.")
    assert job_cancel(job) is False
    job.refresh_from_db()
    assert (job.status, job.cancel_requested, job.message) == ("succeeded", False, "Done.")
