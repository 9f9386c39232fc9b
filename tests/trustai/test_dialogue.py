"""How the runner speaks where nobody is there to answer, and at a terminal."""

import io
import json

import pytest
from rich.console import Console

from al_core.evaluation import Interval
from trustai.dialogue import AnswerNeeded, Option, Terminal, Unattended

OPTIONS = [Option("a", "The first"), Option("b", "The second")]
POINTS = [(10, Interval(0.5, 0.4, 0.6)), (20, Interval(0.75, 0.7, 0.8)), (30, Interval(0.9, 0.85, 0.95))]


def unattended(**how: bool) -> tuple[Unattended, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Unattended(**how, out=out, err=err), out, err


def test_json_is_all_that_a_program_reads() -> None:
    dialogue, out, err = unattended(yes=True, as_json=True)
    dialogue.say("A sentence.")
    dialogue.event("trained", verdict="new_model")
    with dialogue.progress() as progress:
        progress(1, 2, "Half of it.")
    dialogue.table("Title", ["a"], [["1"]])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["trained", "progress"]
    assert lines[1] == {"event": "progress", "done": 1, "total": 2, "sentence": "Half of it."}
    assert "A sentence." in err.getvalue()


def test_lines_say_each_sentence_once() -> None:
    dialogue, out, _ = unattended()
    with dialogue.progress() as progress:
        for done in range(3):
            progress(done, 3, "Reading.")
    dialogue.curve("The curve", POINTS[:1])
    dialogue.say("red \x1b[31m text")
    assert out.getvalue().splitlines() == [
        "Reading.",
        "The curve",
        "       10 labels  50.0% (40.0% to 60.0%)",
        "red ?[31m text",
    ]


def test_defaults_count_only_with_yes() -> None:
    dialogue, _, _ = unattended(yes=True)
    assert dialogue.ask("--x", "X?", "7") == "7"
    assert dialogue.choose("--x", "X?", OPTIONS, "b") == "b"
    assert dialogue.confirm("--x", "X?") is True
    for ask in (
        lambda: unattended()[0].confirm("--x", "X?"),
        lambda: unattended()[0].ask("--x", "X?", "7"),
        lambda: dialogue.ask("--x", "X?"),
        lambda: dialogue.choose("--x", "X?", OPTIONS),
    ):
        with pytest.raises(AnswerNeeded, match="Give it: --x"):
            ask()


def test_a_terminal_draws_and_takes_no_markup_from_servers() -> None:
    out = io.StringIO()
    dialogue = Terminal(Console(file=out, width=80, highlight=False))
    dialogue.say("[bold]no markup[/bold] \x1b[31m")
    dialogue.table("A [red]title", ["rank", "task"], [["1", "[link]17"]])
    dialogue.curve("The learning curve", POINTS)
    with dialogue.progress() as progress:
        progress(1, 2, "Half of [it].")
    said = out.getvalue()
    assert "[bold]no markup[/bold] ?[31m" in said
    assert "[link]17" in said
    assert "labels" in said
    assert "95 % interval" in said
    assert "\x1b" not in said, "no colour where there is no terminal"
