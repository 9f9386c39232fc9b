"""Whether a model still says of some tasks what it said before."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any

from al_core.types import Prediction

STEP = 1e-4
"""How far two numbers from 0 to 1 may be apart and still be the same: a model's own numbers move in their seventh
digit with the size of a request, a little training moves them in their third."""

UNANSWERED = ""
"""The fingerprint of a task that the backend failed on."""

_NUMBERS = ("score", "probabilities")
_REGION = ("from_name", "to_name", "type", "value", *_NUMBERS)


def fingerprint(prediction: Prediction) -> str:
    """A short text that is the same for the same answer with the same numbers, to be compared by :func:`compare`.

    What a prediction holds besides, such as ids of regions or when it was made, changes nothing; nor does the order of
    regions. Numbers are sorted into cells of :data:`STEP`, in two grids half a cell apart: what is close together is
    in the same cell of one of them at least.
    """
    regions = [_told(region) for region in prediction.result if isinstance(region, Mapping)]
    said = [regions, prediction.score]
    numbers = [[region.get(name) for name in _NUMBERS] for region in regions]
    has_numbers = regions and (prediction.score is not None or any(any(each) for each in numbers))
    return "-".join(
        [_digest(said, 0.5), _digest(said, 0.0), _digest([numbers, prediction.score], 0.5) if has_numbers else ""]
    )


@dataclass(frozen=True)
class Comparison:
    """Predictions of some tasks before and after."""

    count: int
    changed: frozenset[int]
    """Ids of the tasks with another prediction."""
    has_numbers: bool
    """Whether the predictions hold numbers that tell tasks apart. Where they do not, two models may well say the
    same."""
    unsteady: int = 0
    """Tasks with another prediction each time they are asked; not among the changed ones."""


def compare(before: Mapping[int, str], after: Mapping[int, str]) -> Comparison | None:
    """What became of the predictions; None where there is none to compare.

    Parameters
    ----------
    before, after : mapping of int to str
        Task id → :func:`fingerprint`, or :data:`UNANSWERED`. Only tasks in both are compared, and of these the ones
        that were answered both times; where nothing was answered before, any answer is a change.
    """
    both = before.keys() & after.keys()
    if not any(before.values()):
        answered = frozenset(task_id for task_id in both if after[task_id])
        return Comparison(len(both), answered, True) if answered else None
    told = {task_id for task_id in both if before[task_id] and after[task_id]}
    if not told:
        return None
    changed = frozenset(task_id for task_id in told if not _is_same(before[task_id], after[task_id]))
    numbers = {before[task_id].split("-")[-1] for task_id in told} - {""}
    return Comparison(len(told), changed, len(numbers) > 1)


def fingerprints(task_ids: Iterable[int], predictions: Iterable[Prediction]) -> dict[int, str]:
    """Task id → fingerprint, of every task that was asked."""
    found = {prediction.task_id: fingerprint(prediction) for prediction in predictions}
    return {task_id: found.get(task_id, UNANSWERED) for task_id in task_ids}


def _is_same(one: str, other: str) -> bool:
    return any(ours == theirs for ours, theirs in zip(one.split("-")[:2], other.split("-")[:2], strict=False))


def _told(region: Mapping[str, Any]) -> dict[str, Any]:
    meta = region.get("meta")
    told = {name: region[name] for name in _REGION if name in region}
    if isinstance(meta, Mapping) and "probabilities" in meta:
        told.setdefault("probabilities", meta["probabilities"])
    return told


def _digest(said: list[Any], offset: float) -> str:
    first, *rest = said
    # Regions are a set: some backends give them in another order each time.
    ordered = sorted(json.dumps(_in_cells(region, offset), sort_keys=True) for region in first)
    text = json.dumps([ordered, _in_cells(rest, offset)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _in_cells(value: Any, offset: float) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _in_cells(each, offset) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_cells(each, offset) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, int) and abs(value) > 1:
        return value  # counted, not measured; the runs of a mask are many
    if not isfinite(value):
        return str(value)
    # Large numbers move more; the two grids do not change their step at the same place either.
    step = STEP * 10 ** max(0, ceil(log10(abs(value)) - offset)) if value else STEP
    return [floor(value / step + offset), step]
