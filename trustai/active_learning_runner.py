"""The loop at the terminal, step by step: ``python -m trustai.active_learning_runner``."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from al_core.active_learning import ActiveLearningManager
from al_core.config import ProjectConfig
from al_core.errors import ActiveLearningError, EmptyPool, NoLabels, NoPredictions, UnsupportedProject
from al_core.evaluation import Evaluation, Interval
from al_core.ml_backend import MLBackend
from al_core.storage import FolderStore
from al_core.training import Before
from al_core.types import Training
from trustai import limits, words
from trustai.dialogue import Dialogue
from trustai.history import History, RoundRecord, Step, history_path, load
from trustai.opening import backend_of, label_studio_of, manager_of

POLL_SECONDS = 2.0

DOCTOR_SAMPLE = 20
"""Tasks that the doctor looks at before the rounds: a second or two."""


class ActiveLearningRunner:
    """The rounds of one project. Every step is written down as soon as it is done: the next start goes on from there.

    Parameters
    ----------
    config : ProjectConfig
    dialogue : Dialogue
        Who is told, and who answers.
    folder : Path
        Where the history and what was predicted are kept.
    """

    def __init__(self, config: ProjectConfig, dialogue: Dialogue, folder: Path) -> None:
        self.config = config
        self.dialogue = dialogue
        self.folder = folder
        self.history: History = load(history_path(folder, config.label_studio.url, config.label_studio.project))

    # ----------------------------------------------------------------- before the loop

    def check(self) -> None:
        """Say what there is: the server, the project, the model and what can be done with it.

        Raises
        ------
        ActiveLearningError
            The server, the token or the project is not what the configuration says.
        """
        with label_studio_of(self.config, patience=0) as label_studio:
            server = label_studio.server()
            project = label_studio.project(self.config.label_studio.project)
            self.dialogue.say(f"Label Studio {server.version} at {label_studio.url}, as {server.user}.")
            self.dialogue.say(
                f"Project “{project.title}”: {project.task_count:,} tasks, {project.labeled_count:,} of them labelled."
            )
            self.dialogue.event("project", id=project.id, title=project.title, tasks=project.task_count)
        with self._open() as manager:
            self._check_backend(manager.backend, manager)

    def _check_backend(self, backend: MLBackend | None, manager: ActiveLearningManager) -> None:
        if backend is None:
            self.dialogue.say("No ML backend: stored predictions are ranked, and there is no training.")
            return
        backend.health()
        offered = backend.offers()
        found = [name for name, there in offered.items() if there]
        version = manager.model_version() or "none yet"
        self.dialogue.say(
            f"ML backend at {backend.url}, model {version}; it has {', '.join(found) or 'no way to train'}."
        )
        self.dialogue.event("backend", url=backend.url, model_version=version, offers=offered)
        self._diagnose(manager)

    def _diagnose(self, manager: ActiveLearningManager) -> None:
        """What the probability doctor says, where there is anything to look at yet."""
        try:
            with self.dialogue.progress() as progress:
                found = manager.diagnose(DOCTOR_SAMPLE, progress)
        except (EmptyPool, NoPredictions) as error:
            self.dialogue.say(str(error))
            return
        for control in found.controls:
            self.dialogue.say(f"{control.control}: {control.sentence}")
            self.dialogue.event("doctor", control=control.control, gives=control.gives, sentence=control.sentence)

    # ----------------------------------------------------------------- the loop

    def run(self, rounds: int = 0) -> bool:
        """Go on with the round that is open, then with new ones.

        Parameters
        ----------
        rounds : int
            How many to finish, round 0 not counted; 0 asks after each.

        Returns
        -------
        bool
            Whether every training brought a new model.
        """
        done = 0
        while True:
            record = self.round()
            if record.training.get("verdict", "new_model") != "new_model":
                return False
            done += record.number > 0
            if self._is_enough(done, rounds):
                return True

    def _is_enough(self, done: int, rounds: int) -> bool:
        reached = limits.limit_reached(self.config.stop, self.history)
        if reached:
            self.dialogue.say(reached)
            return True
        wanted = rounds or self.config.stop.rounds
        if wanted:
            return done >= wanted
        return not self.dialogue.confirm("--rounds", "Another round?")

    def round(self) -> RoundRecord:
        """One round from wherever it stands to its end."""
        record = self.history.open_round
        if record:
            self.dialogue.say(f"Round {record.number} goes on: {words.STANDS[record.step]}.")
        else:
            record = self.recommend()
        # Opened anew: what was just drawn for the test set is held out from now on.
        with self._open() as manager:
            if record.step == "recommended":
                self._publish(manager, record)
            if record.step == "published":
                self._wait_for_labels(manager, record)
            if record.step in ("labelled", "training"):
                self._train(manager, record)
            if record.step == "trained":
                self._measure(manager, record)
        return record

    # ----------------------------------------------------------------- the steps

    def recommend(self) -> RoundRecord:
        """Score the pool and choose the batch of a new round; nothing is changed in Label Studio yet."""
        starts = self._starts
        with self._open() as manager, self.dialogue.progress() as progress:
            pool = manager.read_pool(progress)
            scores = manager.score(pool, progress)
            size = self.config.start.size if starts else self.config.asking.batch_size
            batch = manager.recommend(scores, size, test_size=self._test_size if starts else 0, progress=progress)
        record = words.recorded(0 if starts else max(self.history.next_number, 1), scores, batch)
        self.dialogue.table(*words.batch_table(record))
        if batch.note:
            self.dialogue.say(batch.note)
        self.dialogue.event("recommended", round=record.number, tasks=record.batch, note=batch.note)
        self.history.rounds.append(record)
        self.history.save()
        return record

    def _publish(self, manager: ActiveLearningManager, record: RoundRecord) -> None:
        published = manager.publish(record.ids(), f"TrustAI round {record.number}")
        record.view_id = published.view_id
        record.published_at = record.published_at or datetime.now(UTC).isoformat()
        self._reached(record, "published")
        link = f"{manager.label_studio.url}/projects/{manager.project_id}/data?tab={published.view_id}"
        self.dialogue.say(f"Published {len(record.batch):,} tasks: {link}")
        self.dialogue.event("published", round=record.number, view=published.view_id, link=link)

    def _wait_for_labels(self, manager: ActiveLearningManager, record: RoundRecord) -> None:
        assert record.view_id is not None
        known: dict[int, datetime] = {}
        answered: set[int] = set()
        with self.dialogue.progress() as progress:
            while len(answered) < len(record.batch):
                for task_id, (changed, label) in manager.read_labels(record.view_id, known).items():
                    known[task_id] = changed
                    (answered.add if label else answered.discard)(task_id)
                    if label:
                        record.task(task_id)["lead_time"] = label.lead_time
                total = len(record.batch)
                progress(len(answered), total, f"Waiting for labels: {len(answered):,} of {total:,}.")
                if len(answered) < total:
                    time.sleep(POLL_SECONDS)
        self._reached(record, "labelled")
        self.dialogue.say(f"All {len(record.batch):,} tasks are answered.")
        self.dialogue.event("labelled", round=record.number, answered=len(answered))

    def _train(self, manager: ActiveLearningManager, record: RoundRecord) -> None:
        if manager.backend is None:
            self._reached(record, "done")
            return
        resumes = record.step == "training"
        if not resumes and not self.dialogue.confirm("--yes", "Train the model on these labels?"):
            raise ActiveLearningError("The round waits before its training.", "Start again to go on from here.")
        with self.dialogue.progress() as progress:
            if not resumes:
                record.before = manager.before_training(progress).as_dict()
                self._reached(record, "training")
            part = self.config.backend
            training = manager.train(
                Before.from_dict(record.before),
                route=(part.train_route or None) if part else None,
                resume=resumes,
                timeout=60 * part.train_minutes if part else 600,
                progress=progress,
            )
        record.training = asdict(training)
        self._reached(record, "trained" if training.verdict == "new_model" else "labelled")
        self._tell(training, record)

    def _tell(self, training: Training, record: RoundRecord) -> None:
        self.dialogue.say(f"{words.VERDICTS[training.verdict]}: {training.reason}")
        for line in training.said:
            self.dialogue.say(f"  {line}")
        self.dialogue.event("trained", round=record.number, **record.training)

    def _measure(self, manager: ActiveLearningManager, record: RoundRecord) -> None:
        try:
            with self.dialogue.progress() as progress:
                found = manager.evaluate(sorted(manager.held_out), progress)
        except (NoLabels, UnsupportedProject) as error:
            self.dialogue.say(f"Not measured: {error}")
        else:
            record.metrics = [asdict(metric) for metric in found.metrics]
            self._tell_metrics(found)
        self._reached(record, "done")
        self.dialogue.event("measured", round=record.number, metrics=record.metrics)
        if len(points := words.curve_points(self.history.rounds)) > 1:
            self.dialogue.curve("The learning curve", points)
        self.dialogue.say(limits.board_of(self.history).sentence)

    def _tell_metrics(self, found: Evaluation) -> None:
        for metric in found.metrics:
            interval = Interval(metric.value, metric.low, metric.high)
            self.dialogue.say(f"{metric.label}: {words.share(interval)}, on {metric.count:,}.")

    def _reached(self, record: RoundRecord, step: Step) -> None:
        record.step = step
        self.history.save()

    # ----------------------------------------------------------------- what the steps work with

    @property
    def _starts(self) -> bool:
        """Whether the next round is round 0, which asks at random: there is no model yet."""
        return not self.history.rounds and self.config.start.size + self._test_size > 0

    @property
    def _test_size(self) -> int:
        return self.config.test_set.size if self.config.test_set.source == "random" else 0

    @contextmanager
    def _open(self) -> Iterator[ActiveLearningManager]:
        starts = self._starts if self.history.open_round is None else self.history.rounds[-1].number == 0
        store = FolderStore(self.folder / "work")
        with label_studio_of(self.config) as client, backend_of(self.config, client) as backend:
            yield manager_of(self.config, client, backend, self.history, store, starts=starts)


def main() -> None:
    """The command: its flags are those of ``trustai run``."""
    from trustai.cli import as_program, run

    as_program(run)


if __name__ == "__main__":
    main()
