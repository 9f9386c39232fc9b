"""The parts of a job: each is done, whoever takes it, dies over it or takes it twice."""

import threading
import time
from datetime import timedelta

import numpy as np
import pytest
from celery import Celery
from django.db import OperationalError, connection
from django.utils import timezone

from al_core.errors import ActiveLearningError, Cancelled, InvalidInput, ServerUnreachable
from al_core.predictions import PartSpec
from al_core.storage import FolderStore
from trustai_web.campaigns import jobs, parts, tasks
from trustai_web.campaigns.models import Job, JobPart
from trustai_web.campaigns.parts import PartFailed, SharedOut, do_part, help_with
from trustai_web.campaigns.services.jobs import JobLost, job_cancel, job_claim, jobs_sweep
from trustai_web.campaigns.services.parts import (
    MAX_TRIES,
    PartLost,
    part_claim,
    part_done,
    part_fail,
    part_report,
    part_waits,
    parts_create,
)

pytestmark = pytest.mark.django_db(transaction=True)

SPEC = PartSpec("http://backend.test", "v1")
POOL = np.arange(1, 1001)


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Every report is written, and nobody waits for the next look."""
    monkeypatch.setattr(parts, "REPORT_SECONDS", 0)
    monkeypatch.setattr(parts, "TICK_SECONDS", 0.01)


@pytest.fixture
def calls(monkeypatch):
    """How many workers were asked for help, call by call."""
    heard = []
    monkeypatch.setattr(parts, "call_for_help", lambda job_id, count: heard.append(count))
    return heard


@pytest.fixture
def store(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    monkeypatch.setattr(parts, "campaign_store", lambda campaign: store)
    return store


@pytest.fixture
def job(make_round, make_job):
    return job_claim(make_job(make_round("scoring", tasks=0), "score", run_after=timezone.now()).pk)


class Predicting:
    """What stands for the predicting: notes who did which tasks, ten at a time."""

    def __init__(self):
        self.did = []
        self.before = lambda part, task_ids: None
        """Called before a part begins; may raise, or take its time."""

    def __call__(self, task_ids, progress, who="owner"):
        self.before(who, task_ids)
        progress(0, len(task_ids), "Predicting.")
        for start in range(0, len(task_ids), 10):
            self.did += [(who, int(task_id)) for task_id in task_ids[start : start + 10]]
            progress(min(start + 10, len(task_ids)), len(task_ids), "Predicting.")

    @property
    def task_ids(self):
        return [task_id for _, task_id in self.did]

    @property
    def who(self):
        return {who for who, _ in self.did}


@pytest.fixture
def predict(monkeypatch, store):
    """The work of the job's own worker; a helper reads its ids from the store and does the same."""
    predicting = Predicting()

    def help_predict(part, report):
        with store._path(part.file_name).open("rb") as file:
            predicting(np.load(file), report, who=threading.current_thread().name)

    monkeypatch.setattr(parts, "_predict", help_predict)
    return predicting


@pytest.fixture
def said():
    return []


@pytest.fixture
def share(job, store, predict, said):
    """Share out the pool as the job does, with its real progress."""

    def share(task_ids=POOL, by=job):
        real = jobs._progress(by)

        def progress(done, total, sentence):
            said.append((done, total, sentence))
            real(done, total, sentence)

        spread = SharedOut(by, store)
        spread.tidy_up()
        spread(predict, SPEC, task_ids, progress)

    return share


@pytest.fixture
def cut(job, store):
    """Only hand out the pool: 16 parts of 63 tasks or fewer."""
    SharedOut(job, store)._hand_out([POOL[start : start + 63] for start in range(0, 1000, 63)], SPEC)


class Helpers:
    """Workers that help until there is nothing more to do, each in a thread."""

    def __init__(self, job_id, count):
        self.threads = [threading.Thread(target=self._help, args=[job_id], name=f"helper {n}") for n in range(count)]
        self.over = threading.Event()

    def _help(self, job_id):
        try:
            while not self.over.is_set():
                help_with(job_id)
                time.sleep(0.005)
        finally:
            connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


def go_silent(part, settings):
    since = timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1)
    JobPart.objects.filter(pk=part.pk).update(heartbeat_at=since)


def nothing_is_left(store):
    return not JobPart.objects.exists() and store.names("") == []


# --------------------------------------------------------------------- shared out


def test_few_tasks_are_done_at_once(share, predict, store, calls):
    share(POOL[:50])
    assert predict.task_ids == list(range(1, 51))
    assert calls == []
    share(POOL[:0])
    assert nothing_is_left(store)


@pytest.mark.parametrize(
    ("tasks", "parts_made", "largest"),
    [(51, 2, 50), (600, 12, 50), (1000, 16, 63), (16_000, 16, 1000), (100_000, 50, 2000), (100_001, 51, 2000)],
)
def test_parts_are_neither_small_nor_large(job, store, calls, monkeypatch, tasks, parts_made, largest):
    seen = []
    monkeypatch.setattr(SharedOut, "_until_done", lambda self, work, pieces, progress: seen.extend(map(len, pieces)))
    SharedOut(job, store)(None, SPEC, np.arange(tasks), None)
    assert (len(seen), max(seen), sum(seen)) == (parts_made, largest, tasks)
    assert calls == [min(parts_made - 1, 32)]


def test_a_worker_alone_does_every_part_in_order(share, predict, said, store, calls, job):
    share()
    assert predict.task_ids == POOL.tolist()
    assert calls == [15]
    done = [done for done, _, _ in said]
    assert done == sorted(done)
    assert said[-1] == (1000, 1000, "Predicting: 1,000 of 1,000 tasks.")
    assert nothing_is_left(store)
    job.refresh_from_db()
    assert (job.done, job.total) == (1000, 1000)


def test_helpers_take_parts_and_no_task_is_done_twice(share, predict, said, store, calls, job):
    predict.before = lambda who, task_ids: time.sleep(0.02)
    with Helpers(job.pk, 3):
        share()
    assert sorted(predict.task_ids) == POOL.tolist()
    assert len(predict.who) > 1
    assert nothing_is_left(store)
    assert {sentence.partition(", ")[2] for _, _, sentence in said} & {f"{n} workers at it." for n in (2, 3, 4)}


def test_one_message_does_one_part_and_asks_for_the_next(cut, job, predict, calls):
    calls.clear()
    for number in range(1, 17):
        help_with(job.pk)
        assert JobPart.objects.filter(status="done").count() == number
        assert JobPart.objects.get(number=number).done == len(POOL[(number - 1) * 63 : number * 63])
    assert calls == [1] * 15, "the last one leaves nobody anything to do"
    assert predict.task_ids == POOL.tolist()
    help_with(job.pk)
    assert (len(calls), len(predict.did)) == (15, 1000), "a message that comes again does nothing"


def test_a_message_that_comes_late_does_nothing(share, predict, job, calls):
    share()
    help_with(job.pk)
    help_with(999)
    assert predict.task_ids == POOL.tolist()


def test_a_message_carries_the_number_of_the_job(monkeypatch):
    heard = []
    monkeypatch.setattr(parts, "help_with", heard.append)
    tasks.job_help(5)
    assert heard == [5]
    assert tasks.job_help.name == parts.HELP_JOB, "or no worker would know it"


def test_without_a_broker_the_job_goes_on_alone(share, predict, monkeypatch, caplog, job):
    deaf = Celery(broker="redis://127.0.0.1:9/0", set_as_current=False)
    deaf.conf.task_publish_retry = False
    monkeypatch.setattr(parts, "current_app", deaf)
    share()
    assert predict.task_ids == POOL.tolist()
    assert f"The broker does not answer; job {job.pk} goes on without help." in caplog.text


# --------------------------------------------------------------------- taken by one


def test_of_many_that_grasp_at_once_each_gets_another_part(cut, job):
    taken, ready = [], threading.Barrier(8)

    def grasp():
        try:
            ready.wait(10)
            while (part := part_claim(job.pk)) is not None:
                taken.append((part.number, part.tries))
        finally:
            connection.close()

    threads = [threading.Thread(target=grasp) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == [(number, 1) for number in range(1, 17)]


def test_a_part_of_a_silent_worker_is_taken_over_and_the_worker_writes_nothing_more(cut, job, settings):
    zombie = part_claim(job.pk)
    part_report(zombie, 40)
    go_silent(zombie, settings)
    owner = part_claim(job.pk)
    assert (owner.pk, owner.tries, owner.done) == (zombie.pk, 2, 0)
    for write in (
        lambda: part_report(zombie, 50),
        lambda: part_done(zombie),
        lambda: part_fail(zombie, "", "Broken."),
    ):
        with pytest.raises(PartLost):
            write()
    part_report(owner, 10)
    owner.refresh_from_db()
    assert (owner.status, owner.done, owner.message) == ("running", 10, "")


def test_a_living_worker_keeps_its_part(cut, job):
    first = part_claim(job.pk)
    assert part_claim(job.pk).number == first.number + 1


def test_the_part_of_a_helper_that_died_is_done_by_the_jobs_own_worker(share, predict, job, calls, settings, store):
    dead = []

    def die(who, task_ids):
        """The first that the owner is at, a helper takes the second, and is never heard of again."""
        if not dead:
            dead.append(part_claim(job.pk))
            part_report(dead[0], 20)
        elif len(predict.did) == 1000 - 63:
            go_silent(dead[0], settings)

    predict.before = die
    share()
    assert dead[0].number == 2
    assert sorted(predict.task_ids) == POOL.tolist()
    assert nothing_is_left(store)


def test_the_part_of_a_helper_that_died_is_done_by_another_helper(cut, job, predict, settings, calls):
    dead = part_claim(job.pk)
    go_silent(dead, settings)
    help_with(job.pk)
    dead.refresh_from_db()
    assert (dead.status, dead.tries, dead.done) == ("done", 2, 63)


def test_a_helper_that_the_database_refuses_leaves_its_part_to_others(cut, job, predict, settings, monkeypatch, calls):
    def locked(part, done):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(parts, "part_report", locked)
        with pytest.raises(OperationalError):
            help_with(job.pk)
    part = JobPart.objects.get(number=1)
    assert (part.status, part.error) == ("running", "")
    go_silent(part, settings)
    help_with(job.pk)
    part.refresh_from_db()
    assert part.status == "done"


def test_progress_never_goes_back(share, predict, said, job, settings, calls):
    dead = []

    def die(who, task_ids):
        if not dead:
            dead.append(part_claim(job.pk))
            part_report(dead[0], 60)
            go_silent(dead[0], settings)

    predict.before = die
    share()
    done = [done for done, _, _ in said]
    assert done == sorted(done)


def test_tasks_that_every_worker_dies_of_fail_the_job(share, job, predict, settings, store, calls):
    def die(who, task_ids):
        for _ in range(MAX_TRIES):
            part = JobPart.objects.exclude(status="done").order_by("number").last()
            JobPart.objects.filter(pk=part.pk).update(status="running", tries=MAX_TRIES)
            go_silent(part, settings)

    predict.before = die
    with pytest.raises(ActiveLearningError, match="3 workers went silent over the same tasks"):
        share()
    assert nothing_is_left(store)


# --------------------------------------------------------------------- stopped


def test_cancelling_stops_everybody_and_leaves_nothing(share, predict, job, store, calls):
    stopped = []

    def cancel(who, task_ids):
        if task_ids[0] > 300 and not stopped:
            helper = part_claim(job.pk)
            job_cancel(job)
            with pytest.raises(PartLost):
                part_report(helper, 1)
            stopped.append(helper)

    predict.before = cancel
    with pytest.raises(Cancelled):
        share()
    assert stopped
    assert len(predict.did) < 400
    assert nothing_is_left(store)


def test_nobody_takes_a_part_of_a_job_that_is_to_stop(cut, job, predict):
    job_cancel(job)
    assert part_claim(job.pk) is None
    assert not part_waits(job.pk)
    help_with(job.pk)
    assert predict.did == []


@pytest.mark.parametrize("status", ["queued", "failed", "errored", "cancelled", "succeeded"])
def test_a_helper_stops_where_the_job_has_stopped(cut, job, predict, status, caplog):
    predict.before = lambda who, task_ids: Job.objects.update(status=status)
    caplog.set_level("INFO")
    help_with(job.pk)
    assert predict.did == []
    assert "this worker leaves it alone" in caplog.text


def test_a_new_try_of_the_job_begins_anew_and_the_old_ones_helpers_stop(
    share, cut, job, predict, store, settings, calls, monkeypatch
):
    """The job's own worker died, with parts done, under way and waiting."""
    do_part(part_claim(job.pk), lambda report: None)
    old = part_claim(job.pk)
    assert len(store.names("parts/")) == 16
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
    monkeypatch.setattr("trustai_web.campaigns.services.jobs._send", lambda job_id: None)
    assert jobs_sweep() == [job.pk]
    again = job_claim(job.pk)
    with pytest.raises(PartLost):
        part_report(old, 10)
    assert part_claim(job.pk) is None, "those of the old try are nobody's any more"
    share(POOL[:400], by=again)
    assert predict.task_ids == list(range(1, 401))
    assert nothing_is_left(store)


def test_a_worker_that_lost_the_job_leaves_the_parts_of_the_next_alone(share, job, predict, store, calls, settings):
    taken_over = []

    def take_over(who, task_ids):
        if not taken_over:
            Job.objects.update(status="queued", run_after=timezone.now())
            taken_over.append(job_claim(job.pk))
            again = SharedOut(taken_over[0], store)
            again.tidy_up()
            again._hand_out([POOL[:500], POOL[500:]], SPEC)

    predict.before = take_over
    with pytest.raises(JobLost):
        share()
    assert JobPart.objects.count() == 2
    assert store.names("parts/") == [f"parts/{job.pk}-2-{number}.npy" for number in (1, 2)]
    with pytest.raises(JobLost):
        parts_create(job, backend_url="", model_version="", sizes=[1])
    with pytest.raises(JobLost):
        SharedOut(job, store).tidy_up()
    assert JobPart.objects.filter(job_tries=2).count() == 2


@pytest.mark.parametrize("few", [1000, 50, 0])
def test_what_a_job_of_before_left_goes_with_the_next(share, cut, job, store, calls, make_job, few):
    """It was given up by the sweep, when nobody was there to tidy up."""
    Job.objects.update(status="errored")
    after = job_claim(make_job(job.round, "score", run_after=timezone.now()).pk)
    share(POOL[:few], by=after)
    assert nothing_is_left(store)


# --------------------------------------------------------------------- failed


def test_a_worker_that_reaches_no_server_leaves_the_part_to_those_that_do(cut, job, predict, calls, share):
    calls.clear()

    def refuse(who, task_ids):
        raise ServerUnreachable("No ML backend answers.")

    predict.before = refuse
    help_with(job.pk)
    part = JobPart.objects.get(number=1)
    assert (part.status, part.tries, part.done) == ("queued", 1, 0)
    assert calls == [], "it asks for no more"
    predict.before = lambda who, task_ids: None
    help_with(job.pk)
    part.refresh_from_db()
    assert (part.status, part.tries) == ("done", 2)


def test_where_nobody_reaches_the_server_the_job_waits_for_it(share, predict, store, calls):
    def refuse(who, task_ids):
        if task_ids[0] > 100:
            raise ServerUnreachable("No ML backend answers.", "Start it.")

    predict.before = refuse
    with pytest.raises(ServerUnreachable) as error:
        share()
    assert error.value.message == "No ML backend answers."
    assert predict.task_ids == list(range(1, 127)), "what was done before stays"
    assert nothing_is_left(store)


def test_what_fails_for_one_fails_the_job_with_its_words(share, predict, store, calls):
    def refuse(who, task_ids):
        if task_ids[0] > 100:
            raise InvalidInput("The backend is out of memory.", "Give it more.")

    predict.before = refuse
    with pytest.raises(ActiveLearningError) as error:
        share()
    assert str(error.value) == "The backend is out of memory. Give it more."
    assert nothing_is_left(store)


def test_the_failure_of_a_helper_stops_the_others_in_the_middle(share, predict, job, store, calls):
    def fail(who, task_ids):
        if task_ids[0] == 127:
            part_fail(part_claim(job.pk), "", "The model changed.")

    predict.before = fail
    with pytest.raises(ActiveLearningError, match="The model changed"):
        share()
    assert len(predict.did) == 126
    assert nothing_is_left(store)


def test_a_bug_of_a_helper_is_a_bug_of_the_job(share, predict, job, store, calls, caplog):
    def crash(who, task_ids):
        raise KeyError("surprise")

    predict.before = crash
    with pytest.raises(PartFailed, match=f"part 1 of job {job.pk} failed: a bug, see the worker's log"):
        share()
    assert f"Met a bug over part 1 of job {job.pk}." in caplog.text
    assert "surprise" in caplog.text
    assert nothing_is_left(store)
