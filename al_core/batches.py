"""How a batch is put together: the test set, the control lane, then what the strategy asks."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.diversity import Diversity, adaptive_factor, class_quota, most_uncertain, pick_batch
from al_core.errors import InvalidInput
from al_core.features import FeatureCache, ReadImage, TextFeatures, content_keys, task_features
from al_core.seeding import task_keys
from al_core.types import (
    Batch,
    BatchItem,
    ClassProbabilities,
    LabelSpace,
    Lane,
    Progress,
    Scores,
    silent,
)

Indices = NDArray[np.int64]
ReadData = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]
"""Task ids → the data of each; a task that is gone is left out."""

MOST_LABELLED = 1000
"""Labelled tasks whose content is looked at: a way of diversity keeps away from them."""

READ_AHEAD = 200
"""Tasks whose content is read at once while duplicates are left out: one request to Label Studio."""

_TEST, _CONTROL, _PLACES, _LABELLED = 1, 2, 3, 4
"""Purposes of random draws, so that one does not follow another."""

ALIKE = (
    "The candidates could not be told apart by their content, so the batch is the most uncertain tasks, "
    "however much alike they are."
)


@dataclass(frozen=True)
class BatchRules:
    """What a batch should be like."""

    way: Diversity
    space: LabelSpace
    candidate_factor: int | None = None
    """The way picks among this many times the size of the most uncertain tasks; None: as the scores suggest."""
    control_share: float = 0.0
    class_balance: bool = False
    cache: FeatureCache | None = None
    text: TextFeatures = "words"
    """What texts are told apart by."""


@dataclass(frozen=True)
class Contents:
    """Where what tasks show is read from."""

    read_data: ReadData
    read_image: ReadImage | None = None
    """Gives the pictures that are not inside their tasks, where it can."""
    server: str = ""
    """What addresses without a host belong to."""


@dataclass
class BatchComposer:
    """Puts one batch together out of a scored pool.

    The test set and the control lane are drawn at random before the strategy may choose, so that they stand
    for the whole pool. Content that is in the pool several times enters a batch once, whatever its lane; what was
    named for the test set enters as it is.
    """

    scores: Scores
    rules: BatchRules
    contents: Contents
    labelled: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(l,) ids of the tasks that the model learns from."""
    answered: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(a,) ids of tasks of the pool that were answered since it was read: left out."""
    progress: Progress = silent
    _seen: set[str] = field(default_factory=set)
    _notes: list[str] = field(default_factory=list)

    def compose(self, size: int, test_size: int, test_ids: Collection[int] = ()) -> Batch:
        """A batch of ``size`` tasks for the strategy and its control lane, and ``test_size`` to measure with.

        Of ``test_ids``, which are to be measured with too, those are in it that the pool has.
        """
        free = ~np.isin(self._ids, self.answered)
        named = np.flatnonzero(free & np.isin(self._ids, list(test_ids)))
        if size < 0 or test_size < 0 or size + test_size + len(named) == 0:
            raise InvalidInput("A batch needs at least one task.")
        free[named] = False
        chosen = self._named(named)
        test = np.concatenate([chosen, self._drawn(free, test_size, _TEST)])
        free[test] = False
        control = self._drawn(free, round(size * self.rules.control_share), _CONTROL)
        free[control] = False
        asked, groups = self._asked(free, size - len(control))
        items = [
            *self._mixed(asked, groups, control),
            *(self._item(int(index), "test") for index in test),
        ]
        ranked = tuple(replace(item, rank=rank) for rank, item in enumerate(items, start=1))
        wanted = size + test_size + len(named)
        if len(ranked) < wanted:
            self._notes.insert(0, f"Wanted {wanted:,} tasks; only {len(ranked):,} could be picked.")
        self._notes += self._left_out()
        return Batch(ranked, wanted, " ".join(self._notes))

    def _left_out(self) -> Iterator[str]:
        """Which tasks that are open, or were when the pool was read, are not in the batch whatever their score."""
        answered, passed_over = len(self.answered), self.scores.pool.passed_over
        if answered:
            who = "1 task was" if answered == 1 else f"{answered:,} tasks were"
            yield f"{who} answered meanwhile and left out."
        if passed_over == 1:
            yield "1 task of earlier batches is still unanswered and was not asked again."
        elif passed_over:
            yield f"{passed_over:,} tasks of earlier batches are still unanswered and were not asked again."

    @property
    def _ids(self) -> NDArray[np.int64]:
        return self.scores.pool.task_ids

    # ----------------------------------------------------------------- lanes

    def _drawn(self, free: NDArray[np.bool_], count: int, purpose: int) -> Indices:
        """So many tasks at random, by their ids."""
        if not count:
            return np.empty(0, dtype=np.int64)
        places = np.flatnonzero(free)
        order = places[np.argsort(task_keys(self._ids[places], self.scores.seed, purpose))]
        chosen, _ = self._distinct(order, count)
        return chosen[np.argsort(self._ids[chosen])]

    def _named(self, places: Indices) -> Indices:
        """Those of the places whose tasks are still there, alike or not: somebody has chosen them."""
        chosen: list[int] = []
        for start in range(0, len(places), READ_AHEAD):
            for place, _, key in self._read(places[start : start + READ_AHEAD]):
                self._seen.add(key)
                chosen.append(place)
        return np.array(chosen, dtype=np.int64)

    def _asked(self, free: NDArray[np.bool_], count: int) -> tuple[Indices, Indices]:
        """What the strategy asks, most uncertain first, and the group of each (−1 for none)."""
        eligible = np.where(free, self.scores.values, np.nan)
        way = self.rules.way
        if count == 0 or (way.ranks and not self.scores.models):
            # A random batch is diverse by itself, and a way that looks at scores would make it something else.
            picked, _ = self._most_uncertain(eligible, count)
            return picked, np.full(len(picked), -1)
        candidates, data = self._candidates(eligible, count)
        self.progress(0, None, f"Choosing {count:,} different ones among {len(candidates):,} candidates.")
        features, labelled = self._features(data, candidates) if way.needs != "nothing" else (None, None)
        picks = pick_batch(
            way,
            eligible[candidates],
            count,
            keys=self._keys[candidates],
            seed=self.scores.seed,
            features=features,
            labelled=labelled,
            probabilities=self._rows(candidates) if way.needs == "probabilities" else None,
            classes=self._classes[candidates] if self.rules.class_balance else None,
        )
        return candidates[picks.indices], picks.groups

    def _mixed(self, asked: Indices, groups: Indices, control: Indices) -> list[BatchItem]:
        """The control lane at random places between what was asked, so that nobody can tell it by its rank."""
        total = len(asked) + len(control)
        # The size of the pool makes it other places in each round.
        rng = np.random.default_rng([abs(self.scores.seed), _PLACES, len(self._ids)])
        places = set(rng.choice(total, len(control), replace=False).tolist())
        by_strategy = iter(zip(asked.tolist(), groups.tolist(), strict=True))
        at_random = iter(control.tolist())
        items = []
        for place in range(total):
            if place in places:
                items.append(self._item(next(at_random), "control"))
            else:
                index, group = next(by_strategy)
                items.append(self._item(index, "strategy", None if group < 0 else group))
        return items

    # ----------------------------------------------------------------- candidates

    @cached_property
    def _keys(self) -> NDArray[np.uint64]:
        return task_keys(self._ids, self.scores.seed)

    @cached_property
    def _classes(self) -> NDArray[np.int64]:
        """(n,) the class that the model answers for each task, −1 where it answers none or several."""
        model = self.scores.probabilities
        if model is None or model.form == "regions":
            return np.full(len(self._ids), -1)
        return model.answers.astype(np.int64)

    def _candidates(self, eligible: NDArray[np.float64], count: int) -> tuple[Indices, list[Mapping[str, Any]]]:
        """Distinct contents that the way may pick from, the most uncertain first, and the data of each."""
        factor = self.rules.candidate_factor
        if self.rules.way.needs == "nothing":
            factor = 1
        elif factor is None:
            factor = adaptive_factor(eligible, count)
        wanted = count * factor
        if self.rules.class_balance:
            order = most_uncertain(eligible, len(eligible), self._keys)
            return self._distinct(self._balanced(order, wanted), wanted)
        return self._most_uncertain(eligible, wanted)

    def _most_uncertain(self, eligible: NDArray[np.float64], count: int) -> tuple[Indices, list[Mapping[str, Any]]]:
        """The first ``count`` distinct contents of all that is eligible, and the data of each."""
        # Few contents are there twice, so that most of a large pool needs no order.
        top = most_uncertain(eligible, 4 * count, self._keys)
        chosen, data = self._distinct(top, count)
        if len(chosen) == count or len(top) < 4 * count:
            return chosen, data
        every = most_uncertain(eligible, len(eligible), self._keys)
        more, more_data = self._distinct(every[len(top) :], count - len(chosen))
        return np.concatenate([chosen, more]), data + more_data

    def _balanced(self, order: Indices, wanted: int) -> Indices:
        """The same order, with each class's share of what is wanted in front."""
        classes = self._classes[order]
        quota = class_quota(classes, wanted)
        place_in_class = np.empty(len(order), dtype=np.int64)
        for name in quota:
            members = np.flatnonzero(classes == name)
            place_in_class[members] = np.arange(len(members))
        names, places = np.array([*quota.items()], dtype=np.int64).reshape(-1, 2).T
        limits = places[np.searchsorted(names, classes)] if len(names) else classes
        in_front = place_in_class < limits
        return np.concatenate([order[in_front], order[~in_front]])

    def _distinct(self, order: Indices, count: int) -> tuple[Indices, list[Mapping[str, Any]]]:
        """The first ``count`` of an order whose content is in the batch's reach for the first time."""
        chosen: list[int] = []
        data: list[Mapping[str, Any]] = []
        start = 0
        while start < len(order) and len(chosen) < count:
            places = order[start : start + min(READ_AHEAD, 2 * (count - len(chosen)))]
            start += len(places)
            for place, content, key in self._read(places):
                if len(chosen) < count and key not in self._seen:
                    self._seen.add(key)
                    chosen.append(place)
                    data.append(content)
        return np.array(chosen, dtype=np.int64), data

    def _read(self, places: Indices) -> Iterator[tuple[int, Mapping[str, Any], str]]:
        """(place, data, key of its content) of the tasks that are still there."""
        found = self.contents.read_data(self._ids[places].tolist())
        present = [place for place in places.tolist() if int(self._ids[place]) in found]
        contents = [found[int(self._ids[place])] for place in present]
        for place, content, key in zip(present, contents, content_keys(contents, self.rules.space), strict=True):
            # Nothing says that two tasks that show nothing are the same.
            is_blank = content.get(self.rules.space.data_key) == ""
            yield place, content, f"{key} of task {self._ids[place]}" if is_blank else key

    def _features(
        self, data: Sequence[Mapping[str, Any]], candidates: Indices
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Features of the candidates, and of what is labelled where the way looks at that."""
        sent = self.scores.embeddings
        embeddings = sent.by_place(self._ids[candidates]) if sent else {}
        # The model sends no embeddings of what it was trained on, and other features cannot be compared with them.
        learned = self._labelled_data() if self.rules.way.sees_labelled and not embeddings else []
        # Together, as features of texts follow from all of them.
        features = task_features(
            [*data, *learned],
            self.rules.space,
            embeddings=embeddings or None,
            cache=self.rules.cache,
            read_image=self._watched(len(data) + len(learned)),
            server=self.contents.server,
            text=self.rules.text,
        )
        self._tell({place: why for place, why in features.missing.items() if place < len(data)}, len(data))
        rows = features.rows
        return rows[: len(data)], rows[len(data) :] if learned else None

    def _labelled_data(self) -> list[Mapping[str, Any]]:
        """Contents of the labelled tasks, of very many a sample."""
        drawn = self.labelled[np.argsort(task_keys(self.labelled, self.scores.seed, _LABELLED))][:MOST_LABELLED]
        return list(self.contents.read_data(np.sort(drawn).tolist()).values())

    def _watched(self, total: int) -> ReadImage | None:
        """The reader of pictures, which tells how far it is and can be stopped between two of them."""
        read, count = self.contents.read_image, itertools.count()
        if read is None:
            return None

        def watched(address: str) -> bytes:
            done = next(count)
            self.progress(done, total, f"Reading pictures: {done:,} of {total:,}.")
            return read(address)

        return watched

    def _tell(self, missing: Mapping[int, str], total: int) -> None:
        """What the reader of a batch should know of how it was kept diverse."""
        if missing and len(missing) == total:
            self._notes.append(f"{ALIKE} ({next(iter(missing.values())).capitalize()}.)")
        elif missing:
            why = "; ".join(sorted(set(missing.values())))
            self._notes.append(f"{len(missing):,} of {total:,} candidates stayed out of the diversity: {why}.")

    def _rows(self, candidates: Indices) -> NDArray[np.float32]:
        """(m, k) full probabilities of the candidates, NaN where a task has no full row."""
        model = self.scores.probabilities
        if model is None or model.form != "single":
            return np.full((len(candidates), 1), np.nan, dtype=np.float32)
        return model.values[candidates]

    # ----------------------------------------------------------------- items

    def _item(self, index: int, lane: Lane, cluster: int | None = None) -> BatchItem:
        low, high = float(self.scores.bounds.low[index]), float(self.scores.bounds.high[index])
        known = bool(self.scores.models) and not np.isnan(low)
        return BatchItem(
            rank=0,
            task_id=int(self._ids[index]),
            lane=lane,
            score=low if known else None,
            score_high=high if known and high > low else None,
            cluster=cluster,
            probabilities=said_of(self.scores.probabilities, index) if self.scores.probabilities else {},
        )


def said_of(model: ClassProbabilities, index: int) -> dict[str, float]:
    """Label → probability of one task, highest first: all that are known, over its regions the highest of each."""
    said: dict[str, float] = {}
    for row in range(int(model.starts[index]), int(model.starts[index + 1])):
        if np.isfinite(model.values[row]).all() and len(model.labels):
            row_said = dict(zip(model.labels, model.values[row].tolist(), strict=True))
        elif model.answers[row] >= 0 and np.isfinite(model.top[row]):
            row_said = {model.labels[model.answers[row]]: float(model.top[row])}
        else:
            row_said = {}
        for label, probability in row_said.items():
            said[label] = max(probability, said.get(label, 0.0))
    return dict(sorted(said.items(), key=lambda pair: -pair[1]))
