"""What a strategy or a way of diversity asks of the toy pool: the same code that puts a batch of a round together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.batches import BatchComposer, BatchRules, Contents, ReadData
from al_core.diversity import DIVERSITIES
from al_core.strategies import STRATEGIES, Evidence
from al_core.types import LabelSpace, Pool, Scores
from examples.toy_pool.pool import LABELS, ToyPool

BATCH = 10
SEED = 1
CLOSE = 0.5
"""Two picks this close tell an annotator much the same."""

# A table's numbers are its features, and all of them are what is shown.
SPACE = LabelSpace("class", "row", LABELS, data_key="row", data_type="table")


@dataclass(frozen=True)
class Asked:
    """A batch, and the scores behind it."""

    scores: NDArray[np.float64]
    """(n,) of the pool."""
    indices: NDArray[np.int64]
    """(k,) the places of the picks in the pool."""


def asked(pool: ToyPool, strategy_name: str, diversity: str) -> Asked:
    """The batch that a round on this pool would recommend."""
    strategy = STRATEGIES.named(strategy_name)
    said = {
        "nothing": (),
        "model": (pool.model.said,),
        "committee": tuple(member.said for member in pool.committee),
    }[strategy.needs]
    bounds = strategy.score(Evidence(pool.task_ids, said, seed=SEED))
    labelled = np.arange(1, len(pool.labelled) + 1) + len(pool.points)
    read = Pool(pool.task_ids, labelled, len(pool.points) + len(labelled), "", datetime.now(UTC))
    scores = Scores(read, strategy_name, SEED, bounds, models=said)
    rules = BatchRules(DIVERSITIES.named(diversity), SPACE)
    batch = BatchComposer(scores, rules, Contents(_reader(pool)), labelled).compose(BATCH, 0)
    return Asked(scores.values, np.array([item.task_id - 1 for item in batch.items]))


def _reader(pool: ToyPool) -> ReadData:
    """The points as data of tasks; the ids of the labelled follow those of the pool."""
    points = np.vstack([pool.points, pool.labelled]).tolist()

    def read(task_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        return {task_id: dict(zip("xy", points[task_id - 1], strict=True)) for task_id in task_ids}

    return read


@dataclass(frozen=True)
class Finding:
    """What can be said of a batch."""

    count: int
    close: int
    """Picks with another pick within ``CLOSE``."""
    far: int
    """Picks in the group far from everything."""
    reach: float
    """The distance from the point of the pool that is worst off to its nearest pick."""

    def title(self, label: str) -> str:
        close = str(self.close) if self.close else "none"
        return f"{label}: {close} of {self.count} picks within {CLOSE} of another"

    @property
    def subtitle(self) -> str:
        far = str(self.far) if self.far else "None"
        return f"{far} in the far group. No point of the pool is further than {self.reach:.1f} from a pick."


def finding(pool: ToyPool, indices: NDArray[np.int64]) -> Finding:
    """Measure a batch."""
    picks = pool.points[indices]
    apart = _distances(picks, picks) + np.diag(np.full(len(picks), np.inf))
    return Finding(
        count=len(picks),
        close=int((apart.min(axis=1) <= CLOSE).sum()),
        far=int(pool.is_far[indices].sum()),
        reach=float(_distances(pool.points, picks).min(axis=1).max()),
    )


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(first[:, None] - second[None], axis=2)
    return distances
