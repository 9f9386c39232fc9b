"""Trainings on the real stack, by backends as they are in the field: what comes of each, as the lead reads it.

All of them train at the same time, as the longest takes more than 100 s: a client that gives up after that time, as
Label Studio does, would never learn how it ended.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from examples.digits.data import LABEL_CONFIG, tasks
from tests import misbehaving_backend as backends
from tests.lead import Lead, RoundPage, text_of
from tests.real_stack import LabelStudioServer, Site

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

BATCH, TEST = 6, 3
LONG = 105
"""Seconds, of a training inside the request."""

PATIENCE = 120
"""Seconds to wait for what is quick, on a machine that runs everything else too."""

numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A project of the real Label Studio, with a backend and a campaign on it."""

    lead: Lead
    site: Site
    label_studio: LabelStudioServer
    backend_url: str
    campaign: int

    def begin(self) -> RoundPage:
        """Label the first batch, so that there is something to train on."""
        round_ = self.lead.start_round(self.campaign)
        round_.wait_for(f"Publish {BATCH + TEST} tasks", PATIENCE)
        round_.press("publish")
        round_.wait_for("Open for labelling", PATIENCE)
        for task_id in round_.batch:
            self.label_studio.api.annotate(task_id, "3")
        round_.wait_for(r"Train on \d+ new label", PATIENCE)
        return round_

    def allow(self, minutes: int) -> None:
        """Let a training of this backend take so long."""
        self.lead.send(f"/campaigns/{self.campaign}/backend/", train_minutes=minutes)

    @property
    def trainings(self) -> int:
        """Trainings that came to their end in the backend."""
        return int(httpx.get(f"{self.backend_url}/trainings").json()["count"])


Prepare = Callable[..., Place]


@pytest.fixture(scope="module")
def lead(site: Site) -> Iterator[Lead]:
    """Somebody whose site has a worker for each training, and one for the rest."""
    with ExitStack() as running:
        for name in ("one", "two", "three"):
            worker = site.one_process_worker(f"worker-{name}")
            running.callback(worker.stop)
            worker.start()
        lead = Lead(site.url)
        running.callback(lead.close)
        yield lead


@pytest.fixture(scope="module")
def prepare(
    site: Site, lead: Lead, label_studio: LabelStudioServer, start_misbehaving: Callable[[str, float], str]
) -> Prepare:
    connection = lead.connect("Lab", label_studio.url, label_studio.token)

    def make(mode: str, seconds: float = 2, backend_url: str = "") -> Place:
        backend_url = backend_url or start_misbehaving(mode, seconds)
        title = f"Trainings {next(numbers)} {mode}"
        project_id = label_studio.api.create_project(title, LABEL_CONFIG, tasks(20))
        label_studio.api.connect_backend(project_id, backend_url, f"Backend that is {mode}")
        campaign = lead.start_campaign(
            connection,
            project_id,
            name=title,
            batch_size=BATCH,
            start_size=BATCH,
            test_size=TEST,
            control_share=0,
        )
        return Place(lead, site, label_studio, backend_url, campaign)

    return make


@dataclass(frozen=True)
class Begun:
    """A round with labels to train on."""

    place: Place
    round: RoundPage


@pytest.fixture(scope="module", autouse=True)
def begun(prepare: Prepare) -> dict[str, Begun]:
    """A round for each backend. Most train from here on, beside the one that takes longest and so was first."""
    found: dict[str, Begun] = {}
    for mode, seconds in (
        (backends.SLOW, LONG),
        (backends.IDLE, 0),
        (backends.DIES, 3),
        (backends.FAILS, 2),
        (backends.SAME, 2),
        (backends.WEBHOOK, 2),
    ):
        place = prepare(mode, seconds)
        if mode in (backends.IDLE, backends.DIES):
            place.allow(minutes=1)
        found[mode] = Begun(place, place.begin())
        found[mode].round.press("train")
    shared = prepare(backends.BACKGROUND, seconds=8)
    for name, place in (
        ("to cancel", prepare(backends.BACKGROUND, seconds=6)),
        ("first", shared),
        ("second", prepare(backends.BACKGROUND, backend_url=shared.backend_url)),
    ):
        found[name] = Begun(place, place.begin())
    return found


def log_of(round_: RoundPage) -> str:
    """What the page of a round says of its trainings."""
    found = re.search(r'(?s)<section[^>]* id="training">.*?</section>', round_.lead.read(round_.path))
    return text_of(found[0]) if found else ""


FAILED, SAME, NEW = "Failed", "Same model as before", "New model"

ENDED = "See the learning curve|Try again"

Expected = tuple[str, str, str, str, str]
"""The word on the page, the verdict and the route in the database, patterns of the reason and of what else is shown."""

VERDICTS: dict[str, Expected] = {
    backends.SLOW: (NEW, "new_model", "train", r"model-1 → model-2", r"POST /train → no answer"),
    backends.IDLE: (SAME, "same_model", "train", r"No new model after 60 s", r"POST /train → 200 training_started"),
    backends.DIES: (FAILED, "failed", "train", r"does not answer any more", r"POST /train → 200 training_started"),
    backends.FAILS: (
        FAILED,
        "failed",
        "train",
        r"The backend says: CUDA out of memory",
        r"call-back → failed CUDA out of memory",
    ),
    backends.SAME: (
        SAME,
        "same_model",
        "train",
        r"has the model that it had",
        r"the same predictions as before on all",
    ),
    backends.WEBHOOK: (NEW, "new_model", "webhook", r"model-1 → model-2", r"POST /webhook → 201 trained"),
}


@pytest.mark.parametrize("mode", VERDICTS)
def test_each_training_gets_its_verdict_on_the_page(begun: dict[str, Begun], mode: str) -> None:
    word, verdict, _, reason, said = VERDICTS[mode]
    round_ = begun[mode].round
    text = round_.wait_for(ENDED, LONG + PATIENCE)
    log = log_of(round_)
    assert word in log
    assert re.search(said, log)
    assert re.search(reason, log)
    assert ("Try again" in text) == (verdict != "new_model")


def test_the_database_keeps_what_a_training_came_to(site: Site, begun: dict[str, Begun]) -> None:
    for mode in VERDICTS:
        begun[mode].round.wait_for(ENDED, LONG + PATIENCE)
    rows = [row["fields"] for row in json.loads(site.manage("dumpdata", "campaigns.TrainingRun"))]
    for mode, (_, verdict, route, _, _) in VERDICTS.items():
        (run,) = (row for row in rows if row["round"] == begun[mode].round.number)
        assert (run["verdict"], run["route"]) == (verdict, route), mode
        assert run["said"], mode
        assert run["label_count"] == BATCH, mode


def test_a_training_is_cancelled_and_tried_again(lead: Lead, begun: dict[str, Begun]) -> None:
    place, round_ = begun["to cancel"].place, begun["to cancel"].round
    round_.press("train")
    round_.wait_for("The backend is training", PATIENCE)
    cancel = re.search(r'action="(/jobs/\d+/cancel/)"', lead.read(round_.path))
    assert cancel
    lead.send(round_.path, cancel[1])
    round_.wait_for(r"Train on \d+ new label", PATIENCE)
    assert "Cancelled" in log_of(round_)

    round_.press("train")
    round_.wait_for("See the learning curve", PATIENCE)
    log = log_of(round_)
    assert "model-2 → model-3" in log, "what the cancelled one came to is not ours"
    assert place.trainings == 2


def test_two_trainings_at_once_are_refused(lead: Lead, begun: dict[str, Begun]) -> None:
    place, first, second = begun["first"].place, begun["first"].round, begun["second"].round
    button = lead.form(first.path, f"{first.path}train/")
    lead.submit(button)
    assert "Round 0 is “Training” by now, so this does not fit" in text_of(lead.submit(button).text)
    first.wait_for("The backend is training", PATIENCE)
    assert "The ML backend is being trained for round 0 of “Trainings " in second.press("train")
    assert re.search(r"Train on \d+ new label", second.text)

    first.wait_for("See the learning curve", PATIENCE)
    assert place.trainings == 1
    second.press("train")
    second.wait_for("See the learning curve", PATIENCE)
    assert place.trainings == 2
