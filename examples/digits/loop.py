"""The rounds of the demo: the product's own services, with a simulated annotator in the annotator's place."""

import time

from examples.digits.data import seconds_to_answer, true_label
from examples.digits.server import DemoServer
from trustai_web.accounts.models import User
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Job, Round
from trustai_web.campaigns.services.labels import round_sync
from trustai_web.campaigns.services.rounds import round_create, round_work

Status = Round.Status

FORWARD = {Status.PENDING: Job.Kind.SCORE, Status.READY: Job.Kind.PUBLISH, Status.OPEN: Job.Kind.TRAIN}
"""The work that brings a round on from a status."""


class DemoFailed(Exception):
    """A round failed; the message says why."""


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def run_rounds(campaign: Campaign, last: int, server: DemoServer, lead: User) -> None:
    """Bring a campaign to the end of round ``last``, from wherever an earlier start left it."""
    while True:
        round_ = selectors.last_round(campaign)
        done = -1 if round_ is None else round_.number - (round_.status != Status.DONE)
        if done >= last:
            return
        if round_ is None or round_.status == Status.DONE:
            round_create(campaign=campaign, user=lead)
        else:
            _advance(round_, server, lead)


def publish_next(campaign: Campaign, lead: User) -> Round:
    """Score and publish one more round, and leave it to a human."""
    while True:
        round_ = selectors.last_round(campaign)
        assert round_ is not None
        if round_.status == Status.DONE:
            round_create(campaign=campaign, user=lead)
        elif round_.status in (Status.PENDING, Status.SCORING, Status.READY):
            _advance(round_, None, lead)
        else:
            return round_


def _advance(round_: Round, server: DemoServer | None, lead: User) -> None:
    """One step of a round: finish what is under way, else start what comes next."""
    if round_.status == Status.FAILED:
        raise DemoFailed(f"{round_}: {round_.failure}")
    job = selectors.active_job(round_)
    if job is None:
        if round_.status == Status.OPEN:
            assert server is not None
            annotate(round_, server)
        job = round_work(round_=round_, kind=FORWARD[Status(round_.status)], user=lead)
    wait_for(job)


def annotate(round_: Round, server: DemoServer) -> None:
    """Label the whole batch through Label Studio's API, as a person would through its pages."""
    assert round_.view_id is not None
    waiting = server.tab_tasks(round_.view_id)
    for count, task in enumerate(waiting, start=1):
        server.annotate(task["id"], true_label(task["data"]), seconds=seconds_to_answer(task["data"]))
        if count % 50 == 0 or count == len(waiting):
            say(f"{round_}: the simulated annotator labelled {count} of {len(waiting)} tasks.")
    round_sync(round_)


def wait_for(job: Job) -> None:
    """Print a job's progress until it ends."""
    said = ""
    while job.is_active:
        time.sleep(0.3)
        job.refresh_from_db()
        if job.message != said:
            said = job.message
            say(f"{job.round}: {said}")
