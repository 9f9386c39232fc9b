"""Tables of what Label Studio has stored: what can have come since the last reading is read, and nothing else."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from al_core.label_studio import LabelStudio
from al_core.pool import microseconds
from al_core.predictions.reports import Reports
from al_core.predictions.shelf import Shelf
from al_core.predictions.stored import stored_predictions
from al_core.predictions.table import PredictionTable, TableBuilder
from al_core.types import LabelSpace, Pool, Project, Reason


@dataclass(frozen=True)
class StoredTables:
    """The stored predictions of one project."""

    label_studio: LabelStudio
    project: Project
    spaces: tuple[LabelSpace, ...]

    def counts(self, reports: Reports) -> dict[str, int]:
        """Model version → how many predictions of it are stored."""
        return reports.wait(lambda: self.label_studio.model_versions(self.project.id))

    def mark(self, reports: Reports) -> int:
        """A moment of Label Studio's clock, as :attr:`PredictionTable.as_of`: what is read next is of it, or later."""
        moment, _ = reports.wait(lambda: self.label_studio.newest_change(self.project.id))
        return microseconds(moment) if moment else 0

    def complete(
        self, shelf: Shelf, table: PredictionTable, counts: Mapping[str, int], reports: Reports
    ) -> PredictionTable:
        """A model's table with everything that is stored, whatever the task; it is put on the shelf."""
        count = counts.get(shelf.version, 0)
        if table.complete_as_of and table.stored_count == count:
            return table
        as_of = self.mark(reports)
        table, others = self._read({shelf: table}, None, as_of, counts, reports)[shelf]
        table = PredictionTable.merged([table, self._nothing(table, others, Reason.OTHER_VERSION, as_of)])
        table = replace(table, stored_count=count, complete_as_of=as_of)
        shelf.keep(table)
        return table

    def filled(
        self,
        tables: Mapping[Shelf, PredictionTable],
        pool: Pool,
        counts: Mapping[str, int],
        reports: Reports,
        *,
        may_ask: bool,
    ) -> dict[Shelf, PredictionTable]:
        """Several models' tables with what is stored of the pool's tasks that they lack, all by one reading.

        Parameters
        ----------
        may_ask : bool
            Whether a backend is asked for what is not stored. If so, a reading is only worth while where the number of
            stored predictions tells of new ones. If not, every task is looked up once, and again when it has changed.
        """
        wanted: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        for shelf, table in tables.items():
            if counts.get(shelf.version, 0) != table.stored_count:
                wanted = np.concatenate([wanted, table.missing(pool.task_ids)])
            elif not may_ask:
                wanted = np.concatenate([wanted, table.unheard_of(pool)])
        if not len(wanted) or not any(shelf.version in counts for shelf in tables):
            return dict(tables)
        wanted = np.unique(wanted)
        as_of = self.mark(reports)
        found = {}
        for shelf, (table, others) in self._read(tables, wanted, as_of, counts, reports).items():
            if not may_ask:
                lacking = table.missing(wanted)
                elsewhere = np.intersect1d(lacking, others)
                nothing = self._nothing(table, lacking, Reason.NO_PREDICTION, as_of)
                other = self._nothing(table, elsewhere, Reason.OTHER_VERSION, as_of)
                table = PredictionTable.merged([table, nothing, other])
            found[shelf] = replace(table, stored_count=counts.get(shelf.version, 0))
        return found

    def _nothing(
        self, table: PredictionTable, task_ids: NDArray[np.int64], reason: Reason, as_of: int
    ) -> PredictionTable:
        return PredictionTable.unknown(self.spaces, table.model_version, task_ids, reason, as_of)

    def _read(
        self,
        tables: Mapping[Shelf, PredictionTable],
        wanted: NDArray[np.int64] | None,
        as_of: int,
        counts: Mapping[str, int],
        reports: Reports,
    ) -> dict[Shelf, tuple[PredictionTable, NDArray[np.int64]]]:
        """Each table with what is stored of its version, and the ids of tasks that have another version's."""
        builders = {shelf.version: TableBuilder(self.spaces) for shelf in tables}
        others = array("q")
        predictions = stored_predictions(
            self.label_studio,
            self.project.id,
            wanted,
            task_count=self.project.task_count,
            stored_count=sum(counts.values()),
            reports=reports,
        )

        def merged(shelf: Shelf) -> PredictionTable:
            return PredictionTable.merged([tables[shelf], builders[shelf.version].table(shelf.version)])

        try:
            for prediction in predictions:
                builder = builders.get(prediction.model_version)
                if builder is None:
                    others.append(prediction.task_id)
                else:
                    builder.add(prediction, as_of, is_direct=False)
        except BaseException:
            for shelf in tables:
                shelf.keep(merged(shelf))  # the count stays what it was, so the rest is read next time
            raise
        elsewhere = np.unique(np.array(others, dtype=np.int64))
        return {shelf: (merged(shelf), elsewhere) for shelf in tables}
