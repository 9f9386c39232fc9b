"""Making a configuration: what is missing is asked, what is answered is tried at once, and the file is written last."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from al_core.config import ProjectConfig, parse_config, secret_of
from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.errors import ActiveLearningError, InvalidInput
from al_core.label_studio import LabelStudio
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from al_core.types import Project
from trustai.dialogue import Dialogue, Option
from trustai.files import write_whole

TOKEN = "env:LABEL_STUDIO_API_KEY"  # noqa: S105  where it is, not what it is


def ask_for_config(dialogue: Dialogue, given: Mapping[str, Any]) -> ProjectConfig:
    """A configuration that works: the server was reached and the project is there.

    Parameters
    ----------
    given : mapping
        Path of a key, joined by dots, to its value: not asked again.

    Raises
    ------
    InvalidInput
        A value that was given cannot be used.
    """
    known = {path: value for path, value in given.items() if value is not None}
    with _server(dialogue, known) as client:
        project = _project(dialogue, client, known)
        _backend(dialogue, client, project, known)
    _asking(dialogue, known)
    return parse_config("", "your answers", flags=known)


def save_config(config: ProjectConfig, path: Path) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    InvalidInput
        It cannot be written there.
    """
    try:
        write_whole(path, config.to_toml())
    except OSError as error:
        raise InvalidInput(f"The configuration cannot be written to {path}: {error.strerror}.") from None


def _server(dialogue: Dialogue, known: dict[str, Any]) -> LabelStudio:
    """A client of the server that was named; asked until one answers."""
    while True:
        url = known.get("label_studio.url") or dialogue.ask("--url", "Address of Label Studio", "http://localhost:8080")
        token = known.get("label_studio.token") or dialogue.ask(
            "--token", "Where is your token? (env:NAME or file:PATH)", TOKEN, _wrong_reference
        )
        try:
            client = LabelStudio(url, secret_of(token))
            server = client.server()
        except ActiveLearningError as error:
            if "label_studio.url" in known and "label_studio.token" in known:
                raise
            dialogue.say(str(error))
            continue
        dialogue.say(f"Label Studio {server.version}, as {server.user}.")
        known |= {"label_studio.url": client.url, "label_studio.token": token}
        return client


def _wrong_reference(text: str) -> str:
    if text.startswith("env:") and not os.environ.get(text.removeprefix("env:")):
        return f"The environment has no {text.removeprefix('env:')}."
    return "" if text.startswith(("env:", "file:")) else "It is kept out of the file: write env:NAME or file:PATH."


def _project(dialogue: Dialogue, client: LabelStudio, known: dict[str, Any]) -> Project:
    if "label_studio.project" not in known:
        projects = client.projects()
        if not projects:
            raise InvalidInput("This Label Studio has no project.", "Make one there, then start again.")
        options = [Option(str(each.id), f"{each.title} ({each.task_count:,} tasks)") for each in projects]
        known["label_studio.project"] = int(dialogue.choose("--project", "Which project?", options))
    project = client.project(known["label_studio.project"])
    dialogue.say(f"“{project.title}”: {project.task_count:,} tasks, {project.labeled_count:,} of them labelled.")
    return project


def _backend(dialogue: Dialogue, client: LabelStudio, project: Project, known: dict[str, Any]) -> None:
    if "backend.url" in known:
        return
    backends = client.backends(project.id)
    if not backends:
        dialogue.say("The project has no ML backend: stored predictions are ranked, and there is no training.")
        return
    if len(backends) > 1:
        options = [Option(each.url, f"{each.title} at {each.url}, {each.state}") for each in backends]
        known["backend.url"] = dialogue.choose("--backend", "Which ML backend?", options, options[0].value)
    else:
        dialogue.say(f"ML backend “{backends[0].title}” at {backends[0].url}, {backends[0].state}.")


def _asking(dialogue: Dialogue, known: dict[str, Any]) -> None:
    if "asking.strategy" not in known:
        options = [Option(name, f"{each.label}: {each.help}") for name, each in STRATEGIES.items()]
        known["asking.strategy"] = dialogue.choose("--strategy", "Which strategy?", options, DEFAULT_STRATEGY)
    if "asking.diversity" not in known:
        options = [Option(name, f"{each.label}: {each.help}") for name, each in DIVERSITIES.items()]
        known["asking.diversity"] = dialogue.choose("--diversity", "Which diversity?", options, DEFAULT_DIVERSITY)
    for path, flag, question, default, least in (
        ("asking.batch_size", "--batch-size", "Tasks of a round", 25, 1),
        ("start.size", "--start-size", "Random tasks of round 0, to train a first model (0: there is one)", 25, 0),
        ("test_set.size", "--test-size", "Tasks of the test set, drawn at random (0: none)", 200, 0),
    ):
        if path not in known:
            known[path] = int(dialogue.ask(flag, question, str(default), partial(_wrong_count, least)))


def _wrong_count(least: int, text: str) -> str:
    is_count = text.isdecimal() and least <= int(text) <= 500
    return "" if is_count else f"A whole number from {least} to 500, please."
