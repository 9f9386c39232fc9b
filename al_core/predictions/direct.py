"""A backend asked now: in requests of the size that suits it, several at a time, and around the tasks it fails on."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.errors import ActiveLearningError, BackendFailed, ServerUnreachable, UnexpectedAnswer
from al_core.flights import in_flight
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.predictions.reports import Reports
from al_core.types import Prediction, Project

IN_FLIGHT = 4
"""Requests at a time: a backend of several processes is kept busy, and one of a single process is never idle."""

FIRST_CHUNK = 16
"""Tasks of the first requests, as long as nothing is known of the backend."""

MOST_CHUNK = 500
"""Tasks of one request at most: more are hardly faster, and are lost together where an answer is cut."""

MOST_CHARACTERS = 4_000_000
"""What the texts of one request should have at most: tasks may hold pictures, and several are in memory."""

AIM_SECONDS = 2.0
"""How long a request should take: the progress moves, and the cost of a request is small beside it."""

FAILURES = 20
"""Tasks that may fail one by one before it is asked whether the backend fails on most."""

WriteBack = Callable[[Sequence[Prediction]], set[int]]
"""Stores predictions elsewhere, and gives the ids of the tasks whose are stored."""


@dataclass(frozen=True)
class Answers:
    """What came of one request."""

    predictions: Sequence[Prediction] = ()
    changed_at: Mapping[int, datetime] = field(default_factory=dict)
    """Task id → when it changed last, as its data were read."""
    failed: tuple[int, ...] = ()
    """The task that the backend failed on though it was asked for it alone."""
    written_back: frozenset[int] | None = None
    """Ids of the tasks whose predictions Label Studio took; None where they were not to be stored there."""


class Direct:
    """One backend that predicts tasks of one project.

    Parameters
    ----------
    label_studio : LabelStudio
        Gives the data of the tasks.
    project : Project
    backend : MLBackend
    version : str
        The model version that every answer must be of, as far as an answer names one. Empty: that of the first answer
        that does.
    write_back : WriteBack, optional
        Called with every chunk of predictions before it is given.
    proven : int, optional
        Id of a task that the backend has predicted before.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project: Project,
        backend: MLBackend,
        *,
        version: str = "",
        write_back: WriteBack | None = None,
        proven: int | None = None,
    ) -> None:
        self._label_studio = label_studio
        self._project = project
        self._backend = backend
        self._write_back = write_back
        self._proven = proven
        self._lock = threading.Lock()
        self.version = version
        """Of the answers; empty until one names it."""
        self.has_silent_answers = False
        """Whether an answer did not name its version."""

    def answers(self, task_ids: NDArray[np.int64], reports: Reports) -> Iterator[Answers]:
        """Predict tasks, and give what comes of each request as soon as it comes; a task that is gone is left out.

        Which tasks are asked together, and which answer comes first, changes nothing of what is said of a task.

        Raises
        ------
        ServerUnreachable
            One of the servers does not answer, or the backend fails by now on what it has predicted before. What other
            requests bring is given before that.
        UnexpectedAnswer
            The backend fails on most tasks, or its model changed.
        """
        chunks = _Chunks(task_ids)
        tally = _Tally(len(task_ids), reports)
        unreachable: ServerUnreachable | None = None
        tally.say()
        for landed in in_flight(self._ask, chunks, IN_FLIGHT, reports.tick):
            if landed.answers is not None:
                chunks.went_well(landed.chunk, landed.seconds, landed.characters)
                yield landed.answers
                tally.settle(len(landed.chunk.task_ids))
            elif isinstance(landed.error, ServerUnreachable):
                unreachable = unreachable or landed.error
                chunks.stop()
            elif landed.error is not None and not chunks.cut(landed.chunk):
                yield Answers(failed=(int(landed.chunk.task_ids[0]),))
                tally.fail(landed.error)
        if unreachable:
            raise unreachable

    # ----------------------------------------------------------------- one request, in a thread of its own

    def _ask(self, chunk: "_Chunk") -> "_Landed":
        try:
            tasks = self._label_studio.tasks(self._project.id, chunk.task_ids.tolist())
            began = time.monotonic()
            predictions = self._predicted([{"id": task_id, "data": data} for task_id, (_, data) in tasks.items()])
            seconds = time.monotonic() - began
            self._check_version(predictions)
            written_back = frozenset(self._write_back(predictions)) if self._write_back else None
        except ServerUnreachable as error:
            return _Landed(chunk, error=error)
        except BackendFailed as error:
            is_down = len(chunk.task_ids) == 1 and self._fails_on_the_proven()
            return _Landed(chunk, error=ServerUnreachable(error.message, error.hint) if is_down else error)
        if predictions:
            self._proven = predictions[0].task_id
        changed_at = {task_id: moment for task_id, (moment, _) in tasks.items()}
        characters = sum(len(value) for _, data in tasks.values() for value in data.values() if isinstance(value, str))
        return _Landed(chunk, Answers(predictions, changed_at, written_back=written_back), seconds, characters)

    def _fails_on_the_proven(self) -> bool:
        """Whether it is not the task that the backend fails on: a proxy in front of a dead one answers all alike."""
        if self._proven is None:
            return False
        try:
            tasks = self._label_studio.tasks(self._project.id, [self._proven])
            self._predicted([{"id": task_id, "data": data} for task_id, (_, data) in tasks.items()])
        except (ServerUnreachable, BackendFailed):
            return True
        return False

    def _predicted(self, tasks: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        try:
            return self._backend.predict(self._project, tasks) if tasks else []
        except UnexpectedAnswer as error:
            # A refusal may be for the sake of one task, as any other failure.
            raise BackendFailed(error.message, error.hint) from None

    def _check_version(self, predictions: Sequence[Prediction]) -> None:
        """Raise ``UnexpectedAnswer`` where several models answer: their numbers cannot be ranked together."""
        said = {prediction.model_version for prediction in predictions}
        with self._lock:
            self.has_silent_answers = self.has_silent_answers or "" in said
            versions = {self.version, *said} - {""}
            if len(versions) > 1:
                raise model_changed(versions)
            self.version = next(iter(versions), "")


def model_changed(versions: set[str]) -> UnexpectedAnswer:
    names = ", ".join(sorted(versions))
    return UnexpectedAnswer(
        f"The model changed while it predicted ({names}).", "Try again when its training has ended."
    )


@dataclass(frozen=True)
class _Chunk:
    """The tasks of one request."""

    task_ids: NDArray[np.int64]
    is_piece: bool = False
    """Of a chunk that failed: how it goes says little of chunks of its size."""


@dataclass(frozen=True)
class _Landed:
    """How a request ended."""

    chunk: _Chunk
    answers: Answers | None = None
    seconds: float = 0.0
    """How long the backend took."""
    characters: int = 0
    """Of all texts in the tasks' data, the pictures in them among these."""
    error: ActiveLearningError | None = None


class _Chunks:
    """The tasks that are still to be asked, cut as the backend can take them; told how each chunk went."""

    def __init__(self, task_ids: NDArray[np.int64]) -> None:
        self._new = task_ids
        self._pieces: list[_Chunk] = []
        self._size = min(FIRST_CHUNK, MOST_CHUNK)
        self._stopped = False

    def __iter__(self) -> "_Chunks":
        return self

    def __next__(self) -> _Chunk:
        """The next chunk: pieces of those that failed come first, so that a broken backend is soon found out.

        Where there is none now, there may be one again when a chunk has failed.
        """
        if self._stopped or not (self._pieces or len(self._new)):
            raise StopIteration
        if self._pieces:
            return self._pieces.pop()
        chunk, self._new = self._new[: self._size], self._new[self._size :]
        return _Chunk(chunk)

    def went_well(self, chunk: _Chunk, seconds: float, characters: int) -> None:
        if not self._tells_of_its_size(chunk):
            return
        load = max(seconds / AIM_SECONDS, characters / MOST_CHARACTERS)
        if load > 1:
            self._size = max(1, self._size // 2)
        elif load < 1 / 2:
            self._size = min(2 * self._size, MOST_CHUNK)

    def cut(self, chunk: _Chunk) -> bool:
        """Ask for the halves of a chunk that failed; False where it was one task."""
        count = len(chunk.task_ids)
        if count == 1:
            return False
        half = count // 2
        self._pieces += [_Chunk(chunk.task_ids[half:], True), _Chunk(chunk.task_ids[:half], True)]
        if self._tells_of_its_size(chunk):
            self._size = half
        return True

    def _tells_of_its_size(self, chunk: _Chunk) -> bool:
        return not chunk.is_piece and len(chunk.task_ids) == self._size

    def stop(self) -> None:
        """Give no more."""
        self._stopped = True


class _Tally:
    """How many tasks are settled, and how many of them failed."""

    def __init__(self, total: int, reports: Reports) -> None:
        self._total = total
        self._reports = reports
        self._settled = 0
        self._failed = 0

    def say(self) -> None:
        done, total = self._settled, self._total
        is_over = f"Predicted {total:,} tasks."
        self._reports.say(done, total, is_over if done == total else f"Predicting: {done:,} of {total:,} tasks.")

    def settle(self, count: int) -> None:
        self._settled += count
        self.say()

    def fail(self, error: ActiveLearningError) -> None:
        """Count a task that failed by itself.

        Raises
        ------
        UnexpectedAnswer
            Most of the tasks failed so far, so the others need not be tried.
        """
        self._settled += 1
        self._failed += 1
        if self._failed >= FAILURES and 2 * self._failed > self._settled:
            raise UnexpectedAnswer(
                f"{error.message} It failed on {self._failed:,} of the first {self._settled:,} tasks, "
                "so the others were not tried.",
                error.hint,
            )
        self.say()
