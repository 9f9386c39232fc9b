"""Pools to pick from."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from al_core.diversity import Picks, pick_batch
from al_core.seeding import task_keys


@dataclass(frozen=True)
class Pool:
    """Scores, features and probabilities of n tasks; everything that ``pick_batch`` may want."""

    scores: Any
    features: Any
    probabilities: Any
    ids: Any
    more: dict = field(default_factory=dict)

    def pick(self, way, k, *, seed=0, **more) -> Picks:
        return pick_batch(
            way,
            self.scores,
            k,
            keys=task_keys(self.ids, seed),
            seed=seed,
            features=self.features,
            probabilities=self.probabilities,
            **{**self.more, **more},
        )

    def permuted(self, order) -> "Pool":
        more = {**self.more}
        if "classes" in more:
            more["classes"] = more["classes"][order]
        return Pool(self.scores[order], self.features[order], self.probabilities[order], self.ids[order], more)

    def with_(self, **changes) -> "Pool":
        return replace(self, **changes)


def random_pool(n, d=5, classes=4, seed=0, dtype=np.float32) -> Pool:
    """No two contents alike; scores in steps, so that many are equal."""
    rng = np.random.default_rng(seed)
    return Pool(
        scores=rng.integers(0, 20, n) / 20,
        features=rng.normal(size=(n, d)).astype(np.float32).astype(dtype),
        probabilities=rng.dirichlet(np.ones(classes), n).astype(dtype),
        ids=rng.permutation(10 * n)[:n],
    )


def clouds(count, each, spread=1.0, seed=0):
    """``count`` clouds of ``each`` points, far apart; returns the features and the cloud of each."""
    rng = np.random.default_rng(seed)
    cloud = np.repeat(np.arange(count), each)
    centres = 100.0 * np.eye(count)
    return (centres[cloud] + spread * rng.normal(size=(len(cloud), count))).astype(np.float32), cloud
