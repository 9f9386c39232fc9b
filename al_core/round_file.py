"""Everything over the whole pool of a round in one file, of which a little can be read without the rest.

The file is an ``.npz`` that :func:`numpy.load` opens. Nothing in it is compressed, so that an array's rows lie where
their numbers say, and a page of a million tasks costs no more than one of a hundred.

=================  ===============  =====================================================================
``task_ids``       (n,) int64       ascending
``scores``         (n,) float64     the least that each score can be; NaN where unknown
``scores_high``    (n,) float64     the most
``selected``       (n,) bool        whether the task is in the batch
``lanes``          (n,) uint8       why it is: its lane's place in :data:`LANES`, 0 where it is not
``order``          (n,) int32       rank from 0 → index: the highest score first, ties by the seed, the unknown last
``ranks``          (n,) int32       index → rank, the same the other way round
``bounded``        (b,) int32       ascending ranks of the tasks whose score has bounds
``picked``         (p,) int32       ascending ranks of the tasks of the batch
``reasons``        (n,) uint8       see :class:`al_core.types.ClassProbabilities`, as for all that follow
``probabilities``  (m, k) float32   its ``values``
``top``            (m,) float32
``answers``        (m,) int32
``starts``         (n + 1,) int64
``labels``         (k,) str
=================  ===============  =====================================================================

From ``reasons`` on it is what the first model said, enough to choose again without it; not there where none was asked.
"""

import struct
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, NDArray

from al_core.diversity import most_uncertain
from al_core.errors import ActiveLearningError
from al_core.seeding import task_keys
from al_core.types import Batch, Lane, Scores

LANES: tuple[Lane | None, ...] = (None, "strategy", "control", "test")
"""A task's code in ``lanes`` is its lane's place here."""

_NEAR = 256
"""Rows that lie at most so many bytes apart are read together."""

_LOCAL_HEADER = struct.Struct("<26xHH")
"""What stands before a file in a zip archive: at its end how long the name and the extra field behind it are."""


class UnreadableRoundFile(ActiveLearningError):
    """The file cannot be read by parts: an earlier version made it, or it is damaged."""

    code = "unreadable_round_file"


# --------------------------------------------------------------------- write


def write_round_file(file: IO[bytes], scores: Scores, batch: Batch) -> None:
    """Write the file of a round, array by array; no array is held twice.

    Parameters
    ----------
    file : binary file
        Empty, and open for writing.
    scores : Scores
    batch : Batch
        What was recommended of these scores' pool.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in _arrays(scores, batch):
            array = np.ascontiguousarray(values)
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array_header_1_0(member, npy.header_data_from_array_1_0(array))  # type: ignore[no-untyped-call]
                member.write(array.reshape(-1).view(np.uint8).data)


def _arrays(scores: Scores, batch: Batch) -> Iterator[tuple[str, NDArray[Any]]]:
    ids, low, high = scores.pool.task_ids, scores.bounds.low, scores.bounds.high
    yield "task_ids", ids
    yield "scores", low
    yield "scores_high", high
    lanes = np.zeros(len(ids), dtype=np.uint8)
    codes = [LANES.index(item.lane) for item in batch.items]
    lanes[np.searchsorted(ids, [item.task_id for item in batch.items])] = codes
    yield "selected", lanes > 0
    yield "lanes", lanes
    order = _order(scores)
    yield "order", order
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    yield "ranks", ranks
    yield "bounded", np.sort(ranks[low < high])
    yield "picked", np.sort(ranks[lanes > 0])
    said = scores.probabilities
    if said is not None:
        yield "reasons", said.reasons
        yield "probabilities", said.values
        yield "top", said.top
        yield "answers", said.answers
        yield "starts", said.starts
        yield "labels", np.array(said.labels, dtype=np.str_)


def _order(scores: Scores) -> NDArray[np.int32]:
    values, ids = scores.values, scores.pool.task_ids
    known = most_uncertain(values, len(values), task_keys(ids, scores.seed))
    return np.concatenate([known, np.flatnonzero(np.isnan(values))]).astype(np.int32)


# --------------------------------------------------------------------- read


@dataclass(frozen=True)
class _Place:
    """Where in the file an array lies."""

    offset: int
    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * prod(self.shape[1:])


class RoundFile:
    """The arrays of a round, read by parts.

    Parameters
    ----------
    file : binary file
        Open for reading at any place; stays the caller's to close.

    Raises
    ------
    UnreadableRoundFile
        It is not such a file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
            # Earlier versions compressed the arrays, and kept no order.
            is_earlier = any(member.compress_type != zipfile.ZIP_STORED for member in members)
            places = {} if is_earlier else {m.filename.removesuffix(".npy"): self._place(m) for m in members}
        except (zipfile.BadZipFile, ValueError, struct.error) as error:
            raise UnreadableRoundFile("The file of the round is damaged.") from error
        if "order" not in places:
            raise UnreadableRoundFile(
                "This round was scored by an earlier version. Its scores are kept, but they cannot be listed."
            )
        self._places = places
        self.length = self.count("task_ids")
        """How many tasks the pool had."""

    @property
    def has_model(self) -> bool:
        """Whether a model was asked; otherwise the scores are what a draw at random went by."""
        return "reasons" in self._places

    @cached_property
    def known_count(self) -> int:
        """How many tasks have a score, exact or within bounds: those of the first ranks."""
        return bisect_left(range(self.length), True, key=lambda rank: bool(np.isnan(self._score_at(rank))))

    def count(self, name: str) -> int:
        """How many rows an array has."""
        return self._places[name].shape[0]

    def slice(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop`` of an array; as with a list there may be fewer."""
        place = self._places[name]
        rows = max(0, min(stop, place.shape[0]) - start)
        self._file.seek(place.offset + start * place.row_bytes)
        content = self._file.read(rows * place.row_bytes)
        return np.frombuffer(content, dtype=place.dtype).reshape(rows, *place.shape[1:])

    def take(self, name: str, indices: ArrayLike) -> NDArray[Any]:
        """The rows at some places of an array, in the order and as often as they are asked for."""
        distinct, back = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        far = np.flatnonzero(np.diff(distinct) * self._places[name].row_bytes > _NEAR) + 1
        runs = [run for run in np.split(distinct, far) if len(run)]
        parts = [self.slice(name, int(run[0]), int(run[-1]) + 1)[run - run[0]] for run in runs]
        return np.concatenate(parts)[back] if parts else self.slice(name, 0, 0)

    def likeliest(self, indices: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The class that the model thinks likeliest for each task, over its regions the surest one's.

        Parameters
        ----------
        indices : array_like of int, shape (t,)

        Returns
        -------
        tuple of ndarray of int32 and of float32, shape (t,) each
            The class's place in ``labels``, −1 where the model answered none, and its probability, NaN there.
        """
        places = np.asarray(indices, dtype=np.int64)
        classes = np.full(len(places), -1, dtype=np.int32)
        probabilities = np.full(len(places), np.nan, dtype=np.float32)
        if not self.has_model:
            return classes, probabilities
        first, end = self.take("starts", np.concatenate([places, places + 1])).reshape(2, -1)
        counts = end - first
        begins = np.concatenate(([0], np.cumsum(counts)))
        rows = np.arange(begins[-1]) + np.repeat(first - begins[:-1], counts)
        answers, top = self.take("answers", rows), self.take("top", rows)
        sureness = np.where(answers >= 0, top, -np.inf)
        owners = np.repeat(np.arange(len(places)), counts)
        # By owner, the surest in front: where an owner's rows began, its surest row stands now.
        surest = np.lexsort((-sureness, owners))[begins[:-1][counts > 0]]
        answered = surest[answers[surest] >= 0]
        classes[owners[answered]] = answers[answered]
        probabilities[owners[answered]] = top[answered]
        return classes, probabilities

    def _score_at(self, rank: int) -> float:
        return float(self.take("scores", self.slice("order", rank, rank + 1))[0])

    def _place(self, member: zipfile.ZipInfo) -> _Place:
        self._file.seek(member.header_offset)
        name_length, extra_length = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        self._file.seek(name_length + extra_length, 1)
        npy.read_magic(self._file)  # type: ignore[no-untyped-call]
        shape, is_fortran, dtype = npy.read_array_header_1_0(self._file)  # type: ignore[no-untyped-call]
        if is_fortran or dtype.hasobject:
            raise ValueError("not an array that a round's file has")
        return _Place(self._file.tell(), dtype, shape)
