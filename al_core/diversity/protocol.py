"""What a way of diversity is given, and what it must answer."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from al_core.registry import Named


@dataclass(frozen=True)
class Candidates:
    """m tasks that a batch is picked from, the most uncertain first, no two of the same content.

    The features are whole numbers on a grid (:mod:`al_core.diversity.grid`): a way that works with their
    products and squared distances gets exact numbers, and so the same batch on any machine.
    """

    features: NDArray[np.float64]
    """(m, d) whole numbers of at most 2¹⁸, centred: what they look like."""
    scores: NDArray[np.float64]
    """(m,) finite, never increasing."""
    probabilities: NDArray[Any] | None = None
    """(m, k) full class probabilities, finite; None unless the way needs them."""
    labelled: NDArray[np.float64] | None = None
    """(l, d) what is labelled already, on the same grid; None where that is not known, never empty."""


@dataclass(frozen=True)
class Choice:
    """What was picked of the candidates."""

    indices: NDArray[np.int64]
    """(k,) distinct places among the candidates."""
    groups: NDArray[np.int64] | None = None
    """(m,) the group of each candidate, from 0 up, where the way makes groups."""


class Diversity(Named, Protocol):
    """A way to keep a batch from repeating itself."""

    needs: Literal["nothing", "features", "probabilities"]
    """``nothing``: not even features; ``features``: those; ``probabilities``: features and full probabilities."""
    ranks: bool
    """True where it wants what the model says; False where it is of use without a model too."""
    sees_labelled: bool
    """True where it looks at what is labelled already, which takes reading it."""

    def choose(self, candidates: Candidates, k: int, rng: np.random.Generator) -> Choice:
        """Pick ``k`` of the candidates; always fewer than there are, and at least 1.

        The candidates come in an order that follows from their scores and the seed alone, and ``rng`` from
        the seed, so that an equal pool gives an equal batch on any machine.
        """
