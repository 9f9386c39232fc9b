"""The client of a Label Studio server: every question that the product asks it, and nothing more.

Every call is JSON in and JSON out, and asks only for the fields that are needed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from al_core.errors import InvalidInput, NotFound, UnexpectedAnswer
from al_core.label_studio import queries, raw
from al_core.label_studio.queries import Standing
from al_core.label_studio.transport import Transport
from al_core.types import Backend, Prediction, Project, Server, TaskState, Webhook

PAGE_SIZE = 1000
PREDICTED_PAGE_SIZE = 500
"""Tasks on a page with their predictions, which are about ten times as long as a state."""

TRAIN_SECONDS = 130.0
"""Label Studio answers a request to train when the backend has answered it, or after 100 seconds."""

MAX_FILE = 10_000_000
"""Bytes of a task's file that are read at most."""

_STATE = "id,is_labeled,cancelled_annotations,updated_at"


class LabelStudio:
    """One Label Studio server, seen with one token.

    Parameters
    ----------
    url : str
        Address of the server, with or without a slash at its end.
    token : str
        A legacy token (40 hexadecimal characters) or a personal access token (``eyJ…``).
    timeout : float
        Seconds that the server may be silent.
    patience : float
        Seconds for which reading is tried again while the server does not answer; 0 for one more try at once.

    Raises
    ------
    InvalidInput
        The address is not an http(s) URL, or the token is empty or none that a header can carry.
    AccessRefused
        The token is an expired personal access token.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0, patience: float = 0.0) -> None:
        self._transport = Transport(url, token, timeout=timeout, patience=patience)
        self.url = self._transport.url

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def __enter__(self) -> "LabelStudio":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def token_kind(self) -> str:
        """What Label Studio calls a token of this kind."""
        return self._transport.token_kind

    @property
    def trouble(self) -> str:
        """Why something is asked again right now, in a sentence; empty where the server answers."""
        return self._transport.trouble

    # ----------------------------------------------------------------- server and projects

    def server(self) -> Server:
        """Who we are there, and which version answers; the test of a connection."""
        try:
            user = self._transport.get("api/current-user/whoami")
            version = self._transport.get("api/version/")
        except NotFound:
            raise self._transport.not_label_studio() from None
        if not isinstance(user, dict) or "email" not in user or not isinstance(version, dict):
            raise self._transport.not_label_studio()
        return Server(version=str(version.get("release", "unknown")), user=user["email"])

    def projects(self) -> list[Project]:
        """Every project that the token may see, by title."""
        found: list[Project] = []
        page = 1
        while True:
            answer = self._transport.get("api/projects/", {"page": page, "page_size": 100}, holds=("results",))
            found += [raw.project(each) for each in answer["results"]]
            if not answer.get("next"):
                return sorted(found, key=lambda project: project.title.casefold())
            page += 1

    def project(self, project_id: int) -> Project:
        return raw.project(self._transport.get(f"api/projects/{project_id}/", missing=f"project {project_id}"))

    def backends(self, project_id: int) -> list[Backend]:
        """The ML backends of a project; Label Studio asks each for its health on the way."""
        return [raw.backend(each) for each in self._transport.get("api/ml", {"project": project_id})]

    def remembered_backends(self, project_id: int) -> list[Backend]:
        """The ML backends of a project as Label Studio remembers them.

        :meth:`backends` asks each anew, and Label Studio forgets over that what went wrong before.
        """
        params = {"extended": "true", "include_live_models": "true", "limit": 1}
        live = self._transport.get(f"api/projects/{project_id}/model-versions", params).get("live")
        return self.backends(project_id) if live is None else [raw.backend(each) for each in live]

    def backend_state(self, project_id: int, backend_id: int) -> Backend:
        """One backend as Label Studio remembers it.

        Raises
        ------
        NotFound
            The project has no such backend (any more).
        """
        for backend in self.remembered_backends(project_id):
            if backend.id == backend_id:
                return backend
        raise NotFound(f"Label Studio has no backend {backend_id} in this project (any more).")

    def train_backend(self, backend_id: int) -> None:
        """Let Label Studio send START_TRAINING to a backend's ``/webhook``.

        It says nothing of what came of that: see :meth:`backend_state`.

        Raises
        ------
        NotFound
            There is no such backend.
        ServerUnreachable
            Label Studio did not answer, so it may be asked or not.
        """
        self._transport.tell("POST", f"api/ml/{backend_id}/train", {}, missing="such backend", seconds=TRAIN_SECONDS)

    def webhooks(self, project_id: int) -> list[Webhook]:
        """What Label Studio calls by itself when something happens in a project."""
        return [raw.webhook(each) for each in self._transport.get("api/webhooks/", {"project": project_id})]

    def set_webhook(self, webhook_id: int, *, active: bool) -> None:
        """Switch a webhook on or off."""
        path, missing = f"api/webhooks/{webhook_id}/", f"webhook {webhook_id}"
        # A change that does not name the events takes all of them away.
        events = self._transport.get(path, missing=missing, holds=("actions",))["actions"]
        self._transport.tell("PATCH", path, {"is_active": active, "actions": events}, missing=missing)

    # ----------------------------------------------------------------- tasks

    def newest_change(self, project_id: int) -> tuple[datetime | None, int]:
        """When the task that changed last did so, by the server's clock, and how many tasks there are."""
        params = {"project": project_id, "include": "id,updated_at", "query": queries.NEWEST_FIRST}
        newest, total = self._page(params, 1, 1)
        return (datetime.fromisoformat(newest[0]["updated_at"]) if newest else None), total

    def count(self, project_id: int, which: Standing) -> int:
        """How many tasks are labelled, or were skipped and not labelled."""
        return self._page({"project": project_id, "include": "id", "query": queries.standing(which)}, 1, 1)[1]

    def count_between(self, project_id: int, first: int, last: int) -> int:
        """How many tasks have an id from the first to the last."""
        query = queries.all_of(queries.ids_between(first, last))
        return self._page({"project": project_id, "include": "id", "query": query}, 1, 1)[1]

    def task_states(self, project_id: int) -> Iterator[tuple[list[TaskState], int]]:
        """Pages of (states, how many tasks the project has), in id order.

        Asks only for what is needed (``include=``): ten times faster than whole tasks.
        """
        yield from self._state_pages({"project": project_id})

    def state_page(self, project_id: int, page: int) -> tuple[list[TaskState], int]:
        """One page of those, from 1; a page behind the last is empty."""
        tasks, total = self._page({"project": project_id, "include": _STATE}, page, PAGE_SIZE)
        return [raw.task_state(task) for task in tasks], total

    def states_where(self, project_id: int, which: Standing) -> Iterator[list[TaskState]]:
        """Pages of the tasks that are labelled, or were skipped and not labelled."""
        for states, _ in self._state_pages({"project": project_id, "query": queries.standing(which)}):
            yield states

    def states_between(self, project_id: int, first: int, last: int) -> Iterator[list[TaskState]]:
        """Pages of the tasks with an id from the first to the last."""
        query = queries.all_of(queries.ids_between(first, last))
        for states, _ in self._state_pages({"project": project_id, "query": query}):
            yield states

    def changed_since(self, project_id: int, moment: datetime) -> Iterator[list[TaskState]]:
        """Pages of the tasks that changed after a moment of the server's clock."""
        query = queries.all_of(queries.after("updated_at", moment))
        for states, _ in self._state_pages({"project": project_id, "query": query}):
            yield states

    def task_page(self, project_id: int, page: int) -> tuple[list[TaskState], list[Prediction], int]:
        """One page of states, from 1, the predictions of these tasks, and how many tasks there are.

        Predictions are of every model version.
        """
        params = {"project": project_id, "fields": "all", "include": f"{_STATE},predictions"}
        tasks, total = self._page(params, page, PREDICTED_PAGE_SIZE)
        predictions = [raw.prediction(each, task["id"]) for task in tasks for each in task["predictions"]]
        return [raw.task_state(task) for task in tasks], predictions, total

    def tab_states(self, view_id: int) -> list[TaskState]:
        """The states of the tasks that a tab shows."""
        pages = self._state_pages({"view": view_id}, missing=f"tab {view_id}")
        return [state for page, _ in pages for state in page]

    def labeled_since(self, project_id: int, moment: datetime) -> list[int]:
        """Ids of the tasks that were completed after a moment."""
        query = queries.all_of(queries.after("completed_at", moment))
        pages = self._state_pages({"project": project_id, "query": query})
        return [state.task_id for page, _ in pages for state in page]

    def tasks(self, project_id: int, task_ids: Sequence[int]) -> dict[int, tuple[datetime, dict[str, Any]]]:
        """Task id → (when it changed last, its data); a task that is gone is left out."""
        found = self._tasks_by_id(project_id, task_ids, {"include": "id,data,updated_at"}, PAGE_SIZE)
        return {task["id"]: (datetime.fromisoformat(task["updated_at"]), task["data"]) for task in found}

    def task_data(self, project_id: int, task_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Task id → its data; a task that is gone is left out."""
        return {task_id: data for task_id, (_, data) in self.tasks(project_id, task_ids).items()}

    def annotations(self, project_id: int, task_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Task id → its answers, skips among them; a task that is gone is left out.

        By whole tasks: the list of a task's annotations leaves out skips, and ``include=`` leaves only ids of them.
        """
        found = self._tasks_by_id(project_id, task_ids, {"fields": "all"}, queries.IDS_PER_CALL)
        return {task["id"]: task["annotations"] for task in found}

    def _tasks_by_id(
        self, project_id: int, task_ids: Sequence[int], what: Mapping[str, str], most: int
    ) -> Iterator[dict[str, Any]]:
        wanted = sorted({int(task_id) for task_id in task_ids})
        for condition, ids in queries.by_ids(wanted, most):
            found, _ = self._page({"project": project_id, "query": queries.all_of(condition), **what}, 1, most)
            yield from (task for task in found if task["id"] in ids)

    def labeled_tasks(self, project_id: int) -> Iterator[dict[str, Any]]:
        """Every labelled task as ``{"id", "data", "annotations"}``, a page at a time.

        Not by the export call: each of those leaves a file on the server.
        """
        for task in self._whole_tasks(project_id, queries.standing("labelled")):
            yield {"id": task["id"], "data": task["data"], "annotations": task["annotations"]}

    def ground_truth_ids(self, project_id: int) -> list[int]:
        """Ids of the tasks that have an annotation marked as ground truth, ascending.

        By whole tasks: the Data Manager has no filter for it, and ``include=`` leaves only ids of annotations.
        """
        return sorted(
            task["id"]
            for task in self._whole_tasks(project_id, queries.annotated())
            if any(each.get("ground_truth") and not each.get("was_cancelled") for each in task["annotations"])
        )

    def _whole_tasks(self, project_id: int, query: str) -> Iterator[dict[str, Any]]:
        params = {"project": project_id, "fields": "all", "query": query}
        return (task for tasks, _ in self._pages(params, page_size=200) for task in tasks)

    def read_file(self, address: str) -> bytes:
        """A file of a task that this server keeps, such as an upload (``/data/upload/…``).

        Raises
        ------
        InvalidInput
            The address is on another server: it comes from whoever imported the task, and is not asked.
        UnexpectedAnswer
            The file has more than ``MAX_FILE`` bytes.
        """
        path = address.removeprefix(self.url)
        if not path.startswith("/data/"):
            raise InvalidInput("The file is not on the Label Studio server.")
        content = bytearray()
        for part in self._transport.stream(path, missing="such file"):
            content += part
            if len(content) > MAX_FILE:
                raise UnexpectedAnswer(f"A file of a task has more than {MAX_FILE:,} bytes.")
        return bytes(content)

    # ----------------------------------------------------------------- predictions

    def prediction_stream(
        self, project_id: int, through: Callable[[Iterator[bytes]], Iterator[bytes]] = iter
    ) -> Iterator[Prediction]:
        """The stored predictions of every model version, one at a time as they come in.

        The server holds them all before it sends the first: 15 s and 370 MB for 100,000.

        Parameters
        ----------
        through : callable
            What the bytes of the answer pass through before they are read, such as a thread that waits for them.

        Raises
        ------
        ServerUnreachable
            The answer was cut; whatever was complete before the cut has been given.
        """
        for each in self._transport.array("api/predictions/", {"project": project_id}, through):
            yield raw.prediction(each, each["task"])

    def predictions_of(self, project_id: int, task_ids: Sequence[int]) -> Iterator[Prediction]:
        """The stored predictions of these tasks, of every model version."""
        what = {"fields": "all", "include": "id,predictions"}
        for task in self._tasks_by_id(project_id, task_ids, what, PREDICTED_PAGE_SIZE):
            for each in task["predictions"]:
                yield raw.prediction(each, task["id"])

    def import_predictions(self, project_id: int, predictions: Sequence[Prediction]) -> int:
        """Store predictions, and say how many of them Label Studio has taken.

        It passes over in silence what does not fit the labelling configuration and scores outside of 0 to 1. It does
        not move ``updated_at`` of the tasks.

        Raises
        ------
        UnexpectedAnswer
            Label Studio refused them, as it does where one is of a task that is gone; none is stored.
        ServerUnreachable
            There is no telling whether they are stored.
        ValueError
            One holds a number that JSON cannot hold: NaN or an infinity.
        """
        body = [
            {"task": each.task_id, "result": each.result, "score": each.score, "model_version": each.model_version}
            for each in predictions
        ]
        path = f"api/projects/{project_id}/import/predictions"
        return int(self._transport.post(path, body, holds=("created",))["created"])

    def model_versions(self, project_id: int) -> dict[str, int]:
        """Model version → how many predictions of it are stored.

        A version of no prediction is left out: Label Studio lists a backend's *title* as one.
        """
        answer = self._transport.get(f"api/projects/{project_id}/model-versions")
        return {version: count for version, count in answer.items() if count}

    # ----------------------------------------------------------------- tabs

    def create_tab(self, project_id: int, title: str, task_ids: Sequence[int]) -> int:
        """Make a tab of the Data Manager with exactly these tasks, and give its id.

        One ``equal`` filter a task, joined by "or": a saved tab with ``in_list`` would make every page of
        the project fail in the browser.
        """
        filters = queries.any_of(queries.has_id(task_id) for task_id in task_ids)
        data = {"title": title, "type": "list", "target": "tasks", "filters": filters}
        answer = self._transport.post("api/dm/views/", {"project": project_id, "data": data}, holds=("id",))
        return int(answer["id"])

    def find_tab(self, project_id: int, title: str) -> int | None:
        """The id of the tab with this title, if there is one."""
        tabs = self._transport.get("api/dm/views/", {"project": project_id})
        return next((int(tab["id"]) for tab in tabs if (tab["data"] or {}).get("title") == title), None)

    def delete_tab(self, view_id: int) -> None:
        """Remove a tab; its tasks and labels stay. A tab that is gone already is no error."""
        try:
            self._transport.delete(f"api/dm/views/{view_id}/")
        except NotFound:
            return

    # ----------------------------------------------------------------- pages of tasks

    def _state_pages(
        self, params: Mapping[str, Any], missing: str = "such project"
    ) -> Iterator[tuple[list[TaskState], int]]:
        for tasks, total in self._pages({**params, "include": _STATE}, PAGE_SIZE, missing):
            yield [raw.task_state(task) for task in tasks], total

    def _pages(
        self, params: Mapping[str, Any], page_size: int, missing: str = "such project"
    ) -> Iterator[tuple[list[dict[str, Any]], int]]:
        page, seen = 1, 0
        while True:
            tasks, total = self._page(params, page, page_size, missing)
            yield tasks, total
            seen += len(tasks)
            if not tasks or seen >= total:
                return
            page += 1

    def _page(
        self, params: Mapping[str, Any], page: int, page_size: int, missing: str = "such project"
    ) -> tuple[list[dict[str, Any]], int]:
        params = {**params, "page": page, "page_size": page_size}
        try:
            answer = self._transport.get("api/tasks", params, missing=missing, holds=("tasks", "total"))
        except NotFound:
            if page == 1:
                raise
            # Either the project is gone, and this fails in its turn, or it has become shorter than that.
            return [], self._page(params, 1, 1, missing)[1]
        return answer["tasks"], int(answer["total"])
