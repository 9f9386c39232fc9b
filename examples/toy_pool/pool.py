"""One fixed pool in two dimensions, a model trained on a few of its points, and a committee."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from al_core.types import ClassProbabilities

LABELS = ("A", "B", "C")
CENTRES = np.array([[3.4, 3.8], [6.2, 3.6], [4.8, 7.0]])
EACH = 300
SPREAD = 1.05
FAR = np.array([10.6, 7.5])
FAR_COUNT = 12
COPIES = 8
"""How often one of the points is in the pool."""
LABELLED_EACH = 4
MEMBERS = 5


@dataclass(frozen=True)
class Linear:
    """A trained model as far as a picture needs it: class scores are ``weights @ point + offsets``."""

    weights: NDArray[np.float64]
    """(k, 2)"""
    offsets: NDArray[np.float64]
    """(k,)"""
    said: ClassProbabilities
    """Of the pool's n tasks."""


@dataclass(frozen=True)
class ToyPool:
    """Everything that a strategy may know of the pool, and what a picture shows of it."""

    points: NDArray[np.float64]
    """(n, 2) of the tasks that may be asked."""
    task_ids: NDArray[np.int64]
    """(n,)"""
    labelled: NDArray[np.float64]
    """(l, 2) what the models learned from."""
    classes: NDArray[np.int64]
    """(l,)"""
    model: Linear
    committee: tuple[Linear, ...]
    """Of the same points, each drawn with replacement within its class."""
    copied: NDArray[np.float64]
    """(2,) the point that is there several times."""

    @property
    def is_far(self) -> NDArray[np.bool_]:
        """(n,) True for the group far from everything."""
        far: NDArray[np.bool_] = np.hypot(*(self.points - FAR).T) < 1.5
        return far


@cache
def toy_pool(seed: int = 4) -> ToyPool:
    """Three classes of 300 points that overlap, a small group far away, and one point eight times."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(LABELS)), EACH)
    cloud = CENTRES[truth] + SPREAD * rng.standard_normal((len(truth), 2))
    far = FAR + 0.28 * rng.standard_normal((FAR_COUNT, 2))
    # The known points are typical of their class: drawn among the nearer half of it.
    distance = np.hypot(*(cloud - CENTRES[truth]).T)
    known = np.concatenate(
        [
            rng.choice(np.flatnonzero((truth == label) & (distance < SPREAD)), LABELLED_EACH, replace=False)
            for label in range(len(LABELS))
        ]
    )
    labelled, classes = cloud[known].round(2), truth[known]
    rest = np.vstack([np.delete(cloud, known, axis=0), far]).round(2)
    copied = _most_torn(rest[:-FAR_COUNT], labelled, classes)
    points = np.vstack([rest, np.tile(copied, (COPIES - 1, 1))])
    task_ids = np.arange(1, len(points) + 1)
    members = [_drawn_again(classes, rng) for _ in range(MEMBERS)]
    return ToyPool(
        points,
        task_ids,
        labelled,
        classes,
        _trained(labelled, classes, points, "model"),
        tuple(_trained(labelled[m], classes[m], points, f"member {i}") for i, m in enumerate(members, 1)),
        copied,
    )


def _most_torn(
    points: NDArray[np.float64], labelled: NDArray[np.float64], classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The point between A and B that margin would ask for, and for every copy of it."""
    between = points[np.abs(points[:, 1] - 3.2) < 0.5]
    first, second, _ = _fitted(labelled, classes).predict_proba(between).T
    torn: NDArray[np.float64] = between[np.abs(first - second).argmin()]
    return torn


def _drawn_again(classes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A bootstrap sample in which no class is missing."""
    return np.concatenate([rng.choice(np.flatnonzero(classes == label), LABELLED_EACH) for label in range(len(LABELS))])


def _fitted(points: NDArray[np.float64], classes: NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=0.3).fit(points, classes)


def _trained(
    labelled: NDArray[np.float64], classes: NDArray[np.int64], points: NDArray[np.float64], version: str
) -> Linear:
    model = _fitted(labelled, classes)
    # Four places: more differ from machine to machine, and the pictures should not.
    values = model.predict_proba(points).round(4).astype(np.float32)
    said = ClassProbabilities(
        task_ids=np.arange(1, len(points) + 1),
        labels=LABELS,
        form="single",
        starts=np.arange(len(points) + 1),
        values=values,
        top=values.max(axis=1),
        answers=values.argmax(axis=1).astype(np.int32),
        reasons=np.zeros(len(points), dtype=np.uint8),
        model_version=version,
    )
    return Linear(model.coef_, model.intercept_, said)
