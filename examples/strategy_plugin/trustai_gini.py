"""A query strategy in a package of its own."""

import numpy as np

from al_core.aggregation import aggregate
from al_core.strategies import Evidence, Need, models_of
from al_core.types import Bounds


class Gini:
    """How often two answers drawn from the model's probabilities would differ: 1 − Σ p²."""

    name = "gini"
    label = "Gini impurity"
    help = "Asks where two answers drawn from the model's probabilities would often differ."
    needs: Need = "model"

    def score(self, evidence: Evidence) -> Bounds:
        """Exact where every class has its probability, else unknown."""
        model = models_of(evidence, 1)[0]
        values = model.values.astype(np.float64)
        if model.form == "multi":  # every label is a yes or no of its own
            scores = 2 * (values * (1 - values)).mean(axis=1)
        else:
            scores = 1 - np.square(values).sum(axis=1)
        if model.form == "regions":
            scores = aggregate(scores, model.starts, evidence.aggregation.how)
        scores = np.where(model.known, scores, np.nan)
        return Bounds(scores, scores)
