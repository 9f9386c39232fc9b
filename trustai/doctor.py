"""The probability doctor at the terminal: ``python -m trustai.doctor --url URL --project ID``."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from al_core.active_learning import ActiveLearningManager
from al_core.doctor import ControlReport, Diagnosis
from al_core.errors import ActiveLearningError, InvalidInput
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend

TOKEN_ENV = "LABEL_STUDIO_API_KEY"  # noqa: S105  the name of a variable
TELLS_ALL, TELLS_LESS, FAILED = 0, 1, 3

ABOUT = """\
Say what the numbers of a project's model are worth: which of its controls tell every class probability, which
strategies can rank by them, and what a model.py would have to add. Nothing is changed on the server.
"""

EXITS = """\
exit codes:
  0  the model tells all that it could by every control
  1  it does not; the report shows what to add
  2  the arguments are wrong, or the token is missing
  3  there is no report; the reason is on stderr
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and give its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    token = os.environ.get(chosen.token_env, "")
    if not token.strip():
        parser.error(f"the environment variable {chosen.token_env} holds no token")
    try:
        diagnosis = _diagnose(chosen, token)
    except ActiveLearningError as error:
        print(_printable(str(error)), file=sys.stderr)
        return FAILED
    if chosen.json:
        print(json.dumps(diagnosis.as_dict(), indent=2))
    else:
        for line in _report(diagnosis):
            print(_printable(line))
    return TELLS_LESS if any(control.snippet for control in diagnosis.controls) else TELLS_ALL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trustai.doctor",
        description=ABOUT,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", required=True, help="address of Label Studio")
    parser.add_argument("--project", required=True, type=int, metavar="ID", help="id of the project")
    parser.add_argument(
        "--token-env", default=TOKEN_ENV, metavar="NAME", help="environment variable with the token (%(default)s)"
    )
    parser.add_argument("--control", default="", metavar="NAME", help="look at this control alone")
    parser.add_argument("--sample", default=50, type=_count, metavar="N", help="how many tasks (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--backend", default="", metavar="URL", help="ask this ML backend, not the project's first")
    source.add_argument("--stored", action="store_true", help="read stored predictions, and ask no backend")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it must be a whole number of at least 1")
    return int(text)


def _diagnose(chosen: argparse.Namespace, token: str) -> Diagnosis:
    with LabelStudio(chosen.url, token) as label_studio:
        url = chosen.backend
        if not url and not chosen.stored:
            url = next((backend.url for backend in label_studio.backends(chosen.project)), "")
        backend = MLBackend(url) if url else None
        try:
            found = ActiveLearningManager(label_studio, chosen.project, backend).diagnose(chosen.sample, _progress)
        finally:
            if backend:
                backend.close()
    return _only(found, chosen.control) if chosen.control else found


def _only(diagnosis: Diagnosis, name: str) -> Diagnosis:
    meant = tuple(control for control in diagnosis.controls if control.control == name)
    if not meant:
        names = ", ".join(control.control for control in diagnosis.controls)
        raise InvalidInput(f"The project has no control “{name}” to look at.", f"It has: {names}.")
    return replace(diagnosis, controls=meant)


def _progress(done: int, total: int | None, sentence: str) -> None:
    print(_printable(sentence), file=sys.stderr)


# ----------------------------------------------------------------- the report


def _report(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"Model version {diagnosis.model_version or '(none)'}, on a sample of {diagnosis.sampled:,}"
    for control in diagnosis.controls:
        yield ""
        yield from _about(control)


def _about(control: ControlReport) -> Iterator[str]:
    labels = f", {len(control.labels):,} labels" if control.labels else ""
    yield f"{control.control} ({control.tag}, {control.form}{labels}): {control.gives}"
    yield f"  {control.sentence}"
    if control.in_range is not None:
        yield f"  {_range(control)}"
    width = max(map(len, control.strategies), default=0)
    for name, verdict in control.strategies.items():
        yield f"  {name:{width}}  {verdict.kind:10}  {verdict.why}"
    if control.snippet:
        yield "  For more, let model.py build each region with:"
        yield ""
        yield from (f"    {line}" for line in control.snippet.splitlines())


def _range(control: ControlReport) -> str:
    share = f"{control.in_range:.0%} of the numbers read lie from 0 to 1"
    if control.lowest is None or control.highest is None:
        return f"{share}."
    return f"{share}; the lowest is {control.lowest:.4g}, the highest {control.highest:.4g}."


def _printable(line: str) -> str:
    """Names come from the server; a terminal would act on control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


if __name__ == "__main__":
    sys.exit(main())
