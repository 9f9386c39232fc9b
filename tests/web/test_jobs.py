"""Each kind of job from claim to end, with a Label Studio and a backend at the end of the wire."""

import io
import itertools
import json
import queue
import re
import threading
from contextlib import nullcontext
from datetime import timedelta

import httpx
import numpy as np
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from al_core.doctor import Diagnosis
from al_core.errors import ServerUnreachable
from al_core.label_studio import LabelStudio
from tests.servers import BACKEND_URL, PROJECT_ID, TOKEN, URL, BackendServer, region
from tests.web.working import ids, while_asked
from trustai_web.campaigns import jobs, selectors, tasks
from trustai_web.campaigns.models import Job, Round
from trustai_web.campaigns.services import jobs as services
from trustai_web.campaigns.services.campaigns import campaign_examine, campaign_store
from trustai_web.campaigns.services.jobs import job_cancel, job_claim, job_hurry
from trustai_web.campaigns.services.rounds import round_cancel, round_resume, round_work

REFUSED = httpx.ConnectError("refused")


def scores_file(round_):
    with round_.scores_file.open("rb") as file:
        return dict(np.load(io.BytesIO(file.read())))


# --------------------------------------------------------------------- score


def test_round_0_draws_a_start_set_and_a_test_set(start, work, backend):
    job = work(start())
    round_ = job.round
    round_.refresh_from_db()
    assert (job.status, job.message) == ("succeeded", "Recommended 8 of 30 tasks.")
    assert job.finished_at is not None
    assert round_.status == "ready"
    assert (len(ids(round_, lane="strategy")), len(ids(round_, lane="test"))) == (3, 5)
    assert len(set(ids(round_))) == 8
    assert (round_.pool_size, round_.known_count, round_.histogram) == (30, None, {})
    assert backend.requests == [], "there is no model to ask yet"


def test_a_later_round_asks_where_the_model_is_torn(start, work, later_round):
    job = work(start())
    round_ = job.round
    round_.refresh_from_db()
    assert job.status == "succeeded"
    assert len(ids(round_)) == 4
    assert min(ids(round_)) > 30 - 4 * 3, "all are among the candidates"
    assert (round_.model_version, round_.known_count, round_.unknown) == ("v1", 30, {})
    assert sum(round_.histogram["counts"]) == 30
    first = round_.batch_tasks.first()
    assert first.preview == {"kind": "text", "content": f"sentence number {first.task_id} word{first.task_id}"}
    assert list(first.probabilities) == ["bad", "good"]
    assert first.score == max(round_.batch_tasks.values_list("score", flat=True))
    assert (round_.bounded_count, round_.exact_count, round_.unknown_count) == (0, 30, 0)
    stored = scores_file(round_)
    assert stored["task_ids"].tolist() == list(range(1, 31))
    assert stored["probabilities"].shape == (30, 2)
    np.testing.assert_array_equal(stored["scores"], stored["scores_high"])
    assert (stored["reasons"].tolist(), stored["starts"].tolist()) == ([0] * 30, list(range(31)))
    np.testing.assert_allclose(stored["top"], stored["probabilities"].max(axis=1))
    assert stored["answers"].tolist() == stored["probabilities"].argmax(axis=1).tolist()
    assert sorted(stored["task_ids"][stored["selected"]]) == sorted(ids(round_))
    assert stored["labels"].tolist() == ["good", "bad"]
    assert (np.diff(stored["scores"][stored["order"]]) <= 0).all()


MOODS = (
    '<View><Text name="words" value="$text"/><Choices name="mood" toName="words">'
    '<Choice value="good"/><Choice value="bad"/><Choice value="mixed"/></Choices></View>'
)
SPANS = (
    '<View><Text name="words" value="$text"/><Labels name="names" toName="words">'
    '<Label value="person"/></Labels></View>'
)


@pytest.fixture
def top_only(server, backend):
    """Three classes, and a backend that tells the probability of its answer alone; of every third task nothing."""
    server.label_config = MOODS

    def result(task_id):
        if task_id % 3 == 0:
            return []
        return [{**region("good"), "score": 0.4 + task_id / 100}]

    backend.result = result
    return backend


@pytest.fixture
def spans(server, backend):
    """A backend that marks names: one a task, the surer the higher its number."""
    server.label_config = SPANS

    def result(task_id):
        value = {"start": 0, "end": 3, "text": "abc", "labels": ["person"]}
        return [{"from_name": "names", "to_name": "words", "type": "labels", "value": value, "score": task_id / 40}]

    backend.result = result
    return backend


@pytest.mark.parametrize("rank_by", ["low", "high"])
def test_where_only_the_top_probability_is_known_scores_are_bounds(
    start, work, later_round, top_only, campaign, rank_by
):
    campaign.rank_by, campaign.diversity = rank_by, "none"
    campaign.save()
    job = work(start())
    round_ = job.round
    round_.refresh_from_db()
    assert job.status == "succeeded", job.message
    assert (round_.known_count, round_.bounded_count, round_.unknown) == (20, 20, {"empty result": 10})
    if rank_by == "low":
        assert ids(round_) == [1, 2, 4, 5], "the lower the top probability, the less certain"
    else:
        assert set(ids(round_)) <= {1, 2, 4, 5, 7, 8, 10}, "up to a half, the second class may be as likely"
    first = round_.batch_tasks.first()
    assert first.score < first.score_high
    assert list(first.probabilities) == ["good"]
    stored = scores_file(round_)
    assert np.isnan(stored["scores"][stored["reasons"] > 0]).all()
    ranked_by = stored["scores" if rank_by == "low" else "scores_high"]
    low, high = round_.histogram["edges"][0], round_.histogram["edges"][-1]
    assert (low, high) == pytest.approx((np.nanmin(ranked_by), np.nanmax(ranked_by)))


def test_a_share_of_the_batch_is_drawn_at_random(start, work, later_round, campaign):
    campaign.control_share, campaign.batch_size, campaign.diversity = 50, 8, "none"
    campaign.save()
    round_ = work(start()).round
    assert len(ids(round_, lane="control")) == 4
    assert sorted(ids(round_, lane="strategy")) != sorted(ids(round_, lane="control"))
    assert len(set(ids(round_))) == 8


def test_a_round_scores_the_control_that_was_chosen(start, work, later_round, server, backend, campaign):
    server.label_config = MOODS.replace(
        "</View>", '<Choices name="other" toName="words"><Choice value="x"/></Choices></View>'
    )
    campaign.control = ""
    campaign.save()
    job = work(start())
    assert job.status == "failed", "which one?"
    campaign.refresh_from_db()
    assert [control["name"] for control in campaign.controls] == ["mood", "other"], "the settings can offer them now"


def test_a_committee_is_the_other_backends_of_the_project(start, work, later_round, server, backend, campaign, wire):
    other = BackendServer("w1")
    other.good = lambda task_id: 1 - backend.good(task_id)
    wire.route(url__startswith="http://other.test").mock(side_effect=other)
    server.backends.append(
        {"id": 4, "title": "Other", "url": "http://other.test", "state": "CO", "model_version": "w1"}
    )
    campaign.strategy, campaign.diversity = "vote_entropy", "none"
    campaign.save()
    job = work(start())
    job.round.refresh_from_db()
    assert job.status == "succeeded", job.message
    assert job.round.model_version == "v1, w1"
    assert other.bodies("/predict")


def test_only_scoring_gathers_a_committee(start, work, do, later_round, server, backend, campaign):
    """A committee of one fails where it is asked for, and nobody else asks for it."""
    campaign.strategy = "vote_entropy"
    campaign.save()
    job = work(start())
    assert job.status == "failed"
    assert "A committee needs two models or more" in job.message
    Round.objects.filter(pk=job.round_id).update(status="ready", failed_from="", failure="")
    backends = len([r for r in server.requests if r.url.path.startswith("/api/ml")])
    assert do(job.round, "publish").status == "succeeded"
    assert len([r for r in server.requests if r.url.path.startswith("/api/ml")]) == backends


def test_the_test_set_is_never_asked_again(start, work, make_round, campaign):
    held_out = make_round("done", number=0, tasks=0, test_tasks=3)
    for number, task in enumerate(held_out.batch_tasks.all()):
        task.task_id = 30 - number
        task.save()
    campaign.batch_size, campaign.test_size = 30, 3
    campaign.save()
    job = work(start())
    assert not {30, 29, 28} & set(ids(job.round))
    assert job.message == "Recommended 27 of 27 tasks. Wanted 30 tasks; only 27 could be picked."


def test_a_batch_larger_than_the_pool_is_noted(start, work, later_round, campaign):
    campaign.batch_size = 50
    campaign.save()
    round_ = work(start()).round
    round_.refresh_from_db()
    assert round_.status == "ready"
    assert round_.note == "Wanted 50 tasks; only 30 could be picked."


def test_an_empty_project_fails_with_what_to_do(start, work, server):
    server.tasks.clear()
    job = work(start())
    job.round.refresh_from_db()
    assert job.status == "failed"
    assert job.message == "The project has no tasks. Import some in Label Studio, then try again."
    assert (job.round.status, job.round.failed_from, job.round.failure) == ("failed", "pending", job.message)


def test_an_untrained_backend_fails_with_what_to_do(start, work, later_round, backend):
    backend.version = ""
    job = work(start())
    assert job.status == "failed"
    assert f"The ML backend at {BACKEND_URL} has no usable class probabilities for any of 30 tasks" in job.message
    assert "label a start set and train first" in job.message


def test_a_wrong_token_fails_without_giving_it_away(start, work, server, caplog):
    server.authorization = "Token another"
    job = work(start())
    assert job.status == "failed"
    assert "does not accept the legacy token" in job.message
    assert TOKEN not in job.message + caplog.text


def test_the_same_round_scored_again_asks_the_same(start, work, later_round):
    job = work(start())
    first = ids(job.round)
    Round.objects.filter(pk=job.round_id).update(status="pending")
    Job.objects.update(status="queued")
    job = work(job)
    assert (job.status, job.tries) == ("succeeded", 2)
    assert ids(job.round) == first


def test_a_failed_round_can_be_tried_again(start, work, server, alice):
    kept, server.tasks = server.tasks, {}
    round_ = work(start()).round
    server.tasks = kept
    round_.refresh_from_db()
    round_resume(round_=round_, again=True, user=alice)
    assert work(selectors.active_job(round_)).status == "succeeded"


# --------------------------------------------------------------------- outages


def test_an_outage_in_the_middle_postpones_and_the_next_try_loses_and_doubles_nothing(
    start, work, later_round, server, backend, monkeypatch
):
    monkeypatch.setattr("al_core.predictions.direct.MOST_CHUNK", 10)
    pieces = itertools.count(1)

    def falls_at_the_second(_):
        return REFUSED if next(pieces) == 2 else None

    backend.faults["/predict"] = falls_at_the_second
    job = work(start())
    job.round.refresh_from_db()
    assert (job.status, job.round.status) == ("queued", "scoring")
    assert f"No ML backend answers at {BACKEND_URL}. Nothing is lost; the next try is in 5 s." in job.message
    assert ids(job.round) == []
    assert work(job).tries == 1, "not before its time"
    job_hurry(job)
    job = work(job)
    job.round.refresh_from_db()
    assert (job.status, job.tries, job.round.status) == ("succeeded", 2, "ready")
    assert len(ids(job.round)) == len(set(ids(job.round))) == 4


def test_label_studio_gone_in_the_middle_postpones_too(start, work, server):
    reads = []

    def falls_after_the_first(_):
        reads.append(1)
        return httpx.Response(502) if len(reads) > 1 else None

    server.faults["GET /api/tasks"] = falls_after_the_first
    job = work(start())
    assert job.status == "queued"
    assert f"Label Studio at {URL} answers with an error (502)." in job.message
    server.faults.clear()
    job_hurry(job)
    assert work(job).status == "succeeded"


def test_an_outage_that_does_not_end_fails_with_its_reason(start, work, server, settings):
    settings.JOB_MAX_TRIES = 3
    server.faults["."] = REFUSED
    job = start()
    for _ in range(2):
        assert work(job).status == "queued"
        job_hurry(job)
    job = work(job)
    job.round.refresh_from_db()
    assert (job.status, job.tries) == ("failed", 3)
    assert "No Label Studio answers" in job.message
    assert "Tried 3 times; what is labelled is safe." in job.message
    assert (job.round.status, job.round.failed_from) == ("failed", "pending")


# --------------------------------------------------------------------- cancel, bugs, and running twice


@pytest.mark.django_db(transaction=True)
def test_cancelling_while_it_scores_leads_back(start, work, later_round, backend, monkeypatch):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    monkeypatch.setattr("al_core.predictions.direct.MOST_CHUNK", 10)
    monkeypatch.setattr("al_core.predictions.direct.IN_FLIGHT", 1)
    job = start()
    backend.faults["/predict"] = while_asked(lambda: job_cancel(job))
    job = work(job)
    job.round.refresh_from_db()
    assert (job.status, job.message, job.round.status) == ("cancelled", "Cancelled.", "pending")
    assert len(backend.bodies("/predict")) == 1, "it stopped at its next step"
    assert ids(job.round) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("who", "request_line"),
    [
        ("server", f"GET /api/projects/{PROJECT_ID}/?$"),
        ("server", "GET /api/tasks"),
        ("server", "GET /api/ml"),
        ("backend", "/setup"),
        ("backend", "/predict"),
    ],
)
def test_a_scoring_is_cancelled_while_a_server_hangs(
    start, work, later_round, server, backend, campaign, monkeypatch, who, request_line
):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    campaign.strategy = "vote_entropy"  # which asks for the other backends, too
    campaign.save()
    server.backends.append({**server.backends[0], "id": 4, "url": "http://other.test"})
    job = start()
    released, answered = threading.Event(), []

    def hangs(_):
        job_cancel(job)
        connection.close()
        released.wait(50)
        answered.append(request_line)

    {"server": server, "backend": backend}[who].faults[request_line] = hangs
    job = work(job)
    was_hanging = not answered
    released.set()
    assert was_hanging
    assert (job.status, job.message) == ("cancelled", "Cancelled.")


def test_progress_tells_that_label_studio_is_asked_again(server):
    told: list[str] = []
    with LabelStudio(URL, TOKEN) as client:
        report = jobs._with_trouble(lambda *said: told.append(said[2]), client)
        report(1, 2, "Reading tasks: 1 of 2.")
        server.faults["."] = REFUSED
        with pytest.raises(ServerUnreachable):
            client.project(PROJECT_ID)
        report(1, 2, "Reading tasks: 1 of 2.")
    assert told == [
        "Reading tasks: 1 of 2.",
        f"Reading tasks: 1 of 2. No Label Studio answers at {URL}. Asking again.",
    ]


def test_a_bug_is_logged_and_told_apart_from_a_failure(start, work, monkeypatch, caplog):
    def crash(values, space):
        raise KeyError("surprise")

    monkeypatch.setattr(jobs, "preview", crash)
    job = work(start())
    job.round.refresh_from_db()
    assert job.status == "errored"
    assert job.message == "TrustAI met a bug; it is in the worker's log. What is labelled is safe."
    assert (job.round.status, job.round.failure) == ("failed", job.message)
    assert f"Job {job.pk} met a bug." in caplog.text
    assert "KeyError" in caplog.text
    assert TOKEN not in caplog.text


def test_a_worker_that_dies_at_the_end_leaves_work_that_can_be_done_again(start, later_round, work, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(**columns):
        raise PowerCut

    job = start()
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "round_scored", cut)
        with pytest.raises(PowerCut):
            work(job)
    job.refresh_from_db()
    assert (job.status, job.round.batch_tasks.count()) == ("running", 0)
    Job.objects.filter(pk=job.pk).update(status="queued")
    job = work(job)
    job.round.refresh_from_db()
    assert (job.status, job.round.status) == ("succeeded", "ready")


def test_a_job_that_every_worker_died_of_is_given_up(start, later_round, settings):
    job = start()
    for tries in range(1, settings.JOB_MAX_TRIES + 1):
        assert job_claim(job.pk).tries == tries
        Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
        tasks.jobs_sweep()
    job.refresh_from_db()
    job.round.refresh_from_db()
    assert (job.status, job.round.status) == ("errored", "failed")
    assert job.round.failure == f"{settings.JOB_MAX_TRIES} workers died of this job; see the worker's log."


@pytest.mark.parametrize("status", ["succeeded", "failed", "errored", "cancelled", "running"])
def test_a_job_that_is_not_waiting_does_nothing(make_round, make_job, work, wire, status):
    job = work(make_job(make_round("ready"), "score", status))
    assert (job.status, job.message, job.tries) == (status, "At it.", 0)
    assert not wire.calls


def test_a_job_that_is_gone_does_nothing(db):
    jobs.run(99)


def test_what_celery_carries_is_the_number_of_a_job(start, monkeypatch):
    ran = []
    monkeypatch.setattr(jobs, "run", ran.append)
    tasks.job_run(5)
    assert ran == [5]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_job_leaves_everything_alone(start, later_round, backend, monkeypatch, caplog):
    """It was silent for too long, and another took the job; then it wakes up."""
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    monkeypatch.setattr("al_core.predictions.direct.IN_FLIGHT", 1)
    job = start()

    def taken_over():
        Job.objects.filter(pk=job.pk).update(status="queued", run_after=timezone.now())
        assert job_claim(job.pk).tries == 2

    backend.faults["/predict"] = while_asked(taken_over)
    jobs.run(job.pk, alive=lambda _: nullcontext())
    job.refresh_from_db()
    job.round.refresh_from_db()
    assert (job.status, job.tries, job.round.status) == ("running", 2, "scoring")
    assert ids(job.round) == []
    assert "this worker leaves it alone" in caplog.text


# --------------------------------------------------------------------- what is kept, and what was not done again


@pytest.fixture
def again(start, work, later_round, server, alice):
    """Score a first round, give it up, let something happen, and score once more; gives the second job."""

    def again(meanwhile=lambda: None):
        round_cancel(round_=work(start()).round)
        meanwhile()
        return work(start())

    return again


def test_what_is_known_is_not_predicted_again(again, backend):
    job = again()
    assert (job.status, job.message) == ("succeeded", "Recommended 4 of 30 tasks. Kept 30 predictions from before.")
    asked = [task["id"] for body in backend.bodies("/predict") for task in body["tasks"]]
    assert sorted(asked) == list(range(1, 31))


def test_only_what_changed_is_read_and_told(again, server, backend):
    def meanwhile():
        for number in (31, 32):
            server.add_task(number, {"text": f"sentence number {number} word{number}"})
        server.annotate(1, "good")
        server.annotate(2, None)
        server.tasks.pop(3)

    job = again(meanwhile)
    assert job.message == (
        "Recommended 4 of 29 tasks. Kept 27 predictions from before. "
        "Tasks since the last reading: 2 added, 1 deleted, 2 labelled."
    )


def test_tasks_that_the_backend_fails_on_are_counted(start, work, later_round, backend):
    def fails_on_7(request):
        return httpx.Response(500) if any(task["id"] == 7 for task in json.loads(request.content)["tasks"]) else None

    backend.faults["/predict"] = fails_on_7
    job = work(start())
    job.round.refresh_from_db()
    assert job.message == "Recommended 4 of 30 tasks. The ML backend failed on 1 task."
    assert job.round.unknown == {"the ML backend failed on this task": 1}


def test_nobody_is_asked_twice_whatever_became_of_the_batch(start, work, make_round, campaign):
    earlier = make_round("done", number=1, tasks=3)
    given_up = make_round("cancelled", number=2, tasks=3)
    for round_, first in ((earlier, 28), (given_up, 25)):
        for number, task in enumerate(round_.batch_tasks.all()):
            task.task_id = first + number
            task.save()
    campaign.test_size = 0
    campaign.save()
    job = work(start())
    assert (len(ids(job.round)), {28, 29, 30} & set(ids(job.round))) == (4, set())
    assert {25, 26, 27} & set(ids(job.round)), "of a round that was given up nobody was asked"
    assert "3 tasks of earlier batches are still unanswered and were not asked again." in job.message


@pytest.mark.parametrize(
    ("source", "asked"), [("stored_then_direct", 20), ("stored", 0), ("direct", 30)], ids=["both", "stored", "direct"]
)
def test_predictions_come_from_where_the_campaign_says(
    start, work, later_round, campaign, server, backend, source, asked
):
    campaign.source = source
    campaign.save()
    for task_id in range(1, 11):
        server.predict(task_id, 0.4, "v1")
    job = work(start())
    job.round.refresh_from_db()
    assert (job.status, job.round.known_count) == ("succeeded", 10 if source == "stored" else 30)
    assert sum(len(body["tasks"]) for body in backend.bodies("/predict")) == asked


def test_new_predictions_are_stored_in_label_studio_where_that_is_wanted(
    start, work, later_round, campaign, server, backend
):
    campaign.write_back = True
    campaign.save()
    assert work(start()).status == "succeeded"
    assert sorted(prediction["task"] for prediction in server.predictions) == list(range(1, 31))


@pytest.mark.django_db(transaction=True)
def test_a_large_pool_is_shared_out_and_a_cancelled_scoring_goes_on_from_what_is_kept(
    start, work, later_round, campaign, server, backend, monkeypatch
):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    monkeypatch.setattr("trustai_web.campaigns.parts.REPORT_SECONDS", 0)
    monkeypatch.setattr("al_core.predictions.direct.MOST_CHUNK", 10)
    monkeypatch.setattr("al_core.predictions.direct.IN_FLIGHT", 1)
    for number in range(31, 181):
        server.add_task(number, {"text": f"sentence number {number} word{number}"})
    heard = []
    monkeypatch.setattr("trustai_web.campaigns.parts.call_for_help", lambda *call: heard.append(call))
    job = start()

    def cancels_at_the_eighth(_):
        if len(backend.bodies("/predict")) == 8:
            job_cancel(job)
            connection.close()

    backend.faults["/predict"] = cancels_at_the_eighth
    job = work(job)
    assert (job.status, heard) == ("cancelled", [(job.pk, 3)])
    assert not job.parts.exists()
    backend.faults.clear()
    before = {task["id"] for body in backend.bodies("/predict") for task in body["tasks"]}
    job = work(round_work(round_=Round.objects.get(pk=job.round_id), kind=Job.Kind.SCORE, user=job.created_by))
    assert job.status == "succeeded", job.message
    kept = int(re.search(r"Kept (\d+) predictions from before", job.message)[1])
    assert 60 <= kept <= len(before) < 180
    job.round.refresh_from_db()
    assert job.round.known_count == 180
    assert campaign_store(campaign).names("parts/") == []


# --------------------------------------------------------------------- publish and retract


def test_publishing_makes_one_tab_with_the_batch_in_it(start, work, do, server):
    round_ = work(start()).round
    job = do(round_, "publish")
    round_.refresh_from_db()
    assert (job.status, job.message, round_.status) == ("succeeded", "Published 8 tasks.", "open")
    assert server.tab_ids(round_.view_id) == ids(round_)
    assert round_.published_at is not None


def test_publishing_twice_makes_one_tab(start, work, do, server, backend):
    """The answer to the first try was lost on its way."""
    round_ = work(start()).round

    def made_and_lost(request):
        server.answer(request)
        return httpx.ReadError("cut off")

    server.faults["POST /api/dm/views"] = made_and_lost
    job = do(round_, "publish")
    assert job.status == "queued"
    assert len(server.tabs) == 1
    server.faults.clear()
    job_hurry(job)
    job = work(job)
    round_.refresh_from_db()
    assert (job.status, round_.status) == ("succeeded", "open")
    assert list(server.tabs) == [round_.view_id]


def test_taking_a_batch_back_removes_the_tab_and_keeps_the_labels(start, work, do, server, make_round):
    round_ = work(start()).round
    do(round_, "publish")
    server.annotate(ids(round_)[0], "good")
    job = do(round_, "retract")
    round_.refresh_from_db()
    assert (job.status, round_.status, round_.view_id) == ("succeeded", "ready", None)
    assert server.tabs == {}
    assert server.tasks[ids(round_)[0]]["is_labeled"]
    do(round_, "publish")
    round_.refresh_from_db()
    assert list(server.tabs) == [round_.view_id]


def test_a_tab_that_somebody_removed_is_taken_back_all_the_same(start, work, do, server):
    round_ = work(start()).round
    do(round_, "publish")
    server.tabs.clear()
    assert do(round_, "retract").status == "succeeded"


# --------------------------------------------------------------------- the probability doctor


@pytest.fixture
def examine(campaign, alice, server, backend):
    return lambda: campaign_examine(campaign=campaign, user=alice)


def test_the_doctor_keeps_what_it_finds(examine, work, campaign, server):
    job = work(examine())
    campaign.refresh_from_db()
    assert job.status == "succeeded", job.message
    diagnosis = Diagnosis.from_dict(campaign.diagnosis)
    (report,) = diagnosis.controls
    assert (diagnosis.sampled, diagnosis.model_version, report.control, report.known) == (30, "v1", "mood", 30)
    assert {verdict.kind for name, verdict in report.strategies.items() if name in ("margin", "entropy")} == {"exact"}
    assert job.message == f"Examined 30 tasks. {report.sentence}"
    assert campaign.diagnosed_at is not None
    assert campaign.controls == [{"name": "mood", "tag": "Choices", "form": "single", "classes": 2}]


def test_the_doctor_works_beside_an_open_round_and_leaves_it_alone(examine, start, work, do, campaign):
    round_ = work(start()).round
    do(round_, "publish")
    assert work(examine()).status == "succeeded"
    round_.refresh_from_db()
    assert (round_.status, round_.failure) == ("open", "")


def test_a_failed_examination_keeps_the_last_report_and_harms_no_round(examine, work, campaign, backend, make_round):
    round_ = make_round("open")
    campaign.diagnosis = {"kept": True}
    campaign.save()
    backend.faults["/predict"] = httpx.Response(400, json={"error": "out of memory"})
    job = work(examine())
    campaign.refresh_from_db()
    round_.refresh_from_db()
    assert job.status == "failed"
    assert "out of memory" in job.message
    assert (campaign.diagnosis, round_.status) == ({"kept": True}, "open")


@pytest.mark.django_db(transaction=True)
def test_an_examination_can_be_cancelled_and_outlives_an_outage(examine, work, backend, monkeypatch):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    job = examine()
    backend.faults["/predict"] = REFUSED
    assert work(job).status == "queued"
    backend.faults["/predict"] = while_asked(lambda: job_cancel(job))
    job_hurry(job)
    assert work(job).status == "cancelled"


def test_an_examination_that_every_worker_died_of_is_given_up(examine, settings):
    job = examine()
    for _ in range(settings.JOB_MAX_TRIES):
        job_claim(job.pk)
        Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
        tasks.jobs_sweep()
    job.refresh_from_db()
    assert job.status == "errored"


# --------------------------------------------------------------------- signs of life


@pytest.fixture
def beats(monkeypatch, settings):
    """What came of each beat; the test waits for them instead of asking the database at the same time."""
    settings.JOB_HEARTBEAT_SECONDS = 0.02
    heard, real = queue.Queue(), jobs._beat

    def beat(job):
        heard.put(real(job))
        return heard.queue[-1]

    monkeypatch.setattr(jobs, "_beat", beat)
    return heard


@pytest.fixture
def claimed(make_round, make_job):
    return job_claim(make_job(make_round("pending", tasks=0), "score", run_after=timezone.now()).pk)


def hearts():
    return [thread for thread in threading.enumerate() if thread.name.startswith("heartbeat-")]


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_while_the_work_is_silent_and_stops_after_it(claimed, beats):
    with jobs.heartbeat(claimed):
        assert beats.get(timeout=10) is True
        assert len(hearts()) == 1
    assert hearts() == []
    assert Job.objects.get().heartbeat_at > claimed.heartbeat_at


@pytest.mark.django_db(transaction=True)
def test_the_heart_stops_by_itself_when_the_job_is_lost(claimed, beats):
    Job.objects.update(tries=2)
    with jobs.heartbeat(claimed):
        assert beats.get(timeout=10) is False
        for thread in hearts():
            thread.join(10)
        assert hearts() == []
    assert Job.objects.get().heartbeat_at == claimed.heartbeat_at


@pytest.mark.django_db(transaction=True)
def test_the_heart_outlives_a_database_that_is_locked_for_a_moment(claimed, beats, monkeypatch, caplog):
    locked = iter([OperationalError("database is locked")])

    def job_beat(job):
        for error in locked:
            raise error
        return services.job_beat(job)

    monkeypatch.setattr(jobs, "job_beat", job_beat)
    with jobs.heartbeat(claimed):
        assert [beats.get(timeout=10), beats.get(timeout=10)] == [True, True]
    assert f"A sign of life of job {claimed.pk} could not be written." in caplog.text
    assert Job.objects.get().heartbeat_at > claimed.heartbeat_at
