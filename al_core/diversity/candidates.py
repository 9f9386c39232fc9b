"""Which tasks of a pool a batch is picked among, and which of them show the same."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.diversity.balance import class_quota
from al_core.diversity.grid import Floats, first_of_each, on_grid
from al_core.diversity.protocol import Diversity
from al_core.diversity.ranking import Indices, as_floats, as_keys, as_scores, lowest, most_uncertain
from al_core.errors import InvalidInput

Flags = NDArray[np.bool_]

_MOST_CANDIDATES = 1 << 15
_MOST_NUMBERS = 1 << 22
"""Candidates, and numbers about them, that a way is given at most: 32 MB as float64."""
_MOST_LABELLED = 1 << 13


@dataclass(frozen=True)
class Pool:
    """What is known of n tasks, checked."""

    scores: NDArray[Any]
    keys: NDArray[np.uint64]
    features: NDArray[Any] | None
    probabilities: NDArray[Any] | None
    labelled: NDArray[Any] | None

    @classmethod
    def checked(
        cls,
        way: Diversity,
        scores: ArrayLike,
        keys: ArrayLike,
        features: ArrayLike | None,
        probabilities: ArrayLike | None,
        labelled: ArrayLike | None,
    ) -> "Pool":
        """Take what ``way`` needs, or raise :class:`InvalidInput`."""
        values = as_scores(scores)
        if np.isinf(values).any():
            raise InvalidInput("Scores must be finite, or NaN where they are unknown.")
        if way.needs != "nothing" and features is None:
            raise InvalidInput(f"The diversity {way.name!r} needs features.")
        if way.needs == "probabilities" and probabilities is None:
            raise InvalidInput(f"The diversity {way.name!r} needs class probabilities.")
        rows = None if features is None else _matrix("Features", features, len(values))
        said = None
        if probabilities is not None and way.needs == "probabilities":
            said = _matrix("Probabilities", probabilities, len(values))
        known = None if rows is None or labelled is None else _known(labelled, rows.shape[1])
        return cls(values, as_keys(keys, len(values)), rows, said, known)

    @property
    def limit(self) -> int:
        """How many candidates fit the memory that a batch may take."""
        width = sum(part.shape[1] for part in (self.features, self.probabilities) if part is not None)
        return min(_MOST_CANDIDATES, _MOST_NUMBERS // max(width, 1))


@dataclass(frozen=True)
class Share:
    """Places of a batch that are for certain tasks alone."""

    members: Indices | None
    """Whose; None for all of the pool."""
    places: int

    @classmethod
    def of_each(cls, pool: Pool, k: int, classes: ArrayLike | None) -> list["Share"]:
        """One share for all, or one a class that gets a place."""
        known = np.flatnonzero(~np.isnan(pool.scores))
        if classes is None:
            return [cls(None, min(k, len(known)))]
        values = np.asarray(classes)
        if values.shape != pool.scores.shape:
            raise InvalidInput(f"Classes of shape {values.shape} do not fit {len(pool.scores):,} scores.")
        quota = class_quota(values[known], k)
        by_class = known[np.argsort(values[known], kind="stable")]
        ends = np.cumsum(np.unique(values[known], return_counts=True)[1])
        members = np.split(by_class, ends[:-1])
        return [cls(own, places) for own, places in zip(members, quota.values(), strict=False) if places]


@dataclass(frozen=True)
class Found:
    """The candidates of a batch, c of them, the most uncertain first."""

    order: Indices
    """(c,) their places in the pool."""
    share: Indices
    """(c,) the share that each is a candidate of."""
    first: Flags
    """(c,) True unless an earlier one shows the same."""
    comparable: Flags
    """(c,) True where all is known that the way needs."""
    rows: Floats
    """(m, d) features on the grid of the m that are first and comparable."""
    labelled: Floats | None
    """(l, d) on the same grid."""


def find_candidates(pool: Pool, shares: list[Share], factor: int | None, way: Diversity) -> Found:
    """Rank the members of each share, and go down as far as it takes to find ``factor`` contents for each place."""
    total = max(sum(share.places for share in shares), 1)
    limits = [max(2 * share.places, pool.limit * share.places // total) for share in shares]
    more_than_there_are = len(pool.scores) + 1
    goals = [more_than_there_are if factor is None else share.places * factor for share in shares]
    depth = 1
    while True:
        picked = [
            _ranked(pool, share, goal * depth, limit) for share, goal, limit in zip(shares, goals, limits, strict=True)
        ]
        found = _compared(pool, picked, way)
        contents = np.bincount(found.share[found.first], minlength=len(shares))
        if all(
            count >= goal or len(own) < goal * depth  # there are no more, or no more fit
            for count, goal, own in zip(contents, goals, picked, strict=True)
        ):
            return found
        depth *= 2


def _ranked(pool: Pool, share: Share, wanted: int, limit: int) -> Indices:
    """The ``wanted`` most uncertain of a share, in no order; of more than ``limit`` the best and a sample."""
    own = slice(None) if share.members is None else share.members
    scores, keys = pool.scores[own], pool.keys[own]
    top = most_uncertain(scores, wanted, keys) if wanted < len(scores) else np.flatnonzero(~np.isnan(scores))
    if len(top) > limit:
        draw = keys.copy()
        draw[most_uncertain(scores, share.places, keys)] = 0
        top = top[lowest(draw[top], limit)]
    return top if share.members is None else share.members[top]


def _compared(pool: Pool, picked: list[Indices], way: Diversity) -> Found:
    """Put the candidates in one order and look which of them can be told apart."""
    order = np.concatenate([*picked, np.empty(0, dtype=np.int64)])
    share = np.repeat(np.arange(len(picked)), np.array([len(part) for part in picked], dtype=np.int64))
    canonical = np.lexsort((pool.keys[order], -pool.scores[order]))
    order, share = order[canonical], share[canonical]

    first = np.ones(len(order), dtype=np.bool_)
    seen = np.zeros(len(order), dtype=np.bool_)
    gridded: Floats = np.empty((0, 0))
    labelled: Floats | None = None
    if pool.features is not None and pool.features.shape[1]:
        rows = pool.features[order]
        seen = ~np.isnan(rows).any(axis=1)
        if seen.any():
            rows = rows if seen.all() else rows[seen]
            if not np.isfinite(rows).all():
                raise InvalidInput("Features of the candidates must be finite, or NaN where they are unknown.")
            gridded, labelled = on_grid(rows, pool.labelled)
            first[seen] = False
            first[np.flatnonzero(seen)[first_of_each(gridded)]] = True

    comparable = np.ones_like(seen) if way.needs == "nothing" else seen
    if pool.probabilities is not None:
        comparable = comparable & ~np.isnan(pool.probabilities[order]).any(axis=1)
    kept = first & comparable
    if way.needs == "nothing":
        gridded, labelled = np.empty((int(kept.sum()), 0)), None
    elif not (kept[seen]).all():
        gridded = gridded[kept[seen]]
    return Found(order, share, first, comparable, gridded, labelled)


def _matrix(name: str, values: ArrayLike, count: int) -> NDArray[Any]:
    rows = as_floats(name, values)
    if rows.ndim != 2 or len(rows) != count:
        raise InvalidInput(f"{name} of shape {rows.shape} do not fit {count:,} scores.")
    return rows


def _known(labelled: ArrayLike, width: int) -> NDArray[Any] | None:
    """Rows without a NaN, evenly some of them if they are very many; None if there is none."""
    rows = as_floats("Labelled features", labelled)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise InvalidInput(f"Labelled features of shape {rows.shape} do not fit features of {width} columns.")
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not np.isfinite(rows).all():
        raise InvalidInput("Features of labelled tasks must be finite, or NaN where they are unknown.")
    return rows[:: -(-len(rows) // _MOST_LABELLED)] if len(rows) else None
