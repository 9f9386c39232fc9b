"""Which versions of a model have predictions on their shelves, in the order in which the model had them."""

import json
from dataclasses import dataclass

from al_core.predictions.shelf import Shelf, room_of
from al_core.storage import Store


@dataclass(frozen=True)
class History:
    """The versions of the model of one backend in one project; their shelves stand in one room.

    Parameters
    ----------
    store : Store
    where : sequence of str
        As of a :class:`Shelf`: what tells the model's server and the project from others.
    """

    store: Store
    where: tuple[str, ...]

    def versions(self) -> list[str]:
        """Those that something is kept of, newest first."""
        names = self.store.names(room_of(self.where))
        return [version for version, stem in self._noted() if any(name.startswith(stem) for name in names)]

    def note(self, shelf: Shelf) -> None:
        """The model has this version now."""
        others = [(version, stem) for version, stem in self._noted() if version != shelf.version]
        self._write([(shelf.version, shelf.stem), *others])

    def keep(self, newest: int, also: str = "") -> None:
        """Delete what is kept of all versions but the newest few and one more.

        Other controls than those that a version was read by last go too: nothing is scored by them any more.
        """
        noted = self._noted()
        staying = [entry for place, entry in enumerate(noted) if place < newest or entry[0] == also]
        stems = tuple(stem for _, stem in staying)
        for name in self.store.names(room_of(self.where)):
            if name != self._name and not name.startswith(stems):
                self.store.delete(name)
        if staying != noted:
            self._write(staying)

    def _noted(self) -> list[tuple[str, str]]:
        """(version, stem of its shelf), newest first; nothing where the file cannot be read."""
        try:
            return [(str(version), str(stem)) for version, stem in json.loads(self.store.read(self._name) or b"[]")]
        except (ValueError, TypeError):
            return []

    def _write(self, entries: list[tuple[str, str]]) -> None:
        self.store.write(self._name, json.dumps(entries).encode())

    @property
    def _name(self) -> str:
        return f"{room_of(self.where)}history.json"


def kept_versions(store: Store, label_studio_url: str, project_id: int, backend_url: str) -> list[str]:
    """Versions of a backend's model that a pool can be scored with though the backend has another one by now.

    Returns
    -------
    list of str
        Newest first.
    """
    return History(store, (label_studio_url, str(project_id), backend_url)).versions()
