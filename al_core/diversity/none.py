"""No diversity: the most uncertain tasks, however much alike."""

from typing import Literal

import numpy as np

from al_core.diversity.protocol import Candidates, Choice


class NoDiversity:
    """The k candidates with the highest score.

    The baseline of D. Lewis and W. Gale, "A sequential algorithm for training text classifiers", SIGIR 1994.
    """

    name = "none"
    label = "None: the most uncertain"
    help = "Takes the most uncertain tasks, even if they are much alike."
    needs: Literal["nothing", "features", "probabilities"] = "nothing"
    ranks = True
    sees_labelled = False

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """The first ``k``: candidates come most uncertain first."""
        return Choice(np.arange(k))
