"""From a file, the environment and flags to a configuration, or to an error that names every fault at once."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from al_core.config.project_config import VERSION, ProjectConfig
from al_core.errors import InvalidInput

ENVIRONMENT_PREFIX = "TRUSTAI__"


def read_config(
    path: Path, *, environment: Mapping[str, str] = os.environ, flags: Mapping[str, Any] | None = None
) -> ProjectConfig:
    """The configuration of a file, with what the environment and flags say above it.

    Parameters
    ----------
    path : Path
    environment : mapping of str to str
        Names that begin with ``TRUSTAI__``; the rest is the path of a key, joined by two underscores, and its value
        is written as in the file, or is a bare text.
    flags : mapping, optional
        Path of a key, joined by dots, to its value; None is no value.

    Raises
    ------
    InvalidInput
        The file is not there, is no TOML, is of a newer version, or holds a key or a value that nobody knows.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidInput(
            f"There is no configuration at {path}.", "Make one: python -m trustai.run_active_learning."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The configuration at {path} cannot be read: {error}.") from None
    return parse_config(text, str(path), environment=environment, flags=flags)


def parse_config(
    text: str, where: str, *, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> ProjectConfig:
    """The same for a text; ``where`` names it in errors."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The configuration at {where} is not TOML: {error}.", "It was left as it is.") from None
    version = raw.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise InvalidInput(
            f"The configuration at {where} is of version {version}; this TrustAI knows up to {VERSION}.",
            "It was left as it is. Use a newer TrustAI.",
        )
    return config_of(_with_overrides(raw, environment or {}, flags or {}), where)


def config_of(raw: Mapping[str, Any], where: str) -> ProjectConfig:
    """A configuration of plain values, as a TOML file holds them."""
    try:
        return ProjectConfig.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False, include_input=False))
        raise InvalidInput(f"The configuration at {where} cannot be used: {faults}.", "Nothing was changed.") from None


def _with_overrides(raw: dict[str, Any], environment: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, Any]:
    for path, value in (*_of_environment(environment), *_of_flags(flags)):
        table = raw
        for name in path[:-1]:
            found = table.setdefault(name, {})
            if not isinstance(found, dict):
                raise InvalidInput(f"{'.'.join(path)} is given, but {name} is no table in the configuration.")
            table = found
        table[path[-1]] = value
    return raw


def _of_environment(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            yield name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), _value(text)


def _of_flags(flags: Mapping[str, Any]) -> Iterator[tuple[list[str], Any]]:
    for path, value in flags.items():
        if value is not None:
            yield path.split("."), value


def _value(text: str) -> Any:
    """As the file would hold it; what is no value there is a bare text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _fault(fault: ErrorDetails) -> str:
    path = [str(part) for part in fault["loc"]]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        return f"{where} is no key{_nearest(path)}"
    if fault["type"] == "missing":
        return f"{where} is missing"
    said = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {said[:1].lower()}{said[1:]}"


def _nearest(path: list[str]) -> str:
    known = _keys_at(path[:-1])
    close = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def _keys_at(path: list[str]) -> list[str]:
    part: type[BaseModel] = ProjectConfig
    for name in path:
        annotation = part.model_fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        part = next(each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel))
    return list(part.model_fields)
