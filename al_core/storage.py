"""Where what was read and predicted is kept between two readings, so that neither is done twice.

Whatever is in a store can be had again from Label Studio or from a backend: emptying it costs time, and nothing else.
"""

import os
import tempfile
from pathlib import Path
from typing import Protocol

from al_core.errors import InvalidInput


class Store(Protocol):
    """Bytes by name; a name is a path with ``/``, of letters, digits, ``-``, ``_`` and ``.``."""

    def read(self, name: str) -> bytes | None:
        """What is kept under a name; None where there is nothing."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Keep it, in place of what was there; a reader sees the old or the new, never a half."""
        ...

    def delete(self, name: str) -> None:
        """Forget it; no error where there is nothing."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Every name that begins so, in order."""
        ...


class MemoryStore:
    """A store that ends with its process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def write(self, name: str, content: bytes) -> None:
        self._kept[_checked(name)] = content

    def delete(self, name: str) -> None:
        self._kept.pop(name, None)

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in list(self._kept) if name.startswith(prefix))


class FolderStore:
    """A store in a folder, for any number of processes; on a shared folder, of machines.

    Parameters
    ----------
    folder : Path
        Made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The dot keeps a half-written file out of `names`, whoever may leave one.
        handle, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        found = (path.relative_to(self.folder).as_posix() for path in files)
        return sorted(name for name in found if name.startswith(prefix))

    def _path(self, name: str) -> Path:
        return self.folder / _checked(name)


def _checked(name: str) -> str:
    """The name, if it stays within the store and is not that of a draft."""
    if any(part.startswith(".") or not part for part in name.split("/")):
        raise InvalidInput(f"{name!r} is no name to keep something under.")
    return name
