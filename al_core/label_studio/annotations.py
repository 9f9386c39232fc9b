"""What people answered."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

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
        value=None if skipped else answer_of(newest.get("result") or [], space),
        skipped=skipped,
        annotator=str(newest.get("created_username") or "").rpartition(",")[0].strip() or "unknown",
        labelled_at=datetime.fromisoformat(newest["updated_at"]),
        lead_time=newest.get("lead_time"),
    )


def answer_of(result: Collection[Mapping[str, Any]], space: LabelSpace) -> str | None:
    """The class that a result chose, or None where it chose none."""
    for region in result:
        choices = (region.get("value") or {}).get("choices") or []
        if region.get("from_name") == space.control and choices:
            return str(choices[0])
    return None
