"""A person is there: colours, tables, prompts with arrow keys. No colour where the terminal has none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import plotext
import questionary
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from al_core.evaluation import Interval
from al_core.types import Progress
from trustai.dialogue.protocol import Option
from trustai.dialogue.unattended import printable

CURVE_ROWS = 14


class Terminal:
    """For people."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def say(self, text: str) -> None:
        self.console.print(escape(printable(text)))

    def event(self, name: str, **facts: Any) -> None:
        """People read the sentences."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = Table(title=escape(title), title_justify="left")
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*(escape(printable(cell)) for cell in row))
        self.console.print(table)

    def curve(self, title: str, points: Sequence[tuple[int, Interval]]) -> None:
        self.say(title)
        labels = [count for count, _ in points]
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.plot_size(min(self.console.width, 78), CURVE_ROWS)
        plotext.plot(labels, [100 * value.high for _, value in points], marker="dot")
        plotext.plot(labels, [100 * value.low for _, value in points], marker="dot")
        plotext.plot(labels, [100 * value.value for _, value in points], marker="braille")
        plotext.xlabel("labels")
        plotext.ylabel("%")
        self.console.print(plotext.uncolorize(plotext.build()), markup=False, soft_wrap=True)
        self.say("The dots are the 95 % interval.")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=self.console, transient=True) as bars:
            shown = bars.add_task("", total=None)

            def report(done: int, total: int | None, sentence: str) -> None:
                bars.update(shown, completed=done, total=total, description=escape(printable(sentence)))

            yield report

    def ask(self, name: str, question: str, default: str = "", check: Callable[[str], str] | None = None) -> str:
        def valid(text: str) -> bool | str:
            return (check(text) if check else "") or True

        answer: str = questionary.text(question, default=default, validate=valid).unsafe_ask()
        return answer.strip()

    def secret(self, name: str, question: str) -> str:
        answer: str = questionary.password(question).unsafe_ask()
        return answer.strip()

    def choose(self, name: str, question: str, options: Sequence[Option], default: str = "") -> str:
        choices = [questionary.Choice(option.label, value=option.value) for option in options]
        known = {option.value for option in options}
        answer: str = questionary.select(question, choices, default=default if default in known else None).unsafe_ask()
        return answer

    def confirm(self, name: str, question: str, default: bool = True) -> bool:
        return bool(questionary.confirm(question, default=default).unsafe_ask())
