"""A batch: which tasks may be picked, what is told apart about them, and the rule that fills every place."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import ThreadpoolController

from al_core.diversity.candidates import Found, Pool, Share, find_candidates
from al_core.diversity.protocol import Candidates, Choice, Diversity
from al_core.diversity.ranking import Indices
from al_core.errors import InvalidInput
from al_core.validation import check_count

_SEEDS = 2**64


@dataclass(frozen=True)
class Picks:
    """A batch, most uncertain first."""

    indices: Indices
    """(≤ k,) distinct places in the arrays given."""
    groups: Indices
    """(≤ k,) the group that the way picked it for; −1 where it made none or did not pick it."""


def pick_batch(
    way: Diversity,
    scores: ArrayLike,
    k: int,
    *,
    keys: ArrayLike,
    seed: int,
    features: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    labelled: ArrayLike | None = None,
    candidate_factor: int | None = None,
    classes: ArrayLike | None = None,
) -> Picks:
    """Pick a batch that is uncertain and does not repeat itself.

    1. Candidates are the ``candidate_factor · k`` most uncertain known tasks. Where they hold fewer different
       contents than that, there are more of them.
    2. Tasks that cannot be compared (no features, or no full probabilities where the way needs them) are left out of
       the diversity and not of the batch: those among the ``k`` most uncertain keep their place.
    3. The way picks the other places among the contents that are left, each standing for its duplicates.
    4. Places that stay free for want of other content go to the most uncertain of the rest.

    Permuting the tasks, with their keys, permutes the picks and changes nothing else.

    Parameters
    ----------
    way : Diversity
    scores : array_like, shape (n,)
        Higher is more uncertain; NaN is unknown and never picked.
    k : int
        Size of the batch.
    keys : array_like of uint64, shape (n,)
        What orders equal scores: :func:`al_core.seeding.task_keys`.
    seed : int
        Of the way's random draws.
    features : array_like, shape (n, d), optional
        What the tasks look like. A row with a NaN has no features. Only the rows of candidates are read. Rows
        that are equal when rounded to 4·10⁻⁶ of the candidates' spread are one content.
    probabilities : array_like, shape (n, c), optional
        Class probabilities; a row with a NaN is not full.
    labelled : array_like, shape (l, d), optional
        Features of what is labelled already, for ways that look at it. Rows with a NaN are left out, and of more than
        8,192 evenly some.
    candidate_factor : int, optional
        None: all known tasks. Of more than 32,768 candidates, or more than 4 million numbers about them, the way is
        given the ``k`` most uncertain and a sample of the rest, drawn by the keys.
    classes : array_like of int, shape (n,), optional
        The class that the model predicts for each task, −1 for none. Each class then gets its share of the batch
        (:func:`class_quota`), with candidates of its own; what a class has no content for goes to the most uncertain.

    Returns
    -------
    Picks
        ``min(k, known)`` tasks.

    Raises
    ------
    InvalidInput
        If the shapes do not agree, a score or a candidate's feature is infinite, ``k`` or ``candidate_factor`` is not
        a whole number of at least 1, or what the way needs is not given.
    """
    pool = Pool.checked(way, scores, keys, features, probabilities, labelled)
    k = check_count("The batch size", k, minimum=1)
    factor = None if candidate_factor is None else check_count("The candidate factor", candidate_factor, minimum=1)
    shares = Share.of_each(pool, k, classes)
    found = find_candidates(pool, shares, factor, way)
    rng = np.random.default_rng(int(seed) % _SEEDS)

    # From here on a candidate is its place in the order, so that the smaller place is the more uncertain one.
    chosen = np.zeros(len(found.order), dtype=np.bool_)
    groups = np.full(len(found.order), -1)
    for number, share in enumerate(shares):
        own = np.flatnonzero(found.first & (found.share == number))
        leading = own[: share.places]
        chosen[leading[~found.comparable[leading]]] = True
        among = own[found.comparable[own]]
        places = share.places - int(chosen[leading].sum())
        if 0 < places < len(among):
            choice = _choose(way, pool, found, among, places, rng)
            if choice.groups is not None:
                groups[among[choice.indices]] = choice.groups[choice.indices] + groups.max() + 1
            among = among[choice.indices]
        chosen[among[:places]] = True

    free = np.flatnonzero(~chosen)
    free = np.concatenate([free[found.first[free]], free[~found.first[free]]])
    chosen[free[: sum(share.places for share in shares) - int(chosen.sum())]] = True
    return Picks(found.order[chosen], groups[chosen])


def _choose(way: Diversity, pool: Pool, found: Found, among: Indices, places: int, rng: np.random.Generator) -> Choice:
    """What the way picks, checked: it may come from another package."""
    rows = found.rows
    if len(among) < len(rows):
        rows = rows[np.searchsorted(np.flatnonzero(found.first & found.comparable), among)]
    tasks = found.order[among]
    candidates = Candidates(
        rows,
        pool.scores[tasks].astype(np.float64),
        None if pool.probabilities is None else pool.probabilities[tasks],
        found.labelled,
    )
    # Many small products: threads that wait for each other gain nothing here, and cost a lot where others work too.
    with _threads().limit(limits=1):
        choice = way.choose(candidates, places, rng)
    distinct = np.unique(choice.indices)
    if len(choice.indices) != places or len(distinct) != places or distinct[0] < 0 or distinct[-1] >= len(among):
        raise InvalidInput(f"The diversity {way.name!r} did not pick {places:,} of {len(among):,} candidates.")
    return choice


@cache
def _threads() -> ThreadpoolController:
    """Looking for the libraries that have threads takes longer than a small batch."""
    return ThreadpoolController()
