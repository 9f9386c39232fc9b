"""One task of each k-means cluster of the candidates."""

from typing import Literal

import numpy as np

from al_core.diversity.clustering import gaps_to_own, kmeans
from al_core.diversity.grid import Indices, whole_weights
from al_core.diversity.protocol import Candidates, Choice
from al_core.errors import InvalidInput

Pick = Literal["most_uncertain", "nearest_centre"]


class KMeans:
    """Weighted k-means over the candidates, and one of each cluster.

    The centres c minimise Σᵢ sᵢ² · minⱼ ‖xᵢ − cⱼ‖², where sᵢ is the score of candidate i: an uncertain task pulls a
    centre towards it. After F. Zhdanov, "Diverse mini-batch Active Learning", arXiv:1901.05954 (2019), who weighs by
    the score itself; its square needed fewer labels in what was measured.

    Parameters
    ----------
    pick : {"nearest_centre", "most_uncertain"}
        Which task of a cluster is asked about: the ordinary one, as in the paper, or the hardest, which is often odd.

    Raises
    ------
    InvalidInput
        ``pick`` is neither.
    """

    name = "kmeans"
    label = "Clusters (k-means)"
    help = "Sorts the uncertain tasks into as many clusters as the batch has places, and takes one of each."
    needs: Literal["nothing", "features", "probabilities"] = "features"
    ranks = True
    sees_labelled = False

    def __init__(self, pick: Pick = "nearest_centre") -> None:
        if pick not in ("most_uncertain", "nearest_centre"):
            raise InvalidInput(f"A task of a cluster cannot be picked by {pick!r}.")
        self.pick = pick

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """One candidate of each of ``k`` clusters; ``groups`` are the clusters."""
        rows = candidates.features
        groups, centres = kmeans(rows, whole_weights(candidates.scores, power=2), k, rng)
        order: Indices = np.arange(len(rows))
        if self.pick == "nearest_centre":
            order = np.argsort(gaps_to_own(rows, groups, centres), kind="stable")
        return Choice(order[np.unique(groups[order], return_index=True)[1]], groups)
