"""A file of class probabilities in, a ranking out; read in blocks, so that the file may be larger than memory."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from al_core.diversity import most_uncertain
from al_core.errors import InvalidInput
from al_core.uncertainty import UncertaintySampling

BLOCK = 20_000
"""Rows that are in memory at once."""


class Block(NamedTuple):
    """Some tasks: their ids, as they stand in the file, and (n, k) probabilities."""

    ids: list[str]
    values: NDArray[np.float64]


class Ranked(NamedTuple):
    """One task of a ranking."""

    rank: int
    task: str
    score: float


class Ranking(NamedTuple):
    """The most uncertain tasks, and how many rows there were."""

    tasks: list[Ranked]
    rows: int
    unknown: int
    """Rows that are no probabilities: they have no score, and are not ranked."""


def rank_file(path: Path, strategy: str, top: int | None = None) -> Ranking:
    """Rank the tasks of a file, the most uncertain first.

    Parameters
    ----------
    path : Path
        ``.csv``: a header, the first column the task, the others a class each. ``.ndjson`` or ``.jsonl``: objects with
        ``id`` and ``probabilities``, a list or an object of class to probability. ``.npz``: ``probabilities`` (n, k),
        perhaps ``ids`` (n,). ``.parquet``: columns as in CSV; needs pyarrow.
    strategy : str
        One of the measures of :class:`al_core.uncertainty.UncertaintySampling`.
    top : int, optional
        How many to list. None: all.

    Raises
    ------
    InvalidInput
        The file is not there, is of no known kind, or holds something else in a line, which is named.
    """
    ids: list[str] = []
    scores: list[NDArray[np.float64]] = []
    for block in _blocks(path):
        ids += block.ids
        scores.append(UncertaintySampling.score(block.values, strategy))
    found = np.concatenate(scores) if scores else np.empty(0)
    order = most_uncertain(found, len(found) if top is None else top)
    ranked = [Ranked(rank, ids[place], float(found[place])) for rank, place in enumerate(order.tolist(), start=1)]
    return Ranking(ranked, len(ids), int(np.isnan(found).sum()))


def _blocks(path: Path) -> Iterator[Block]:
    readers = {".csv": _csv, ".ndjson": _ndjson, ".jsonl": _ndjson, ".npz": _npz, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput(f"A file of probabilities ends in {', '.join(readers)}, not in “{path.suffix}”.")
    try:
        yield from reader(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is no text in UTF-8.") from None


def _csv(path: Path) -> Iterator[Block]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if len(header) < 2:
            raise InvalidInput(f"{path} needs a header: the task, then a column for each class.")
        yield from _in_blocks(((row[:1], row[1:]) for row in rows if row), path, len(header) - 1, first=2)


def _ndjson(path: Path) -> Iterator[Block]:
    with path.open(encoding="utf-8") as file:
        yield from _in_blocks(_objects(file, path), path, None, first=1)


def _objects(file: IO[str], path: Path) -> Iterator[tuple[list[str], list[Any]]]:
    classes: list[str] | None = None
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            said = raw["probabilities"]
            if isinstance(said, dict):
                classes = classes or list(said)
                said = [said.get(label, 0.0) for label in classes]
            yield [str(raw["id"])], list(said)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InvalidInput(f"Line {number} of {path} is no object with id and probabilities.") from None


def _in_blocks(
    rows: Iterator[tuple[list[str], list[Any]]], path: Path, width: int | None, *, first: int
) -> Iterator[Block]:
    line = first
    while some := list(islice(rows, BLOCK)):
        width = len(some[0][1]) if width is None else width
        yield Block([row[0][0] for row in some], _numbers([row[1] for row in some], width, path, line))
        line += len(some)


def _numbers(rows: Sequence[Sequence[Any]], width: int, path: Path, line: int) -> NDArray[np.float64]:
    try:
        found = np.array(rows, dtype=np.float64)
        if found.shape == (len(rows), width):
            return found
    except (ValueError, TypeError):
        pass
    for place, row in enumerate(rows):
        if len(row) != width or not all(_is_number(value) for value in row):
            raise InvalidInput(f"Line {line + place} of {path} does not hold {width} numbers.")
    raise InvalidInput(f"{path} does not hold {width} numbers in each line.")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _npz(path: Path) -> Iterator[Block]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            values = np.asarray(archive["probabilities"], dtype=np.float64)
            ids = archive["ids"] if "ids" in archive else np.arange(len(values))
    except (KeyError, ValueError, TypeError):
        raise InvalidInput(f"{path} has no array of numbers “probabilities”.") from None
    if values.ndim != 2 or len(ids) != len(values):
        raise InvalidInput(f"{path} needs probabilities of the shape (tasks, classes), and an id for each task.")
    for start in range(0, len(values), BLOCK):
        part = slice(start, start + BLOCK)
        yield Block([str(each) for each in ids[part].tolist()], values[part])


def _parquet(path: Path) -> Iterator[Block]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise InvalidInput("Parquet needs the package pyarrow.", "pip install pyarrow, or use CSV.") from None
    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid:
        raise InvalidInput(f"{path} is no Parquet file.") from None
    with file:
        line = 1
        for batch in file.iter_batches(BLOCK):
            columns = [column.to_pylist() for column in batch.columns]
            rows = list(zip(*columns[1:], strict=True))
            yield Block([str(each) for each in columns[0]], _numbers(rows, len(columns) - 1, path, line))
            line += len(rows)
