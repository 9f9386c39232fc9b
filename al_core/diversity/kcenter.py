"""Tasks that leave no candidate far from what is asked or labelled."""

from typing import Literal

import numpy as np

from al_core.diversity.grid import Floats, nearest, squared_distances, squared_norms
from al_core.diversity.protocol import Candidates, Choice


class KCenter:
    """Greedy k-center: always the candidate that is furthest from all that is labelled or picked.

    Each step takes argmaxᵢ minⱼ ‖xᵢ − xⱼ‖ over the labelled and the picked j, and so covers the candidates by balls of
    at most twice the least radius possible. T. Gonzalez, "Clustering to minimize the maximum intercluster distance",
    Theoretical Computer Science 38 (1985); as "core-set" in O. Sener and S. Savarese, "Active Learning for
    Convolutional Neural Networks: A Core-Set Approach", ICLR 2018. Without labelled tasks it starts from the most
    uncertain candidate; of equally far ones it takes the more uncertain.
    """

    name = "kcenter"
    label = "Coverage (k-center)"
    help = "Leaves no uncertain task far from one that is asked; also takes what is odd or broken."
    needs: Literal["nothing", "features", "probabilities"] = "features"
    ranks = False
    sees_labelled = True

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """``k`` candidates; makes no groups. One matrix–vector product a step, and no chance in it."""
        rows = candidates.features
        norms = squared_norms(rows)
        gaps: Floats = np.full(len(rows), np.inf)
        if candidates.labelled is not None:
            gaps = nearest(rows, norms, candidates.labelled)[1]
        picked: list[int] = []
        while len(picked) < k:
            picked.append(int(gaps.argmax()))
            np.minimum(gaps, squared_distances(rows, norms, rows[picked[-1:]])[0], out=gaps)
            gaps[picked[-1]] = -1.0  # below what equals a labelled task, which is no gap either
        return Choice(np.array(picked))
