"""docs/PROJECT_CONFIG.md has every key with its default and what it means, in the words of the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from al_core.config import ProjectConfig

PAGE = (Path(__file__).parents[3] / "docs" / "PROJECT_CONFIG.md").read_text(encoding="utf-8")


def keys(part: type[BaseModel] = ProjectConfig, table: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in part.model_fields.items():
        candidates = [field.annotation, *get_args(field.annotation)]
        inner = next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)
        if inner:
            yield from keys(inner, name)
        else:
            yield table, name, field.description or ""


@pytest.mark.parametrize(("table", "name", "meaning"), list(keys()))
def test_a_key_is_documented(table: str, name: str, meaning: str) -> None:
    section = PAGE.split(f"### `[{table}]`")[1].split("\n### ")[0] if table else PAGE.split("### ")[0]
    row = next((line for line in section.splitlines() if line.startswith(f"| `{name}` |")), "")
    assert meaning, "a key says what it means"
    assert row.endswith(f"| {meaning} |")
