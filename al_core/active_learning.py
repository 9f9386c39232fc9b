"""The active-learning loop as verbs: read the pool, score, recommend, publish, train, evaluate."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256

import numpy as np

from al_core.batches import BatchComposer, BatchRules, Contents
from al_core.combination import combine_controls
from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.doctor import Diagnosis, examine
from al_core.errors import BackendFailed, EmptyPool, InvalidInput
from al_core.evaluation import Evaluation, evaluate
from al_core.evaluation.sureness import confidences, distributions, uncertainties
from al_core.features import FeatureCache, TextFeatures
from al_core.flights import pumped
from al_core.label_studio import LabelStudio, chosen_label, label_spaces, scored_spaces, true_result
from al_core.ml_backend import MLBackend
from al_core.pool import PoolReader, TaskTable, pool_of
from al_core.predictions import PredictionSource, Reports, Spread, here, why_unknown
from al_core.seeding import task_keys
from al_core.storage import MemoryStore, Store
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES, Evidence
from al_core.training import Before, CallBack, Trainer, lesson_of, nothing, probe_of
from al_core.types import (
    Aggregation,
    Batch,
    Label,
    LabelSpace,
    Pool,
    PoolChanges,
    Progress,
    Project,
    Publication,
    RankBy,
    Route,
    Scores,
    Source,
    Training,
    silent,
)
from al_core.uncertainty import UncertaintySampling

__all__ = ["ActiveLearningManager", "UncertaintySampling"]


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
        One of :data:`al_core.diversity.DIVERSITIES`.
    candidate_factor : int, optional
        The batch is chosen among ``candidate_factor × size`` of the most uncertain tasks. None: as many as
        the scores suggest, see :func:`al_core.diversity.adaptive_factor`.
    seed : int
        Same seed, pool and predictions: same batch.
    held_out : collection of int
        Ids of the test set: never asked again, never trained on.
    asked : collection of int
        Ids of earlier batches: never asked again, answered or not.
    control : str
        Which control of the labelling configuration counts: its name, ``"*"`` for all of them together, or
        empty for the only one.
    aggregation : Aggregation
        How the scores of a task's labels or regions become one.
    rank_by : {"low", "high"}
        What ranks a task whose score is only known within bounds.
    control_share : float
        Share of each batch that is drawn at random instead, from 0 to less than 1.
    class_balance : bool
        Share the batch evenly over the classes that the model predicts.
    committee : sequence of MLBackend
        Other models, for the strategies that want several.
    version : str
        An older model that the pool is scored with: see :class:`al_core.predictions.PredictionSource`.
    feature_cache : FeatureCache, optional
        Where features of contents that were seen before are kept.
    text : {"words", "sentences"}
        What texts are told apart by; sentences need the packages of requirements-extras.txt.
    store : Store, optional
        Where what was read and predicted is kept, so that it is not read and predicted again. None: in memory.
    source, write_back, spread
        Where predictions come from and who makes them: see :class:`al_core.predictions.PredictionSource`.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project_id: int,
        backend: MLBackend | None = None,
        *,
        strategy_name: str = DEFAULT_STRATEGY,
        diversity: str = DEFAULT_DIVERSITY,
        candidate_factor: int | None = None,
        seed: int = 0,
        held_out: Collection[int] = (),
        asked: Collection[int] = (),
        control: str = "",
        aggregation: Aggregation = Aggregation(),  # noqa: B008  frozen
        rank_by: RankBy = "low",
        control_share: float = 0.0,
        class_balance: bool = False,
        committee: Sequence[MLBackend] = (),
        version: str = "",
        feature_cache: FeatureCache | None = None,
        text: TextFeatures = "words",
        store: Store | None = None,
        source: Source = "stored_then_direct",
        write_back: bool = False,
        spread: Spread = here,
    ) -> None:
        if candidate_factor is not None and candidate_factor < 1:
            raise InvalidInput("The candidate factor must be at least 1.")
        if not 0 <= control_share < 1:
            raise InvalidInput("The share of the control lane must be at least 0 and less than 1.")
        self.label_studio = label_studio
        self.project_id = project_id
        self.backend = backend
        self.committee = committee
        self.version = version
        self.strategy = STRATEGIES.named(strategy_name)
        self.diversity = DIVERSITIES.named(diversity)
        self.candidate_factor = candidate_factor
        self.seed = seed
        self.held_out = frozenset(held_out)
        self.asked = frozenset(asked)
        self.control = control
        self.aggregation = aggregation
        self.rank_by = rank_by
        self.control_share = control_share
        self.class_balance = class_balance
        self.feature_cache = feature_cache
        self.text = text
        self.store = MemoryStore() if store is None else store
        self.source = source
        self.write_back = write_back
        self.spread = spread

    @cached_property
    def project(self) -> Project:
        return self.label_studio.project(self.project_id)

    @cached_property
    def label_spaces(self) -> tuple[LabelSpace, ...]:
        """The controls that are scored."""
        return scored_spaces(self.project.label_config, self.control)

    @property
    def label_space(self) -> LabelSpace:
        """The control whose answers count as labels: the first that is scored, if possible one with classes."""
        return next((space for space in self.label_spaces if space.labels), self.label_spaces[0])

    @cached_property
    def predictions(self) -> PredictionSource:
        return self._source(self.label_spaces)

    def _source(self, spaces: Sequence[LabelSpace]) -> PredictionSource:
        return PredictionSource(
            self.label_studio,
            self.project,
            spaces,
            self.backend,
            self.committee,
            version=self.version,
            store=self.store,
            source=self.source,
            write_back=self.write_back,
            spread=self.spread,
        )

    # ----------------------------------------------------------------- 1. read the pool

    def read_pool(self, progress: Progress = silent) -> Pool:
        """Which tasks may be asked: neither labelled nor skipped, not in the test set, not in an earlier batch.

        Where the store has an earlier reading, only what changed since is read.

        Raises
        ------
        EmptyPool
            The project has no task, or none that may be asked.
        """
        tasks, changes = self._read_tasks(progress, ahead=self.strategy.needs != "nothing")
        return pool_of(tasks, self.held_out, self.asked, changes)

    def _read_tasks(self, progress: Progress, *, ahead: bool) -> tuple[TaskTable, PoolChanges]:
        known = TaskTable.from_bytes(self.store.read(self._tasks_name) or b"")
        reader = PoolReader(self.label_studio, self.project_id)
        # Where most tasks have a stored prediction, reading these tells the tasks as well.
        found = self._open(progress).read_ahead(progress) if ahead and known is None else None
        if found is None:
            tasks, changes = reader.read(known, progress=progress)
        else:
            tasks, changes = reader.read(None, found.task_ids, progress, as_of=found.as_of)
        self.store.write(self._tasks_name, tasks.to_bytes())
        return tasks, changes

    @property
    def _tasks_name(self) -> str:
        return f"tasks-{sha256(f'{self.label_studio.url} {self.project_id}'.encode()).hexdigest()[:16]}.npz"

    def _open(self, progress: Progress) -> PredictionSource:
        return Reports(progress, "Opening the project.").wait(lambda: self.predictions)

    # ----------------------------------------------------------------- 2. score

    def score(self, pool: Pool, progress: Progress = silent) -> Scores:
        """How informative each task of the pool is, by the strategy.

        What was predicted when it is cancelled, or a server fails, is in the store: the next call goes on from there.

        Raises
        ------
        NoPredictions
            The strategy needs probabilities and not one task has them, or a committee and there is none.
        """
        if self.strategy.needs == "nothing":
            evidence = Evidence(pool.task_ids, (), self.aggregation, self.seed)
            return Scores(pool, self.strategy.name, self.seed, self.strategy.score(evidence), self.rank_by)
        source = self._open(progress)
        said = source.members(pool, progress) if self.strategy.needs == "committee" else [source.model(pool, progress)]
        by_control = list(zip(*(model.probabilities for model in said), strict=True))
        bounds = combine_controls(
            [self.strategy.score(Evidence(pool.task_ids, models, self.aggregation, self.seed)) for models in by_control]
        )
        if np.isnan(bounds.low).all():
            raise why_unknown(by_control[0][0].unknown, self.strategy, len(pool.task_ids), self.backend)
        models = tuple(model for models in by_control for model in models)
        embeddings, kept, failed = said[0].embeddings, said[0].kept, max(model.failed for model in said)
        return Scores(pool, self.strategy.name, self.seed, bounds, self.rank_by, models, embeddings, kept, failed)

    def diagnose(self, sample: int = 50, progress: Progress = silent) -> Diagnosis:
        """What the model's numbers are worth, by every control, on tasks drawn at random.

        Raises
        ------
        EmptyPool
            The project has no task.
        NoPredictions
            Nothing is stored and there is no backend to ask.
        """
        ids = self._read_tasks(progress, ahead=False)[0].task_ids
        if not len(ids):
            raise EmptyPool("The project has no tasks.", "Import some in Label Studio, then try again.")
        drawn = np.sort(ids[np.argsort(task_keys(ids, self.seed))[:sample]])
        Reports(progress, "Opening the project.").wait(lambda: self.project)
        spaces = label_spaces(self.project.label_config) or (self.label_space,)
        found = self._source(spaces).sample(drawn, progress)
        return examine(found, drawn, spaces)

    # ----------------------------------------------------------------- 3. recommend

    def recommend(
        self,
        scores: Scores,
        size: int,
        *,
        test_size: int = 0,
        test_ids: Collection[int] = (),
        progress: Progress = silent,
    ) -> Batch:
        """Put the batch together: a test set and a control lane at random, and what the strategy asks.

        Parameters
        ----------
        size : int
            How many tasks the strategy and the control lane share; fewer where the pool is smaller, and the
            batch says so.
        test_size : int
            How many tasks are drawn at random to measure with, before the strategy may choose.
        test_ids : collection of int
            Tasks that are to be measured with, too; those that the pool does not have are left out.
        """
        rules = BatchRules(
            way=self.diversity,
            space=self.label_space,
            candidate_factor=self.candidate_factor,
            control_share=self.control_share,
            class_balance=self.class_balance,
            cache=self.feature_cache,
            text=self.text,
        )
        reports = Reports(progress, "Choosing tasks.")
        learned = np.setdiff1d(scores.pool.labeled_ids, sorted(self.held_out.union(test_ids)))
        contents = Contents(
            lambda ids: reports.wait(lambda: self.label_studio.task_data(self.project_id, ids)),
            lambda address: reports.wait(lambda: self.label_studio.read_file(address)),
            self.label_studio.url,
        )
        pages = pumped(self.label_studio.changed_since(self.project_id, scores.pool.read_at), reports.tick)
        closed = [state.task_id for page in pages for state in page if state.labeled or state.skipped]
        answered = np.intersect1d(scores.pool.task_ids, np.array(closed, dtype=np.int64))
        composer = BatchComposer(scores, rules, contents, learned, answered, reports.say)
        return composer.compose(size, test_size, test_ids)

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
        """What changed in a published batch: task id → (its ``updated_at``, its label or skip, None without either).

        Parameters
        ----------
        known : mapping of int to datetime
            Task id → ``updated_at`` when it was last looked at.
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

    def before_training(self, progress: Progress = silent, *, timeout: float = 600) -> Before:
        """What the backend is like before it is asked to train: keep it, and give it to :meth:`train`.

        Parameters
        ----------
        timeout : float
            Seconds for which somebody else's training is waited for.
        """
        self._need_backend()
        known = TaskTable.from_bytes(self.store.read(self._tasks_name) or b"")
        tasks = self._read_tasks(progress, ahead=False)[0] if known is None else known
        return self._trainer(progress, timeout).before(probe_of(tasks.task_ids, self.seed))

    def train(
        self,
        before: Before,
        *,
        route: Route | None = None,
        resume: bool = False,
        timeout: float = 600,
        call_back_url: str = "",
        heard: Callable[[], CallBack | None] = nothing,
        progress: Progress = silent,
    ) -> Training:
        """Train the backend on all labels but the test set, and find out whether a new model came of it.

        Parameters
        ----------
        before : Before
            What :meth:`before_training` gave before the training was first asked for.
        timeout : float
            Seconds that it may take.
        route, resume, call_back_url, heard
            As in :meth:`al_core.training.Trainer.train`.

        Raises
        ------
        NoLabels
            There is nothing to train on.
        """
        trainer = self._trainer(progress, timeout)
        tick = Reports(progress, "Collecting the labels.").tick
        labelled = pumped(self.label_studio.labeled_tasks(self.project_id), tick)
        lesson = lesson_of(labelled, self.held_out, self.label_spaces)
        found = trainer.train(lesson, before, route=route, resume=resume, call_back_url=call_back_url, heard=heard)
        if found.verdict == "new_model" and found.version_after == found.version_before:
            self.predictions.forget(found.version_after)
        return found

    def _trainer(self, progress: Progress, timeout: float) -> Trainer:
        backend, source = self._need_backend(), self._open(progress)
        predict = partial(source.predict, backend)
        return Trainer(self.label_studio, self.project, backend, predict, progress=progress, timeout=timeout)

    def _need_backend(self) -> MLBackend:
        if self.backend is None:
            raise InvalidInput("The project has no ML backend to train.", "Connect one in Label Studio first.")
        return self.backend

    # ----------------------------------------------------------------- 6. evaluate

    def evaluate(self, test_ids: Sequence[int], progress: Progress = silent) -> Evaluation:
        """How good the current model is on tasks that it has not learned from.

        Parameters
        ----------
        test_ids : sequence of int
            The test set. Of each task the newest answer in Label Studio counts, a ground truth before all; tasks
            without one are left out, and what the model does not answer counts as wrong.

        Raises
        ------
        NoLabels
            None of the tasks has an answer.
        BackendFailed
            The backend gave a usable answer to none of them, which says nothing of how good its model is.
        UnsupportedProject
            Answers are regions of a kind that nothing measures yet.
        """
        backend = self._need_backend()
        source = self._open(progress)
        reports = Reports(progress, "Reading the labels of the test set.")
        answered = reports.wait(lambda: self.label_studio.annotations(self.project_id, test_ids))
        truth = {task_id: result for task_id, said in answered.items() if (result := true_result(said)) is not None}
        predictions = source.predict(backend, sorted(truth), progress) if truth else []
        if truth and not predictions:
            raise BackendFailed(
                f"The ML backend failed on all {len(truth):,} tasks of the test set.", "Its own log may say why."
            )
        return evaluate(
            truth,
            {prediction.task_id: prediction.result for prediction in predictions},
            self.label_space,
            model_version=predictions[0].model_version if predictions else "",
            confidence=confidences(predictions, self.label_space),
            probabilities=distributions(predictions, self.label_space),
            uncertainty=uncertainties(
                predictions,
                self.label_spaces,
                self.strategy,
                aggregation=self.aggregation,
                rank_by=self.rank_by,
                seed=self.seed,
            ),
            seed=self.seed,
        )
