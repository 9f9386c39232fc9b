"""Seconds, memory and quality of a batch of 100, ours and the peers' in the same run.

    python -m benchmarks.diverse_batches [--full] [--tiny] [--write]

The pool is 300 clusters of unequal size, some features noise. ``--full`` adds 10⁶ candidates of 384 features. Quality
over the candidates: the coverage radius (the furthest any lies from the nearest picked), how many of the 300 clusters
are met, and the redundancy (mean highest cosine of a picked task to another, features centred). Extra memory is the
peak of what Python and numpy allocate (tracemalloc), in a run of its own.
"""

import argparse
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from skactiveml.pool import Badge, CoreSet, TypiClust
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin
from small_text.query_strategies import EmbeddingKMeans, GreedyCoreset, LightweightCoreset

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES, adaptive_factor, pick_batch
from al_core.seeding import task_keys
from al_core.uncertainty import UncertaintySampling
from benchmarks.askers import Round, scikit_activeml, small_text
from benchmarks.measuring import extra_megabytes, fastest, markdown, numeric_threads, publish
from benchmarks.problems import Problem

BATCH = 100
CLUSTERS = 300
CLASSES = 10
LABELLED = 100
MOST_NUMBERS = {
    "scikit-activeml: CoreSet": 10**8,
    "scikit-activeml: Badge": 10**7,
    "scikit-activeml: TypiClust": 5 * 10**7,
    "small-text: EmbeddingKMeans": 5 * 10**7,
    "small-text: GreedyCoreset": 10**6,
    "scikit-learn: KMeans": 5 * 10**7,
    "scikit-learn: MiniBatchKMeans": 10**8,
}
"""Candidates times features above which a peer is left out: more took it more than 40 seconds."""


@dataclass(frozen=True)
class Pool:
    """Candidates with clusters that are known, and a model's word on each."""

    features: np.ndarray
    clusters: np.ndarray
    probabilities: np.ndarray
    labelled: np.ndarray

    @classmethod
    def made(cls, count: int, width: int) -> "Pool":
        rng = np.random.default_rng(0)
        total = count + LABELLED
        shares = rng.dirichlet(np.full(CLUSTERS, 2.0))
        clusters = rng.choice(CLUSTERS, total, p=shares)
        centres = rng.standard_normal((CLUSTERS, width), dtype=np.float32)
        features = rng.standard_normal((total, width), dtype=np.float32)
        features += centres[clusters]
        # A model that knows some clusters well and others not at all.
        logits = rng.standard_normal((CLUSTERS, CLASSES)).astype(np.float32) * 3
        logits = logits[clusters] + rng.standard_normal((total, CLASSES), dtype=np.float32) / 10
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return cls(features[:count], clusters[:count], probabilities[:count], features[count:])

    @cached_property
    def scores(self) -> np.ndarray:
        return UncertaintySampling.margin(self.probabilities)

    @cached_property
    def keys(self) -> np.ndarray:
        return task_keys(np.arange(len(self.features)), 0)

    @cached_property
    def as_round(self) -> Round:
        """As the peers are asked."""
        count = len(self.features)
        inputs = np.vstack([self.features, self.labelled])
        labels = np.arange(len(inputs)) % CLASSES
        problem = Problem(inputs, inputs, labels, inputs[:0], labels[:0], lambda: None)
        return _Said(problem, np.arange(count, len(inputs)), np.arange(count), self.probabilities, BATCH, 0)


class _Said(Round):
    """A round whose model has spoken already."""

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        return self.model


Way = Callable[[Pool], np.ndarray]


def ours(name: str, filtered: bool, pool: Pool) -> np.ndarray:
    factor = adaptive_factor(pool.scores, BATCH) if filtered else None
    return pick_batch(
        DIVERSITIES[name],
        pool.scores,
        BATCH,
        keys=pool.keys,
        seed=0,
        features=pool.features,
        probabilities=pool.probabilities,
        labelled=pool.labelled,
        candidate_factor=factor,
    ).indices


def scikit_learn(make: Callable[..., Any], pool: Pool) -> np.ndarray:
    """The nearest to each centre, as one would put it together by hand."""
    found = make(BATCH, n_init=1, random_state=0).fit(pool.features)
    return np.unique(pairwise_distances_argmin(found.cluster_centers_, pool.features))


def ways() -> dict[str, Way]:
    found: dict[str, Way] = {}
    for name, way in DIVERSITIES.items():
        mark = " (default)" if name == DEFAULT_DIVERSITY else ""
        found[f"{name}, pre-filter{mark}"] = partial(ours, name, True)
        if way.needs != "nothing":
            found[f"{name}, whole pool"] = partial(ours, name, False)
    found |= {
        "scikit-learn: KMeans": partial(scikit_learn, KMeans),
        "scikit-learn: MiniBatchKMeans": partial(scikit_learn, MiniBatchKMeans),
        "scikit-activeml: CoreSet": lambda pool: scikit_activeml(CoreSet, False, pool.as_round),
        "scikit-activeml: Badge": lambda pool: scikit_activeml(Badge, True, pool.as_round),
        "scikit-activeml: TypiClust": lambda pool: scikit_activeml(TypiClust, False, pool.as_round),
        "small-text: EmbeddingKMeans": lambda pool: small_text(EmbeddingKMeans, True, pool.as_round),
        "small-text: GreedyCoreset": lambda pool: small_text(GreedyCoreset, True, pool.as_round),
        "small-text: LightweightCoreset": lambda pool: small_text(LightweightCoreset, True, pool.as_round),
    }
    return found


def coverage_radius(pool: Pool, picked: np.ndarray) -> float:
    """The furthest that any candidate lies from the nearest picked."""
    points = pool.features[picked]
    furthest = 0.0
    for start in range(0, len(pool.features), 50_000):
        rows = pool.features[start : start + 50_000]
        gaps = np.square(points).sum(axis=1) - 2 * rows @ points.T
        furthest = max(furthest, float((np.square(rows).sum(axis=1) + gaps.min(axis=1)).max()))
    return furthest**0.5


def redundancy(pool: Pool, picked: np.ndarray) -> float:
    points = pool.features[picked] - pool.features.mean(axis=0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cosines = points @ points.T
    np.fill_diagonal(cosines, -1)
    return float(cosines.max(axis=1).mean())


HEADER = ["way", "s", "extra MB", "coverage radius", "distinct clusters", "redundancy", "mean score"]


def table(count: int, width: int, repeats: int) -> str:
    """A line a way, and who is left out."""
    pool = Pool.made(count, width)
    _ = pool.scores, pool.keys, pool.as_round, pool.as_round.probabilities
    rows, left_out = [], []
    for name, way in ways().items():
        if count * width > MOST_NUMBERS.get(name, 10**12):
            left_out.append(name)
            continue
        picks: list[np.ndarray] = []
        work = partial(_picked, way, pool, picks)
        peer = ":" in name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of peers, on their own defaults
            took = fastest({name: work}, 1 if peer else repeats)[name]
            memory = extra_megabytes(work)
        picked = picks[0]
        rows.append(
            [
                name,
                f"{took:.3f}",
                f"{memory:.0f}",
                f"{coverage_radius(pool, picked):.1f}",
                f"{len(np.unique(pool.clusters[picked]))}",
                f"{redundancy(pool, picked):.2f}",
                f"{pool.scores[picked].mean():.2f}",
            ]
        )
        print(" ".join(rows[-1]), flush=True)
    sentence = f"Left out, for they take more than 40 s: {', '.join(left_out)}."
    out = "\n\n" + textwrap.fill(sentence, 120) if left_out else ""
    return f"**{count:,} candidates of {width} features**\n\n{markdown(HEADER, rows)}{out}"


def _picked(way: Way, pool: Pool, picks: list[np.ndarray]) -> None:
    picks.append(np.asarray(way(pool)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--tiny", action="store_true", help="a size that tells nothing, to see that it runs")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    args = parser.parse_args()
    numeric_threads()
    shapes = [(1_000, 8)] if args.tiny else [(100_000, 64), (100_000, 384), (1_000_000, 64)]
    shapes += [(1_000_000, 384)] * (args.full and not args.tiny)
    text = "\n\n".join(table(count, width, repeats=3) for count, width in shapes)
    publish("batches", text, args.write)


if __name__ == "__main__":
    main()
