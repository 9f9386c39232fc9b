"""What the rounds of one project came to: a small file that people can read, and the next start goes on from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from al_core.errors import ActiveLearningError
from trustai.files import write_whole

VERSION = 1

Step = Literal["recommended", "published", "labelled", "training", "trained", "done"]
"""How far a round is; each is written as soon as it is true."""


class HistoryUnreadable(ActiveLearningError):
    """The file is damaged, or a newer version wrote it. It is left as it is."""

    code = "history_unreadable"


@dataclass
class RoundRecord:
    """One round, as far as it is."""

    number: int
    step: Step
    strategy: str
    batch: list[dict[str, Any]]
    """One a task, in rank order: task_id, lane, score, predicted, probability, and lead_time once it is labelled."""
    note: str = ""
    model_version: str = ""
    pool_size: int = 0
    view_id: int | None = None
    published_at: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    """What the backend was like before it was asked to train; see :class:`al_core.training.Before`."""
    training: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)

    def task(self, task_id: int) -> dict[str, Any]:
        """What is kept of one of its tasks."""
        return next(task for task in self.batch if task["task_id"] == task_id)

    def ids(self, *lanes: str) -> list[int]:
        """Its tasks in rank order; of these lanes alone, where some are named."""
        return [int(task["task_id"]) for task in self.batch if not lanes or task["lane"] in lanes]


@dataclass
class History:
    """All rounds of a project."""

    path: Path
    rounds: list[RoundRecord] = field(default_factory=list)

    @property
    def open_round(self) -> RoundRecord | None:
        return self.rounds[-1] if self.rounds and self.rounds[-1].step != "done" else None

    @property
    def test_ids(self) -> list[int]:
        """Every task that was drawn for the test set."""
        return [task_id for round_ in self.rounds for task_id in round_.ids("test")]

    @property
    def asked_ids(self) -> list[int]:
        """Every other task that was asked."""
        return [task_id for round_ in self.rounds for task_id in round_.ids("strategy", "control")]

    @property
    def lead_times(self) -> list[float | None]:
        """Seconds that each label took; None where Label Studio does not know."""
        return [task["lead_time"] for round_ in self.rounds for task in round_.batch if "lead_time" in task]

    @property
    def next_number(self) -> int:
        return self.rounds[-1].number + 1 if self.rounds else 0

    def save(self) -> None:
        """Write it whole or not at all."""
        content = {"version": VERSION, "rounds": [asdict(round_) for round_ in self.rounds]}
        write_whole(self.path, json.dumps(content, indent=2, ensure_ascii=False))


def load(path: Path) -> History:
    """The history of a file; an empty one where there is none yet.

    Raises
    ------
    HistoryUnreadable
        It is damaged, or of a newer version.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return History(path)
    except (OSError, ValueError, RecursionError):
        raise HistoryUnreadable(
            f"The history at {path} cannot be read.", "It was left as it is; move it away to begin anew."
        ) from None
    if isinstance(raw, dict) and isinstance(raw.get("version"), int) and raw["version"] > VERSION:
        raise HistoryUnreadable(
            f"The history at {path} was written by a newer TrustAI.", "It was left as it is; use that version."
        )
    try:
        return History(path, [_record(each) for each in raw["rounds"]])
    except (KeyError, TypeError, ValueError):
        raise HistoryUnreadable(
            f"The history at {path} does not hold what it should.", "It was left as it is; move it away to begin anew."
        ) from None


def _record(raw: dict[str, Any]) -> RoundRecord:
    known = {each.name for each in fields(RoundRecord)}
    record = RoundRecord(**{name: value for name, value in raw.items() if name in known})
    record.ids()  # which reads every task of the batch
    return record


def history_path(folder: Path, url: str, project_id: int) -> Path:
    """Where the history of a project of a server stands."""
    return folder / f"project-{project_id}-{sha256(url.encode()).hexdigest()[:8]}.json"


def labels_so_far(rounds: Sequence[RoundRecord]) -> int:
    """Tasks that the newest training learned from; 0 before the first."""
    return next((int(r.training.get("label_count") or 0) for r in reversed(rounds) if r.training), 0)
