"""What one model says of many tasks, as arrays: what is kept between two readings, and what a pool is scored from."""

import io
import zipfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.features import Embeddings, embedding_of
from al_core.probabilities import RowReader, Rows, latest
from al_core.probabilities.rows import unknown_rows
from al_core.types import REASONS, LabelSpace, Pool, Prediction, Reason

_FORMAT = 1
"""Moves when what a kept table means does; a table of another format counts as none."""

_CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}
_NOTHING_STORED = (_CODES[Reason.NO_PREDICTION], _CODES[Reason.OTHER_VERSION])
_FAILED = _CODES[Reason.PREDICTION_FAILED]


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """What one model says of n tasks through each control, and how far that can be trusted."""

    model_version: str
    as_of: NDArray[np.int64]
    """(n,) microseconds since 1970, UTC, by the clock of Label Studio: what is said holds for the task as it was
    then."""
    is_direct: NDArray[np.bool_]
    """(n,) True where the backend was asked and Label Studio has not stored the answer."""
    is_refused: NDArray[np.bool_]
    """(n,) True where that is because Label Studio did not take it: there is no use in predicting it again."""
    rows: tuple[Rows, ...]
    """One for each control, of the same (n,) tasks."""
    embeddings: Embeddings
    stored_count: int = 0
    """Predictions of the version that Label Studio had stored, as far as they were read or written."""
    complete_as_of: int = 0
    """Everything that was stored then is in the table, whatever the task; 0 where that was never so."""

    @classmethod
    def empty(cls, spaces: Sequence[LabelSpace], model_version: str = "") -> "PredictionTable":
        return TableBuilder(spaces).table(model_version)

    @classmethod
    def unknown(
        cls, spaces: Sequence[LabelSpace], model_version: str, task_ids: NDArray[np.int64], reason: Reason, as_of: int
    ) -> "PredictionTable":
        """Of these ascending tasks nothing is stored, for one reason."""
        return cls(
            model_version=model_version,
            as_of=np.full(len(task_ids), as_of, dtype=np.int64),
            is_direct=np.zeros(len(task_ids), dtype=np.bool_),
            is_refused=np.zeros(len(task_ids), dtype=np.bool_),
            rows=tuple(unknown_rows(task_ids, reason, space.form, len(space.labels)) for space in spaces),
            embeddings=Embeddings.of_tasks({}),
        )

    @classmethod
    def merged(cls, parts: Sequence["PredictionTable"]) -> "PredictionTable":
        """All tasks of some tables of one model, at least one; of a task that is in several the best counts.

        An answer is better than a failure and that better than nothing; among equals the latest is.
        """
        filled = [part for part in parts if len(part)] or [parts[0]]
        stored_count = sum(part.stored_count for part in parts)
        complete_as_of = max(part.complete_as_of for part in parts)
        filled.sort(key=lambda part: int(part.task_ids[0]) if len(part) else 0)
        if any(part.task_ids[-1] >= after.task_ids[0] for part, after in pairwise(filled)):
            winners = _winners(filled)
            filled = [part.only(mine) for part, mine in zip(filled, winners, strict=True) if mine.any()]
        if len(filled) == 1:
            return replace(filled[0], stored_count=stored_count, complete_as_of=complete_as_of)
        order = np.argsort(np.concatenate([part.task_ids for part in filled]), kind="stable")
        return cls(
            model_version=filled[0].model_version,
            as_of=np.concatenate([part.as_of for part in filled])[order],
            is_direct=np.concatenate([part.is_direct for part in filled])[order],
            is_refused=np.concatenate([part.is_refused for part in filled])[order],
            rows=tuple(Rows.merged(rows) for rows in zip(*(part.rows for part in filled), strict=True)),
            embeddings=Embeddings.merged([part.embeddings for part in filled]),
            stored_count=stored_count,
            complete_as_of=complete_as_of,
        )

    def __len__(self) -> int:
        return len(self.as_of)

    @property
    def task_ids(self) -> NDArray[np.int64]:
        """(n,) ascending."""
        return self.rows[0].task_ids

    @property
    def reasons(self) -> NDArray[np.uint8]:
        """(n,) why nothing is known of a task, by the first control; 0 where something is."""
        return self.rows[0].reasons

    @property
    def has_answer(self) -> NDArray[np.bool_]:
        """(n,) True where the model answered, usable or not."""
        return ~np.isin(self.reasons, (*_NOTHING_STORED, _FAILED))

    def only(self, those: NDArray[np.bool_]) -> "PredictionTable":
        """The tasks of an (n,) mask."""
        if those.all():
            return self
        ids = self.task_ids[those]
        return replace(
            self,
            as_of=self.as_of[those],
            is_direct=self.is_direct[those],
            is_refused=self.is_refused[those],
            rows=tuple(rows.of(ids) for rows in self.rows),
            embeddings=self.embeddings.of(ids),
        )

    def piece(self, start: int, count: int) -> "PredictionTable":
        """So many tasks from a place on; of what holds for the whole table the first piece tells."""
        those = np.zeros(len(self), dtype=np.bool_)
        those[start : start + count] = True
        piece = self.only(those)
        return piece if start == 0 else replace(piece, stored_count=0, complete_as_of=0)

    # ----------------------------------------------------------------- beside a pool

    def valid(self, pool: Pool, *, stored: bool = True, direct: bool = True, refused: bool = True) -> "PredictionTable":
        """Without what is said of tasks of the pool as they were before they changed, or comes from elsewhere.

        Parameters
        ----------
        stored, direct : bool
            Whether what Label Studio has stored counts, and what only the backend said.
        refused : bool
            Whether of the latter that counts which Label Studio did not take.
        """
        places, theirs = self._shared(pool)
        fresh = np.ones(len(self), dtype=np.bool_)
        fresh[places] = self.as_of[places] >= pool.changed_at[theirs] if len(pool.changed_at) else False
        if not stored:
            fresh &= self.is_direct
        if not direct:
            fresh &= ~self.is_direct | (self.is_refused & refused)
        return self.only(fresh)

    def said_after(self, pool: Pool) -> "PredictionTable":
        """The same, where it is known that all of it was said of the pool's tasks as they were when it was read."""
        if not len(pool.changed_at):
            return self
        places, theirs = self._shared(pool)
        as_of = self.as_of.copy()
        as_of[places] = np.maximum(as_of[places], pool.changed_at[theirs])
        return replace(self, as_of=as_of)

    def missing(self, task_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some distinct tasks that the model has not answered."""
        return np.setdiff1d(task_ids, self.task_ids[self.has_answer], assume_unique=True)

    def unheard_of(self, pool: Pool) -> NDArray[np.int64]:
        """Those of a pool's tasks of which it is not even known that nothing is stored."""
        late = pool.task_ids[pool.changed_at > self.complete_as_of] if len(pool.changed_at) else pool.task_ids
        return np.setdiff1d(late, self.task_ids, assume_unique=True)

    def failed_count(self, task_ids: NDArray[np.int64]) -> int:
        """On how many of some tasks the backend failed."""
        return int(np.isin(task_ids, self.task_ids[self.reasons == _FAILED], assume_unique=True).sum())

    def _shared(self, pool: Pool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places here and in the pool of the tasks that both have."""
        places = np.searchsorted(self.task_ids, pool.task_ids)
        here = np.flatnonzero(places < len(self))
        here = here[self.task_ids[places[here]] == pool.task_ids[here]]
        return places[here], here

    # ----------------------------------------------------------------- kept

    def to_bytes(self) -> bytes:
        """The table as an ``.npz``, not compressed."""
        arrays: dict[str, Any] = {
            "format": np.int64(_FORMAT),
            "model_version": np.frombuffer(self.model_version.encode("utf-8", "surrogatepass"), dtype=np.uint8),
            "as_of": self.as_of,
            "is_direct": self.is_direct,
            "is_refused": self.is_refused,
            "stored_count": np.int64(self.stored_count),
            "complete_as_of": np.int64(self.complete_as_of),
            **{f"embeddings-{name}": values for name, values in self.embeddings.arrays().items()},
        }
        for number, rows in enumerate(self.rows):
            arrays |= {f"{number}-{name}": values for name, values in rows.arrays().items()}
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, spaces: Sequence[LabelSpace]) -> "PredictionTable | None":
        """The table of an ``.npz``; None where that is damaged, of another format or of other controls."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                if int(file["format"]) != _FORMAT:
                    return None
                table = cls(
                    model_version=file["model_version"].tobytes().decode("utf-8", "surrogatepass"),
                    as_of=file["as_of"],
                    is_direct=file["is_direct"],
                    is_refused=file["is_refused"],
                    rows=tuple(Rows.from_arrays(_named(file, f"{n}-"), space) for n, space in enumerate(spaces)),
                    embeddings=Embeddings.from_arrays(_named(file, "embeddings-")),
                    stored_count=int(file["stored_count"]),
                    complete_as_of=int(file["complete_as_of"]),
                )
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return table if table._is_sound() else None

    def _is_sound(self) -> bool:
        ids = self.task_ids
        return (
            self.as_of.shape == self.is_direct.shape == self.is_refused.shape == ids.shape
            and self.as_of.dtype == np.int64
            and self.is_direct.dtype == self.is_refused.dtype == np.bool_
            and bool((np.diff(ids) > 0).all())
            and all(np.array_equal(rows.task_ids, ids) for rows in self.rows)
        )


def _named(file: Any, prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): file[name] for name in file.files if name.startswith(prefix)}


def _winners(parts: Sequence[PredictionTable]) -> list[NDArray[np.bool_]]:
    """For each table which of its tasks count."""
    ids = np.concatenate([part.task_ids for part in parts])
    answered = np.concatenate([part.has_answer for part in parts])
    failed = np.concatenate([part.reasons == _FAILED for part in parts])
    worth = 2 * answered.astype(np.int8) + failed
    order = np.lexsort((np.concatenate([part.as_of for part in parts]), worth, ids))
    wins = np.zeros(len(ids), dtype=np.bool_)
    wins[order[np.append(ids[order][1:] != ids[order][:-1], True)]] = True
    return np.split(wins, np.cumsum([len(part) for part in parts])[:-1])


class TableBuilder:
    """Takes predictions one by one, and holds numbers only.

    Parameters
    ----------
    spaces : sequence of LabelSpace
        The controls, at least one.
    """

    def __init__(self, spaces: Sequence[LabelSpace]) -> None:
        self._readers = [RowReader(space) for space in spaces]
        self._begin()

    def _begin(self) -> None:
        self._ids = array("q")
        self._as_of = array("q")
        self._is_direct = array("b")
        self._is_refused = array("b")
        self._embeddings: dict[int, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, prediction: Prediction, as_of: int, *, is_direct: bool, is_refused: bool = False) -> None:
        """Of several for one task the last counts."""
        for reader in self._readers:
            reader.add(prediction)
        embedding = embedding_of(prediction.result)
        if embedding is not None:
            self._embeddings[prediction.task_id] = embedding
        self._note(prediction.task_id, as_of, is_direct, is_refused)

    def add_unknown(self, task_id: int, reason: Reason, as_of: int, *, is_direct: bool) -> None:
        for reader in self._readers:
            reader.add_unknown(task_id, reason)
        self._note(task_id, as_of, is_direct, False)

    def _note(self, task_id: int, as_of: int, is_direct: bool, is_refused: bool) -> None:
        self._ids.append(task_id)
        self._as_of.append(as_of)
        self._is_direct.append(is_direct)
        self._is_refused.append(is_refused)

    def table(self, model_version: str, stored_count: int = 0) -> PredictionTable:
        """All that was added since the last call; the memory goes along."""
        last = latest(np.array(self._ids, dtype=np.int64))  # the tasks that rows have, in their order
        table = PredictionTable(
            model_version=model_version,
            as_of=np.array(self._as_of, dtype=np.int64)[last],
            is_direct=np.array(self._is_direct, dtype=np.bool_)[last],
            is_refused=np.array(self._is_refused, dtype=np.bool_)[last],
            rows=tuple(reader.rows() for reader in self._readers),
            embeddings=Embeddings.of_tasks(self._embeddings),
            stored_count=stored_count,
        )
        self._begin()
        return table
