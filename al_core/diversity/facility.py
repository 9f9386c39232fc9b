"""Tasks that stand for all the uncertain ones that nothing labelled stands for."""

from typing import Literal

import numpy as np

from al_core.diversity.grid import LEVELS, Floats, nearest, squared_distances, squared_norms, whole_weights
from al_core.diversity.protocol import Candidates, Choice

_MOST_ROWS = 1 << 13
"""Candidates picked from."""
_MOST_TARGETS = 1 << 11
"""Candidates to be stood for; at least four for each place."""
_AT_ONCE = 32
"""Gains that are worked out anew at once."""


class FacilityLocation:
    """Greedy facility location: the candidates that bring every uncertain task near to one that is known.

    Each step takes the candidate that lowers Σᵢ sᵢ² · minⱼ ‖xᵢ − xⱼ‖ most, where sᵢ is the score of candidate i, and j
    are the labelled and the picked: a place with much uncertainty far from any label comes first, and next to a label
    there is little to gain. Each step can gain only less than the one before, so greedy steps come within 1 − 1/e of
    the best batch (G. Nemhauser, L. Wolsey and M. Fisher, Mathematical Programming 14, 1978), and a gain of an earlier
    step bounds the gain now (M. Minoux, "Accelerated greedy algorithms for maximizing submodular set functions", 1978):
    only the most promising are worked out anew. On the most uncertain candidates this is FASS of K. Wei, R. Iyer and
    J. Bilmes, "Submodularity in Data Subset Selection and Active Learning", ICML 2015; here the candidates weigh by
    the square of their score, and what is labelled counts as picked. There is no chance in it.
    """

    name = "facility"
    label = "Representatives (facility location)"
    help = "Takes the tasks that stand for most of what is uncertain and unlike anything labelled so far."
    needs: Literal["nothing", "features", "probabilities"] = "features"
    ranks = True
    sees_labelled = True

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """``k`` candidates; makes no groups. Of very many, evenly some are picked from, and evenly some count."""
        step = _step(len(candidates.features), max(_MOST_ROWS, 2 * k))
        rows = candidates.features[::step]
        every = _step(len(rows), max(_MOST_TARGETS, 4 * k))
        crowd = _Crowd(rows[::every], whole_weights(candidates.scores[::step][::every], power=2), candidates.labelled)
        bounds = np.concatenate([crowd.gains(rows[part : part + _AT_ONCE]) for part in range(0, len(rows), _AT_ONCE)])
        picked: list[int] = []
        exact = np.ones(len(rows), dtype=np.bool_)
        while len(picked) < k:
            best = int(bounds.argmax())
            if exact[best]:
                picked.append(best)
                crowd.reach(rows[best])
                bounds[best], exact[:] = -1.0, False
            else:
                hopes = np.where(exact, -1.0, bounds)
                likely = np.argpartition(hopes, -min(_AT_ONCE, len(hopes)))[-_AT_ONCE:]
                likely = likely[hopes[likely] >= 0]
                bounds[likely], exact[likely] = crowd.gains(rows[likely]), True
        return Choice(np.array(picked) * step)


class _Crowd:
    """The tasks to be stood for, and how far each is from what stands for it."""

    def __init__(self, rows: Floats, weights: Floats, labelled: Floats | None) -> None:
        self._rows = rows
        self._norms = squared_norms(rows)
        self._weights = weights
        self._gaps: Floats = np.full(len(rows), np.rint(2 * LEVELS * np.sqrt(rows.shape[1])))  # further than any
        if labelled is not None:
            self._gaps = np.rint(np.sqrt(nearest(rows, self._norms, labelled)[1]))

    def gains(self, points: Floats) -> Floats:
        """(p,) how much lower the weighted sum of the gaps would be with each of these points; exact."""
        nearer = self._distances(points)
        np.subtract(self._gaps, nearer, out=nearer)
        np.maximum(nearer, 0.0, out=nearer)
        gains: Floats = nearer @ self._weights
        return gains

    def reach(self, point: Floats) -> None:
        """Let one more point stand for those it is nearest to."""
        np.minimum(self._gaps, self._distances(point[None])[0], out=self._gaps)

    def _distances(self, points: Floats) -> Floats:
        """(p, r) rounded to whole numbers, so that their weighted sums are exact too."""
        distances = squared_distances(self._rows, self._norms, points)
        np.sqrt(distances, out=distances)
        return np.rint(distances, out=distances)


def _step(count: int, most: int) -> int:
    return -(-count // most)
