"""Spans and boxes as a real Label Studio keeps them, measured against what a backend says of the tasks."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.evaluation import Evaluation
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

Make = Callable[..., ActiveLearningManager]
Result = list[dict[str, Any]]

NAMES = """<View><Labels name="names" toName="text"><Label value="PER"/><Label value="ORG"/></Labels>
  <Text name="text" value="$text"/></View>"""
PICTURES = """<View><Image name="picture" value="$image"/><RectangleLabels name="box" toName="picture">
  <Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""
PICTURE = {"image": "/static/images/opossum_looking.svg"}
"""One of Label Studio's own."""


@contextmanager
def says(results: dict[int, Result]) -> Iterator[str]:
    """A backend that gives a result for each task; its address."""

    class Backend(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["tasks"]
            answers = [{"result": results[task["id"]], "score": 0.5, "model_version": "v3"} for task in asked]
            body = json.dumps({"results": answers}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def measured(
    manager: Make,
    server: LabelStudioServer,
    config: str,
    data: list[dict[str, str]],
    truth: list[Result],
    said: list[Result],
) -> Evaluation:
    """Have people answer the tasks of a new project, and measure a model against them."""
    project_id = server.api.create_project("Measures", config, [{"data": values} for values in data])
    ids = manager(project_id).read_pool().task_ids.tolist()
    for task_id, result in zip(ids, truth, strict=True):
        answer = {"result": result, "was_cancelled": False}
        server.api.http.post(f"/api/tasks/{task_id}/annotations/", json=answer).raise_for_status()
    with says(dict(zip(ids, said, strict=True))) as address:
        return manager(project_id, backend=address).evaluate(ids)


def name(label: str, start: int, end: int) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": "…", "labels": [label]}
    return {"from_name": "names", "to_name": "text", "type": "labels", "value": value}


def box(label: str, x: float, score: float | None = None) -> dict[str, Any]:
    value = {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": [label]}
    region = {"from_name": "box", "to_name": "picture", "type": "rectanglelabels", "value": value}
    return region if score is None else {**region, "score": score}


def test_names_in_texts(manager: Make, label_studio: LabelStudioServer) -> None:
    texts = [{"text": f"Ada Lovelace met Acme Ltd {number} times"} for number in range(3)]
    truth = [[name("PER", 0, 12), name("ORG", 17, 25)], [name("PER", 0, 12)], []]
    said = [[name("PER", 0, 12), name("ORG", 17, 21)], [name("PER", 0, 12)], []]
    found = measured(manager, label_studio, NAMES, texts, truth, said)
    assert found.model_version == "v3"
    assert {metric.name: metric.value for metric in found.metrics} == {"span_f1": pytest.approx(2 / 3), "overlap_f1": 1}
    assert [answer.is_right for answer in found.answers] == [False, True, True]
    assert [(row.label, row.support) for row in found.classes] == [("PER", 2), ("ORG", 1)]


def test_boxes_in_pictures(manager: Make, label_studio: LabelStudioServer) -> None:
    truth = [[box("cat", 10), box("dog", 60)], [box("cat", 10)]]
    said = [[box("cat", 11, 0.9), box("dog", 10, 0.8)], [box("cat", 10, 0.7)]]
    found = measured(manager, label_studio, PICTURES, [PICTURE] * 2, truth, said)
    assert found.headline.name == "map_50"
    assert found.headline.value == pytest.approx(0.5), "all cats, no dog"
    assert [answer.is_right for answer in found.answers] == [False, True]
    cat, dog = found.classes
    assert cat.average_precision is not None
    assert (cat.average_precision.value, cat.support, dog.support) == (pytest.approx(1), 2, 1)
