"""What a backend said, stored in Label Studio: every task once, whatever becomes of an answer on its way."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from al_core.errors import ServerUnreachable, UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.types import Prediction

PAUSE_SECONDS = 2.0
"""How long an import whose answer was lost is given to end before we look what became of it."""

REFUSALS = 8
"""Predictions that may be refused one by one before any is accepted."""


@dataclass(frozen=True)
class WrittenBack:
    """Stores the predictions of one model version.

    Parameters
    ----------
    label_studio : LabelStudio
    project_id : int
    version : str
        Also of those predictions that do not name theirs.
    """

    label_studio: LabelStudio
    project_id: int
    version: str

    def __call__(self, predictions: Sequence[Prediction]) -> set[int]:
        """Store what can be stored, and give the ids of its tasks.

        Left out are tasks that are gone, and predictions that are no JSON (NaN) or that Label Studio does not take.

        Raises
        ------
        ServerUnreachable
            Label Studio does not answer; some of them may be stored.
        UnexpectedAnswer
            It refuses them all.
        """
        waiting = [[replace(each, model_version=self.version) for each in predictions if _is_json(each)]]
        stored: set[int] = set()
        refused = 0
        while waiting:
            batch = waiting.pop()
            try:
                stored |= self._stored(batch) if batch else set()
            except UnexpectedAnswer:
                there = self._still_there(batch)
                half = len(batch) // 2
                if len(there) < len(batch):
                    waiting.append(there)
                elif half:
                    waiting += [batch[half:], batch[:half]]
                elif refused >= REFUSALS and not stored:
                    raise
                else:
                    refused += 1
        return stored

    def _stored(self, batch: Sequence[Prediction]) -> set[int]:
        try:
            taken = self.label_studio.import_predictions(self.project_id, batch)
        except ServerUnreachable:
            # It may have been stored for all that.
            time.sleep(PAUSE_SECONDS)
            there = self._there(batch)
            missing = [each for each in batch if each.task_id not in there]
            taken = len(there) + (self.label_studio.import_predictions(self.project_id, missing) if missing else 0)
        # It passes over in silence what it does not like.
        return {each.task_id for each in batch} if taken >= len(batch) else self._there(batch)

    def _there(self, batch: Sequence[Prediction]) -> set[int]:
        """The tasks that have a prediction of the version."""
        found = self.label_studio.predictions_of(self.project_id, [each.task_id for each in batch])
        return {each.task_id for each in found if each.model_version == self.version}

    def _still_there(self, batch: Sequence[Prediction]) -> list[Prediction]:
        tasks = self.label_studio.tasks(self.project_id, [each.task_id for each in batch])
        return [each for each in batch if each.task_id in tasks]


def _is_json(prediction: Prediction) -> bool:
    try:
        json.dumps([prediction.result, prediction.score], allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
