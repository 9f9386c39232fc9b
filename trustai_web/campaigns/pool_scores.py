"""The scores of a round's whole pool, read out of its file a page at a time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from django.db.models import TextChoices
from numpy.typing import ArrayLike, NDArray

from al_core.errors import ActiveLearningError
from al_core.round_file import LANES, RoundFile
from al_core.types import REASONS
from trustai_web.campaigns.models import Round

WHY_UNKNOWN = ("too little is known for this strategy", *map(str, REASONS))
"""The reason for which a task has no score, by its code: 0 has probabilities, which the strategy cannot rank."""

_CHUNK = 8192
"""Tasks that are read at once where all of them are wanted."""

_REASON_WORDS = np.array(["", *WHY_UNKNOWN], dtype=object)
_LANE_WORDS = np.array([lane or "" for lane in LANES], dtype=object)


class NoScores(ActiveLearningError):
    """There is nothing to list; the message says why."""

    code = "no_scores"


class Which(TextChoices):
    """The tasks that are listed."""

    ALL = "all", "All"
    KNOWN = "known", "Known"
    BOUNDED = "bounded", "Within bounds"
    UNKNOWN = "unknown", "Unknown"
    BATCH = "batch", "In the batch"


class PoolTask(NamedTuple):
    """What a round keeps of one task of its pool."""

    task_id: int
    rank: int | None
    """1 is the most uncertain, or drawn first; None where the score is unknown."""
    score: float | None
    """The least that it can be; None where it is unknown, or no model was asked."""
    score_high: float | None
    """The most that it can be; None where it is exact or unknown."""
    label: str
    """The class that the model thinks likeliest; empty where it answered none."""
    probability: float | None
    reason: str
    """Why the score is unknown; empty where it is not."""
    lane: str
    """Why the task is in the batch; empty where it is not."""


class PoolScores:
    """The file of a round, open until it is closed.

    Raises
    ------
    NoScores
        The round has none yet, an earlier version made it, or it is gone.
    """

    def __init__(self, round_: Round) -> None:
        if not round_.scores_file:
            raise NoScores("This round has no scores yet.", "They are here as soon as its pool is scored.")
        try:
            self._handle = round_.scores_file.open("rb")
        except OSError:
            raise NoScores("The file with the scores of this round is gone, or cannot be read.", _NOT_NEEDED) from None
        try:
            self._file = RoundFile(self._handle)
        except ActiveLearningError as error:
            self.close()
            raise NoScores(error.message, _NOT_NEEDED) from None

    def close(self) -> None:
        self._handle.close()

    @property
    def has_model(self) -> bool:
        """Whether a model was asked; otherwise tasks stand in the order in which they were drawn."""
        return self._file.has_model

    def count(self, which: Which) -> int:
        length, known = self._file.length, self._file.known_count
        return {
            Which.ALL: length,
            Which.KNOWN: known,
            Which.BOUNDED: self._file.count("bounded"),
            Which.UNKNOWN: length - known,
            Which.BATCH: self._file.count("picked"),
        }[which]

    def tasks(self, which: Which, places: range) -> list[PoolTask]:
        """Some tasks of a list by their places in it; every list is in the order of ranks."""
        if which == Which.BOUNDED:
            ranks = self._file.slice("bounded", places.start, places.stop)
        elif which == Which.BATCH:
            ranks = self._file.slice("picked", places.start, places.stop)
        else:
            first = self._file.known_count if which == Which.UNKNOWN else 0
            ranks = np.arange(first + places.start, first + places.stop)
        return self._tasks(self._file.take("order", ranks), ranks)

    def by_id(self) -> Iterator[list[PoolTask]]:
        """Every task in the order of ids, some at once."""
        for start in range(0, self._file.length, _CHUNK):
            ranks = self._file.slice("ranks", start, start + _CHUNK)
            yield self._tasks(np.arange(start, start + len(ranks)), ranks)

    def _tasks(self, indices: NDArray[np.int64], ranks: NDArray[np.int64]) -> list[PoolTask]:
        low, high = self._file.take("scores", indices), self._file.take("scores_high", indices)
        is_ranked = ~np.isnan(low)
        # The numbers of a draw at random rank, and are no scores.
        has_score = is_ranked & self.has_model
        codes = self._file.take("reasons", indices).astype(np.int64) + 1 if self.has_model else np.zeros_like(indices)
        classes, probabilities = self._file.likeliest(indices)
        columns = (
            self._file.take("task_ids", indices).tolist(),
            _where(is_ranked, ranks + 1),
            _where(has_score, low),
            _where(has_score & (low < high), high),
            self._labels(classes),
            _where(classes >= 0, probabilities.astype(np.float64).round(6)),
            _REASON_WORDS[np.where(is_ranked, 0, codes)].tolist(),
            _LANE_WORDS[self._file.take("lanes", indices)].tolist(),
        )
        return [PoolTask(*row) for row in zip(*columns, strict=True)]

    def _labels(self, classes: NDArray[np.int32]) -> list[str]:
        answered = np.unique(classes[classes >= 0])
        names = {-1: ""}
        if len(answered):
            names |= zip(answered.tolist(), self._file.take("labels", answered).tolist(), strict=True)
        return [names[place] for place in classes.tolist()]


_NOT_NEEDED = "The batch, its labels and the histogram are kept elsewhere."


def _where(mask: NDArray[np.bool_], values: ArrayLike) -> list[Any]:
    """The values as plain numbers, None where there is none."""
    found: list[Any] = np.where(mask, values, None).tolist()  # type: ignore[call-overload]
    return found
