"""Where what is kept of one model stands in a store."""

import hashlib
import json
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from al_core.pool import microseconds
from al_core.predictions.direct import Answers, model_changed
from al_core.predictions.table import PredictionTable, TableBuilder
from al_core.storage import Store
from al_core.types import LabelSpace, Reason

SAVE_SECONDS = 2.0
"""How much work may be lost where a process dies."""

FILE_TASKS = 2000
"""Tasks of one file of a run: writing it anew with every save stays cheap."""

PIECE_TASKS = 20_000
"""Tasks of one file of what is kept for good: the bytes of a file are in memory while it is written or read."""


@dataclass(frozen=True)
class Shelf:
    """What is kept of one version of one model: pieces of the whole, and drafts of a run that goes on or broke off.

    Parameters
    ----------
    store : Store
    where : sequence of str
        What tells the model's server and the project from others.
    spaces : sequence of LabelSpace
        The controls that are read.
    version : str
        Empty where the backend does not say which it has: whatever version its answers name is then taken for it.
    """

    store: Store
    where: tuple[str, ...]
    spaces: tuple[LabelSpace, ...]
    version: str

    def load(self) -> PredictionTable:
        """All of it, as one table; what cannot be read is not there.

        Raises
        ------
        UnexpectedAnswer
            It is of several versions.
        """
        return self._merged(self._names())

    def drafts_of(self, task_ids: NDArray[np.int64]) -> PredictionTable:
        """What is there of a run over these tasks, which are ascending."""
        first, last = (int(task_ids[0]), int(task_ids[-1])) if len(task_ids) else (0, -1)
        drafts = [name.removeprefix(self._drafts) for name in self._names() if name.startswith(self._drafts)]
        return self._merged(self._drafts + name for name in drafts if first <= int(name.split("-")[0]) <= last)

    def proven(self) -> int | None:
        """A task that the backend itself has predicted; looked for in two files, not in all of what may be a lot."""
        names = list(self._names())
        table = self._merged({*names[:1], *names[-1:]})
        said = table.task_ids[table.is_direct & table.has_answer]
        return int(said[0]) if len(said) else None

    def _merged(self, names: Iterable[str]) -> PredictionTable:
        tables = [PredictionTable.from_bytes(self.store.read(name) or b"", self.spaces) for name in names]
        found = [table for table in tables if table is not None]
        versions = {self.version, *(table.model_version for table in found)} - {""}
        if len(versions) > 1:
            raise model_changed(versions)
        empty = PredictionTable.empty(self.spaces, next(iter(versions), ""))
        whole = PredictionTable.merged([empty, *found])
        return whole if len(found) == len(tables) else replace(whole, stored_count=0, complete_as_of=0)

    def keep(self, table: PredictionTable) -> None:
        """Keep this in place of all that is there."""
        pieces = [f"{self._pieces}{number}.npz" for number in range(-(-len(table) // PIECE_TASKS) or 1)]
        # The first one last: it tells how much was read, which holds only when all the others are there.
        for number, name in reversed(list(enumerate(pieces))):
            self.store.write(name, table.piece(number * PIECE_TASKS, PIECE_TASKS).to_bytes())
        for name in self._names():
            if name not in pieces:
                self.store.delete(name)

    def add(self, table: PredictionTable, name: str) -> None:
        """Keep this beside what is there, or in place of what had the name."""
        self.store.write(f"{self._drafts}{name}.npz", table.to_bytes())

    def take_away(self, name: str) -> None:
        self.store.delete(f"{self._drafts}{name}.npz")

    def clear(self) -> None:
        for name in self._names():
            self.store.delete(name)

    def forget_others(self, versions: Collection[str]) -> None:
        """Delete what is kept of this server's models, but for these versions and the same controls."""
        stems = tuple(Shelf(self.store, self.where, self.spaces, each).stem for each in {*versions, self.version})
        for name in self.store.names(room_of(self.where)):
            if not name.startswith(stems):
                self.store.delete(name)

    def _names(self) -> list[str]:
        return self.store.names(self.stem)

    @property
    def has_drafts(self) -> bool:
        return any(name.startswith(self._drafts) for name in self._names())

    @property
    def _pieces(self) -> str:
        return f"{self.stem}whole-"

    @property
    def _drafts(self) -> str:
        return f"{self.stem}draft-"

    @property
    def stem(self) -> str:
        """What the names of everything on the shelf begin with."""
        return f"{room_of(self.where)}{_digest([*map(astuple, self.spaces), self.version])}/"


def room_of(where: tuple[str, ...]) -> str:
    """What the names of everything of one model begin with, whatever the version."""
    return f"predictions/{_digest(where)}/"


def _digest(what: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


class Drafts:
    """What a run has so far, put on the shelf every ``SAVE_SECONDS`` in files that are not too large.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._names: list[str] = []
        self._builder = TableBuilder(shelf.spaces)
        self._saved: PredictionTable | None = None
        self._saved_at = time.monotonic()
        self._written_back = 0

    def take(self, answers: Answers, as_of: int) -> None:
        """Note what came of a request that was made after a moment of Label Studio's clock."""
        for prediction in answers.predictions:
            # A task that changed after that moment was read as it was then, or later.
            read_as_of = max(as_of, microseconds(answers.changed_at[prediction.task_id]))
            taken, tried = prediction.task_id in (answers.written_back or ()), answers.written_back is not None
            self._builder.add(prediction, read_as_of, is_direct=not taken, is_refused=tried and not taken)
        for task_id in answers.failed:
            self._builder.add_unknown(task_id, Reason.PREDICTION_FAILED, as_of, is_direct=True)
        self._written_back += len(answers.written_back or ())

    def save_if_due(self, version: str) -> None:
        if time.monotonic() - self._saved_at >= SAVE_SECONDS or len(self._builder) >= FILE_TASKS:
            self.save(version)

    def save(self, version: str) -> None:
        """Put everything on the shelf, as said by this version."""
        if not len(self._builder):
            return
        new = self._builder.table(version, self._written_back)
        self._written_back = 0
        if self._saved is None or len(self._saved) >= FILE_TASKS:
            self._saved = new
            self._names.append(f"{int(new.task_ids[0])}-{secrets.token_hex(4)}")
        else:
            self._saved = PredictionTable.merged([self._saved, new])
        self._shelf.add(self._saved, self._names[-1])
        self._saved_at = time.monotonic()

    def throw_away(self) -> None:
        """As if the run had not been."""
        for name in self._names:
            self._shelf.take_away(name)
        self._builder.table("")
