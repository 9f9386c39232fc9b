"""The query strategies by name: what ranks a pool, and what a reader should know of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput, NoPredictions
from al_core.uncertainty import UncertaintySampling
from al_core.validation import check_count

Score = Callable[[NDArray[Any] | None, int, np.random.Generator], NDArray[np.float64]]
"""``score(probabilities, n, rng)``: (n, k) probabilities, or None, to (n,) scores; higher is asked first."""


@dataclass(frozen=True)
class QueryStrategy:
    """A way to decide which tasks are worth asking about."""

    name: str
    label: str
    """What a select shows."""
    help: str
    """One line for a team lead."""
    needs_predictions: bool
    """False where it ranks tasks that no model has seen."""
    score: Score
    """Raises ``NoPredictions`` if it needs probabilities and gets None."""


@dataclass(frozen=True)
class Diversity:
    """A way to keep a batch from repeating itself."""

    name: str
    label: str
    """What a select shows."""
    help: str
    """One line for a team lead."""


def _by_model(measure: Callable[[NDArray[Any]], NDArray[np.float64]]) -> Score:
    def score(probabilities: NDArray[Any] | None, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        if probabilities is None:
            raise NoPredictions(
                "This strategy ranks tasks by what a model predicts, and there are no predictions.",
                "Let the model predict the pool first, or choose the random strategy.",
            )
        if len(probabilities) != n:
            raise InvalidInput(f"There are probabilities of {len(probabilities)} tasks for a pool of {n}.")
        return measure(probabilities)

    return score


def _at_random(probabilities: NDArray[Any] | None, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.random(check_count("The number of tasks", n))


STRATEGIES: dict[str, QueryStrategy] = {
    known.name: known
    for known in (
        QueryStrategy(
            "margin",
            "Margin",
            "Asks where the model's first two answers are closest. Needs the fewest labels on most projects.",
            True,
            _by_model(UncertaintySampling.margin),
        ),
        QueryStrategy(
            "entropy",
            "Entropy",
            "Asks where the model wavers between many classes at once. Can learn slowly if there are many.",
            True,
            _by_model(UncertaintySampling.entropy),
        ),
        QueryStrategy(
            "least_confidence",
            "Least confidence",
            "Asks where the model is least sure of its best answer.",
            True,
            _by_model(UncertaintySampling.least_confidence),
        ),
        QueryStrategy(
            "ratio",
            "Ratio",
            "Asks where the second answer is nearly as likely as the first. Ranks much as margin does.",
            True,
            _by_model(UncertaintySampling.ratio),
        ),
        QueryStrategy(
            "random",
            "Random",
            "Asks at random and needs no model: for a first batch, and to compare the others with.",
            False,
            _at_random,
        ),
    )
}

DEFAULT_STRATEGY = "margin"

DIVERSITY: dict[str, Diversity] = {
    known.name: known
    for known in (
        Diversity(
            "kmeans",
            "Different from each other",
            "Groups the uncertain tasks by what they look like and takes the most uncertain of each group.",
        ),
        Diversity(
            "none",
            "Most uncertain only",
            "Takes the most uncertain tasks even if they are much alike.",
        ),
    )
}


def strategy(name: str) -> QueryStrategy:
    """Return the strategy of that name.

    Raises
    ------
    InvalidInput
        If there is none; the hint names those there are.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        known = ", ".join(STRATEGIES)
        raise InvalidInput(f"There is no query strategy named {name!r}.", f"Known are: {known}.") from None
