"""One control's predictions through a real Label Studio: by its ML backend, by import, and back.

What Label Studio 1.23.2 does with them on the way:

- It looks at nothing inside a region, not even whether the control or the label exists, unless it was started with
  ``fflag_feat_utc_210_prediction_validation_15082025=true``. Then it refuses a prediction's score outside 0 to 1
  (the empty result with 2.0 among them), an unknown label, the shown value of a label that has an alias, a value
  without its keys, and a result that is no list. Further keys stay welcome: our contract passes in all three places.
- Every key of a region survives, and every float to its last bit. Of a prediction only ``result``, ``score`` and
  ``model_version`` are taken from a backend; POST ``/api/predictions/`` takes its own ``cluster`` as well.
- A score of ``NaN`` becomes null. One of ``Infinity`` is stored, and then every reading of the project's tasks or
  predictions fails (500) until the project's predictions are deleted.
- A ``model_version`` that is left out is that of ``/setup`` where a backend answers, empty in POST
  ``/api/predictions/``, and "undefined" where tasks are imported with predictions; the last takes null as well.
- One bad answer of a backend (what is refused above, a ``result`` of null, a NaN inside a region, a score that is no
  number, a null version) costs the predictions of the whole batch; an answer without ``result``, or an empty list,
  only that task's own. The sentence "Retrieved N predictions" counts tasks all the same.
- A backend may answer a task with a list of predictions, each of another version. A ``result`` that is an object or a
  string becomes a region of the first control that fits.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.digits.server import DemoServer
from tests.recordings.backend import Prediction, PreparedBackend

FOLDER = Path(__file__).parent
"""Where the recordings are."""

Said = dict[tuple[str, str], tuple[Any, float | None]]
"""(state of a task, model version) → (result, score): all that TrustAI reads of a prediction."""


@dataclass(frozen=True)
class Control:
    """A labelling configuration, and what is said of tasks under it."""

    name: str
    """Name of the recording's file."""
    label_config: str
    data: dict[str, Any]
    """What every task shows."""
    predicted: dict[str, Prediction]
    """State of a task → what the backend says of it."""
    imported: dict[str, Prediction]
    """State of a task → what is imported for it besides, as another model version."""

    @property
    def said(self) -> Said:
        told = [*self.predicted.items(), *self.imported.items()]
        return {(state, said["model_version"]): (said["result"], said["score"]) for state, said in told}


@dataclass(frozen=True)
class Recording:
    """What the server answers of it all."""

    label_config: str
    tasks: list[dict[str, Any]]
    predictions: list[dict[str, Any]]

    @classmethod
    def load(cls, control: Control) -> "Recording":
        return cls(**json.loads((FOLDER / f"{control.name}.json").read_text()))

    @property
    def said(self) -> Said:
        states = {task["id"]: task["data"]["state"] for task in self.tasks}
        return {(states[p["task"]], p["model_version"]): (p["result"], p["score"]) for p in self.predictions}

    @property
    def keys(self) -> set[str]:
        """What a prediction of the server holds, whatever of it is read."""
        return {key for prediction in self.predictions for key in prediction}


def round_trip(server: DemoServer, backend: PreparedBackend, control: Control) -> Recording:
    """Make a project, have Label Studio fetch and take predictions, and read them back."""
    states = list(dict.fromkeys([*control.predicted, *control.imported]))
    project_id = server.create_project(
        f"Recording {control.name}", control.label_config, [{"data": {**control.data, "state": s}} for s in states]
    )
    backend.prepared[project_id] = control.predicted
    server.connect_backend(project_id, backend.url, "Prepared backend")
    tasks = _get(server, f"/api/tasks?project={project_id}&page_size=1000&include=id,data")["tasks"]
    ids = {task["data"]["state"]: task["id"] for task in tasks}
    _retrieve(server, project_id, [ids[state] for state in control.predicted])
    for state, prediction in control.imported.items():
        _post(server, "/api/predictions/", {"task": ids[state], **prediction})
    return Recording(
        label_config=_get(server, f"/api/projects/{project_id}/")["label_config"],
        tasks=sorted(tasks, key=lambda task: int(task["id"])),
        predictions=_get(server, f"/api/predictions/?project={project_id}"),
    )


def _retrieve(server: DemoServer, project_id: int, task_ids: Iterable[int]) -> None:
    chosen = {"all": False, "included": list(task_ids)}
    _post(
        server,
        f"/api/dm/actions?id=retrieve_tasks_predictions&project={project_id}",
        {"selectedItems": chosen, "project": project_id},
    )


def _get(server: DemoServer, path: str) -> Any:
    return server.http.get(path).raise_for_status().json()


def _post(server: DemoServer, path: str, body: Any) -> None:
    server.http.post(path, json=body).raise_for_status()
