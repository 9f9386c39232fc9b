"""The active-learning loop as verbs: read the pool, score, recommend, publish, train, evaluate."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core import training
from al_core.diversity import kmeans_batch, most_uncertain
from al_core.errors import EmptyPool, InvalidInput, NoLabels, NoPredictions, UnexpectedAnswer
from al_core.evaluation import accuracy, draw_test_set
from al_core.features import task_features
from al_core.label_studio import LabelStudio, choice_of, chosen_label, label_space
from al_core.ml_backend import MLBackend
from al_core.probabilities import from_predictions
from al_core.strategies import DEFAULT_STRATEGY, DIVERSITY, strategy
from al_core.types import (
    Batch,
    BatchItem,
    ClassProbabilities,
    Evaluation,
    Label,
    LabelSpace,
    Pool,
    Prediction,
    Progress,
    Project,
    Publication,
    Scores,
    Training,
    silent,
)
from al_core.uncertainty import UncertaintySampling

__all__ = ["ActiveLearningManager", "UncertaintySampling"]

CHUNK = 100
"""Tasks in one request to a backend: a few seconds of work, and a progress bar that moves."""

ALIKE = (
    "The candidates could not be told apart by their content (only text and images inside the task can be), "
    "so the batch is the most uncertain tasks, however much alike they are."
)


class ActiveLearningManager:
    """One project of Label Studio under active learning.

    The verbs run in this order, and once round they start again. Each takes and gives plain values, so that
    a caller may store them between two verbs and go on another day, or on another machine.

    Parameters
    ----------
    label_studio : LabelStudio
        The server.
    project_id : int
        The project on it.
    backend : MLBackend, optional
        Who predicts and trains. Without one, the predictions stored in Label Studio are used, and there is
        no training.
    strategy_name : str
        One of :data:`al_core.strategies.STRATEGIES`.
    diversity : str
        One of :data:`al_core.strategies.DIVERSITY`.
    candidate_factor : int
        With k-means, the batch is chosen among ``candidate_factor × size`` of the most uncertain tasks.
    seed : int
        Same seed, pool and predictions: same batch.
    held_out : collection of int
        Ids of the test set: never asked again, never trained on.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project_id: int,
        backend: MLBackend | None = None,
        *,
        strategy_name: str = DEFAULT_STRATEGY,
        diversity: str = "kmeans",
        candidate_factor: int = 20,
        seed: int = 0,
        held_out: Collection[int] = (),
    ) -> None:
        if diversity not in DIVERSITY:
            raise InvalidInput(f"Unknown diversity {diversity!r}.", f"Known: {', '.join(DIVERSITY)}.")
        if candidate_factor < 1:
            raise InvalidInput("The candidate factor must be at least 1.")
        self.label_studio = label_studio
        self.project_id = project_id
        self.backend = backend
        self.strategy = strategy(strategy_name)
        self.diversity = diversity
        self.candidate_factor = candidate_factor
        self.seed = seed
        self.held_out = frozenset(held_out)

    @cached_property
    def project(self) -> Project:
        return self.label_studio.project(self.project_id)

    @cached_property
    def label_space(self) -> LabelSpace:
        return label_space(self.project.label_config)

    # ----------------------------------------------------------------- 1. read the pool

    def read_pool(self, progress: Progress = silent) -> Pool:
        """Which tasks may be asked: neither labelled nor skipped, and not in the test set.

        Raises
        ------
        EmptyPool
            The project has no task, or none that may be asked.
        """
        open_ids: list[int] = []
        labeled = total = seen = 0
        for states, total in self.label_studio.task_states(self.project_id):
            seen += len(states)
            labeled += sum(state.labeled for state in states)
            open_ids += [s.task_id for s in states if not s.labeled and not s.skipped]
            progress(seen, total, f"Reading tasks: {seen:,} of {total:,}.")
        if total == 0:
            raise EmptyPool("The project has no tasks.", "Import some in Label Studio, then try again.")
        task_ids = np.array(sorted(set(open_ids) - self.held_out), dtype=np.int64)
        if not len(task_ids):
            raise EmptyPool(
                f"No task is left to ask: all {total:,} are labelled, skipped or in the test set.",
                "Import more tasks in Label Studio, or stop here.",
            )
        return Pool(task_ids, labeled, total, hashlib.sha256(task_ids.tobytes()).hexdigest(), datetime.now(UTC))

    # ----------------------------------------------------------------- 2. score

    def score(self, pool: Pool, progress: Progress = silent) -> Scores:
        """How informative each task of the pool is, by the strategy.

        Raises
        ------
        NoPredictions
            The strategy needs probabilities and not one task has them.
        """
        probabilities = None
        if self.strategy.needs_predictions:
            probabilities = self.probabilities(pool.task_ids, progress)
            if not probabilities.known.any():
                raise NoPredictions(*_why_unknown(probabilities, self.backend))
        values = self.strategy.score(
            probabilities.values if probabilities else None,
            len(pool.task_ids),
            np.random.default_rng(self.seed),
        )
        return Scores(pool, self.strategy.name, self.seed, values, probabilities)

    def probabilities(self, task_ids: NDArray[np.int64], progress: Progress = silent) -> ClassProbabilities:
        """Class probabilities of tasks: those stored of the current model version, the rest predicted now."""
        if self.backend is None:
            version = self._newest_stored_version()
            stored = self._stored(version)
            return from_predictions(stored.values(), task_ids, self.label_space)
        stored = self._stored(self.backend.model_version(self.project))
        missing = [int(task_id) for task_id in task_ids if int(task_id) not in stored]
        found = [*stored.values(), *self._predict(missing, progress)]
        _check_one_model(found)
        return from_predictions(found, task_ids, self.label_space)

    def _newest_stored_version(self) -> str:
        versions = self.label_studio.model_versions(self.project_id)
        if not versions:
            raise NoPredictions(
                "The project has no predictions and no ML backend to ask.",
                "Connect an ML backend in Label Studio, or import predictions.",
            )
        return max(versions, key=lambda version: versions[version])

    def _stored(self, version: str) -> dict[int, Prediction]:
        if version not in self.label_studio.model_versions(self.project_id):
            return {}
        found = self.label_studio.predictions(self.project_id, version)
        return {prediction.task_id: prediction for prediction in found}

    def _predict(self, task_ids: Sequence[int], progress: Progress) -> list[Prediction]:
        assert self.backend is not None
        found: list[Prediction] = []
        for start in range(0, len(task_ids), CHUNK):
            progress(start, len(task_ids), f"Predicting: {start:,} of {len(task_ids):,} tasks.")
            data = self.label_studio.task_data(self.project_id, task_ids[start : start + CHUNK])
            tasks = [{"id": task_id, "data": values} for task_id, values in data.items()]
            if tasks:
                found += self.backend.predict(self.project, tasks)
        _check_one_model(found)
        progress(len(task_ids), len(task_ids), f"Predicted {len(task_ids):,} tasks.")
        return found

    # ----------------------------------------------------------------- 3. recommend

    def recommend(self, scores: Scores, size: int, *, test_size: int = 0, progress: Progress = silent) -> Batch:
        """Pick the batch: first a test set at random where one is wanted, then the strategy's choice.

        Parameters
        ----------
        size : int
            How many tasks the strategy picks; fewer where the pool is smaller, and the batch says so.
        test_size : int
            How many tasks are drawn at random to measure with, before the strategy may choose.
        """
        if size < 0 or test_size < 0 or size + test_size == 0:
            raise InvalidInput("A batch needs at least one task.")
        ids = scores.pool.task_ids
        test_ids = draw_test_set(ids, test_size, self.seed)
        eligible = np.where(np.isin(ids, test_ids), np.nan, scores.values)
        picked, clusters, alike = self._pick(scores, eligible, size, progress)
        chosen = [
            _item(scores, rank, int(index), cluster)
            for rank, (index, cluster) in enumerate(zip(picked, clusters, strict=True), start=1)
        ]
        held_out = [
            BatchItem(rank=len(chosen) + offset, task_id=int(task_id), lane="test")
            for offset, task_id in enumerate(test_ids, start=1)
        ]
        items = (*chosen, *held_out)
        asked = size + test_size
        short = "" if len(items) == asked else f"Wanted {asked:,} tasks; only {len(items):,} could be picked."
        return Batch(items, asked, " ".join(note for note in (short, alike) if note))

    def _pick(
        self, scores: Scores, eligible: NDArray[np.float64], size: int, progress: Progress
    ) -> tuple[Sequence[int], Sequence[int | None], str]:
        """Indices into the pool in rank order, the cluster of each, and what should be known about them."""
        if self.diversity == "none" or not self.strategy.needs_predictions:
            # A random batch is diverse by itself, and clustering would make it something else than random.
            picked = most_uncertain(eligible, size)
            return picked.tolist(), [None] * len(picked), ""
        candidates = most_uncertain(eligible, size * self.candidate_factor)
        progress(0, None, f"Choosing {size:,} different ones among {len(candidates):,} candidates.")
        data = self.label_studio.task_data(self.project_id, scores.pool.task_ids[candidates].tolist())
        features = task_features(
            [data.get(int(task_id), {}) for task_id in scores.pool.task_ids[candidates]], self.label_space
        )
        chosen, clusters = kmeans_batch(features, eligible[candidates], size, self.seed)
        all_alike = len(features) > size and bool((features == features[0]).all())
        return candidates[chosen].tolist(), clusters.tolist(), ALIKE if all_alike else ""

    # ----------------------------------------------------------------- 4. publish, and hear the answers

    def publish(self, task_ids: Sequence[int], title: str) -> Publication:
        """Show exactly these tasks in a tab of Label Studio. Publishing the same title again finds its tab."""
        existing = self.label_studio.find_tab(self.project_id, title)
        view_id = existing or self.label_studio.create_tab(self.project_id, title, task_ids)
        return Publication(view_id, title)

    def retract(self, view_id: int) -> None:
        """Take the tab away; the tasks and their labels stay."""
        self.label_studio.delete_tab(view_id)

    def read_labels(self, view_id: int, known: Mapping[int, datetime]) -> dict[int, tuple[datetime, Label | None]]:
        """What changed in a published batch.

        Parameters
        ----------
        known : mapping of int to datetime
            Task id → ``updated_at`` when it was last looked at.

        Returns
        -------
        dict
            Task id → (its ``updated_at``, the label or skip it has now, None where it has neither).
        """
        states = self.label_studio.tab_states(view_id)
        changed = {state.task_id: state.updated_at for state in states if known.get(state.task_id) != state.updated_at}
        answers = self.label_studio.annotations(self.project_id, list(changed))
        return {
            task_id: (changed[task_id], chosen_label(annotations, self.label_space))
            for task_id, annotations in answers.items()
        }

    def labeled_outside(self, batch_ids: Collection[int], since: datetime) -> list[int]:
        """Tasks that somebody labelled since a moment although the batch does not hold them."""
        return sorted(set(self.label_studio.labeled_since(self.project_id, since)) - set(batch_ids))

    # ----------------------------------------------------------------- 5. train

    def model_version(self) -> str:
        return self._need_backend().model_version(self.project)

    def train(
        self, *, version_before: str, resume: bool = False, timeout: float = 600, progress: Progress = silent
    ) -> Training:
        """Train the backend on all labels but the test set, and wait for the new model version.

        Raises
        ------
        NoLabels
            There is nothing to train on.
        TrainEndpointMissing, TrainingFailed
            See :mod:`al_core.training`.
        """
        backend = self._need_backend()
        progress(0, None, "Collecting the labels.")
        labelled = [
            task
            for task in self.label_studio.labeled_tasks(self.project_id)
            if task["id"] not in self.held_out and self._has_label(task)
        ]
        if not labelled:
            raise NoLabels("No task is labelled yet outside the test set.", "Label some, then train.")
        return training.train(
            backend,
            self.project,
            labelled,
            sorted(self.held_out),
            version_before=version_before,
            resume=resume,
            timeout=timeout,
            progress=progress,
        )

    def _has_label(self, task: Mapping[str, Any]) -> bool:
        live = [a for a in task["annotations"] if not a.get("was_cancelled")]
        return any(choice_of(annotation.get("result") or [], self.label_space) for annotation in live)

    def _need_backend(self) -> MLBackend:
        if self.backend is None:
            raise InvalidInput("The project has no ML backend to train.", "Connect one in Label Studio first.")
        return self.backend

    # ----------------------------------------------------------------- 6. evaluate

    def evaluate(self, truth: Mapping[int, str], progress: Progress = silent) -> Evaluation:
        """Accuracy of the current model on the test set.

        Parameters
        ----------
        truth : mapping of int to str
            Task id → what the annotators answered.
        """
        if not truth:
            raise NoLabels("The test set has no labels yet.", "Label its tasks, then train again.")
        ids = np.array(sorted(truth), dtype=np.int64)
        self._need_backend()
        predictions = self._predict(ids.tolist(), progress)
        predicted = {p.task_id: choice_of(p.result, self.label_space) for p in predictions}
        version = predictions[0].model_version if predictions else ""
        return accuracy(predicted, truth, version)


def _check_one_model(predictions: Collection[Prediction]) -> None:
    """Raise ``UnexpectedAnswer`` where several models answered: their scores cannot be ranked together."""
    versions = {prediction.model_version for prediction in predictions}
    if len(versions) > 1:
        raise UnexpectedAnswer(
            f"The model changed while it predicted ({', '.join(sorted(versions))}).",
            "Try again when its training has ended.",
        )


def _item(scores: Scores, rank: int, index: int, cluster: int | None) -> BatchItem:
    asked_model = scores.probabilities is not None
    return BatchItem(
        rank=rank,
        task_id=int(scores.pool.task_ids[index]),
        lane="strategy",
        score=float(scores.values[index]) if asked_model else None,
        cluster=cluster,
        probabilities=_ranked(scores.probabilities, index) if scores.probabilities else {},
    )


def _ranked(probabilities: ClassProbabilities, index: int) -> dict[str, float]:
    row = probabilities.values[index]
    return {probabilities.labels[column]: float(row[column]) for column in np.argsort(-row, kind="stable")}


def _why_unknown(probabilities: ClassProbabilities, backend: MLBackend | None) -> tuple[str, str]:
    reasons = "; ".join(f"{count:,} × {reason}" for reason, count in probabilities.unknown.items())
    who = f"The ML backend at {backend.url}" if backend else "What is stored in Label Studio"
    return (
        f"{who} has no usable class probabilities for any of {len(probabilities.task_ids):,} tasks ({reasons}).",
        "A model that was never trained has none: label a start set and train first. "
        "docs/ml-backend.md shows what a backend should answer.",
    )
