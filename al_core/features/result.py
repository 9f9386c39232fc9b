"""What the extractors of features answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Features:
    """Numbers for m tasks, for distances between them."""

    rows: NDArray[np.float32]
    """(m, d) with d ≥ 1: finite, or NaN throughout where a task has none."""
    missing: Mapping[int, str]
    """Index of a task without features → why, in plain words."""
    source: str
    """What they were made of, in plain words."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(m,) True where a task has features."""
        known = np.ones(len(self.rows), dtype=np.bool_)
        known[list(self.missing)] = False
        return known


def gathered(found: Mapping[int, NDArray[np.float32]], missing: Mapping[int, str], count: int, source: str) -> Features:
    """Features of ``count`` tasks from a vector for each that has one, all of one length."""
    length = len(next(iter(found.values()))) if found else 1  # 1: with no column at all, no row could be NaN
    rows = np.full((count, length), np.nan, dtype=np.float32)
    for index, vector in found.items():
        rows[index] = vector
    return Features(rows, dict(sorted(missing.items())), source)
