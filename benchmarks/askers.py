"""Who decides what is labelled next: our strategies and the peers', each in the same loop.

Every asker is a function of a :class:`Round` and returns distinct places in its pool. A peer gets what its own
interface asks for, and the inputs of the model as its embeddings.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from modAL.batch import ranked_batch
from modAL.uncertainty import classifier_uncertainty, margin_sampling
from skactiveml.base import SkactivemlClassifier
from skactiveml.pool import Badge, CoreSet, Falcun, TypiClust, UncertaintySampling
from small_text.query_strategies import BreakingTies, EmbeddingKMeans, GreedyCoreset, LightweightCoreset

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES, adaptive_factor, pick_batch
from al_core.seeding import task_keys
from al_core.strategies import STRATEGIES, Evidence
from al_core.types import ClassProbabilities
from benchmarks.problems import Problem


@dataclass(frozen=True)
class Round:
    """What is known when a batch is put together."""

    problem: Problem
    labelled: np.ndarray
    """Places of the labelled tasks among the problem's."""
    pool: np.ndarray
    """Places of all others."""
    model: Any
    """Trained on the labelled."""
    size: int
    seed: int

    @cached_property
    def probabilities(self) -> np.ndarray:
        return self.predict_proba(self.problem.inputs[self.pool])

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        """With a column for every class, also for one that no label names yet."""
        full = np.zeros((len(inputs), self.problem.classes))
        full[:, self.model.classes_] = self.model.predict_proba(inputs)
        return full


Asker = Callable[[Round], np.ndarray]


# ----------------------------------------------------------------- ours


def ours(strategy: str, diversity: str, known: Round) -> np.ndarray:
    """As the product does it: score, ask the adaptive factor, pick."""
    rows = known.probabilities.astype(np.float32)
    count = len(rows)
    said = ClassProbabilities(
        known.pool,
        tuple(map(str, range(rows.shape[1]))),
        "single",
        np.arange(count + 1),
        rows,
        rows.max(axis=1),
        rows.argmax(axis=1).astype(np.int32),
        np.zeros(count, dtype=np.uint8),
    )
    scores = STRATEGIES[strategy].score(Evidence(known.pool, (said,), seed=known.seed)).low
    way = DIVERSITIES[diversity]
    picks = pick_batch(
        way,
        scores,
        known.size,
        keys=task_keys(known.pool, known.seed),
        seed=known.seed,
        features=known.problem.features[known.pool],
        probabilities=rows,
        labelled=known.problem.features[known.labelled],
        candidate_factor=None if way.needs == "nothing" else adaptive_factor(scores, known.size),
    )
    return picks.indices


# ----------------------------------------------------------------- scikit-activeml


class _Trained(SkactivemlClassifier):
    """The trained model, as scikit-activeml wants to be given one."""

    def __init__(self, known: Round | None = None, classes: Any = None, missing_label: float = np.nan) -> None:
        super().__init__(classes=classes, missing_label=missing_label)
        self.known = known

    def fit(self, *_: Any) -> "_Trained":
        return self

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        assert self.known is not None
        return self.known.predict_proba(inputs)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return self.predict_proba(inputs).argmax(axis=1)


def scikit_activeml(strategy: Callable[..., Any], asks_model: bool, known: Round) -> np.ndarray:
    inputs = known.problem.inputs
    labels = np.full(len(inputs), np.nan)
    labels[known.labelled] = known.problem.labels[known.labelled]
    more: dict[str, Any] = {}
    if asks_model:
        classifier = _Trained(known, classes=list(range(known.problem.classes)))
        classifier.classes_ = np.arange(known.problem.classes)
        more = {"clf": classifier, "fit_clf": False}
    found = strategy(random_state=known.seed).query(inputs, labels, batch_size=known.size, **more)
    return np.searchsorted(known.pool, found)


# ----------------------------------------------------------------- modAL


def modal_margin(known: Round) -> np.ndarray:
    found = margin_sampling(known, known.problem.inputs[known.pool], n_instances=known.size)
    return np.asarray(found[0] if isinstance(found, tuple) else found)


def modal_ranked_batch(known: Round) -> np.ndarray:
    inputs = known.problem.inputs
    learner = SimpleNamespace(on_transformed=False, X_training=inputs[known.labelled])
    uncertainty = classifier_uncertainty(known, inputs[known.pool])
    return np.asarray(ranked_batch(learner, inputs[known.pool], uncertainty, known.size, "euclidean", 1)[0])


# ----------------------------------------------------------------- small-text


def small_text(strategy: Callable[[], Any], embeds: bool, known: Round) -> np.ndarray:
    inputs = known.problem.inputs
    np.random.seed(known.seed)  # it draws from the global generator
    more = {"embeddings": np.vstack([inputs[known.pool], inputs[known.labelled]])} if embeds else {}
    labels = known.problem.labels[known.labelled]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its own defaults
        found = strategy().query(known, inputs, known.pool, known.labelled, labels, n=known.size, **more)
    return np.searchsorted(known.pool, found)


# ----------------------------------------------------------------- all

DEFAULT = f"margin + {DEFAULT_DIVERSITY} (default)"

OURS: dict[str, Asker] = {
    "random": partial(ours, "random", "none"),
    "entropy": partial(ours, "entropy", "none"),
    "least confidence": partial(ours, "least_confidence", "none"),
    "margin": partial(ours, "margin", "none"),
    **{
        DEFAULT if name == DEFAULT_DIVERSITY else f"margin + {name}": partial(ours, "margin", name)
        for name in DIVERSITIES
        if name != "none"
    },
}

PEERS: dict[str, Asker] = {
    "scikit-activeml: margin": partial(scikit_activeml, partial(UncertaintySampling, method="margin_sampling"), True),
    "scikit-activeml: Falcun": partial(scikit_activeml, Falcun, True),
    "scikit-activeml: Badge": partial(scikit_activeml, Badge, True),
    "scikit-activeml: TypiClust": partial(scikit_activeml, TypiClust, False),
    "scikit-activeml: CoreSet": partial(scikit_activeml, CoreSet, False),
    "modAL: margin": modal_margin,
    "modAL: ranked batch": modal_ranked_batch,
    "small-text: breaking ties": partial(small_text, BreakingTies, False),
    "small-text: EmbeddingKMeans": partial(small_text, EmbeddingKMeans, True),
    "small-text: GreedyCoreset": partial(small_text, GreedyCoreset, True),
    "small-text: LightweightCoreset": partial(small_text, LightweightCoreset, True),
}
