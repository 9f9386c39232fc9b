"""What the demo does to Label Studio that TrustAI itself never does: make projects, import, annotate."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class DemoServer:
    """A Label Studio server with a legacy token."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}, timeout=60)

    def close(self) -> None:
        self.http.close()

    def find_project(self, title: str) -> int | None:
        projects = self._json("GET", "/api/projects/?page_size=100")["results"]
        return next((project["id"] for project in projects if project["title"] == title), None)

    def create_project(self, title: str, label_config: str, tasks: Sequence[Mapping[str, Any]]) -> int:
        project = self._json("POST", "/api/projects/", {"title": title, "label_config": label_config})
        if tasks:
            self._json("POST", f"/api/projects/{project['id']}/import", list(tasks))
        return int(project["id"])

    def connect_backend(self, project_id: int, url: str, title: str) -> int:
        """Connect an ML backend, unless the project has one."""
        connected = self._json("GET", f"/api/ml?project={project_id}")
        if connected:
            return int(connected[0]["id"])
        answer = self._json("POST", "/api/ml/", {"project": project_id, "url": url, "title": title})
        return int(answer["id"])

    def tab_tasks(self, view_id: int) -> list[dict[str, Any]]:
        """The tasks of a tab that have no answer yet, with their data."""
        query = f"/api/tasks?view={view_id}&page_size=1000&include=id,data,is_labeled"
        return [task for task in self._json("GET", query)["tasks"] if not task["is_labeled"]]

    def annotate(
        self, task_id: int, label: str, control: str = "digit", target: str = "image", seconds: float | None = None
    ) -> None:
        """Answer one choice, as if it had taken so many seconds; None where nobody measured that."""
        choice = {"from_name": control, "to_name": target, "type": "choices", "value": {"choices": [label]}}
        self._json("POST", f"/api/tasks/{task_id}/annotations/", {"result": [choice], "lead_time": seconds})

    def skip(self, task_id: int) -> None:
        self._json("POST", f"/api/tasks/{task_id}/annotations/", {"result": [], "was_cancelled": True})

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        response = self.http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()
