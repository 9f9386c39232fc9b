"""Rounds of pools up to ten million tasks without servers: what our own part of them takes, and what waiting adds.

    python -m benchmarks.pool_simulation [--full] [--write]

``--full`` adds 10⁷ tasks, which takes some minutes more. The manager does two rounds, margin and the default diversity,
on a Label Studio that makes its answers up: tasks with stored predictions of ten classes, and between the rounds the
first batch is labelled. Seconds are of CPU, without those that the answers took to make up, and without the decoding of
JSON, of which there is none here. The waiting is calculated from what real servers were measured to take a task.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio.client import PAGE_SIZE, PREDICTED_PAGE_SIZE
from al_core.predictions.stored import STREAM_MOST
from al_core.round_file import write_round_file
from al_core.storage import FolderStore
from al_core.types import Prediction, Project, Scores, TaskState
from benchmarks.measuring import markdown, numeric_threads, publish
from benchmarks.pool_data import CONTROL, LABEL_CONFIG, LABELS, TARGET, VERSION, text

TASKS = [100_000, 1_000_000]
FULL = [10_000_000]
WARM = 2_000
"""Tasks of a first run in the same process, which loads what is loaded once."""
DISTINCT = 50_000
"""Predictions that differ: to make up one a task would take longer than to read it."""
BATCH = 100
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(hours=1)

STATE_MS = 0.5
STREAMED_MS = 0.14
PAGED_MS = 1.05
BACKEND_MS = 1.0
"""Milliseconds a task, beside those of Label Studio: what a fast backend is taken to need."""
DECODED_US = 14.0
"""Microseconds of our own CPU for the JSON of a prediction; measured on a stream of 100,000."""
LOOK_S = 2.0
"""Seconds of the dozen questions that find out what changed."""

R = TypeVar("R")


# --------------------------------------------------------------------- a Label Studio that is not there


class Simulated:
    """As much of the client as a round asks for; tasks have the ids from 1 on."""

    url = "http://label-studio.invalid"

    def __init__(self, count: int) -> None:
        self.count_all = count
        self.labelled: list[int] = []
        self.spent: list[float] = []
        """Seconds of CPU of each answer."""

    def _made(self, work: Callable[[], R]) -> R:
        start = time.thread_time()
        try:
            return work()
        finally:
            self.spent.append(time.thread_time() - start)

    def project(self, project_id: int) -> Project:
        return Project(project_id, "Simulated", LABEL_CONFIG, self.count_all, len(self.labelled), START)

    def model_versions(self, project_id: int) -> dict[str, int]:
        return {VERSION: self.count_all}

    def newest_change(self, project_id: int) -> tuple[datetime, int]:
        return (LATER if self.labelled else START), self.count_all

    def count(self, project_id: int, which: str) -> int:
        return len(self.labelled) if which == "labelled" else 0

    def states_where(self, project_id: int, which: str) -> Iterator[list[TaskState]]:
        return self.changed_since(project_id, START) if which == "labelled" else iter(())

    def changed_since(self, project_id: int, moment: datetime) -> Iterator[list[TaskState]]:
        changed = [TaskState(task_id, True, False, LATER) for task_id in self.labelled] if moment < LATER else []
        yield from (changed[start : start + PAGE_SIZE] for start in range(0, len(changed), PAGE_SIZE))

    def prediction_stream(self, project_id: int, through: object) -> Iterator[Prediction]:
        for first in range(1, self.count_all + 1, PREDICTED_PAGE_SIZE):
            yield from self._predictions(first)

    def task_page(self, project_id: int, page: int) -> tuple[list[TaskState], list[Prediction], int]:
        first = (page - 1) * PREDICTED_PAGE_SIZE + 1
        states = self._made(lambda: [TaskState(task_id, False, False, START) for task_id in self._page(first)])
        return states, self._predictions(first), self.count_all

    def task_data(self, project_id: int, task_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        return self._made(lambda: {task_id: {"text": text(task_id)} for task_id in task_ids})

    def _page(self, first: int) -> range:
        return range(first, min(first + PREDICTED_PAGE_SIZE, self.count_all + 1))

    def _predictions(self, first: int) -> list[Prediction]:
        return self._made(lambda: [_prediction(task_id) for task_id in self._page(first)])


def _regions() -> list[dict[str, Any]]:
    """What the model says of tasks: of most it is sure, of some it is not."""
    rows = np.random.default_rng(0).random((DISTINCT, len(LABELS))) ** 4
    rows = (rows / rows.sum(axis=1, keepdims=True)).round(6)
    return [
        {
            "from_name": CONTROL,
            "to_name": TARGET,
            "type": "choices",
            "value": {"choices": [LABELS[likeliest]]},
            "score": row[likeliest],
            "probabilities": dict(zip(LABELS, row, strict=True)),
        }
        for row, likeliest in zip(rows.tolist(), rows.argmax(axis=1).tolist(), strict=True)
    ]


_REGIONS = _regions()


def _prediction(task_id: int) -> Prediction:
    region = _REGIONS[task_id % DISTINCT]
    return Prediction(task_id, [region], region["score"], VERSION)


# --------------------------------------------------------------------- one size, in a process of its own


class Steps:
    """What each step took; bytes of the process at its highest so far."""

    def __init__(self, server: Simulated) -> None:
        self._server = server
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, int] = {}

    def do(self, name: str, work: Callable[[], R]) -> R:
        start, made = time.process_time(), sum(self._server.spent)
        result = work()
        self.seconds[name] = time.process_time() - start - (sum(self._server.spent) - made)
        self.peaks[name] = peak()
        return result


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def two_rounds(count: int, folder: Path) -> dict[str, Any]:
    """Seconds and peaks of every step of two rounds, and bytes held of a task."""
    server, store = Simulated(count), FolderStore(folder / str(count))
    steps, idle = Steps(server), peak()
    held: dict[str, int] = {}

    def round_of(name: str, asked: set[int]) -> list[int]:
        manager = ActiveLearningManager(server, 1, store=store, asked=asked)  # type: ignore[arg-type]
        pool = steps.do(f"read{name}", manager.read_pool)
        scores = steps.do(f"score{name}", lambda: manager.score(pool))
        batch = steps.do(f"choose{name}", lambda: manager.recommend(scores, BATCH))
        with tempfile.TemporaryFile(dir=folder) as file:
            steps.do(f"write{name}", lambda: write_round_file(file, scores, batch))
            held.update(_held(scores), **{"file of the round": file.tell()})
        return [item.task_id for item in batch.items]

    server.labelled = round_of("", set())
    round_of(" again", set(server.labelled))
    held["kept: tasks"] = _size(store, "tasks")
    held["kept: predictions"] = _size(store, "predictions")
    a_task = {name: size / count for name, size in held.items()}
    return {"idle": idle, "seconds": steps.seconds, "peaks": steps.peaks, "held": a_task}


def _held(scores: Scores) -> dict[str, int]:
    """Bytes of the arrays that scores are."""
    said = scores.models[0]
    bounds = {id(array): array.nbytes for array in (scores.bounds.low, scores.bounds.high)}
    return {
        "pool": scores.pool.task_ids.nbytes + scores.pool.changed_at.nbytes,
        "probabilities": sum(array.nbytes for array in vars(said).values() if isinstance(array, np.ndarray)),
        "scores": sum(bounds.values()),
    }


def _size(store: FolderStore, prefix: str) -> int:
    return sum((store.folder / name).stat().st_size for name in store.names(prefix))


def measured(count: int) -> dict[str, Any]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.pool_simulation", "--alone", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{count:,}: {found}", flush=True)
    return found


# --------------------------------------------------------------------- tables

PHASES = ("read", "score", "choose", "write")


def our_part(found: dict[int, dict[str, Any]]) -> str:
    rows = []
    for count, each in found.items():
        for name in ("", " again"):
            seconds = [each["seconds"][f"{phase}{name}"] for phase in PHASES]
            top = each["peaks"][f"write{name}"]
            a_task = f"{(top - each['idle']) / count:,.0f}"
            label = "again" if name else "first"
            together = _ours(each, name)
            rows.append([f"{count:,}", label, *map(_short, [*seconds, together]), f"{top / 1e6:,.0f}", a_task])
    header = ["tasks", "round", *(f"{phase} s" for phase in PHASES), "together s", "peak MB", "peak − idle, B a task"]
    return markdown(header, rows)


def held_part(held: dict[str, float]) -> str:
    return markdown(["what is held", "B a task"], [[name, f"{size:.0f}"] for name, size in held.items()])


def waiting_part(found: dict[int, dict[str, Any]]) -> str:
    """Whole rounds: what servers take, and our own part."""
    rows = []
    for count, each in found.items():
        first, again = _ours(each, ""), _ours(each, " again")
        waits = [
            stored_seconds(count) + first,
            count * (STATE_MS + BACKEND_MS) / 1e3 + first,
            LOOK_S + again,
            LOOK_S + count * BACKEND_MS / 1e3 + first,
        ]
        rows.append([f"{count:,}", *map(_duration, waits)])
    return markdown(["tasks", "first, stored", "first, backend asked", "again, same model", "again, new model"], rows)


def stored_seconds(count: int) -> float:
    """What Label Studio takes to hand out so many stored predictions."""
    return count * (STREAMED_MS if count <= STREAM_MOST else PAGED_MS) / 1e3


def report(found: dict[int, dict[str, Any]]) -> str:
    """The tables, and how to read them."""
    most, largest = max(found.items())
    top = max(largest["peaks"].values())
    return "\n\n".join(
        [
            f"`python -m benchmarks.pool_simulation [--full]`. The manager does two rounds by `margin` with the "
            f"default diversity, in a fresh process and without servers: a stand-in makes up what Label Studio says, "
            f"tasks with stored predictions of {len(LABELS)} classes. Seconds are of CPU, without the stand-in's; "
            f"decoding JSON, of which there is none here, takes {DECODED_US:g} µs a prediction more. "
            f"*Read* is the pool with its predictions, *choose* a batch of {BATCH}, *write* the file of the round. "
            f"Between the rounds the first batch is labelled; the model stays. *Idle* is the process with its "
            f"libraries and the stand-in, and the peak that of all so far.",
            our_part(found),
            f"What is held of a task, at {most:,}; *kept* is on disk between two rounds.",
            held_part(largest["held"]),
            f"The waiting is calculated. Label Studio, one process, takes {STATE_MS:g} ms a task for the states, "
            f"{STREAMED_MS:g} ms a stored prediction in one answer and, above {STREAM_MOST:,} of them, {PAGED_MS:g} ms "
            f"by pages; a backend is taken to need {BACKEND_MS:g} ms a task. A new model predicts all tasks anew.",
            waiting_part(found),
            f"What gives first is the time that servers take: at {most:,} tasks Label Studio needs "
            f"{_duration(stored_seconds(most))} to hand the predictions out and a backend of {BACKEND_MS:g} ms "
            f"{_duration(most * BACKEND_MS / 1e3)} for each new model, while our own part of a round is "
            f"{_duration(_ours(largest, '') + most * DECODED_US / 1e6)} of CPU, decoding included, and "
            f"{top / 1e9:.1f} GB.",
        ]
    )


def _ours(found: dict[str, Any], name: str) -> float:
    """Seconds of one of the two rounds."""
    return sum(found["seconds"][f"{phase}{name}"] for phase in PHASES)


def _short(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="ten million tasks as well")
    parser.add_argument("--tasks", type=int, nargs="+", default=TASKS, help="sizes of the pools")
    parser.add_argument("--tiny", action="store_const", dest="tasks", const=[3000], help="too few to tell anything")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        with tempfile.TemporaryDirectory() as folder:
            two_rounds(WARM, Path(folder))
            print(json.dumps(two_rounds(args.alone, Path(folder))))
        return
    numeric_threads()
    found = {count: measured(count) for count in [*args.tasks, *(FULL if args.full else [])]}
    publish("simulation", report(found), args.write)


if __name__ == "__main__":
    main()
