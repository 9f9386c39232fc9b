"""What the runner remembers: readable, whole, and never overwritten where it cannot be read."""

import json
from pathlib import Path

import pytest

from trustai.history import History, HistoryUnreadable, RoundRecord, history_path, labels_so_far, load

BATCH = [
    {"task_id": 5, "lane": "test", "score": None, "predicted": "", "probability": None},
    {"task_id": 3, "lane": "strategy", "score": 0.4, "predicted": "cat", "probability": 0.6},
]


def record(number: int = 0, step: str = "done", **columns: object) -> RoundRecord:
    return RoundRecord(number, step, "margin", list(BATCH), **columns)  # type: ignore[arg-type]


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = history_path(tmp_path / "new" / "folder", "http://labels.test", 7)
    known = load(path)
    assert (known.rounds, known.open_round, known.next_number) == ([], None, 0)
    known.rounds.append(record(0, training={"label_count": 12}))
    known.rounds.append(record(1, "published", view_id=4, note="né à Paris"))
    known.save()
    again = load(path)
    assert again.rounds == known.rounds
    assert again.open_round is not None
    assert (again.open_round.number, again.next_number) == (1, 2)
    assert (again.test_ids, again.asked_ids) == ([5, 5], [3, 3])
    assert labels_so_far(again.rounds) == 12
    assert "né à Paris" in path.read_text(), "people can read it"
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no draft stays"


def test_two_servers_have_two_files(tmp_path: Path) -> None:
    assert history_path(tmp_path, "http://a.test", 7) != history_path(tmp_path, "http://b.test", 7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "does not hold what it should"),
        ('{"version": 1, "rounds": [{"number": 1}]}', "does not hold what it should"),
        ('{"version": 1, "rounds": [{"number": 1, "step": "done", "strategy": "m", "batch": [{}]}]}', "does not hold"),
        ('{"version": 2, "rounds": []}', "written by a newer TrustAI"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_kept(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "project.json"
    path.write_text(text)
    with pytest.raises(HistoryUnreadable, match=words):
        load(path)
    assert path.read_text() == text


def test_a_later_version_may_add_to_a_round(tmp_path: Path) -> None:
    path = tmp_path / "project.json"
    known = History(path, [record()])
    known.save()
    raw = json.loads(path.read_text())
    raw["rounds"][0]["more"] = 1
    path.write_text(json.dumps(raw))
    assert load(path).rounds == known.rounds
