"""The client of a Label Studio server, over the SDK.

The SDK brings the care of both kinds of token, retries and time-outs. Its typed models are not used: they
cost most of the time of a large read and refuse answers of servers a little older or newer than themselves,
so every call here is JSON in and JSON out on the SDK's own transport.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import ijson
from label_studio_sdk import LabelStudio as Sdk
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.request_options import RequestOptions

from al_core.addresses import checked_url
from al_core.errors import (
    AccessRefused,
    ActiveLearningError,
    InvalidInput,
    NotFound,
    ServerUnreachable,
    UnexpectedAnswer,
)
from al_core.types import Backend, Prediction, Project, Server, TaskState

PAGE_SIZE = 1000
PREDICTED_PAGE_SIZE = 500
"""Tasks on a page with their predictions, which are about ten times as long as a state."""

IDS_PER_CALL = 200
"""How many ids fit into one query string; 200 ids of eight digits are about 2 kB."""

MAX_FILE = 10_000_000
"""Bytes of a task's file that are read at most."""

Standing = Literal["labelled", "skipped"]
"""Of tasks: somebody labelled it; somebody skipped it and nobody labelled it."""

_STATE = "id,is_labeled,cancelled_annotations,updated_at"

_JSON_HEADERS = {"Accept": "application/json"}


class LabelStudio:
    """One Label Studio server, seen with one token.

    Parameters
    ----------
    url : str
        Address of the server, with or without a slash at its end.
    token : str
        A legacy token (40 hexadecimal characters) or a personal access token (``eyJ…``).
    timeout : float
        Seconds that one request may take.

    Raises
    ------
    InvalidInput
        The address is not an http(s) URL, or the token is empty or none that a header can carry.
    AccessRefused
        The token is an expired personal access token.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        self.url = checked_url(url)
        self.uses_personal_token = token.strip().startswith("eyJ")
        if not token.strip():
            raise InvalidInput("The token is empty.", "Copy one from Label Studio, Account & Settings.")
        if not token.strip().isascii() or len(token.split()) != 1:
            raise InvalidInput("The token holds characters that no token has.", "Copy it from Label Studio once more.")
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)
        with self._translated():
            self._sdk = Sdk(base_url=self.url, api_key=token.strip(), httpx_client=self._http, timeout=timeout)

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def __enter__(self) -> "LabelStudio":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def token_kind(self) -> str:
        """What Label Studio calls a token of this kind."""
        return "personal access token" if self.uses_personal_token else "legacy token"

    # ----------------------------------------------------------------- server and projects

    def server(self) -> Server:
        """Who we are there, and which version answers; the test of a connection."""
        try:
            user = self._get("api/current-user/whoami")
            version = self._get("api/version/")
        except NotFound:
            raise self._not_label_studio() from None
        if not isinstance(user, dict) or "email" not in user or not isinstance(version, dict):
            raise self._not_label_studio()
        return Server(version=str(version.get("release", "unknown")), user=user["email"])

    def projects(self) -> list[Project]:
        """Every project that the token may see, by title."""
        found: list[Project] = []
        page = 1
        while True:
            answer = self._get("api/projects/", {"page": page, "page_size": 100})
            found += [_project(raw) for raw in answer["results"]]
            if not answer.get("next"):
                return sorted(found, key=lambda project: project.title.casefold())
            page += 1

    def project(self, project_id: int) -> Project:
        return _project(self._get(f"api/projects/{project_id}/", missing=f"project {project_id}"))

    def backends(self, project_id: int) -> list[Backend]:
        """The ML backends of a project; Label Studio asks each for its health on the way."""
        return [_backend(raw) for raw in self._get("api/ml", {"project": project_id})]

    # ----------------------------------------------------------------- tasks

    def newest_change(self, project_id: int) -> tuple[datetime | None, int]:
        """When the task that changed last did so, by the server's clock, and how many tasks there are."""
        params = {"project": project_id, "page_size": 1, "include": "id,updated_at"}
        answer = self._get("api/tasks", {**params, "query": json.dumps({"ordering": ["-tasks:updated_at"]})})
        newest = [datetime.fromisoformat(task["updated_at"]) for task in answer["tasks"]]
        return (newest[0] if newest else None), int(answer["total"])

    def count(self, project_id: int, which: Standing) -> int:
        """How many tasks are labelled, or were skipped and not labelled."""
        params = {"project": project_id, "page_size": 1, "include": "id", "query": _query(_STANDINGS[which])}
        return int(self._get("api/tasks", params)["total"])

    def task_states(self, project_id: int) -> Iterator[tuple[list[TaskState], int]]:
        """Pages of (states, how many tasks the project has), in id order.

        Asks only for what is needed (``include=``): ten times faster than whole tasks.
        """
        yield from self._state_pages({"project": project_id})

    def state_page(self, project_id: int, page: int) -> tuple[list[TaskState], int]:
        """One page of those, from 1; a page behind the last is empty."""
        tasks, total = self._page({"project": project_id, "include": _STATE}, page, PAGE_SIZE, "such project")
        return [_task_state(task) for task in tasks], total

    def states_where(self, project_id: int, which: Standing) -> Iterator[list[TaskState]]:
        """Pages of the tasks that are labelled, or were skipped and not labelled."""
        for states, _ in self._state_pages({"project": project_id, "query": _query(_STANDINGS[which])}):
            yield states

    def changed_since(self, project_id: int, moment: datetime) -> Iterator[list[TaskState]]:
        """Pages of the tasks that changed after a moment of the server's clock."""
        changed = [_filter("updated_at", "greater", "Datetime", _iso(moment))]
        for states, _ in self._state_pages({"project": project_id, "query": _query(changed)}):
            yield states

    def task_page(self, project_id: int, page: int) -> tuple[list[TaskState], list[Prediction], int]:
        """One page of states, from 1, the predictions of these tasks, and how many tasks there are.

        Predictions are of every model version.
        """
        params = {"project": project_id, "fields": "all", "include": f"{_STATE},predictions"}
        tasks, total = self._page(params, page, PREDICTED_PAGE_SIZE, "such project")
        predictions = [_prediction(raw, task["id"]) for task in tasks for raw in task["predictions"]]
        return [_task_state(task) for task in tasks], predictions, total

    def tab_states(self, view_id: int) -> list[TaskState]:
        """The states of the tasks that a tab shows."""
        pages = self._state_pages({"view": view_id}, missing=f"tab {view_id}")
        return [state for page, _ in pages for state in page]

    def labeled_since(self, project_id: int, moment: datetime) -> list[int]:
        """Ids of the tasks that were completed after a moment."""
        query = _query([_filter("completed_at", "greater", "Datetime", _iso(moment))])
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
        found = self._tasks_by_id(project_id, task_ids, {"fields": "all"}, IDS_PER_CALL)
        return {task["id"]: task["annotations"] for task in found}

    def _tasks_by_id(
        self, project_id: int, task_ids: Sequence[int], what: Mapping[str, str], most: int
    ) -> Iterator[dict[str, Any]]:
        wanted = sorted({int(task_id) for task_id in task_ids})
        for by_id, ids in _by_id(wanted, most):
            params = {"project": project_id, "page_size": most, "query": _query([by_id]), **what}
            for task in self._get("api/tasks", params)["tasks"]:
                if task["id"] in ids:
                    yield task

    def labeled_tasks(self, project_id: int) -> Iterator[dict[str, Any]]:
        """Every labelled task as ``{"id", "data", "annotations"}``, a page at a time.

        Not by the export call: each of those leaves a file on the server.
        """
        params = {"project": project_id, "fields": "all", "query": _query(_STANDINGS["labelled"])}
        for tasks, _ in self._pages(params, page_size=200):
            for task in tasks:
                yield {"id": task["id"], "data": task["data"], "annotations": task["annotations"]}

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
        transport = self._sdk._client_wrapper.httpx_client
        with self._translated(), transport.stream(path.lstrip("/"), method="GET") as response:
            self._check_status(response, "such file")
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > MAX_FILE:
                    raise UnexpectedAnswer(f"A file of a task has more than {MAX_FILE:,} bytes.")
            return bytes(content)

    # ----------------------------------------------------------------- predictions

    def predictions(self, project_id: int, model_version: str | None = None) -> Iterator[Prediction]:
        """The stored predictions of one model version, or of all."""
        for prediction in self.prediction_stream(project_id):
            if model_version in (None, prediction.model_version):
                yield prediction

    def prediction_stream(self, project_id: int) -> Iterator[Prediction]:
        """The stored predictions of every model version, one at a time as they come in.

        The server holds them all before it sends the first: 15 s and 370 MB for 100,000.

        Raises
        ------
        ServerUnreachable
            The answer was cut; whatever was complete before the cut has been given.
        """
        found = ijson.sendable_list()
        parser = ijson.items_coro(found, "item", use_float=True)
        for part in self._stream("api/predictions/", {"project": project_id}):
            parser.send(part)
            for raw in found:
                yield _prediction(raw, raw["task"])
            found.clear()
        parser.close()

    def predictions_of(self, project_id: int, task_ids: Sequence[int]) -> Iterator[Prediction]:
        """The stored predictions of these tasks, of every model version."""
        what = {"fields": "all", "include": "id,predictions"}
        for task in self._tasks_by_id(project_id, task_ids, what, PREDICTED_PAGE_SIZE):
            for raw in task["predictions"]:
                yield _prediction(raw, task["id"])

    def import_predictions(self, project_id: int, predictions: Sequence[Prediction]) -> None:
        """Store predictions: all of them, or none where one is of a task that is gone.

        It does not move ``updated_at`` of their tasks.

        Raises
        ------
        UnexpectedAnswer
            Label Studio refused them; none is stored.
        """
        body = [
            {"task": each.task_id, "result": each.result, "score": each.score, "model_version": each.model_version}
            for each in predictions
        ]
        self._call("POST", f"api/projects/{project_id}/import/predictions", body=body)

    def model_versions(self, project_id: int) -> dict[str, int]:
        """Model version → how many predictions of it are stored.

        A version of no prediction is left out: Label Studio lists a backend's *title* as one.
        """
        answer = self._get(f"api/projects/{project_id}/model-versions")
        return {version: count for version, count in answer.items() if count}

    # ----------------------------------------------------------------- tabs

    def create_tab(self, project_id: int, title: str, task_ids: Sequence[int]) -> int:
        """Make a tab of the Data Manager with exactly these tasks, and give its id.

        One ``equal`` filter a task, joined by "or": a saved tab with ``in_list`` would make every page of
        the project fail in the browser.
        """
        filters = _filters("or", [_filter("id", "equal", "Number", int(task_id)) for task_id in task_ids])
        data = {"title": title, "type": "list", "target": "tasks", "filters": filters}
        answer = self._call("POST", "api/dm/views/", body={"project": project_id, "data": data})
        return int(answer["id"])

    def find_tab(self, project_id: int, title: str) -> int | None:
        """The id of the tab with this title, if there is one."""
        tabs = self._get("api/dm/views/", {"project": project_id})
        return next((int(tab["id"]) for tab in tabs if (tab["data"] or {}).get("title") == title), None)

    def delete_tab(self, view_id: int) -> None:
        """Remove a tab; its tasks and labels stay. A tab that is gone already is no error."""
        try:
            self._call("DELETE", f"api/dm/views/{view_id}/")
        except NotFound:
            return

    # ----------------------------------------------------------------- transport

    def _state_pages(
        self, params: Mapping[str, Any], missing: str = "such project"
    ) -> Iterator[tuple[list[TaskState], int]]:
        for tasks, total in self._pages({**params, "include": _STATE}, PAGE_SIZE, missing):
            yield [_task_state(task) for task in tasks], total

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
        self, params: Mapping[str, Any], page: int, page_size: int, missing: str
    ) -> tuple[list[dict[str, Any]], int]:
        try:
            answer = self._get("api/tasks", {**params, "page": page, "page_size": page_size}, missing)
        except NotFound:
            if page == 1:
                raise
            # Either the project is gone, and this fails in its turn, or it has become shorter than that.
            return [], self._page(params, 1, 1, missing)[1]
        return answer["tasks"], int(answer["total"])

    def _stream(self, path: str, params: dict[str, Any]) -> Iterator[bytes]:
        transport = self._sdk._client_wrapper.httpx_client
        with self._translated(), transport.stream(path, method="GET", params=params) as response:
            self._check_status(response, "such project")
            yield from response.iter_bytes(65536)

    def _get(self, path: str, params: dict[str, Any] | None = None, missing: str = "such page") -> Any:
        return self._call("GET", path, params=params, missing=missing)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        body: Any = None,
        missing: str = "such page",
    ) -> Any:
        # The SDK's typed methods end in this very call; see the head of this module for why it is used bare.
        transport = self._sdk._client_wrapper.httpx_client
        # Only reading is repeated by itself: a repeated POST could make two of a thing.
        options: RequestOptions = {"max_retries": 2 if method == "GET" else 0}
        with self._translated():
            response = transport.request(
                path, method=method, params=params, json=body, headers=_JSON_HEADERS, request_options=options
            )
            self._check_status(response, missing)
            return response.json() if response.content else None

    def _check_status(self, response: httpx.Response, missing: str) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in (401, 403):
            raise self._refused()
        if status == 404:
            raise NotFound(f"Label Studio has no {missing}, or this token may not see it.")
        if status < 400:
            raise UnexpectedAnswer(
                f"{self.url} sends us to another address.", "Enter the address that it redirects to."
            )
        if status >= 500 or status == 429:
            raise ServerUnreachable(f"Label Studio at {self.url} answers with an error ({status}).")
        raise UnexpectedAnswer(f"Label Studio refused the request ({status}).", _detail(response))

    def _not_label_studio(self) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self.url} answers, but not as Label Studio does.", "Check the address.")

    def _refused(self) -> AccessRefused:
        hint = (
            "Make a new one in Label Studio, Account & Settings, and enter it here."
            if self.uses_personal_token
            else "Check it in Label Studio, Account & Settings; an organization may have legacy tokens "
            "switched off, then use a personal access token."
        )
        return AccessRefused(f"Label Studio at {self.url} does not accept the {self.token_kind}.", hint)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the SDK's and httpx's errors into ours; theirs hold headers and cookies, so they are cut off."""
        try:
            yield
        except ActiveLearningError:
            raise
        except ApiError as error:
            raise (self._refused() if error.status_code in (401, 403) else self._not_label_studio()) from None
        except httpx.TimeoutException:
            raise ServerUnreachable(f"Label Studio at {self.url} did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ServerUnreachable(
                f"No Label Studio answers at {self.url}.", "Check the address, and that the server is running."
            ) from None
        except ValueError:  # no JSON at all, or not that of an exchanged token
            raise self._not_label_studio() from None


def _project(raw: Mapping[str, Any]) -> Project:
    return Project(
        id=int(raw["id"]),
        title=raw["title"] or f"Project {raw['id']}",
        label_config=raw["label_config"] or "",
        task_count=raw.get("task_number") or 0,
        labeled_count=raw.get("num_tasks_with_annotations") or 0,
        created_at=datetime.fromisoformat(raw["created_at"]),
    )


def _backend(raw: Mapping[str, Any]) -> Backend:
    names = {"CO": "connected", "DI": "disconnected", "ER": "error", "TR": "training", "PR": "predicting"}
    return Backend(
        id=int(raw["id"]),
        title=raw.get("title") or f"Backend {raw['id']}",
        url=raw["url"],
        state=names.get(raw.get("state", ""), "unknown"),
        model_version=raw.get("model_version") or "",
    )


def _task_state(raw: Mapping[str, Any]) -> TaskState:
    return TaskState(
        task_id=int(raw["id"]),
        labeled=bool(raw["is_labeled"]),
        skipped=not raw["is_labeled"] and bool(raw.get("cancelled_annotations")),
        updated_at=datetime.fromisoformat(raw["updated_at"]),
    )


def _prediction(raw: Mapping[str, Any], task_id: int) -> Prediction:
    return Prediction(
        task_id=int(task_id),
        result=raw["result"] or [],
        score=raw["score"],
        model_version=raw["model_version"] or "",
    )


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def _filters(conjunction: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"conjunction": conjunction, "items": items}


def _query(items: list[dict[str, Any]]) -> str:
    return json.dumps({"filters": _filters("and", items)})


def _by_id(wanted: Sequence[int], most: int) -> Iterator[tuple[dict[str, Any], set[int]]]:
    """Filters that find tasks by their ascending ids, with the ids each is for.

    A range of ids is answered twice as fast as a list, so it is a range wherever at least half of it is wanted.
    """
    start = 0
    while start < len(wanted):
        end = bisect_left(wanted, wanted[start] + most, start)
        first, last = wanted[start], wanted[end - 1]
        if last - first + 1 <= 2 * (end - start):
            by_id = _filter("id", "in", "Number", {"min": first, "max": last})
        else:
            # `in_list` is right in a query of ours; it is only a *saved* tab that must not hold one.
            end = min(start + IDS_PER_CALL, len(wanted))
            by_id = _filter("id", "in_list", "Number", list(wanted[start:end]))
        yield by_id, set(wanted[start:end])
        start = end


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _detail(response: httpx.Response) -> str:
    """Label Studio's own words of a refusal, cut short; never the rest of the answer."""
    try:
        detail = response.json().get("detail", "")
    except (ValueError, AttributeError):
        return ""
    return str(detail)[:200]


_STANDINGS: dict[Standing, list[dict[str, Any]]] = {
    "labelled": [_filter("completed_at", "empty", "Datetime", False)],
    "skipped": [
        _filter("cancelled_annotations", "greater", "Number", 0),
        _filter("completed_at", "empty", "Datetime", True),
    ],
}
