"""The commands beside the rounds: a file of probabilities in, a ranking out; the doctor; the schema."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from al_core.errors import InvalidInput
from trustai import ranking
from trustai.cli import app
from trustai.ranking import rank_file

VALUES = [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3], [0.2, 0.2]]


def written(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"scores.{kind}"
    if kind == "csv":
        path.write_text("task,cat,dog\n" + "".join(f"t{place},{a},{b}\n" for place, (a, b) in enumerate(VALUES)))
    elif kind == "ndjson":
        as_objects = [{"cat": a, "dog": b} if place % 2 else [a, b] for place, (a, b) in enumerate(VALUES)]
        lines = [json.dumps({"id": f"t{place}", "probabilities": said}) for place, said in enumerate(as_objects)]
        path.write_text("\n\n".join(lines))
    elif kind == "parquet":
        columns = dict(zip(("cat", "dog"), zip(*VALUES, strict=True), strict=True))
        parquet.write_table(pyarrow.table({"task": [f"t{place}" for place in range(4)], **columns}), path)
    else:
        np.savez(path, probabilities=np.array(VALUES), ids=np.array([f"t{place}" for place in range(4)]))
    return path


@pytest.mark.parametrize("kind", ["csv", "ndjson", "npz", "parquet"])
def test_every_kind_of_file_gives_the_same_ranking(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "BLOCK", 3)  # so that there are two
    found = rank_file(written(tmp_path, kind), "margin")
    assert [(task.rank, task.task) for task in found.tasks] == [(1, "t1"), (2, "t2"), (3, "t0")]
    assert [task.score for task in found.tasks] == pytest.approx([1.0, 0.6, 0.2])
    assert (found.rows, found.unknown) == (4, 1), "a row that sums to 0.4 is unknown, not ranked"
    assert [task.task for task in rank_file(written(tmp_path, kind), "entropy", top=1).tasks] == ["t1"]


def test_the_command(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["score", str(written(tmp_path, "csv")), "--top", "2"])
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == ["1,t1,1.000000", "2,t2,0.600000"]
    assert "1 of 4 rows are no probabilities" in answer.stderr
    answer = CliRunner().invoke(app, ["score", str(written(tmp_path, "csv")), "--json", "--top", "1"])
    assert json.loads(answer.stdout) == {"rank": 1, "task": "t1", "score": 1.0}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "task\n", "needs a header"),
        ("a.csv", "task,cat,dog\nt0,0.5,0.5\nt1,0.5\n", "Line 3 of .* does not hold 2 numbers"),
        ("a.csv", "task,cat,dog\nt0,a,0.5\n", "Line 2 of"),
        ("a.ndjson", '{"id": 1, "probabilities": [1]}\n{"id": 2}\n', "Line 2 of .* is no object"),
        ("a.ndjson", "nothing", "Line 1 of"),
        ("a.npz", "no archive", "no array of numbers"),
        ("a.parquet", "no table", "is no Parquet"),
        ("a.txt", "", "ends in .csv"),
    ],
)
def test_refusals(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=words):
        rank_file(tmp_path / name, "margin")
    assert CliRunner().invoke(app, ["score", str(tmp_path / name)]).exit_code == 2


def test_files_that_are_not_there_and_strategies_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        rank_file(tmp_path / "none.csv", "margin")
    with pytest.raises(InvalidInput, match="margin"):
        rank_file(written(tmp_path, "csv"), "margins")
    (tmp_path / "empty.csv").write_text("task,cat,dog\n")
    assert rank_file(tmp_path / "empty.csv", "margin").tasks == []


def test_the_doctor_is_a_command_too() -> None:
    answer = CliRunner().invoke(app, ["doctor", "--help"])
    assert answer.exit_code == 0


def test_the_schema_of_the_configuration_names_its_keys() -> None:
    answer = CliRunner().invoke(app, ["schema"])
    assert answer.exit_code == 0
    assert {"label_studio", "backend", "asking", "test_set", "stop"} <= json.loads(answer.stdout)["properties"].keys()
