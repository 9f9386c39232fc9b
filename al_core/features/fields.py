"""Numeric fields of the task data: what there is of sounds, videos, time series and tables without a model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.features.result import Features, gathered

MAX_FIELDS = 256
"""Fields that are used; of more, those that most tasks have."""

_NO_FIELD = "no field with numbers that differ from task to task"
_NO_NUMBER = "none of the numeric fields"
_SAME = 1e-9  # relative spread below which the numbers of a field are one number and its rounding


def field_features(tasks: Sequence[Mapping[str, Any]]) -> Features:
    """All fields that hold a number in most tasks, each with mean 0 and variance 1.

    A task that lacks one of them gets the field's mean. One that lacks them all has no features.
    """
    numbers = [_numbers(task) for task in tasks]
    found = Counter(name for row in numbers for name in row)
    usual = sorted((name for name in found if 2 * found[name] > len(tasks)), key=lambda name: (-found[name], name))
    fields = (_standardised([row.get(name) for row in numbers]) for name in usual[:MAX_FIELDS])
    columns = [column for column in fields if column is not None]
    if not columns:
        return gathered({}, dict.fromkeys(range(len(tasks)), _NO_FIELD), len(tasks), "numbers")
    rows = np.stack(columns, axis=1)
    has_none = [index for index, row in enumerate(numbers) if not any(name in row for name in usual)]
    rows[has_none] = np.nan
    return Features(rows, dict.fromkeys(has_none, _NO_NUMBER), "numbers")


def _numbers(task: object) -> dict[str, float]:
    """The numeric fields of a task, with what no float can hold left out."""
    fields = task.items() if isinstance(task, Mapping) else ()
    numbers = {}
    for name, value in fields:
        if type(value) not in (int, float):  # so that a bool, an int to Python, is none here
            continue
        try:
            number = float(value)
        except OverflowError:
            continue
        if isfinite(number):
            numbers[str(name)] = number
    return numbers


def _standardised(column: Sequence[float | None]) -> NDArray[np.float32] | None:
    """(m,) with mean 0, variance 1 and 0 where a number is missing; None where all are the same."""
    values = np.array([np.nan if number is None else number for number in column])
    known = np.sort(values[np.isfinite(values)])  # sorted, so that a sum rounds alike in any order of the tasks
    largest = np.abs(known).max()
    if largest == 0:
        return None
    values, known = values / largest, known / largest  # so that no square overflows
    spread = known.std()
    if spread <= _SAME:
        return None
    return np.asarray(np.nan_to_num((values - known.mean()) / spread), dtype=np.float32)
