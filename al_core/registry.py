"""Named things that others can add to: query strategies and ways of diversity."""

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, Protocol, TypeVar

from al_core.errors import InvalidInput

logger = logging.getLogger(__name__)


class Named(Protocol):
    """What a select needs to know of a choice."""

    @property
    def name(self) -> str:
        """What it is called in files and interfaces."""

    @property
    def label(self) -> str:
        """What a select shows."""

    @property
    def help(self) -> str:
        """One line for a team lead."""


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T], Generic[T]):
    """Name → thing, in the order of registration; then those that installed packages bring.

    Parameters
    ----------
    kind : str
        What one of them is called in a message.
    group : str
        The entry-point group under which other packages name theirs: a class without parameters, or an instance.
    """

    def __init__(self, kind: str, group: str) -> None:
        self._kind = kind
        self._group = group
        self._known: dict[str, T] = {}
        self._looked_around = False

    def register(self, thing: T) -> T:
        """Add one, and give it back.

        Raises
        ------
        InvalidInput
            The name is taken.
        """
        if thing.name in self._known:
            raise InvalidInput(f"There is a {self._kind} named {thing.name!r} already.")
        self._known[thing.name] = thing
        return thing

    def named(self, name: str) -> T:
        """The one of that name.

        Raises
        ------
        InvalidInput
            There is none; the hint names those there are.
        """
        if name not in self:
            raise InvalidInput(f"There is no {self._kind} named {name!r}.", f"Known are: {', '.join(self)}.")
        return self[name]

    def __getitem__(self, name: str) -> T:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, T]:
        if not self._looked_around:
            self._looked_around = True
            for entry in entry_points(group=self._group):
                try:
                    found = entry.load()
                    self.register(found() if isinstance(found, type) else found)
                except Exception:  # a foreign package that is broken must not take ours along
                    logger.exception("The %s %r of an installed package cannot be used.", self._kind, entry.name)
        return self._known
