"""Predicting every task, beside Label Studio's own “retrieve predictions”, and storing what was predicted."""

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from al_core.active_learning import ActiveLearningManager
from al_core.label_studio import LabelStudio
from al_core.ml_backend import MLBackend
from al_core.storage import MemoryStore
from al_core.types import Prediction
from benchmarks.pool_data import VERSION, prediction, text
from benchmarks.pool_reading import seconds_of
from benchmarks.pool_stack import Server, expect

SINGLE_POSTS = 50
"""Predictions that are stored one by one, to see what one costs."""


def our_seconds(server: Server, project: int, count: int, backend: str, *, write_back: bool = False) -> float:
    """Predict all tasks; with ``write_back`` they are stored in Label Studio too."""

    def predict() -> None:
        with (
            closing(LabelStudio(server.url, server.token, patience=60)) as client,
            closing(MLBackend(backend)) as asked,
        ):
            source = "stored_then_direct" if write_back else "direct"
            manager = ActiveLearningManager(
                client,
                project,
                asked,
                strategy_name="margin",
                source=source,
                write_back=write_back,
                store=MemoryStore(),
            )
            scores = manager.score(manager.read_pool())
        expect(int(np.isfinite(scores.values).sum()), count, "predictions")

    took = seconds_of(predict)
    if write_back:
        expect(stored(server, project), count, "predictions")
    return took


def retrieved_seconds(server: Server, project: int, count: int, backend: str) -> tuple[float, int]:
    """Label Studio's own way: seconds, and how many predictions came; what its answer says is not asked."""
    server.api.connect_backend(project, backend, "Hash")
    action = f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}"
    everything = {"selectedItems": {"all": True, "excluded": []}, "filters": {"conjunction": "and", "items": []}}
    return seconds_of(lambda: server.post(action, everything)), stored(server, project)


def stored(server: Server, project: int) -> int:
    """How many predictions of the benchmark's model the project holds."""
    return int(server.get(f"/api/projects/{project}/model-versions").get(VERSION, 0))


@dataclass(frozen=True)
class Storing:
    """Milliseconds a prediction."""

    batches: float
    single: float


def storing(server: Server, count: int) -> Storing:
    """What it costs to store a prediction: many in a call as we do, and one a call."""
    project = server.bare(count, "Stored into")
    tasks = server.get("/api/tasks", project=project, page_size=count, include="id,data")["tasks"]
    predictions = [
        Prediction(task["id"], said["result"], said["score"], said["model_version"])
        for task in tasks
        for said in [prediction(task["data"]["text"])]
    ]
    with closing(LabelStudio(server.url, server.token)) as client:
        batches = seconds_of(lambda: client.import_predictions(project, predictions))
    expect(stored(server, project), count, "predictions")
    few = tasks[:SINGLE_POSTS]
    single = seconds_of(
        lambda: [server.post("/api/predictions/", {"task": t["id"], **prediction(text(0))}) for t in few]
    )
    return Storing(batches / count * 1e3, single / len(few) * 1e3)
