"""The project configuration: what it takes, what it refuses, and in which words."""

from pathlib import Path

import pytest

from al_core.config import config_of, parse_config, read_config
from al_core.errors import InvalidInput

LEAST = '[label_studio]\nurl = "http://localhost:8080"\nproject = 3\n'


def test_the_least_that_it_needs() -> None:
    found = parse_config(LEAST, "p.toml")
    assert (found.label_studio.project, found.label_studio.token) == (3, "env:LABEL_STUDIO_API_KEY")
    assert (found.asking.batch_size, found.start.size, found.test_set.size, found.backend) == (25, 25, 200, None)


def test_what_is_written_reads_the_same() -> None:
    text = (
        LEAST
        + '[backend]\nurl = "http://b:9090"\nuser = "u"\npassword = "file:/run/secret"\n[test_set]\nids = [1, 2]\n'
    )
    found = parse_config(text, "p.toml")
    assert found.test_set.ids == (1, 2)
    written = found.to_toml()
    assert parse_config(written, "again") == found
    assert "# Tasks of a round." in written


def test_the_environment_is_above_the_file_and_flags_above_both() -> None:
    environment = {
        "TRUSTAI__ASKING__SEED": "4",
        "TRUSTAI__ASKING__BATCH_SIZE": "10",
        "TRUSTAI__ASKING__CONTROL": "digit",
        "PATH": "/bin",
    }
    found = parse_config(LEAST, "p", environment=environment, flags={"asking.batch_size": 7, "asking.strategy": None})
    assert (found.asking.seed, found.asking.batch_size, found.asking.control) == (4, 7, "digit")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = [", "is not TOML"),
        ("version = 2", "version 2; this TrustAI knows up to 1"),
        ("", "label_studio is missing"),
        (LEAST + "[asking]\nbatchsize = 3", "asking.batchsize is no key; did you mean batch_size?"),
        (LEAST + "[tests]\n", "tests is no key; did you mean test_set?"),
        (LEAST + "[start]\nqqq = 1", "start.qqq is no key; there are size"),
        (LEAST + "[asking]\nbatch_size = 0", "asking.batch_size: input should be greater than or equal to 1"),
        (LEAST + '[asking]\nbatch_size = "3"', "asking.batch_size: input should be a valid integer"),
        (LEAST + '[asking]\nstrategy = "entrop"', "asking.strategy: .*entropy"),
        (LEAST + '[backend]\npassword = "hunter2"', "backend.password: a secret stands here by reference"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refusal:
        parse_config(text, "p.toml")
    assert "hunter2" not in str(refusal.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_config(LEAST + "[asking]\nbatch_size = 0\nseeds = 1", "p.toml")
    assert "batch_size" in str(refusal.value)
    assert "did you mean seed?" in str(refusal.value)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no configuration at"):
        read_config(tmp_path / "none.toml", environment={})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_config(tmp_path / "bytes.toml", environment={})
    (tmp_path / "good.toml").write_text(LEAST)
    assert read_config(tmp_path / "good.toml", environment={}).label_studio.project == 3


def test_an_override_of_what_is_no_table() -> None:
    with pytest.raises(InvalidInput, match="version is no table"):
        parse_config("version = 1\n" + LEAST, "p", environment={"TRUSTAI__VERSION__X": "1"})


def test_plain_values_do() -> None:
    raw = {"label_studio": {"url": "http://x", "project": 1}, "start": {"size": 0}}
    assert config_of(raw, "flags").start.size == 0
