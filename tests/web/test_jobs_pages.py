"""The list of jobs, and what can be done to one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from trustai_web.dashboard.views import jobs as views


def test_the_refusals(assert_refusals, make_round, make_job):
    job = make_job(make_round("pending"))
    assert_refusals("/jobs/", takes=("get", "head"), bob=403, charlie=403)
    assert_refusals(f"/jobs/{job.pk}/cancel/", takes=("post",), bob=403, charlie=403)
    assert_refusals(f"/jobs/{job.pk}/hurry/", takes=("post",), bob=403, charlie=403)
    job.refresh_from_db()
    assert job.status == "queued"


def test_what_is_not_there_is_not_found(as_alice):
    assert as_alice.post("/jobs/99/cancel/").status_code == 404
    assert as_alice.post("/jobs/99/hurry/").status_code == 404


def test_without_jobs_the_page_says_what_will_be_there(as_alice):
    assert "No job yet" in as_alice.get("/jobs/").text


def test_a_job_tells_its_work_state_words_and_time(as_alice, make_round, make_job):
    round_ = make_round("ready")
    now = timezone.now()
    make_job(
        round_,
        "score",
        "succeeded",
        message="Recommended 4 of 30 tasks.",
        started_at=now - timedelta(seconds=200),
        finished_at=now,
    )
    text = as_alice.get("/jobs/").text
    assert f'<a href="/rounds/{round_.pk}/">Score the pool</a>' in text
    assert "Moods of letters · round 1" in text
    assert "Recommended 4 of 30 tasks." in text
    assert "3 min 20 s" in text
    assert "state-done" in text


def test_a_job_that_runs_tells_how_far_and_how_fast_it_is(as_alice, make_round, make_job):
    job = make_job(make_round("ready"), "score", "running", done=1234, total=100_000, rate=850.0)
    assert "1,234 of 100,000 · 850 a second · about 2 min left" in as_alice.get("/jobs/").text
    job.total = None
    job.save()
    assert ">1,234 · 850 a second</span>" in as_alice.get("/jobs/").text


def test_a_job_of_the_campaign_alone_leads_to_its_own_page(as_alice, campaign, make_examination):
    make_examination("succeeded", message="Examined 50 tasks.")
    text = as_alice.get("/jobs/").text
    assert f'<a href="/campaigns/{campaign.pk}/doctor/">Examine the numbers</a>' in text
    assert '<span class="muted small">Moods of letters</span>' in text
    assert "Examined 50 tasks." in text


def test_a_long_list_comes_in_pages_newest_first(as_alice, make_round, make_job, monkeypatch):
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    round_ = make_round("ready")
    for number in (1, 2, 3):
        make_job(round_, "score", "failed", message=f"Try {number}.")
    first = as_alice.get("/jobs/").text
    assert first.index("Try 3.") < first.index("Try 2.")
    assert "Try 1." not in first
    assert "1 to 2 of 3 jobs" in first
    assert "Try 1." in as_alice.get("/jobs/?page=2").text
    assert "Try 1." in as_alice.get("/jobs/?page=99").text
    assert "Try 3." in as_alice.get("/jobs/?page=x").text


def test_htmx_gets_the_living_part_alone(as_alice):
    answer = as_alice.get("/jobs/", headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<div id="live"')
    assert "<html" not in answer.text


def test_the_list_asks_the_database_as_often_for_many_jobs_as_for_few(
    as_alice, make_round, make_job, make_examination, django_assert_max_num_queries
):
    round_ = make_round("ready")
    for _ in range(20):
        make_job(round_, "score", "failed")
        make_examination("failed")
    with django_assert_max_num_queries(4):
        as_alice.get("/jobs/")


# --------------------------------------------------------------------- actions


@pytest.mark.parametrize(("kind", "during", "before"), [("score", "scoring", "pending"), ("train", "training", "open")])
def test_cancelling_a_queued_job_brings_its_round_back(as_alice, make_round, make_job, kind, during, before):
    round_ = make_round(during)
    job = make_job(round_, kind, "queued", tries=1)
    answer = as_alice.post(f"/jobs/{job.pk}/cancel/")
    assert answer.url == f"/rounds/{round_.pk}/"
    job.refresh_from_db()
    round_.refresh_from_db()
    assert (job.status, round_.status) == ("cancelled", before)
    assert job.finished_at is not None


def test_cancelling_a_running_job_asks_its_worker(as_alice, make_round, make_job):
    round_ = make_round("scoring", tasks=0)
    job = make_job(round_, "score", "running", heartbeat_at=timezone.now())
    answer = as_alice.post(f"/jobs/{job.pk}/cancel/", follow=True)
    assert "Cancelling: the worker stops at its next step." in answer.text
    job.refresh_from_db()
    assert (job.status, job.cancel_requested) == ("running", True)


@pytest.mark.parametrize("status", ["succeeded", "failed", "errored", "cancelled"])
def test_a_job_that_ended_stays_as_it_is(as_alice, make_round, make_job, status):
    job = make_job(make_round("ready"), "score", status)
    as_alice.post(f"/jobs/{job.pk}/cancel/")
    as_alice.post(f"/jobs/{job.pk}/hurry/")
    job.refresh_from_db()
    assert (job.status, job.cancel_requested, job.message) == (status, False, "At it.")


def test_an_examination_can_be_stopped_and_hurried_from_its_page(as_alice, campaign, make_round, make_examination):
    round_ = make_round("open")
    page = f"/campaigns/{campaign.pk}/doctor/"
    job = make_examination("queued", tries=1, run_after=timezone.now() + timedelta(minutes=5))
    assert as_alice.post(f"/jobs/{job.pk}/hurry/").url == page
    job.refresh_from_db()
    assert job.run_after <= timezone.now()
    assert as_alice.post(f"/jobs/{job.pk}/cancel/").url == page
    job.refresh_from_db()
    round_.refresh_from_db()
    assert (job.status, round_.status) == ("cancelled", "open")


def test_a_postponed_job_is_due_at_once(as_alice, make_round, make_job):
    later = timezone.now() + timedelta(minutes=5)
    job = make_job(make_round("ready"), "publish", "queued", tries=2, run_after=later)
    as_alice.post(f"/jobs/{job.pk}/hurry/")
    job.refresh_from_db()
    assert job.run_after <= timezone.now()
