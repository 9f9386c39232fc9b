"""TrustAI's own side of the pool benchmarks. Each call is a process of its own, as a worker is one.

    python -m benchmarks.pool_site make '{"url": …, "token": …, "project": …, "backend": …, "strategy": …}'
    python -m benchmarks.pool_site work ROUND
    python -m benchmarks.pool_site result ROUND

``make`` sets a campaign up and starts its first round, whose job goes to the broker there is. ``work`` does that job
and publishes the batch, here and now, and says what it took. ``result`` waits for workers that do it. The environment
is that of the stack (stack.processes.django_env). The answer is the last line of the output, as JSON.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from al_core.errors import ActiveLearningError  # noqa: E402
from al_core.types import Backend  # noqa: E402
from trustai_web.accounts.models import User  # noqa: E402
from trustai_web.accounts.services import user_create  # noqa: E402
from trustai_web.campaigns import tasks  # noqa: E402
from trustai_web.campaigns.models import Job, Round  # noqa: E402
from trustai_web.campaigns.services.campaigns import campaign_create  # noqa: E402
from trustai_web.campaigns.services.rounds import round_create, round_work  # noqa: E402
from trustai_web.connections.services import connection_create, label_studio  # noqa: E402

BATCH = 100
LONGEST = 1800.0
"""Seconds after which a job counts as lost."""


def make(wanted: str) -> dict[str, Any]:
    """A campaign on a project, and its first round; gives the round's id."""
    spec = json.loads(wanted)
    lead = user_create(username="lead", password="pool benchmark", role=User.Role.LEAD)
    server = connection_create(name="Label Studio", url=spec["url"], token=spec["token"], user=lead)
    with label_studio(server) as client:
        project = client.project(spec["project"])
    backend = Backend(0, "Hash", spec["backend"], "connected", "") if spec["backend"] else None
    settings = {"name": "Pool", "strategy": spec["strategy"], "batch_size": BATCH, "start_size": 0, "test_size": 0}
    campaign = campaign_create(
        connection=server, project=project, backend=backend, user=lead, settings=settings, annotators=[]
    )
    return {"round": round_create(campaign=campaign, user=lead).pk}


def work(round_id: str) -> dict[str, Any]:
    """Score and publish a round as a worker does, and say what that took."""
    round_ = Round.objects.get(pk=int(round_id))
    scoring = round_.jobs.get()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak of the imports is not the job's
    idle = resident_bytes("VmRSS")
    start, cpu = time.perf_counter(), cpu_seconds()
    tasks.job_run(scoring.pk)
    score_seconds, score_cpu = time.perf_counter() - start, cpu_seconds() - cpu
    score_peak = resident_bytes("VmHWM")
    publishing = round_work(round_=round_, kind=Job.Kind.PUBLISH, user=User.objects.get())
    tasks.job_run(publishing.pk)
    spent = {
        "seconds": time.perf_counter() - start,
        "cpu": cpu_seconds() - cpu,
        "score_seconds": score_seconds,
        "score_cpu": score_cpu,
        "idle": idle,
        "score_peak": score_peak,
        "peak": resident_bytes("VmHWM"),
    }
    return spent | outcome(round_id)


def result(round_id: str) -> dict[str, Any]:
    """What workers made of a round, as soon as its job has ended."""
    deadline = time.monotonic() + LONGEST
    while Job.objects.filter(round=int(round_id), status__in=Job.ACTIVE).exists():
        if time.monotonic() > deadline:
            raise SystemExit("The job does not end.")
        time.sleep(0.2)
    return outcome(round_id)


def outcome(round_id: str) -> dict[str, Any]:
    """The batch, and how long its job was under way; an error where that failed."""
    for job in Job.objects.filter(round=int(round_id)):
        if job.status != Job.Status.SUCCEEDED:
            raise SystemExit(f"{job.get_kind_display()}: {job.get_status_display()}. {job.message}")
    round_ = Round.objects.get(pk=int(round_id))
    scoring = round_.jobs.get(kind=Job.Kind.SCORE)
    assert scoring.started_at is not None
    assert scoring.finished_at is not None
    return {
        "pool": round_.pool_size,
        "known": round_.known_count,
        "version": round_.model_version,
        "status": round_.status,
        "message": scoring.message,
        "job_seconds": (scoring.finished_at - scoring.started_at).total_seconds(),
        "batch": list(round_.batch_tasks.order_by("rank").values_list("task_id", "score")),
        "published": round_.view_id is not None,
    }


def resident_bytes(field: str) -> int:
    """``VmRSS``, what the process has in memory now, or ``VmHWM``, the most it ever had; Linux alone tells."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def cpu_seconds() -> float:
    """Of all threads, in our code and in the system's for us."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


VERBS: dict[str, Callable[[str], dict[str, Any]]] = {"make": make, "work": work, "result": result}


def main() -> None:
    _, verb, argument = sys.argv
    try:
        answer = VERBS[verb](argument)
    except ActiveLearningError as error:
        raise SystemExit(str(error)) from error
    finally:
        connection.close()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
