"""Training a backend and measuring what comes of it, with a Label Studio and a backend at the end of the wire."""

import json
from base64 import b64encode
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from al_core.training import Before
from tests.servers import BACKEND_URL
from tests.web.working import ids, while_asked
from trustai_web.campaigns import jobs, selectors, tasks
from trustai_web.campaigns.models import Campaign, Job, Round
from trustai_web.campaigns.services.jobs import job_cancel, job_claim, job_hurry
from trustai_web.campaigns.services.rounds import round_create, round_finish, round_job_cancel, round_resume, round_work
from trustai_web.campaigns.services.statuses import WrongMoment
from trustai_web.campaigns.services.training import call_back_heard
from trustai_web.connections.services import backend_settings_save

REFUSED = httpx.ConnectError("refused")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody waits between two looks at a backend, nor for one that may yet begin."""
    monkeypatch.setattr("al_core.training.watching.POLL_SECONDS", 0)
    monkeypatch.setattr("al_core.training.watching.GRACE_SECONDS", 0)


@pytest.fixture
def labelled(start, work, do, server):
    """Round 0, published and labelled to its end: "bad" is what the model will say of every task."""
    round_ = work(start()).round
    do(round_, "publish")
    for task_id in ids(round_):
        server.annotate(task_id, "bad")
    round_.refresh_from_db()
    return round_


@pytest.fixture
def trained(labelled, do):
    """The same with its new model, v2."""
    assert do(labelled, "train").status == "succeeded"
    labelled.refresh_from_db()
    return labelled


def never_ends(backend):
    """A training that begins and goes on."""
    backend.trains = False
    backend.faults["POST /train"] = lambda _: setattr(backend, "running", True)


def cancel_once_begun(round_):
    if selectors.running_training(round_):
        job_cancel(Job.objects.get(kind="train"))


def again(job, work):
    """The next try of a job that waits for a server."""
    job_hurry(job)
    return work(job)


class PowerCut(BaseException):
    """What ends a worker."""


def test_training_brings_a_new_model_and_measures_it(labelled, do, backend):
    wrong = ids(labelled, lane="test")[0]
    backend.good = lambda task_id: 0.9 if task_id == wrong else 0.1
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("succeeded", "done")
    assert job.message == "Trained v2 on 3 labels. It answers 4 of 5 test tasks rightly."
    run = labelled.training_runs.get()
    assert (run.verdict, run.route, run.label_count) == ("new_model", "train", 3)
    assert (run.version_before, run.version_after) == ("v1", "v2")
    evaluation = labelled.evaluation
    assert (evaluation.correct, evaluation.total, evaluation.model_version, evaluation.label_count) == (4, 5, "v2", 3)
    (body,) = backend.bodies("/train")
    assert {task["id"] for task in body["annotations"]} == set(ids(labelled, lane="strategy"))
    assert body["holdout_task_ids"] == ids(labelled, lane="test")


def test_training_reads_the_newest_labels_first(labelled, do, server):
    do(labelled, "train")
    assert set(labelled.batch_tasks.values_list("status", "label", "annotator")) == {
        ("labelled", "bad", "bob@example.com")
    }


def test_without_a_test_set_nothing_is_measured(start, work, do, server, campaign):
    campaign.test_size = 0
    campaign.save()
    round_ = work(start()).round
    do(round_, "publish")
    server.annotate(ids(round_)[0], "good")
    job = do(round_, "train")
    round_.refresh_from_db()
    assert job.message == "Trained v2 on 1 labels. There is no labelled test set to measure it with."
    assert round_.status == "done"
    assert not hasattr(round_, "evaluation")


def test_training_without_labels_fails_and_leads_back_to_labelling(start, work, do, alice, backend):
    round_ = work(start()).round
    do(round_, "publish")
    job = do(round_, "train")
    round_.refresh_from_db()
    assert (job.status, round_.status, round_.failed_from) == ("failed", "failed", "open")
    assert "No task is labelled yet" in job.message
    assert not backend.bodies("/train")
    round_resume(round_=round_, again=False, user=alice)
    assert round_.status == "open"


def test_a_failed_training_keeps_the_words_of_the_backend(labelled, do, backend):
    backend.trains = False
    backend.faults["POST /train"] = lambda _: setattr(backend, "error", "Only one class is labelled.")
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert job.status == "failed"
    assert "The backend says: Only one class is labelled." in labelled.failure
    assert labelled.training_runs.get().verdict == "failed"


def test_a_backend_without_a_train_endpoint_is_named(labelled, do, backend):
    backend.faults["/train|/webhook"] = httpx.Response(404)
    job = do(labelled, "train")
    assert "has neither POST /train nor POST /webhook" in job.message


def test_a_tab_that_is_gone_is_named(labelled, do, server):
    server.tabs.clear()
    job = do(labelled, "train")
    assert job.status == "failed"
    assert f"Label Studio has no tab {labelled.view_id}" in job.message


def test_an_outage_after_the_training_does_not_train_twice(labelled, do, work, backend):
    backend.faults["/predict"] = REFUSED
    job = do(labelled, "train")
    assert job.status == "queued"
    backend.faults.clear()
    job_hurry(job)
    job = work(job)
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("succeeded", "done")
    assert len(backend.bodies("/train")) == 1
    run = labelled.training_runs.get()
    assert (run.verdict, run.version_before, run.version_after) == ("new_model", "v1", "v2")
    assert labelled.evaluation.model_version == "v2"


@pytest.mark.django_db(transaction=True)
def test_cancelling_a_training_leads_back_to_labelling(labelled, do, backend, monkeypatch):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    never_ends(backend)
    backend.faults["/is_training"] = while_asked(lambda: cancel_once_begun(labelled))
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("cancelled", "open")
    assert labelled.training_runs.get().verdict == "cancelled"


def test_a_model_of_regions_that_nothing_measures_is_trained_all_the_same(start, work, do, server, backend):
    server.label_config = (
        '<View><Image name="picture" value="$image"/><KeyPointLabels name="points" toName="picture">'
        '<Label value="eye"/></KeyPointLabels></View>'
    )
    point = {"from_name": "points", "to_name": "picture", "type": "keypointlabels"}
    backend.result = lambda task_id: [{**point, "value": {"x": 1, "y": 2, "width": 1, "keypointlabels": ["eye"]}}]
    round_ = work(start()).round
    do(round_, "publish")
    for task_id in ids(round_):
        server.annotate(task_id, "eye")
        server.tasks[task_id]["annotations"][-1]["result"] = backend.result(task_id)
    job = do(round_, "train")
    round_.refresh_from_db()
    assert (job.status, round_.status) == ("succeeded", "done"), job.message
    assert job.message == "Trained v2 on 3 labels. How good it is at such regions is not measured yet."
    assert not hasattr(round_, "evaluation")
    assert round_.training_runs.get().not_measured == "How good it is at such regions is not measured yet."


# --------------------------------------------------------------------- the verdict


def test_all_that_a_training_came_to_is_kept(trained):
    run = trained.training_runs.get()
    assert (run.backend_url, run.route, run.verdict) == (BACKEND_URL, "train", "new_model")
    assert "v2" in run.message
    assert any("/train" in line and "200" in line for line in run.said)
    assert (run.lead_seconds, run.lead_known) == (7.5, 3), "2.5 s for each of three labels"
    assert run.probed == len(Before.from_dict(run.before).probe) == 30
    assert run.finished_at is not None


def test_a_backend_that_answers_and_trains_nothing_leaves_the_old_model(labelled, do, backend, alice):
    backend.trains = False
    job = do(labelled, "train")
    labelled.refresh_from_db()
    run = labelled.training_runs.get()
    assert (run.verdict, run.probed, run.probe_changed) == ("same_model", 30, 0)
    assert (job.status, labelled.status, labelled.failed_from) == ("failed", "failed", "open")
    assert job.message == labelled.failure == run.message
    assert not hasattr(labelled, "evaluation")
    backend.trains = True
    round_resume(round_=labelled, again=False, user=alice)
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("succeeded", "done")
    assert list(labelled.training_runs.order_by("pk").values_list("verdict", flat=True)) == ["same_model", "new_model"]


@pytest.mark.parametrize("goes_back", [True, False])
def test_after_a_training_in_vain_a_round_may_end_with_the_old_model(
    labelled, do, backend, alice, as_alice, campaign, goes_back
):
    with pytest.raises(WrongMoment, match="Train it on the labels"):
        round_finish(round_=labelled)
    backend.trains = False
    do(labelled, "train")
    labelled.refresh_from_db()
    if goes_back:
        round_resume(round_=labelled, again=False, user=alice)
    round_finish(round_=labelled)
    assert (labelled.status, labelled.failure, labelled.failed_from) == ("done", "", "")
    assert labelled.finished_at is not None
    assert labelled.training_runs.get().verdict == "same_model", "the log stays"
    assert "was not measured" not in as_alice.get(f"/rounds/{labelled.pk}/").text, "there is no new model"
    assert round_create(campaign=campaign, user=alice).number == 1


def test_work_that_goes_on_is_not_overtaken_by_an_end_with_the_old_model(labelled, do, backend, alice):
    backend.trains = False
    do(labelled, "train")
    labelled.refresh_from_db()
    round_resume(round_=labelled, again=True, user=alice)
    with pytest.raises(WrongMoment, match="under way"):
        round_finish(round_=labelled)


# --------------------------------------------------------------------- how it is asked for


def test_a_backend_is_spoken_to_as_its_settings_say(labelled, do, backend, connection):
    backend_settings_save(
        connection, f"{BACKEND_URL}/", username="ann", password="secret", train_route="webhook", train_minutes=None
    )
    assert do(labelled, "train").status == "succeeded"
    assert labelled.training_runs.get().route == "webhook"
    assert not backend.bodies("POST /train")
    told = {request.headers.get("authorization") for request in backend.requests}
    assert told == {f"Basic {b64encode(b'ann:secret').decode()}"}


def test_a_training_may_take_as_long_as_the_settings_of_its_backend_say(
    labelled, do, backend, connection, settings, monkeypatch
):
    settings.TRAIN_TIMEOUT_SECONDS = 0.2
    never_ends(backend)
    do(labelled, "train")
    assert labelled.training_runs.get().verdict == "failed"
    limits = []
    monkeypatch.setattr(
        "al_core.active_learning.ActiveLearningManager.before_training",
        lambda manager, progress, *, timeout: limits.append(timeout) or Before("v1"),
    )
    backend.faults.clear()
    backend.running, backend.trains = False, True
    backend_settings_save(connection, BACKEND_URL, username="", password="", train_route="", train_minutes=3)
    Round.objects.update(status="open")
    assert do(labelled, "train").status == "succeeded"
    assert limits == [180]


@pytest.mark.parametrize("site", ["", "https://trustai.test"])
def test_a_backend_is_told_where_to_call_back_if_it_can(labelled, do, backend, settings, site):
    settings.SITE_URL = site
    do(labelled, "train")
    (body,) = backend.bodies("POST /train")
    token = labelled.training_runs.get().call_back_token
    assert body.get("callback_url", "") == (f"{site}/hooks/training/{token}/" if site else "")


@pytest.mark.django_db(transaction=True)
def test_a_call_back_is_heard_while_the_training_is_watched(labelled, do, backend, settings, monkeypatch):
    settings.SITE_URL = "https://trustai.test"

    def fails_and_says_so(request):
        token = json.loads(request.content)["callback_url"].rstrip("/").rpartition("/")[2]
        assert call_back_heard(token, {"status": "failed", "error": "CUDA out of memory"})

    never_ends(backend)
    begin = backend.faults["POST /train"]

    def fault(request):
        begin(request)
        while_asked(lambda: fails_and_says_so(request))(request)

    backend.faults["POST /train"] = fault
    job = do(labelled, "train")
    run = labelled.training_runs.get()
    assert (job.status, run.verdict) == ("failed", "failed")
    assert "CUDA out of memory" in run.message
    assert run.call_back["error"] == "CUDA out of memory"


# --------------------------------------------------------------------- one at a time


@pytest.fixture
def other_round(connection, alice):
    campaign = Campaign.objects.create(
        name="Other", connection=connection, project_id=9, backend_url=BACKEND_URL, created_by=alice
    )
    return Round.objects.create(campaign=campaign, number=2, status="training", batch_size=1)


def test_of_two_trainings_that_begin_at_once_the_backend_gets_one(labelled, do, work, backend, other_round, alice):
    """The other begins after ours was put in the queue."""
    job = round_work(round_=labelled, kind=Job.Kind.TRAIN, user=alice)
    other_round.training_runs.create(backend_url=BACKEND_URL)
    job = work(job)
    labelled.refresh_from_db()
    assert (job.status, labelled.status, labelled.failed_from) == ("failed", "failed", "open")
    assert "being trained for another round" in labelled.failure
    assert not backend.bodies("POST /train")
    assert not labelled.training_runs.exists()


# --------------------------------------------------------------------- workers that die


@pytest.mark.parametrize("asked", [True, False])
def test_who_takes_over_compares_with_what_the_dead_worker_had_seen(labelled, alice, work, backend, asked, monkeypatch):
    def dies(self, *args, **kwargs):
        if asked:
            backend._train()
        raise PowerCut

    job = round_work(round_=labelled, kind=Job.Kind.TRAIN, user=alice)
    with monkeypatch.context() as patch:
        patch.setattr("al_core.active_learning.ActiveLearningManager.train", dies)
        with pytest.raises(PowerCut):
            work(job)
    run = labelled.training_runs.get()
    assert run.verdict == "running"
    Job.objects.filter(pk=job.pk).update(status="queued")
    job = work(job)
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("succeeded", "done"), job.message
    again = labelled.training_runs.get()
    assert (again.pk, again.verdict, again.version_before, again.version_after) == (run.pk, "new_model", "v1", "v2")
    assert again.call_back_token == run.call_back_token
    assert len(backend.bodies("POST /train")) == (0 if asked else 1), "it was not asked a second time"


def test_a_worker_that_was_taken_for_dead_writes_no_verdict(labelled, do, monkeypatch):
    real = jobs.ActiveLearningManager.train

    def loses_the_job(manager, before, **kwargs):
        found = real(manager, before, **kwargs)
        Job.objects.filter(kind="train").update(tries=9)
        return found

    monkeypatch.setattr("al_core.active_learning.ActiveLearningManager.train", loses_the_job)
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("running", "training")
    assert labelled.training_runs.get().verdict == "running"


# --------------------------------------------------------------------- a good training that could not be measured


@pytest.fixture
def unmeasured(backend, monkeypatch):
    """The backend predicts until it has v2, and then fails as it is told to."""

    def unmeasured(fault):
        real = jobs._evaluated

        def breaks(run, manager, progress):
            backend.faults["/predict"] = fault
            return real(run, manager, progress)

        monkeypatch.setattr(jobs, "_evaluated", breaks)

    return unmeasured


def is_kept_without_a_measure(round_, why):
    round_.refresh_from_db()
    run = round_.training_runs.get()
    assert (round_.status, round_.failure, run.verdict, run.version_after) == ("done", "", "new_model", "v2")
    assert why in run.not_measured
    assert not hasattr(round_, "evaluation")
    return True


def test_a_model_that_cannot_be_measured_is_kept_and_measured_later(
    labelled, do, backend, unmeasured, as_alice, monkeypatch
):
    unmeasured(httpx.Response(400, json={"error": "no such file"}))
    job = do(labelled, "train")
    assert job.status == "succeeded"
    assert job.message.startswith("Trained v2 on 3 labels. It was not measured: ")
    assert is_kept_without_a_measure(labelled, "failed on all 5 tasks of the test set")
    text = as_alice.get(f"/rounds/{labelled.pk}/").text
    assert "was not measured; the model is kept." in text
    assert "Measure the model again" in text
    backend.faults.clear()
    labelled = Round.objects.get(pk=labelled.pk)
    monkeypatch.undo()
    job = do(labelled, "evaluate")
    labelled = Round.objects.get(pk=labelled.pk)
    assert (job.status, labelled.status, labelled.evaluation.correct) == ("succeeded", "done", 5)
    assert labelled.training_runs.get().not_measured == ""


def test_an_outage_that_outlasts_the_tries_loses_the_measure_alone(labelled, do, work, unmeasured, settings):
    settings.JOB_MAX_TRIES = 2
    unmeasured(REFUSED)
    job = do(labelled, "train")
    labelled.refresh_from_db()
    assert (job.status, labelled.status) == ("queued", "training")
    job = again(job, work)
    assert job.status == "failed"
    assert is_kept_without_a_measure(labelled, f"No ML backend answers at {BACKEND_URL}")


def test_an_evaluation_is_cancelled_without_harm_while_it_waits(labelled, do, unmeasured):
    unmeasured(REFUSED)
    job = do(labelled, "train")
    round_job_cancel(job=Job.objects.get(pk=job.pk))
    assert is_kept_without_a_measure(labelled, "Measuring was cancelled.")


@pytest.mark.django_db(transaction=True)
def test_an_evaluation_is_cancelled_without_harm_while_it_runs(labelled, do, unmeasured, monkeypatch):
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    unmeasured(while_asked(lambda: job_cancel(Job.objects.get(kind="train"))))
    assert do(labelled, "train").status == "cancelled"
    assert is_kept_without_a_measure(labelled, "Measuring was cancelled.")


def test_a_bug_in_an_evaluation_loses_no_model(labelled, do, monkeypatch, caplog):
    def crash(manager, test_ids, progress):
        raise KeyError("surprise")

    monkeypatch.setattr("al_core.active_learning.ActiveLearningManager.evaluate", crash)
    assert do(labelled, "train").status == "errored"
    assert is_kept_without_a_measure(labelled, "TrustAI met a bug")


def test_workers_that_die_of_an_evaluation_lose_no_model(labelled, do, unmeasured, settings):
    unmeasured(REFUSED)
    job = do(labelled, "train")
    job_hurry(job)
    for _ in range(settings.JOB_MAX_TRIES - 1):
        job_claim(job.pk)
        Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
        tasks.jobs_sweep()
    job.refresh_from_db()
    assert job.status == "errored"
    assert is_kept_without_a_measure(labelled, "workers died of this job")


# --------------------------------------------------------------------- measured again


def test_a_model_is_measured_again_when_more_of_the_test_set_is_labelled(trained, do, server):
    server.annotate(ids(trained, lane="test")[0], "good")
    job = do(trained, "evaluate")
    trained = Round.objects.get(pk=trained.pk)
    assert (job.status, job.message) == ("succeeded", "It answers 4 of 5 test tasks rightly.")
    assert (trained.status, trained.evaluation.correct, trained.evaluation.label_count) == ("done", 4, 3)


def test_a_model_that_is_gone_is_not_measured_and_its_measure_stays(trained, do, backend):
    backend.version = "v3"
    job = do(trained, "evaluate")
    trained.refresh_from_db()
    assert (job.status, trained.status, trained.evaluation.correct) == ("failed", "done", 5)
    assert job.message == ("The backend has v3 by now, and this round made v2. What was measured before stays.")


def test_a_measuring_that_breaks_off_harms_no_round(trained, do, backend, work, settings):
    settings.JOB_MAX_TRIES = 2
    backend.faults["."] = REFUSED
    job = do(trained, "evaluate")
    assert job.status == "queued"
    assert again(job, work).status == "failed"
    backend.faults = {"/predict": httpx.Response(400, json={"error": "no"})}
    job = do(trained, "evaluate")
    trained.refresh_from_db()
    assert (job.status, trained.status, trained.failure, trained.evaluation.correct) == ("failed", "done", "", 5)
    assert "What was measured before stays." in job.message


def test_a_measuring_can_be_cancelled(trained, alice):
    job = round_work(round_=trained, kind=Job.Kind.EVALUATE, user=alice)
    round_job_cancel(job=job)
    trained.refresh_from_db()
    assert (Job.objects.get(pk=job.pk).status, trained.status) == ("cancelled", "done")


def test_what_made_no_model_cannot_be_measured(make_round, do):
    with pytest.raises(WrongMoment, match="made none"):
        do(make_round("done"), "evaluate")
    assert not Job.objects.exists()
