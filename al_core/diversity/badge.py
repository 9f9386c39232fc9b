"""Tasks whose labels would move the model in different directions."""

from typing import Literal

import numpy as np

from al_core.diversity.clustering import spread
from al_core.diversity.grid import LEVELS, Floats, Indices, squared_norms
from al_core.diversity.protocol import Candidates, Choice

_PROBABILITY_LEVELS = 2**20
"""Probabilities as whole numbers, for the same reason as features."""


class Badge:
    """k-means++ seeds of the gradients that the labels would bring if the model were right.

    For a softmax on features x the gradient of the log-loss by the last layer is g = (p − e) ⊗ x, where e is 1 at the
    class of the highest probability and 0 elsewhere: long where the model is unsure, and pointing where it would learn.
    The gradients are never written down: ‖a⊗x − b⊗y‖² = ‖a‖²‖x‖² + ‖b‖²‖y‖² − 2 (a·b)(x·y), so a step is two
    matrix–vector products. J. Ash, C. Zhang, A. Krishnamurthy, J. Langford and A. Agarwal, "Deep Batch Active Learning
    by Diverse, Uncertain Gradient Lower Bounds", ICLR 2020. The features are centred here, so a constant one joins
    them, as for a layer with a bias.
    """

    name = "badge"
    label = "Gradients (BADGE)"
    help = "Picks tasks whose labels would change the model most and in different ways; needs full probabilities."
    needs: Literal["nothing", "features", "probabilities"] = "probabilities"
    ranks = True
    sees_labelled = False

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """``k`` candidates, the longest gradient first; makes no groups."""
        assert candidates.probabilities is not None
        rows = candidates.features
        errors = np.rint(candidates.probabilities.astype(np.float64) * _PROBABILITY_LEVELS)
        errors[np.arange(len(errors)), candidates.probabilities.argmax(axis=1)] -= _PROBABILITY_LEVELS
        bias = float(LEVELS) ** 2
        lengths = squared_norms(errors) * (squared_norms(rows) + bias)

        def distances_to(places: Indices) -> Floats:
            products = (errors[places] @ errors.T) * (rows[places] @ rows.T + bias)
            distances: Floats = np.maximum(lengths + lengths[places, None] - 2 * products, 0.0)
            return distances

        first = int(lengths.argmax())
        return Choice(spread(distances_to, first, np.ones(len(rows)), k, rng))
