"""Secrets by reference: a configuration says where a token is, and never holds it."""

import os
from collections.abc import Mapping
from pathlib import Path

from al_core.errors import InvalidInput


def secret_of(reference: str, *, environment: Mapping[str, str] = os.environ) -> str:
    """What ``env:NAME`` or ``file:PATH`` leads to, without white space around it; empty for an empty reference.

    Raises
    ------
    InvalidInput
        Nothing is there. The error names the reference, never what was read.
    """
    kind, _, name = reference.partition(":")
    if not reference:
        return ""
    if kind == "env":
        found = environment.get(name, "")
        hint = f"Set it: export {name}=…"
    elif kind == "file":
        found = _of_file(Path(name).expanduser())
        hint = "Write the secret into that file, readable for you alone."
    else:
        raise InvalidInput("A secret stands in a configuration by reference: env:NAME or file:PATH.")
    if not found.strip():
        raise InvalidInput(f"There is no secret at {reference}.", hint)
    return found.strip()


def _of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
