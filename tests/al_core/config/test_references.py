"""Secrets by reference."""

from pathlib import Path

import pytest

from al_core.config import secret_of
from al_core.errors import InvalidInput


def test_a_secret_of_the_environment_and_of_a_file(tmp_path: Path) -> None:
    assert secret_of("env:NAME", environment={"NAME": " abc\n"}) == "abc"
    (tmp_path / "token").write_text("xyz\n")
    assert secret_of(f"file:{tmp_path / 'token'}") == "xyz"
    assert secret_of("") == ""


@pytest.mark.parametrize("reference", ["env:NAME", "file:/nowhere/at/all"])
def test_nothing_is_there(reference: str) -> None:
    with pytest.raises(InvalidInput, match=f"no secret at {reference}"):
        secret_of(reference, environment={})


def test_a_secret_itself_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="by reference") as refusal:
        secret_of("hunter2")
    assert "hunter2" not in str(refusal.value)
