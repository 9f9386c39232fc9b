"""A Label Studio and an ML backend at the end of the wire: what they answer over HTTP, and how they fail."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

URL = "http://labels.test"
BACKEND_URL = "http://backend.test"
TOKEN = "abad1dea" * 5
PROJECT_ID = 7
CREATED_AT = "2026-01-02T03:04:05.000000Z"
CONFIG = (
    '<View><Text name="words" value="$text"/><Choices name="mood" toName="words">'
    '<Choice value="good"/><Choice value="bad"/></Choices></View>'
)
BOXES = (
    '<View><Image name="picture" value="$image"/><RectangleLabels name="box" toName="picture">'
    '<Label value="cat"/></RectangleLabels></View>'
)
START = datetime(2026, 1, 2, 12, tzinfo=UTC)

Fault = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response | None]


def region(label: str, probabilities: dict[str, float] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "from_name": "mood",
        "to_name": "words",
        "type": "choices",
        "value": {"choices": [label]},
    }
    return found if probabilities is None else {**found, "probabilities": probabilities}


class Broken(ABC):
    """Answers by path, with faults in front of them."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        """Pattern of "METHOD /path" → what happens instead of the answer, until it is taken out."""
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        line = f"{request.method} {request.url.path}"
        for pattern, fault in self.faults.items():
            if re.search(pattern, line):
                broken = fault(request) if callable(fault) else fault
                if isinstance(broken, Exception):
                    raise broken
                if broken is not None:
                    return broken
        return self.answer(request)

    @abstractmethod
    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it answers when nothing is broken."""

    def bodies(self, line: str) -> list[Any]:
        """The JSON of every request of a "METHOD /path" pattern."""
        return [json.loads(r.content) for r in self.requests if re.search(line, f"{r.method} {r.url.path}")]


class LabelStudioServer(Broken):
    """One project of a Label Studio, in the shapes of its API."""

    def __init__(self, task_count: int = 0) -> None:
        super().__init__()
        self.authorization = f"Token {TOKEN}"
        self.title = "Moods"
        self.label_config = CONFIG
        self.backends: list[dict[str, Any]] = []
        self.tasks: dict[int, dict[str, Any]] = {}
        self.predictions: list[dict[str, Any]] = []
        self.tabs: dict[int, dict[str, Any]] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.on_train: Callable[[dict[str, Any]], None] = lambda backend: backend.update(state="TR")
        """What becomes of a backend when Label Studio is asked to have it trained."""
        self.files: dict[str, bytes] = {}
        """Path of an upload → its bytes."""
        self.overlap = 1
        """How many annotations make a task labelled."""
        self._ticks = 0
        for number in range(1, task_count + 1):
            self.add_task(number, {"text": f"sentence number {number} word{number}"})

    # ------------------------------------------------------------- what people do there

    def _now(self) -> str:
        self._ticks += 1
        return (START + timedelta(seconds=self._ticks)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def add_task(self, task_id: int, data: dict[str, Any]) -> None:
        now = self._now()
        self.tasks[task_id] = {
            "id": task_id,
            "data": data,
            "annotations": [],
            "updated_at": now,
            "completed_at": None,
            "is_labeled": False,
            "cancelled_annotations": 0,
            "total_annotations": 0,
        }

    def annotate(self, task_id: int, label: str | None, who: str = "bob@example.com", lead_time: float = 2.5) -> None:
        """Label a task, or skip it with None."""
        task = self.tasks[task_id]
        task["annotations"].append(
            {
                "id": len(task["annotations"]) + 1,
                "task": task_id,
                "result": [] if label is None else [region(label)],
                "was_cancelled": label is None,
                "created_username": f" {who}, 1",
                "updated_at": self._now(),
                "lead_time": lead_time,
            }
        )
        self._count(task)

    def edit_task(self, task_id: int, data: dict[str, Any]) -> None:
        self.tasks[task_id] |= {"data": data, "updated_at": self._now()}

    def need_annotations(self, overlap: int) -> None:
        """Change how many annotations a task needs; as on the real one, no `updated_at` moves."""
        self.overlap = overlap
        for task in self.tasks.values():
            before = task["updated_at"]
            self._count(task)
            task["updated_at"] = before

    def delete_annotations(self, task_id: int) -> None:
        self.tasks[task_id]["annotations"].clear()
        self._count(self.tasks[task_id])

    def _count(self, task: dict[str, Any]) -> None:
        live = [a for a in task["annotations"] if not a["was_cancelled"]]
        task["updated_at"] = self._now()
        task["is_labeled"] = len(live) >= self.overlap
        task["cancelled_annotations"] = len(task["annotations"]) - len(live)
        task["total_annotations"] = len(live)
        # On the real server's clock, against which the product's "since" is compared.
        task["completed_at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if task["is_labeled"] else None

    def predict(self, task_id: int, good: float, version: str) -> None:
        """Store a prediction."""
        chosen = "good" if good >= 0.5 else "bad"
        self.predictions.append(
            {
                "task": task_id,
                "result": [region(chosen, {"good": good, "bad": 1 - good})],
                "score": max(good, 1 - good),
                "model_version": version,
            }
        )

    def tab_ids(self, view_id: int) -> list[int]:
        return [item["value"] for item in self.tabs[view_id]["data"]["filters"]["items"]]

    # ------------------------------------------------------------- the API

    def project(self) -> dict[str, Any]:
        return {
            "id": PROJECT_ID,
            "title": self.title,
            "label_config": self.label_config,
            "task_number": len(self.tasks),
            "num_tasks_with_annotations": sum(task["is_labeled"] for task in self.tasks.values()),
            "created_at": CREATED_AT,
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != self.authorization:
            return httpx.Response(401, json={"detail": "Invalid token."})
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        line = f"{request.method} {request.url.path.rstrip('/')}"
        if found := re.fullmatch(r"GET /api/tasks/(\d+)", line):
            task = self.tasks.get(int(found[1]))
            return httpx.Response(404) if task is None else httpx.Response(200, json=task)
        if found := re.fullmatch(r"DELETE /api/dm/views/(\d+)", line):
            return httpx.Response(204) if self.tabs.pop(int(found[1]), None) else httpx.Response(404)
        if found := re.fullmatch(r"POST /api/ml/(\d+)/train", line):
            return self._train(int(found[1]))
        if found := re.fullmatch(r"(GET|PATCH) /api/webhooks/(\d+)", line):
            return self._webhook(int(found[2]), json.loads(request.content or "null"))
        answers: dict[str, Callable[[], Any]] = {
            "GET /api/current-user/whoami": lambda: {"id": 1, "email": "lead@example.com"},
            "GET /api/version": lambda: {"release": "1.23.2"},
            "GET /api/projects": lambda: {"results": [self.project()], "next": None},
            f"GET /api/projects/{PROJECT_ID}": self.project,
            f"GET /api/projects/{PROJECT_ID}/model-versions": lambda: self._versions(query),
            "GET /api/ml": self._asked_backends,
            "GET /api/webhooks": lambda: list(self.webhooks.values()),
            # As the real one: `model_version` in the query changes nothing.
            "GET /api/predictions": lambda: self.predictions,
            "GET /api/dm/views": lambda: list(self.tabs.values()),
            "POST /api/dm/views": lambda: self._make_tab(json.loads(request.content)),
        }
        if line == f"POST /api/projects/{PROJECT_ID}/import/predictions":
            return self._import_predictions(json.loads(request.content))
        if request.url.path in self.files:
            return httpx.Response(200, content=self.files[request.url.path])
        if line == "GET /api/tasks":
            return self._tasks(query)
        return httpx.Response(200, json=answers[line]()) if line in answers else httpx.Response(404)

    def _versions(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("include_live_models") == "true" and query.get("extended") == "true":
            return {"static": [], "live": self.backends}
        versions = [p["model_version"] for p in self.predictions]
        return {version: versions.count(version) for version in versions}

    def _asked_backends(self) -> list[dict[str, Any]]:
        """As the real one, which asks each how it is and forgets over that what went wrong before."""
        for backend in self.backends:
            if backend["state"] in ("ER", "TR"):
                backend |= {"state": "CO", "error_message": None}
        return self.backends

    def _train(self, backend_id: int) -> httpx.Response:
        """As the real one: nothing is said of what came of it."""
        for backend in self.backends:
            if backend["id"] == backend_id:
                self.on_train(backend)
                return httpx.Response(200)
        return httpx.Response(404, json={"detail": "Not found."})

    def _webhook(self, webhook_id: int, change: dict[str, Any] | None) -> httpx.Response:
        """As the real one: a change that does not name the events takes all of them away."""
        if webhook_id not in self.webhooks:
            return httpx.Response(404, json={"detail": "Not found."})
        if change is not None:
            self.webhooks[webhook_id] |= {"actions": [], **change}
        return httpx.Response(200, json=self.webhooks[webhook_id])

    def _import_predictions(self, body: list[dict[str, Any]]) -> httpx.Response:
        """As the real one: all or none where a task is gone, but what makes no sense is passed over in silence.

        And the `updated_at` of the tasks stays.
        """
        if any(item["task"] not in self.tasks for item in body):
            return httpx.Response(400, json={"detail": "Validation error"})
        sound = [item for item in body if item["score"] is None or 0 <= item["score"] <= 1]
        sound = [
            item for item in sound if all(f'"{found["from_name"]}"' in self.label_config for found in item["result"])
        ]
        self.predictions += sound
        return httpx.Response(201, json={"created": len(sound)})

    def _make_tab(self, body: dict[str, Any]) -> dict[str, Any]:
        view_id = max(self.tabs, default=40) + 1
        self.tabs[view_id] = {"id": view_id, "project": body["project"], "data": body["data"]}
        return self.tabs[view_id]

    def _tasks(self, query: dict[str, str]) -> httpx.Response:
        found = sorted(self.tasks.values(), key=lambda task: task["id"])
        if "view" in query:
            if int(query["view"]) not in self.tabs:
                return httpx.Response(404, json={"detail": "Not found."})
            ids = self.tab_ids(int(query["view"]))
            found = [task for task in found if task["id"] in ids]
        elif query.get("project") != str(PROJECT_ID):
            return httpx.Response(404)
        asked = json.loads(query.get("query", "{}"))
        for item in asked.get("filters", {}).get("items", []):
            found = [task for task in found if _matches(task, item)]
        for column in asked.get("ordering", []):
            name = column.removeprefix("-").removeprefix("tasks:")
            found = sorted(found, key=lambda task: task[name], reverse=column.startswith("-"))
        page, size = int(query.get("page", 1)), int(query["page_size"])
        shown = found[(page - 1) * size : page * size]
        if page > 1 and not shown:
            return httpx.Response(404, json={"detail": "Invalid page."})
        if "include" in query:
            names = query["include"].split(",")
            shown = [{name: self._column(task, name) for name in names} for task in shown]
            if query.get("fields") != "all":  # predictions are left out then, whatever was asked for
                shown = [{name: task[name] for name in task if name != "predictions"} for task in shown]
        return httpx.Response(200, json={"tasks": shown, "total": len(found)})

    def _column(self, task: dict[str, Any], name: str) -> Any:
        if name == "predictions":
            return [prediction for prediction in self.predictions if prediction["task"] == task["id"]]
        return task[name]


def _matches(task: dict[str, Any], item: dict[str, Any]) -> bool:
    value = task[item["filter"].removeprefix("filter:tasks:")]
    match item["operator"]:
        case "equal":
            return value == item["value"]
        case "in":
            return item["value"]["min"] <= value <= item["value"]["max"]
        case "in_list":
            return value in item["value"]
        case "empty":
            return (value is None) == item["value"]
        case "greater":
            return value is not None and value > item["value"]
    raise AssertionError(item)


class BackendServer(Broken):
    """An ML backend that trains at once: each training makes the next version."""

    def __init__(self, version: str = "v1") -> None:
        super().__init__()
        self.version = version
        self.running = False
        self.error = ""
        self.trains = True
        """False: a training starts and nothing comes of it."""
        self.learns = True
        """False: a training makes a new version that predicts what the one before did."""
        self.lessons = 0
        """Trainings that changed what it predicts."""

    def good(self, task_id: int) -> float:
        """The probability of "good": the nearer a task is to 50, the more torn the model."""
        return min(max(0.5 + (task_id - 50) / 200, 0.02), 0.98)

    def answer(self, request: httpx.Request) -> httpx.Response:
        answers = {
            "GET /health": lambda: {"status": "UP"},
            "POST /setup": lambda: {"model_version": self.version},
            "POST /predict": lambda: self._predict(json.loads(request.content)["tasks"]),
            "POST /train": self._train,
            "POST /webhook": self._train,
            "GET /is_training": lambda: {
                "is_training": self.running,
                "model_version": self.version,
                "error": self.error,
            },
        }
        line = f"{request.method} {request.url.path}"
        return httpx.Response(200, json=answers[line]()) if line in answers else httpx.Response(404)

    def _predict(self, tasks: list[dict[str, Any]]) -> dict[str, Any]:
        results = [{"result": self.result(task["id"]), "model_version": self.version} for task in tasks]
        return {"model_version": self.version, "results": results}

    def result(self, task_id: int) -> list[dict[str, Any]]:
        if not self.version:
            return []
        good = self.good(task_id) + 0.001 * self.lessons
        return [region("good" if good >= 0.5 else "bad", {"good": good, "bad": 1 - good})]

    def _train(self) -> dict[str, str]:
        if self.trains:
            self.lessons += self.learns
            number = int(self.version.removeprefix("v") or 0)
            self.version = f"v{number + 1}"
        return {"status": "training_started"}


def asks_to_train(backend: BackendServer) -> Callable[[dict[str, Any]], None]:
    """What Label Studio does when it is asked to have a backend trained: it keeps the failure, in words of its own."""

    def ask(row: dict[str, Any]) -> None:
        body = {"action": "START_TRAINING", "project": {"id": PROJECT_ID}}
        row["state"] = "ER"
        try:
            response = backend(httpx.Request("POST", f"{BACKEND_URL}/webhook", json=body))
        except httpx.ConnectError:
            row["error_message"] = "HTTPConnectionPool: Max retries exceeded with url: /webhook"
        except httpx.HTTPError:
            row["error_message"] = "HTTPConnectionPool: Read timed out. (read timeout=100.0)"
        else:
            status = response.status_code
            kind = "Client" if status < 500 else "Server"
            if status >= 400:
                row["error_message"] = f"{status} {kind} Error: for url: {BACKEND_URL}/webhook"
            elif not response.content:
                row["error_message"] = "Expecting value: line 1 column 1 (char 0)"
            else:
                row["state"] = "TR"

    return ask
