"""The terminal on a real Label Studio and backend: by flags alone, killed at every step, and in its dialogue."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pexpect
import pytest
from typer.testing import CliRunner

from examples.digits.data import true_label
from stack.config import BASE_DIR
from tests.real_stack import LabelStudioServer
from trustai.cli import app

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

STEPS = ("recommended", "published", "labelled", "training", "trained")


def annotate(server: LabelStudioServer, view: int) -> None:
    """Label a tab as a person would."""
    for task in server.api.tab_tasks(view):
        server.api.annotate(task["id"], true_label(task["data"]), seconds=3)


def environment(server: LabelStudioServer, **more: str) -> dict[str, str]:
    return {**os.environ, "LABEL_STUDIO_API_KEY": server.token, **more}


@contextmanager
def started(server: LabelStudioServer, project: int, folder: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """The runner as a script starts it; its sentences are in ``said.txt``."""
    command = [sys.executable, "-m", "trustai.active_learning_runner", "--url", server.url, "--project", str(project)]
    sizes = ["--start-size", "12", "--test-size", "10", "--batch-size", "5", "--strategy", "entropy"]
    with (folder / "said.txt").open("a") as said:
        running = subprocess.Popen(
            [*command, *sizes, "--folder", str(folder), "--yes", "--json", *flags],
            cwd=BASE_DIR,
            env=environment(server),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        with running:
            try:
                yield running
            finally:
                running.kill()


def events(server: LabelStudioServer, running: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What it tells programs, while somebody labels what it publishes."""
    assert running.stdout
    for line in running.stdout:
        event = json.loads(line)
        if event["event"] == "published":
            annotate(server, event["view"])
        yield event


def history(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("project-*.json")
    rounds: list[dict[str, Any]] = json.loads(path.read_text())["rounds"]
    return rounds


def test_two_rounds_by_flags_alone(
    label_studio: LabelStudioServer, make_project: Callable[..., int], backend_url: str, tmp_path: Path
) -> None:
    project = make_project(60, backend=backend_url)
    with started(label_studio, project, tmp_path, "--rounds", "2") as running:
        said = list(events(label_studio, running))
        assert running.wait(20) == 0, (tmp_path / "said.txt").read_text()
    trained = [event for event in said if event["event"] == "trained"]
    assert [(event["verdict"], event["label_count"]) for event in trained] == [
        ("new_model", 12),
        ("new_model", 17),
        ("new_model", 22),
    ]
    measured = [event["metrics"][0] for event in said if event["event"] == "measured"]
    assert [metric["name"] for metric in measured] == ["accuracy"] * 3
    assert all(metric["low"] <= metric["value"] <= metric["high"] for metric in measured)
    rounds = history(tmp_path)
    asked = [task["task_id"] for each in rounds for task in each["batch"]]
    assert len(asked) == len(set(asked)) == 32
    assert label_studio.token not in json.dumps(rounds) + json.dumps(said)


def test_it_goes_on_after_it_was_killed_at_each_step(
    label_studio: LabelStudioServer,
    make_project: Callable[..., int],
    start_backend: Callable[..., str],
    tmp_path: Path,
) -> None:
    project = make_project(60, backend=start_backend("--train-delay", "2"))
    for step in STEPS:
        with started(label_studio, project, tmp_path, "--rounds", "1") as running:
            for event in events(label_studio, running):
                is_training = event["event"] == "progress" and "training" in event["sentence"]
                if step == ("training" if is_training else event["event"]):
                    running.kill()
                    break
            assert running.wait(20) == -signal.SIGKILL, f"it ended before {step}"
    with started(label_studio, project, tmp_path, "--rounds", "1") as running:
        assert [event["event"] for event in events(label_studio, running)][-1] == "measured"
        assert running.wait(20) == 0
    rounds = history(tmp_path)
    assert [(each["number"], each["step"]) for each in rounds] == [(0, "done"), (1, "done")]
    assert [each["training"]["label_count"] for each in rounds] == [12, 17]
    assert all(each["metrics"] for each in rounds)


def test_the_dialogue_through_two_rounds(
    label_studio: LabelStudioServer, make_project: Callable[..., int], backend_url: str, tmp_path: Path
) -> None:
    project = make_project(60, backend=backend_url)
    title = label_studio.api.http.get(f"/api/projects/{project}/").json()["title"]

    def dialogue(module: str, *flags: str) -> pexpect.spawn:
        return pexpect.spawn(
            sys.executable,
            ["-m", module, "--config", str(tmp_path / "trustai.toml"), *flags],
            cwd=str(BASE_DIR),
            env=environment(label_studio, TERM="xterm", COLUMNS="120"),
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 120),
        )

    child = dialogue("trustai.run_active_learning", "--project", str(project))
    child.expect("Address of Label Studio")
    child.sendline("\x15" + label_studio.url)
    child.expect("Where is your token")
    child.sendline("")
    child.expect(re.escape(title))
    child.expect("Which strategy")
    child.sendline("")
    child.expect("Which diversity")
    child.sendline("")
    for question, answer in (("Tasks of a round", "5"), ("Random tasks of round 0", "12"), ("Tasks of the test", "10")):
        child.expect(question)
        child.sendline("\x15" + answer)
    child.expect("Written to")
    child.expect(r"Published \d+ tasks: \S+tab=(\d+)\s")
    annotate(label_studio, int(child.match.group(1)))
    child.expect("Train the model on these labels")
    child.send("\x03")
    child.expect("Interrupted. What is done is kept")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130

    child = dialogue("trustai.active_learning_runner")
    child.expect("Round 0 goes on: its labels are there")
    for number in (0, 1):
        if number:
            child.expect(r"Published \d+ tasks: \S+tab=(\d+)\s")
            annotate(label_studio, int(child.match.group(1)))
        child.expect("Train the model on these labels")
        child.send("y")
        child.expect("A new model")
        child.expect("Accuracy")
        if number:
            child.expect("The learning curve")
        child.expect("Another round")
        child.send("y" if number == 0 else "n")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0
    assert "token" not in (tmp_path / "trustai.toml").read_text().replace("token = ", "").replace("to a token", "")
    assert [each["step"] for each in history(tmp_path / ".trustai")] == ["done", "done"]


def failed(server: LabelStudioServer, folder: Path, flags: dict[str, object]) -> tuple[int, str]:
    """Exit code and words of a run that comes to nothing."""
    given = {"--url": server.url, "--project": 1, "--folder": folder, "--config": folder / "none.toml", **flags}
    variables = {"LABEL_STUDIO_API_KEY": server.token, "WRONG_TOKEN": "0" * 40}
    arguments = ["run", "--yes", "--json", *map(str, chain(*given.items()))]
    answer = CliRunner(env=variables).invoke(app, arguments)
    assert "Traceback" not in answer.output
    assert server.token not in answer.output
    assert json.loads(answer.stdout.splitlines()[-1])["event"] == "failed"
    return answer.exit_code, answer.stderr


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        ({"--project": 999999}, 3, "project 999999"),
        ({"--token": "env:NOT_THERE"}, 2, "no secret at env:NOT_THERE"),
        ({"--token": "env:WRONG_TOKEN"}, 3, "does not accept the legacy token"),
        ({"--strategy": "entrop"}, 2, "entropy"),
        ({"--batch-size": 0}, 2, "batch_size"),
        ({"--url": "http://127.0.0.1:9"}, 3, "answers"),
        ({"--url": "not an address"}, 2, "address"),
    ],
)
def test_bad_input_gives_a_clear_line_and_a_code(
    label_studio: LabelStudioServer, tmp_path: Path, flags: dict[str, object], code: int, words: str
) -> None:
    found, said = failed(label_studio, tmp_path, flags)
    assert (found, words in said) == (code, True), said


@pytest.mark.parametrize(
    ("digits", "flags", "words"),
    [
        (0, {}, "no tasks"),
        (8, {"--start-size": 0, "--test-size": 0}, "no usable class probabilities"),
        (8, {"--start-size": 0, "--test-size": 0, "--backend": "http://127.0.0.1:9"}, "No ML backend answers"),
    ],
)
def test_projects_that_cannot_be_asked(
    label_studio: LabelStudioServer,
    make_project: Callable[..., int],
    backend_url: str,
    tmp_path: Path,
    digits: int,
    flags: dict[str, object],
    words: str,
) -> None:
    project = make_project(digits, backend=backend_url)
    found, said = failed(label_studio, tmp_path, {"--project": project, **flags})
    assert (found, words in said) == (3, True), said
