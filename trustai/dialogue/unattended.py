"""No person is there: lines, or a JSON object each, and answers that flags gave."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from al_core.errors import ActiveLearningError
from al_core.evaluation import Interval
from al_core.types import Progress
from trustai.dialogue.protocol import Option


class AnswerNeeded(ActiveLearningError):
    """A question came up that no flag answers."""

    code = "answer_needed"


class Unattended:
    """For scripts.

    Parameters
    ----------
    yes : bool
        Take the default of every question that has one.
    as_json : bool
        One JSON object a line on ``out``; sentences go to ``err`` then.
    """

    def __init__(
        self, *, yes: bool = False, as_json: bool = False, out: IO[str] | None = None, err: IO[str] | None = None
    ) -> None:
        self._yes = yes
        self._json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def say(self, text: str) -> None:
        print(printable(text), file=self._err if self._json else self._out, flush=True)

    def event(self, name: str, **facts: Any) -> None:
        if self._json:
            print(json.dumps({"event": name, **facts}), file=self._out, flush=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.say(title)
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            self.say("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    def curve(self, title: str, points: Sequence[tuple[int, Interval]]) -> None:
        self.say(title)
        for labels, value in points:
            self.say(f"  {labels:>7,} labels  {value.value:.1%} ({value.low:.1%} to {value.high:.1%})")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        said = ""

        def report(done: int, total: int | None, sentence: str) -> None:
            nonlocal said
            self.event("progress", done=done, total=total, sentence=sentence)
            if sentence != said and not self._json:
                self.say(sentence)
            said = sentence

        yield report

    def ask(self, name: str, question: str, default: str = "", check: Callable[[str], str] | None = None) -> str:
        if not self._yes or not default:
            raise _needed(name, question)
        return default

    def secret(self, name: str, question: str) -> str:
        raise _needed(name, question)

    def choose(self, name: str, question: str, options: Sequence[Option], default: str = "") -> str:
        if not self._yes or not default:
            raise _needed(name, question, ", ".join(option.value for option in options))
        return default

    def confirm(self, name: str, question: str, default: bool = True) -> bool:
        if not self._yes:
            raise _needed(name, question)
        return default


def _needed(name: str, question: str, options: str = "") -> AnswerNeeded:
    which = f" It can be: {options}." if options else ""
    return AnswerNeeded(f"“{question}” needs an answer, and nobody is there to ask.{which}", f"Give it: {name}.")


def printable(text: str) -> str:
    """Names come from servers; a terminal would act on control characters."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
