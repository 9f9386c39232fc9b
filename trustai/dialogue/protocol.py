"""What the runner needs of whoever it speaks with."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from al_core.evaluation import Interval
from al_core.types import Progress


class Option(NamedTuple):
    """One thing to choose."""

    value: str
    label: str


class Dialogue(Protocol):
    """Sentences out, answers in."""

    def say(self, text: str) -> None:
        """A sentence for people."""

    def event(self, name: str, **facts: Any) -> None:
        """The same for programs: plain values that JSON can hold."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None: ...

    def curve(self, title: str, points: Sequence[tuple[int, Interval]]) -> None:
        """How good the model was after so many labels."""

    def progress(self) -> AbstractContextManager[Progress]:
        """Shows how far a piece of work is, as long as it is open."""

    def ask(self, name: str, question: str, default: str = "", check: Callable[[str], str] | None = None) -> str:
        """A text. ``name`` is the flag that answers it; ``check`` says what is wrong with an answer, or nothing."""

    def secret(self, name: str, question: str) -> str:
        """A text that is not shown."""

    def choose(self, name: str, question: str, options: Sequence[Option], default: str = "") -> str: ...

    def confirm(self, name: str, question: str, default: bool = True) -> bool: ...
