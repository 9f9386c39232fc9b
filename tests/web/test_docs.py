"""What can be set is written down."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("trustai_web/settings.py", "stack/config.py")
READERS = {"str", "int", "float", "bool", "list", "dict", "json", "path", "url", "__call__"}


def names_read(source):
    """The first argument of every ``env.str(…)`` and its like."""
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in READERS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
    }


def settings_read():
    return sorted(set().union(*(names_read((ROOT / path).read_text()) for path in SOURCES)))


def test_these_tests_find_what_is_read():
    assert {"SECRET_KEY", "DATABASE_URL", "HTTPS", "JOB_MAX_TRIES", "TRUSTAI_PORT"} <= set(settings_read())


@pytest.mark.parametrize("name", settings_read())
def test_every_setting_is_in_the_table_of_the_readme(name):
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|")]
    assert any(f"`{name}`" in row.split("|")[1] for row in rows)


@pytest.mark.parametrize("name", settings_read())
def test_every_setting_is_in_the_example_of_an_environment(name):
    # With its value, or commented out with its default.
    assert re.search(rf"^#? ?{name}=", (ROOT / ".env.example").read_text(), re.M)
