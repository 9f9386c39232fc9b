"""Tasks drawn far from each other, and rather the uncertain ones."""

from typing import Literal

import numpy as np

from al_core.diversity.clustering import spread
from al_core.diversity.grid import squared_distances, squared_norms, whole_weights
from al_core.diversity.protocol import Candidates, Choice


class KMeansPlusPlus:
    """The seeds of k-means++ on distances that are weighted by the score.

    The first is the most uncertain candidate; each next one, i, is drawn in proportion to sᵢ · minⱼ ‖xᵢ − xⱼ‖² over
    those drawn already, j. The seeding is that of D. Arthur and S. Vassilvitskii, "k-means++: the advantages of
    careful seeding", SODA 2007.
    """

    name = "kmeanspp"
    label = "Spread (k-means++)"
    help = "Draws uncertain tasks that lie far from those drawn before; quicker than clusters, and more to chance."
    needs: Literal["nothing", "features", "probabilities"] = "features"
    ranks = True
    sees_labelled = False

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """``k`` seeds; makes no groups."""
        rows = candidates.features
        norms = squared_norms(rows)
        weights = whole_weights(candidates.scores)
        return Choice(spread(lambda places: squared_distances(rows, norms, rows[places]), 0, weights, k, rng))
