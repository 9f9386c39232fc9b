"""What people answered to a task: its annotations, and which of them counts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from al_core.answers import answer_of
from al_core.types import Label, LabelSpace


def chosen_label(annotations: Collection[Mapping[str, Any]], space: LabelSpace) -> Label | None:
    """The newest answer among a task's annotations; a label counts before a skip.

    Returns None while there is neither.
    """
    ranked = sorted(annotations, key=lambda a: (not a.get("was_cancelled"), a.get("updated_at") or ""))
    if not ranked:
        return None
    newest = ranked[-1]
    skipped = bool(newest.get("was_cancelled"))
    return Label(
        task_id=int(newest["task"]),
        value=None if skipped else answer_of(newest.get("result"), space),
        skipped=skipped,
        annotator=str(newest.get("created_username") or "").rpartition(",")[0].strip() or "unknown",
        labelled_at=datetime.fromisoformat(newest["updated_at"]),
        lead_time=newest.get("lead_time"),
    )


def true_result(annotations: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
    """What a model is measured against: the newest answer, but a ground truth counts before it.

    Returns None where there is no answer but skips.
    """
    answers = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if not answers:
        return None
    chosen = max(answers, key=lambda a: (bool(a.get("ground_truth")), a.get("updated_at") or ""))
    result: list[Mapping[str, Any]] = chosen.get("result") or []
    return result
