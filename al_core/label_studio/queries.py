"""Which tasks: questions as the API of Label Studio's Data Manager understands them."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

IDS_PER_CALL = 200
"""How many ids fit into one query string; 200 ids of eight digits are about 2 kB."""

Standing = Literal["labelled", "skipped"]
"""Of tasks: somebody labelled it; somebody skipped it and nobody labelled it."""

Condition = dict[str, Any]

NEWEST_FIRST = json.dumps({"ordering": ["-tasks:updated_at"]})


def all_of(*conditions: Condition) -> str:
    """The query for tasks that every condition is true of."""
    return json.dumps({"filters": {"conjunction": "and", "items": conditions}})


def any_of(conditions: Iterable[Condition]) -> dict[str, Any]:
    """The filters of a tab that shows the tasks that one condition is true of."""
    return {"conjunction": "or", "items": list(conditions)}


def standing(which: Standing) -> str:
    """The query for tasks that stand so."""
    if which == "labelled":
        return all_of(_condition("completed_at", "empty", "Datetime", False))
    return all_of(
        _condition("cancelled_annotations", "greater", "Number", 0),
        _condition("completed_at", "empty", "Datetime", True),
    )


def annotated() -> str:
    """The query for tasks with an annotation, whether they need more to be labelled or not."""
    return all_of(_condition("total_annotations", "greater", "Number", 0))


def after(column: Literal["updated_at", "completed_at"], moment: datetime) -> Condition:
    """The task was changed, or completed, after a moment of the server's clock."""
    return _condition(column, "greater", "Datetime", moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def has_id(task_id: int) -> Condition:
    return _condition("id", "equal", "Number", int(task_id))


def ids_between(first: int, last: int) -> Condition:
    """The task's id is one of these, the last one among them."""
    return _condition("id", "in", "Number", {"min": int(first), "max": int(last)})


def by_ids(wanted: Sequence[int], most: int) -> Iterator[tuple[Condition, set[int]]]:
    """Conditions that together find tasks by their ascending ids, each with the ids it is for.

    A range of ids is answered twice as fast as a list, so it is a range wherever at least half of it is wanted and a
    list would not find more of them. It is at most ``most`` ids long.
    """
    start = 0
    while start < len(wanted):
        end = bisect_left(wanted, wanted[start] + most, start)
        first, last = wanted[start], wanted[end - 1]
        listed = min(IDS_PER_CALL, len(wanted) - start)
        if last - first + 1 <= 2 * (end - start) and end - start >= listed:
            found = ids_between(first, last)
        else:
            # `in_list` is right in a query of ours; it is only a *saved* tab that must not hold one.
            end = start + listed
            found = _condition("id", "in_list", "Number", list(wanted[start:end]))
        yield found, set(wanted[start:end])
        start = end


def _condition(column: str, operator: str, kind: str, value: Any) -> Condition:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
