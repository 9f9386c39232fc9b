"""Where predictions come from: what Label Studio has stored, what backends say now, and what is kept of both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from al_core.errors import NoPredictions
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.predictions.direct import Direct, model_changed
from al_core.predictions.history import History
from al_core.predictions.models import Ahead, ModelRows
from al_core.predictions.reports import Reports
from al_core.predictions.shelf import Drafts, Shelf
from al_core.predictions.spreading import PartSpec, Spread, here
from al_core.predictions.stored_tables import StoredTables
from al_core.predictions.table import PredictionTable
from al_core.predictions.unknown import nothing_stored
from al_core.predictions.write_back import WrittenBack
from al_core.storage import MemoryStore, Store
from al_core.types import LabelSpace, Pool, Prediction, Progress, Project, Source, silent

MEMBERS = 5
"""Models of a committee at most: each more costs a whole pool of predictions and changes the ranking little."""

KNOWN = 0.5
"""Share of the tasks that an older version must know to be a member: with less the committee would be another one for
most tasks, and its scores hard to compare."""

COVERED = 0.9
"""Share of the tasks that must have a stored prediction for these to be read before the tasks."""

PROBE = 5
"""Tasks that a backend is asked for to hear which version it has, where it does not say so by itself."""


class PredictionSource:
    """The models of one project.

    Parameters
    ----------
    label_studio : LabelStudio
        The server that stores predictions.
    project : Project
    spaces : sequence of LabelSpace
        The controls that are read, at least one.
    backend : MLBackend, optional
        The model that is trained. Without one there are only stored predictions.
    committee : sequence of MLBackend
        Other models to ask where a committee is wanted.
    version : str
        A model that the pool is scored with in place of the current one, by what is kept and stored of it: nobody is
        asked, and a task that it has not predicted is unknown. Empty: the current one.
    store : Store, optional
        Where what was read and predicted is kept. None: in memory, as long as this lives.
    source : {"stored_then_direct", "stored", "direct"}
        What may be used where there is a backend.
    write_back : bool
        Store in Label Studio what the backend says; with ``stored_then_direct`` only.
    spread : Spread
        Who does the predicting.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project: Project,
        spaces: Sequence[LabelSpace],
        backend: MLBackend | None = None,
        committee: Sequence[MLBackend] = (),
        *,
        version: str = "",
        store: Store | None = None,
        source: Source = "stored_then_direct",
        write_back: bool = False,
        spread: Spread = here,
    ) -> None:
        self.label_studio = label_studio
        self.project = project
        self.spaces = tuple(spaces)
        self.backend = backend
        self.committee = committee
        self.version = version
        self.store = MemoryStore() if store is None else store
        self.source = source
        self.write_back = write_back and source == "stored_then_direct"
        self.spread = spread
        self._stored = StoredTables(label_studio, project, self.spaces)
        self._read: dict[Shelf, tuple[PredictionTable, int]] = {}
        self._history = History(self.store, self._room(backend.url if backend else ""))

    # ----------------------------------------------------------------- a pool, as arrays

    def model(self, pool: Pool, progress: Progress = silent) -> ModelRows:
        """What the current model says, or the older one that was chosen: what is kept or stored of it, the rest
        predicted now.

        Raises
        ------
        NoPredictions
            Nothing is stored and there is no backend to ask, or it may not be asked.
        UnexpectedAnswer
            The model changed meanwhile, so its numbers cannot be ranked together; or the backend fails on most tasks.
        ServerUnreachable
            What is predicted by then is kept: the next call goes on from there.
        """
        said = self._first(pool, Reports(progress, "Asking for predictions."))
        self._tidy(1)
        return said

    def members(self, pool: Pool, progress: Progress = silent) -> list[ModelRows]:
        """The models of a committee: the one of :meth:`model`, the other backends, then older versions by what is
        kept of them, newest first, and by what is stored of them.

        Older versions that know less than ``KNOWN`` of the pool are left out.

        Raises
        ------
        NoPredictions
            There are fewer than two.
        """
        reports = Reports(progress, "Asking for predictions.")
        found = [self._first(pool, reports)]
        if self.source != "stored" and not self.version:
            found += [self._of_backend(backend, pool, reports) for backend in self.committee[: MEMBERS - 1]]
        older = self._older({member.version for member in found}, self._stored.counts(reports))
        found += self._of_kept(older, pool, reports, most=MEMBERS - len(found), least=KNOWN)
        self._tidy(MEMBERS)
        if len(found) < 2:
            raise NoPredictions(
                "A committee needs two models or more, and the project has one.",
                "Connect a second ML backend, or score this round by a strategy of one model: after the next training "
                f"that model is the second member, if it knows {KNOWN:.0%} of the tasks.",
            )
        return found

    def _first(self, pool: Pool, reports: Reports) -> ModelRows:
        """The model that counts."""
        if self.version:
            return self._of_chosen(pool, reports)
        if self.backend is not None:
            return self._of_backend(self.backend, pool, reports)
        best = self._best(self._stored.counts(reports))
        return self._of_kept([self._shelf("", best)], pool, reports)[0]

    def _of_backend(self, backend: MLBackend, pool: Pool, reports: Reports) -> ModelRows:
        version = self._version(backend, pool.task_ids, reports)
        shelf = self._shelf(backend.url, version)
        if not version:
            shelf.clear()  # which model it was is not known, so whether it is this one is not either
        elif backend is self.backend:
            self._history.note(shelf)
        else:
            shelf.forget_others([])
        there, most = self._kept(shelf)
        may_ask = self.source != "stored"
        table = there.valid(
            pool, stored=self.source != "direct", direct=may_ask and not self.write_back, refused=self.write_back
        )
        kept = min(most, len(pool.task_ids) - len(table.missing(pool.task_ids)))
        if self.source != "direct":
            table = self._with_stored({shelf: table}, pool, reports, backend)[shelf]
        missing = table.missing(pool.task_ids)
        if may_ask and len(missing):
            shelf.keep(table)  # nothing that is out of date: whatever is there afterwards counts
            self._have_predicted(backend, version, missing, reports)
            table = shelf.load()
        return self._rows(shelf, there, table, pool, kept)

    def _have_predicted(self, backend: MLBackend, version: str, task_ids: NDArray[np.int64], reports: Reports) -> None:
        def work(some: NDArray[np.int64], progress: Progress) -> None:
            self.predict_part(backend, version, some, progress)

        self.spread(work, PartSpec(backend.url, version), task_ids, reports.say)

    def _of_chosen(self, pool: Pool, reports: Reports) -> ModelRows:
        said = self._of_kept([self._shelf_of(self.version)], pool, reports)[0]
        if not any(one.known.any() for one in said.probabilities):
            raise NoPredictions(
                f"The pool is to be scored with model version {self.version}, and none of its predictions is there.",
                "Choose the newest model in the settings of the campaign, which can be asked.",
            )
        return said

    def _older(self, known: Collection[str], counts: Mapping[str, int]) -> list[Shelf]:
        """What may be members too: versions with kept predictions, the newest first, then by how many are stored."""
        history = self._history.versions()
        if self.version in history:
            history = history[history.index(self.version) :]  # a lead who chose it does not trust those after it
        stored = sorted(set(counts) - {*history}, key=lambda version: (-counts[version], version))
        return [self._shelf_of(version) for version in [*history, *stored] if version not in known]

    def _of_kept(
        self, shelves: Sequence[Shelf], pool: Pool, reports: Reports, *, most: int = 1, least: float = 0.0
    ) -> list[ModelRows]:
        """What versions say that nobody is asked for, by what is kept and stored of them.

        Parameters
        ----------
        most : int
            How many models there may be; the first of them count.
        least : float
            Share of the pool that each must know.
        """
        counts = self._stored.counts(reports) if shelves else {}
        read: dict[Shelf, tuple[PredictionTable, int]] = {}
        tables: dict[Shelf, PredictionTable] = {}
        for shelf in shelves:
            if len(tables) == most:
                break
            there, before = self._kept(shelf)
            table = there.valid(pool, direct=self.source != "stored")
            kept = len(pool.task_ids) - len(table.missing(pool.task_ids))
            if kept + counts.get(shelf.version, 0) >= least * len(pool.task_ids):
                read[shelf], tables[shelf] = (there, min(before, kept)), table
        tables |= self._with_stored({s: t for s, t in tables.items() if s.version in counts}, pool, reports)
        found = [self._rows(shelf, there, tables[shelf], pool, kept) for shelf, (there, kept) in read.items()]
        for shelf in tables:
            if shelf.where == self._room(""):
                shelf.forget_others(counts)
        return [model for model in found if model.known_share >= least]

    def _with_stored(
        self,
        tables: Mapping[Shelf, PredictionTable],
        pool: Pool,
        reports: Reports,
        backend: MLBackend | None = None,
    ) -> dict[Shelf, PredictionTable]:
        """The tables with what is stored of the tasks that they lack, as far as that can have come since.

        Raises
        ------
        NoPredictions
            Nothing is stored of a backend that may not be asked.
        """
        if not any(len(table.missing(pool.task_ids)) for table in tables.values()):
            return dict(tables)
        counts = self._stored.counts(reports)
        may_ask = backend is not None and self.source != "stored"
        for shelf in tables:
            if backend is not None and not may_ask and shelf.version not in counts:
                raise nothing_stored(backend, shelf.version, counts)
        return self._stored.filled(tables, pool, counts, reports, may_ask=may_ask)

    def _rows(
        self,
        shelf: Shelf,
        there: PredictionTable,
        table: PredictionTable,
        pool: Pool,
        kept: int,
    ) -> ModelRows:
        """What is said of the pool; it is put on the shelf."""
        if not shelf.version:
            shelf.clear()
        elif table is not there or shelf.has_drafts:
            table = table.said_after(pool)
            shelf.keep(table)
        version, ids = table.model_version, pool.task_ids
        said = zip(table.rows, self.spaces, strict=True)
        return ModelRows(
            version=version,
            probabilities=tuple(rows.of(ids).probabilities(space, version) for rows, space in said),
            embeddings=table.embeddings.of(ids),
            kept=kept,
            failed=table.failed_count(ids),
        )

    def _tidy(self, newest: int) -> None:
        """Delete what is kept of the backend's older models, but of so many and the one that was chosen."""
        if self.backend is not None:
            self._history.keep(newest, self.version)

    # ----------------------------------------------------------------- what is stored

    def read_ahead(self, progress: Progress = silent) -> Ahead | None:
        """Read the stored predictions before the tasks, where most tasks have one: they tell the tasks' ids as well.

        None where they do not, or may not be used.
        """
        reports = Reports(progress, "Asking for predictions.")
        counts = self._stored.counts(reports) if self.source != "direct" else {}
        least = max(1, COVERED * self.project.task_count)
        if max(counts.values(), default=0) < least:
            return None
        backend = self.backend
        version = self.version
        if not version:
            version = reports.wait(lambda: backend.model_version(self.project)) if backend else self._best(counts)
        if counts.get(version, 0) < least:
            return None
        shelf = self._shelf_of(version) if self.version else self._shelf(backend.url if backend else "", version)
        before = shelf.load()
        table = self._stored.complete(shelf, before, counts, reports)
        self._read[shelf] = table, int(before.has_answer.sum())
        return Ahead(table.task_ids, table.complete_as_of)

    def _kept(self, shelf: Shelf) -> tuple[PredictionTable, int]:
        """What is there of a model, and how many answers were before the last reading ahead, which it is of then."""
        read = self._read.pop(shelf, None)
        if read is not None:
            return read
        table = shelf.load()
        return table, len(table)

    def _best(self, counts: Mapping[str, int]) -> str:
        """The stored version with the most predictions."""
        if not counts:
            raise NoPredictions(
                "The project has no predictions and no ML backend to ask.",
                "Connect an ML backend in Label Studio, or import predictions.",
            )
        return max(counts, key=lambda version: counts[version])

    # ----------------------------------------------------------------- what a backend says now

    def predict_part(
        self, backend: MLBackend, model_version: str, task_ids: NDArray[np.int64], progress: Progress = silent
    ) -> None:
        """Predict some of the tasks that :meth:`model` lacks into the store, in whatever process.

        Tasks that were predicted into it since ``model`` began are not predicted again.

        Parameters
        ----------
        model_version : str
            As in :class:`PartSpec`.
        task_ids : (n,) array of int64, ascending
        """
        reports = Reports(progress, "Asking for predictions.")
        shelf = self._shelf(backend.url, model_version)
        as_of = self._stored.mark(reports)
        writes = self.write_back and bool(model_version)
        direct = Direct(
            self.label_studio,
            self.project,
            backend,
            version=model_version,
            write_back=WrittenBack(self.label_studio, self.project.id, model_version) if writes else None,
            proven=shelf.proven(),
        )
        drafts = Drafts(shelf)
        try:
            for answers in direct.answers(shelf.drafts_of(task_ids).missing(task_ids), reports):
                drafts.take(answers, as_of)
                drafts.save_if_due(direct.version)
            if direct.has_silent_answers and model_version:
                self._check_silent(backend, model_version, drafts, reports)
        finally:
            drafts.save(direct.version)

    def _check_silent(self, backend: MLBackend, version: str, drafts: Drafts, reports: Reports) -> None:
        """Raise ``UnexpectedAnswer`` where a backend that does not sign its answers has another model by now."""
        now = reports.wait(lambda: backend.model_version(self.project))
        if now not in ("", version):
            drafts.throw_away()
            raise model_changed({version, now})

    def forget(self, version: str) -> None:
        """Take away what is kept of a version of the backend: another model goes by that name now."""
        if self.backend is not None:
            shelf = self._shelf(self.backend.url, version)
            shelf.clear()
            self._read.pop(shelf, None)

    def _version(self, backend: MLBackend, task_ids: NDArray[np.int64], reports: Reports) -> str:
        """The backend's version: as it says by itself, or with its predictions; empty where it never does."""
        version = reports.wait(lambda: backend.model_version(self.project))
        if version or self.source == "stored":
            return version
        direct = Direct(self.label_studio, self.project, backend)
        for _ in direct.answers(task_ids[:PROBE], reports):
            pass
        return direct.version

    def _shelf(self, backend_url: str, version: str) -> Shelf:
        return Shelf(self.store, self._room(backend_url), self.spaces, version)

    def _shelf_of(self, version: str) -> Shelf:
        """Where an older version is kept: with the backend that had it, or among what is known as stored alone."""
        is_of_backend = self.backend is not None and version in self._history.versions()
        return self._shelf(self.backend.url if self.backend and is_of_backend else "", version)

    def _room(self, backend_url: str) -> tuple[str, ...]:
        return self.label_studio.url, str(self.project.id), backend_url

    # ----------------------------------------------------------------- a few tasks, as they are answered

    def sample(self, task_ids: NDArray[np.int64], progress: Progress = silent) -> list[Prediction]:
        """What the current model says of a few tasks; read or predicted now, whatever is kept.

        Raises
        ------
        NoPredictions
            Nothing is stored and there is no backend to ask, or it may not be asked.
        """
        reports = Reports(progress, "Asking for predictions.")
        counts = self._stored.counts(reports)
        backend = self.backend
        if backend is None:
            version = self._best(counts)
            covers_all = len(counts) == 1 or counts[version] >= self.project.task_count
            return self._stored_sample(task_ids, [version] if covers_all else [*counts], reports)
        version = reports.wait(lambda: backend.model_version(self.project))
        if self.source == "stored" and version not in counts:
            raise nothing_stored(backend, version, counts)
        found: list[Prediction] = []
        if self.source != "direct" and version in counts:
            found = self._stored_sample(task_ids, [version], reports)
        if self.source != "stored":
            have = np.array([prediction.task_id for prediction in found], dtype=np.int64)
            found += self._predicted(
                Direct(self.label_studio, self.project, backend, version=version), np.setdiff1d(task_ids, have), reports
            )
        return found

    def predict(self, backend: MLBackend, task_ids: Sequence[int], progress: Progress = silent) -> list[Prediction]:
        """Let a backend predict a few tasks, in the order of their ids; those that are gone or fail are left out."""
        reports = Reports(progress, "Asking for predictions.")
        ids = np.unique(np.array(task_ids, dtype=np.int64))
        return self._predicted(Direct(self.label_studio, self.project, backend), ids, reports)

    def _predicted(self, direct: Direct, task_ids: NDArray[np.int64], reports: Reports) -> list[Prediction]:
        said = [prediction for answers in direct.answers(task_ids, reports) for prediction in answers.predictions]
        signed = [replace(prediction, model_version=direct.version) for prediction in said]
        return sorted(signed, key=lambda prediction: prediction.task_id)

    def _stored_sample(
        self, task_ids: NDArray[np.int64], versions: Sequence[str], reports: Reports
    ) -> list[Prediction]:
        ids = task_ids.tolist()
        found = reports.wait(lambda: list(self.label_studio.predictions_of(self.project.id, ids)))
        return [prediction for prediction in found if prediction.model_version in versions]
