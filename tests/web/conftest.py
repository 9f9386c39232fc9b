"""Named people, and what they work on: alice leads, bob annotates her campaign, charlie annotates elsewhere."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.test import Client
from django.utils import timezone

from tests.servers import BACKEND_URL, PROJECT_ID, START, TOKEN, URL, BackendServer, LabelStudioServer
from trustai_web.accounts.models import User
from trustai_web.campaigns import jobs
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, Job, Round
from trustai_web.campaigns.services.rounds import round_create, round_work
from trustai_web.connections.models import Connection

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True, scope="session")
def static_root() -> None:
    """Where the real settings look for collected files; WhiteNoise warns if it is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test finds no files of another, and waits for no server that it breaks itself."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trustai_web.campaigns.services.campaigns.PATIENCE", 0.0)


def person(name: str, role: str) -> User:
    return User.objects.create_user(username=name, password=PASSWORD, role=role)


@pytest.fixture
def alice(db: None) -> User:
    return person("alice", User.Role.LEAD)


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", User.Role.ANNOTATOR)


@pytest.fixture
def charlie(db: None) -> User:
    return person("charlie", User.Role.ANNOTATOR)


def browser(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def as_alice(alice: User) -> Client:
    return browser(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return browser(bob)


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    return browser(charlie)


@pytest.fixture
def as_nobody(db: None) -> Client:
    return browser(None)


@pytest.fixture
def connection(alice: User) -> Connection:
    return Connection.objects.create(
        name="Lab",
        url=URL,
        token=TOKEN,
        server_version="1.23.2",
        server_user="lead@example.com",
        token_kind="legacy token",
        tested_at=timezone.now(),
        created_by=alice,
    )


@pytest.fixture
def campaign(connection: Connection, alice: User, bob: User) -> Campaign:
    campaign = Campaign.objects.create(
        name="Moods of letters",
        connection=connection,
        project_id=PROJECT_ID,
        project_title="Moods",
        backend_url=BACKEND_URL,
        backend_title="Reference",
        batch_size=4,
        start_size=3,
        test_size=5,
        candidate_factor=3,
        control_share=0,
        created_by=alice,
    )
    campaign.annotators.add(bob)
    return campaign


MakeRound = Callable[..., Round]


@pytest.fixture
def make_round(campaign: Campaign) -> MakeRound:
    """A round in some status, with as many tasks as asked for; ids from 101, ranks from 1."""

    def make(status: str = "open", *, number: int = 1, tasks: int = 3, test_tasks: int = 0, **columns: Any) -> Round:
        published = status in ("open", "training", "done")
        values: dict[str, Any] = {
            "campaign": campaign,
            "number": number,
            "status": status,
            "strategy": "margin",
            "diversity": "kmeans",
            "batch_size": tasks,
            "candidate_factor": 3,
            "seed": 0,
            "control_share": 0,
            "view_id": 41 if published else None,
            "published_at": START if published else None,
            "scored_at": START if tasks else None,
            "pool_size": 30 if tasks else None,
            "known_count": 28 if tasks else None,
            "unknown": {"no prediction": 2} if tasks else {},
            "histogram": {"counts": [20, 8], "edges": [0.0, 0.5, 1.0]} if tasks else {},
            "model_version": "v1" if tasks else "",
        }
        round_ = Round.objects.create(**{**values, **columns})
        for rank in range(1, tasks + test_tasks + 1):
            is_test = rank > tasks
            BatchTask.objects.create(
                round=round_,
                rank=rank,
                task_id=100 + rank,
                lane="test" if is_test else "strategy",
                score=None if is_test else 1 - rank / 100,
                probabilities={} if is_test else {"good": 0.6, "bad": 0.4},
                preview={"kind": "text", "content": f"letter {rank}"},
            )
        return round_

    return make


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(round_: Round, kind: str = "score", status: str = "queued", **columns: Any) -> Job:
        values = {"campaign": round_.campaign, "round": round_, "kind": kind, "status": status, "message": "At it."}
        return Job.objects.create(**{**values, **columns})

    return make


@pytest.fixture
def make_examination(campaign: Campaign) -> Callable[..., Job]:
    """A job of the probability doctor, which belongs to the campaign alone."""

    def make(status: str = "queued", **columns: Any) -> Job:
        values = {"campaign": campaign, "kind": "doctor", "status": status, "message": "At it."}
        return Job.objects.create(**{**values, **columns})

    return make


@pytest.fixture
def evaluate() -> Callable[..., Evaluation]:
    def evaluate(round_: Round, correct: int = 3, total: int = 5, label_count: int = 10) -> Evaluation:
        return Evaluation.objects.create(
            round=round_,
            model_version=f"v{round_.number + 1}",
            metric="accuracy",
            value=correct / total,
            low=0.2,
            high=0.9,
            correct=correct,
            total=total,
            unanswered=0,
            label_count=label_count,
        )

    return evaluate


@pytest.fixture
def work() -> Callable[[Job], Job]:
    """Run a job here and now, without a thread for its heartbeat, and give the row as it is then."""

    def work(job: Job) -> Job:
        jobs.run(job.pk, alive=lambda _: nullcontext())
        job.refresh_from_db()
        return job

    return work


@pytest.fixture
def start(campaign: Campaign, alice: User, server: LabelStudioServer, backend: BackendServer) -> Callable[[], Job]:
    """Begin the next round, and give its scoring job."""
    return lambda: round_create(campaign=campaign, user=alice).jobs.get()


@pytest.fixture
def later_round(make_round: MakeRound) -> Round:
    """Round 0 is done, so that the next one asks the model, and has drawn the test set elsewhere."""
    round_ = make_round("done", number=0, tasks=0, test_tasks=5)
    round_.batch_tasks.update(task_id=F("task_id") + 900)
    return round_


@pytest.fixture
def do(work: Callable[[Job], Job], alice: User) -> Callable[[Round, str], Job]:
    """Start a kind of work on a round and run it."""

    def do(round_: Round, kind: str) -> Job:
        round_.refresh_from_db()
        return work(round_work(round_=round_, kind=Job.Kind(kind), user=alice))

    return do


@pytest.fixture
def assert_refusals(as_alice: Client, as_bob: Client, as_charlie: Client, as_nobody: Client) -> Callable[..., None]:
    """The refusals that every view has: wrong methods, nobody, a stranger, a reader."""

    def check(url: str, *, takes: tuple[str, ...] = ("get",), bob: int, charlie: int) -> None:
        for method in {"get", "post", "put", "patch", "delete"} - set(takes):
            assert getattr(as_alice, method)(url).status_code == 405, method
        for method in takes:
            answer = getattr(as_nobody, method)(url)
            assert answer.status_code == 302
            assert answer.url == f"/login/?next={url}"
            assert getattr(as_bob, method)(url).status_code == bob, method
            assert getattr(as_charlie, method)(url).status_code == charlie, method

    return check
