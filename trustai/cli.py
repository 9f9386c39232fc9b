"""The command ``trustai``: run, set up, examine, rank."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from al_core.config import ProjectConfig, parse_config, read_config
from al_core.errors import ActiveLearningError, InvalidInput
from trustai.active_learning_runner import ActiveLearningRunner
from trustai.dialogue import AnswerNeeded, Dialogue, Terminal, Unattended
from trustai.doctor import main as examine
from trustai.ranking import rank_file
from trustai.setting_up import ask_for_config, save_config

DONE, NO_NEW_MODEL, WRONG, FAILED, INTERRUPTED = 0, 1, 2, 3, 130

EXITS = """
Exit codes: 0 all is done; 1 a training brought no new model; 2 the configuration or an argument is wrong, or an
answer is missing; 3 a server failed, what is done is kept; 130 interrupted, the next start goes on from there.
"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Active learning on Label Studio, at the terminal.",
    epilog=EXITS,
)

ConfigPath = Annotated[Path, typer.Option("--config", help="The project configuration, see docs/PROJECT_CONFIG.md.")]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="Where rounds are kept. Else: .trustai, beside the configuration.")
]
Url = Annotated[str | None, typer.Option(help="Address of Label Studio.")]
ProjectId = Annotated[int | None, typer.Option("--project", help="Id of the project.")]
Token = Annotated[str | None, typer.Option(help="Where the token is: env:NAME or file:PATH.")]
BackendUrl = Annotated[str | None, typer.Option("--backend", help="Address of the ML backend.")]
Strategy = Annotated[str | None, typer.Option(help="What makes a task worth asking about.")]
Diversity = Annotated[str | None, typer.Option(help="How a batch is kept from asking the same thing twice.")]
BatchSize = Annotated[int | None, typer.Option(help="Tasks of a round.")]
StartSize = Annotated[int | None, typer.Option(help="Random tasks of round 0.")]
TestSize = Annotated[int | None, typer.Option(help="Tasks of the test set.")]
ControlShare = Annotated[int | None, typer.Option(help="Percent of a batch that is drawn at random.")]
Seed = Annotated[int | None, typer.Option(help="The same seed on the same data picks the same batch.")]
Rounds = Annotated[int, typer.Option(help="How many rounds to finish, round 0 not counted. 0 asks after each.")]
SetUp = Annotated[bool, typer.Option("--set-up", help="Ask what is missing, try it and write the configuration.")]
Yes = Annotated[bool, typer.Option("--yes", help="Nobody is asked: take the default of every question.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout; sentences go to stderr.")]


@app.command()
def run(
    config: ConfigPath = Path("trustai.toml"),
    folder: Folder = None,
    url: Url = None,
    project: ProjectId = None,
    token: Token = None,
    backend: BackendUrl = None,
    strategy: Strategy = None,
    diversity: Diversity = None,
    batch_size: BatchSize = None,
    start_size: StartSize = None,
    test_size: TestSize = None,
    control_share: ControlShare = None,
    seed: Seed = None,
    rounds: Rounds = 0,
    set_up: SetUp = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Go through rounds: score, recommend, publish, wait for labels, train, measure. Goes on where it stopped."""
    flags = {
        "label_studio.url": url,
        "label_studio.project": project,
        "label_studio.token": token,
        "backend.url": backend,
        "asking.strategy": strategy,
        "asking.diversity": diversity,
        "asking.batch_size": batch_size,
        "start.size": start_size,
        "test_set.size": test_size,
        "asking.control_share": control_share,
        "asking.seed": seed,
    }
    dialogue = _dialogue(yes, as_json)

    def work() -> int:
        chosen = _config(config, flags, dialogue, set_up)
        runner = ActiveLearningRunner(chosen, dialogue, folder or config.parent / ".trustai")
        runner.check()
        return DONE if runner.run(rounds) else NO_NEW_MODEL

    _exit_with(work, dialogue)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="Probabilities: .csv, .ndjson, .npz or .parquet.")],
    strategy: Annotated[str, typer.Option(help="entropy, least_confidence, margin or ratio.")] = "margin",
    top: Annotated[int | None, typer.Option(min=1, help="How many to list. Else: all.")] = None,
    as_json: Json = False,
) -> None:
    """Rank the tasks of a file by how unsure a model is of each, the most uncertain first."""

    def work() -> int:
        found = rank_file(file, strategy, top)
        for task in found.tasks:
            typer.echo(json.dumps(task._asdict()) if as_json else f"{task.rank},{task.task},{task.score:.6f}")
        if found.unknown:
            typer.echo(f"{found.unknown:,} of {found.rows:,} rows are no probabilities: not ranked.", err=True)
        return DONE

    _exit_with(work, Unattended(as_json=as_json))


@app.command()
def schema() -> None:
    """Print the JSON schema of the project configuration, for editors that check a file while it is written."""
    typer.echo(json.dumps(ProjectConfig.model_json_schema(), indent=2))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def doctor(context: typer.Context) -> None:
    """Say what the numbers of a project's model are worth: `trustai doctor --help`."""
    raise typer.Exit(examine(context.args))


def as_program(command: Callable[..., None]) -> None:
    """Run one command as if it were a program of its own."""
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command(epilog=EXITS)(command)
    program()


def _config(path: Path, flags: dict[str, Any], dialogue: Dialogue, set_up: bool) -> ProjectConfig:
    """That of the file; without one, what the flags say; where they do not say enough, it is asked and written."""
    if path.exists() and not set_up:
        return read_config(path, flags=flags)
    given = {name: value for name, value in flags.items() if value is not None}
    if {"label_studio.url", "label_studio.project"} <= given.keys() and not set_up:
        return parse_config("", "your flags", flags=given)
    if path.exists() and not dialogue.confirm("--yes", f"Write {path} anew?", default=False):
        return read_config(path, flags=flags)
    made = ask_for_config(dialogue, given)
    save_config(made, path)
    dialogue.say(f"Written to {path}.")
    return made


def _dialogue(yes: bool, as_json: bool) -> Dialogue:
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return Terminal() if is_terminal and not (yes or as_json) else Unattended(yes=yes, as_json=as_json)


def _exit_with(work: Callable[[], int], dialogue: Dialogue) -> None:
    """End with the exit code of what happened; a failure is a sentence, never a traceback."""
    try:
        code = work()
    except ActiveLearningError as error:
        dialogue.event("failed", code=error.code, message=str(error))
        typer.echo(str(error), err=True)
        code = WRONG if isinstance(error, InvalidInput | AnswerNeeded) else FAILED
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept; start again to go on from here.", err=True)
        code = INTERRUPTED
    raise typer.Exit(code)
