"""Where predictions come from: those that Label Studio has stored, and the backends that predict now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from al_core.errors import NoPredictions, UnexpectedAnswer
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.strategies import QueryStrategy
from al_core.types import Prediction, Progress, Project, silent

CHUNK = 100
"""Tasks in one request to a backend: a few seconds of work, and a progress bar that moves."""

MEMBERS = 5
"""Models of a committee at most: each more costs a whole pool of predictions and changes the ranking little."""


@dataclass(frozen=True)
class ModelPredictions:
    """What one model says, and which one it is."""

    version: str
    predictions: Iterable[Prediction]
    """Those of other versions may be among them: a reader that is told the version knows what to do."""


class PredictionSource:
    """The models of one project.

    Parameters
    ----------
    label_studio : LabelStudio
        The server that stores predictions.
    project : Project
    backend : MLBackend, optional
        The model that is trained. Without one there are only stored predictions.
    committee : sequence of MLBackend
        Other models to ask where a committee is wanted.
    """

    def __init__(
        self,
        label_studio: LabelStudio,
        project: Project,
        backend: MLBackend | None = None,
        committee: Sequence[MLBackend] = (),
    ) -> None:
        self.label_studio = label_studio
        self.project = project
        self.backend = backend
        self.committee = committee

    def model(self, task_ids: Sequence[int], progress: Progress = silent) -> ModelPredictions:
        """What the current model says: what is stored of it, the rest predicted now.

        Raises
        ------
        NoPredictions
            Nothing is stored and there is no backend to ask.
        UnexpectedAnswer
            The model changed meanwhile, so its numbers cannot be ranked together.
        """
        if self.backend is None:
            return self._best_stored()
        version = self.backend.model_version(self.project)
        stored = {found.task_id: found for found in self._stored(version)}
        missing = [task_id for task_id in task_ids if task_id not in stored]
        found = [*stored.values(), *self.predict(self.backend, missing, progress)]
        _check_one_model(found)
        return ModelPredictions(found[0].model_version if found else version, found)

    def members(self, task_ids: Sequence[int], progress: Progress = silent) -> list[ModelPredictions]:
        """The models of a committee: the current one, the other backends, then what older ones have stored.

        Raises
        ------
        NoPredictions
            There are fewer than two.
        """
        found = [self.model(task_ids, progress)]
        for backend in self.committee[: MEMBERS - 1]:
            predicted = self.predict(backend, task_ids, progress)
            found.append(ModelPredictions(predicted[0].model_version if predicted else "", predicted))
        versions = self.label_studio.model_versions(self.project.id)
        known = {member.version for member in found}
        older = sorted(set(versions) - known, key=lambda version: (-versions[version], version))
        for version in older[: MEMBERS - len(found)]:
            found.append(ModelPredictions(version, self.label_studio.predictions(self.project.id, version)))
        if len(found) < 2:
            raise NoPredictions(
                "A committee needs two models or more, and the project has one.",
                "Connect a second ML backend, keep predictions of an earlier model version, "
                "or choose a strategy of one model.",
            )
        return found

    def predict(self, backend: MLBackend, task_ids: Sequence[int], progress: Progress = silent) -> list[Prediction]:
        """Let a backend predict, a chunk at a time; a task that is gone is left out."""
        found: list[Prediction] = []
        for start in range(0, len(task_ids), CHUNK):
            progress(start, len(task_ids), f"Predicting: {start:,} of {len(task_ids):,} tasks.")
            data = self.label_studio.task_data(self.project.id, task_ids[start : start + CHUNK])
            tasks = [{"id": task_id, "data": values} for task_id, values in data.items()]
            if tasks:
                found += backend.predict(self.project, tasks)
        _check_one_model(found)
        progress(len(task_ids), len(task_ids), f"Predicted {len(task_ids):,} tasks.")
        return found

    def _best_stored(self) -> ModelPredictions:
        """The stored version with the most predictions; all are read where others may have what it lacks."""
        versions = self.label_studio.model_versions(self.project.id)
        if not versions:
            raise NoPredictions(
                "The project has no predictions and no ML backend to ask.",
                "Connect an ML backend in Label Studio, or import predictions.",
            )
        version = max(versions, key=lambda version: versions[version])
        covers_all = len(versions) == 1 or versions[version] >= self.project.task_count
        return ModelPredictions(
            version, self.label_studio.predictions(self.project.id, version if covers_all else None)
        )

    def _stored(self, version: str) -> Iterable[Prediction]:
        if version not in self.label_studio.model_versions(self.project.id):
            return ()
        return self.label_studio.predictions(self.project.id, version)


def _check_one_model(predictions: Collection[Prediction]) -> None:
    """Raise ``UnexpectedAnswer`` where several models answered: their scores cannot be ranked together."""
    versions = {prediction.model_version for prediction in predictions}
    if len(versions) > 1:
        raise UnexpectedAnswer(
            f"The model changed while it predicted ({', '.join(sorted(versions))}).",
            "Try again when its training has ended.",
        )


def why_unknown(
    unknown: Mapping[str, int], strategy: QueryStrategy, total: int, backend: MLBackend | None
) -> NoPredictions:
    """The error that says why not one task of a pool can be ranked."""
    who = f"The ML backend at {backend.url}" if backend else "What is stored in Label Studio"
    if sum(unknown.values()) < total:
        return NoPredictions(
            f"{who} does not tell enough of any of {total:,} tasks to rank them by {strategy.label.lower()}.",
            "The probability doctor of the campaign says which strategies its numbers are good for.",
        )
    reasons = "; ".join(f"{count:,} × {reason}" for reason, count in unknown.items())
    return NoPredictions(
        f"{who} has no usable class probabilities for any of {total:,} tasks ({reasons}).",
        "A model that was never trained has none: label a start set and train first. "
        "docs/ml-backend.md shows what a backend should answer.",
    )
