"""The typical task of each large group that nothing is known of yet: for the first rounds."""

from typing import Literal

import numpy as np

from al_core.diversity.clustering import kmeans
from al_core.diversity.grid import Floats, first_of_each, nearest, squared_distances, squared_norms
from al_core.diversity.protocol import Candidates, Choice

_MOST_CLUSTERS = 500
_NEIGHBOURS = 20
_MOST_ROWS = 1 << 14
"""Candidates looked at; more would only be more of the same clusters."""
_MOST_REFERENCES = 1 << 11
"""Members of a cluster among which neighbours are looked for."""
_BLOCK = 1 << 8
"""Members whose neighbours are looked for at once."""


class TypiClust:
    """The most typical candidate of the largest clusters that hold nothing labelled.

    k-means, over candidates and labelled tasks, into as many clusters as there are labelled tasks and places together,
    500 at most. The typicality of a
    candidate is the inverse of its mean distance to its 20 nearest neighbours inside its cluster. Clusters with fewest
    labelled tasks come first, the larger before the smaller, and give their most typical candidate; if places are left,
    each its next. G. Hacohen, A. Dekel and D. Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High
    and Low Budgets", ICML 2022. Asks what is ordinary, so it helps while little is labelled and hurts later.
    """

    name = "typiclust"
    label = "Typical tasks (TypiClust)"
    help = "Takes the most ordinary task of each large group; for the first rounds, while the model knows little."
    needs: Literal["nothing", "features", "probabilities"] = "features"
    ranks = False
    sees_labelled = True

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """``k`` candidates; makes no groups, as its clusters may be more than the places."""
        step = -(-len(candidates.features) // max(_MOST_ROWS, 2 * k))
        rows = candidates.features[::step]
        labelled = rows[:0] if candidates.labelled is None else candidates.labelled
        both = np.concatenate([rows, labelled])
        both = both[first_of_each(both)]  # k-means wants no two alike; the candidates are not, and come first
        count = min(len(both), max(k, min(k + len(labelled), _MOST_CLUSTERS)))
        groups, centres = kmeans(both, np.ones(len(both)), count, rng)
        groups = groups[: len(rows)]
        known = np.bincount(nearest(labelled, squared_norms(labelled), centres)[0], minlength=count)
        sizes = np.bincount(groups, minlength=count)
        turn = np.empty(len(rows), dtype=np.int64)
        for group in np.unique(groups):  # a cluster may be of labelled tasks alone
            members = np.flatnonzero(groups == group)
            turn[members[np.argsort(_mean_distances(rows[members]), kind="stable")]] = np.arange(len(members))
        order = np.lexsort((groups, -sizes[groups], known[groups], turn))
        return Choice(order[:k] * step)


def _mean_distances(rows: Floats) -> Floats:
    """(n,) how far the nearest neighbours of each row of a cluster are on average: low is typical."""
    references = rows[:: -(-len(rows) // _MOST_REFERENCES)]
    norms = squared_norms(references)
    count = min(_NEIGHBOURS, len(references) - 1)
    means = np.zeros(len(rows))
    for start in range(0, len(rows) if count else 0, _BLOCK):
        distances = squared_distances(references, norms, rows[start : start + _BLOCK])
        distances[distances == 0] = np.inf  # itself
        closest = np.sort(np.partition(distances, count - 1, axis=1)[:, :count], axis=1)
        means[start : start + _BLOCK] = np.cumsum(np.sqrt(closest), axis=1)[:, -1] / count
    return means
