"""A cache of features in one file."""

import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from al_core.features.cache import Vectors

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SCHEMA = "CREATE TABLE vectors (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, vector BLOB NOT NULL)"
_PATIENCE = 10.0  # seconds to wait for another process that writes
_AT_ONCE = 500  # keys in one query; SQLite bounds the variables of a statement


class FileCache:
    """Vectors in one SQLite file, for any number of threads and processes at once.

    Every call opens the file and closes it again, so nothing is shared between threads or over a fork. A file
    that cannot be read or written is as good as an empty one: that is logged once, and nothing is raised.

    Parameters
    ----------
    path : path
        The file; made with its folder if need be, for its owner alone, as thumbnails of private pictures may
        be in it. SQLite keeps two more beside it while it is in use.
    max_bytes : int
        Once there is more, the vectors that were put in first go, a tenth at a time.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int = 500_000_000) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._has_complained = False

    def get_many(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are there, by key."""
        return self._attempted(lambda connection: _read(connection, keys)) or {}

    def put_many(self, vectors: Vectors) -> None:
        """Keep these; a key that is there already keeps its vector."""
        if vectors:
            self._attempted(lambda connection: self._write(connection, vectors))

    def _attempted(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            with closing(self._opened()) as connection, connection:
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            if not self._has_complained:
                self._has_complained = True
                logger.warning("The feature cache %s cannot be used, so features are made anew: %s", self._path, error)
            return None

    def _opened(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._make()
        connection = sqlite3.connect(self._path, timeout=_PATIENCE)
        try:
            connection.execute("PRAGMA synchronous=NORMAL")  # a crash may lose the last vectors, never the file
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self) -> None:
        """Put the file in its place whole: two that set up one file at once would lock each other out."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=self._path.parent)
        os.close(descriptor)
        try:
            with closing(sqlite3.connect(aside)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # readers and a writer do not wait for each other
                connection.execute(_SCHEMA)
            with suppress(FileExistsError):
                os.link(aside, self._path)
        finally:
            os.unlink(aside)

    def _write(self, connection: sqlite3.Connection, vectors: Vectors) -> None:
        rows = [(key, np.asarray(vector, dtype="<f4").tobytes()) for key, vector in vectors.items()]
        connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
        while _bytes_in_use(connection) > self._max_bytes and _drop_oldest(connection):
            pass


def _read(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        places = ", ".join("?" * len(some))
        query = f"SELECT key, vector FROM vectors WHERE key IN ({places})"  # noqa: S608  question marks alone
        for key, stored in connection.execute(query, some):
            if isinstance(stored, bytes) and len(stored) % 4 == 0:
                found[key] = np.frombuffer(stored, dtype="<f4").astype(np.float32)
    return found


def _bytes_in_use(connection: sqlite3.Connection) -> int:
    """Size of the pages that hold something; free ones are filled before the file grows."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _drop_oldest(connection: sqlite3.Connection) -> bool:
    """Take out the tenth that was put in first; False where nothing is left."""
    first, last = connection.execute("SELECT min(id), max(id) FROM vectors").fetchone()
    if first is None:
        return False
    connection.execute("DELETE FROM vectors WHERE id <= ?", (first + (last - first) // 10,))
    return True
