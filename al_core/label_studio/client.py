"""The client of a Label Studio server, over the SDK.

The SDK brings the care of both kinds of token, retries and time-outs. Its typed models are not used: they
cost most of the time of a large read and refuse answers of servers a little older or newer than themselves,
so every call here is JSON in and JSON out on the SDK's own transport.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
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
IDS_PER_CALL = 200
"""How many ids fit into one query string; 200 ids of eight digits are about 2 kB."""

MAX_FILE = 10_000_000
"""Bytes of a task's file that are read at most."""

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

    def task_states(self, project_id: int) -> Iterator[tuple[list[TaskState], int]]:
        """Pages of (states, how many tasks the project has), in id order.

        Asks only for what is needed (``include=``): ten times faster than whole tasks.
        """
        yield from self._task_pages({"project": project_id})

    def tab_states(self, view_id: int) -> list[TaskState]:
        """The states of the tasks that a tab shows."""
        pages = self._task_pages({"view": view_id}, missing=f"tab {view_id}")
        return [state for page, _ in pages for state in page]

    def labeled_since(self, project_id: int, moment: datetime) -> list[int]:
        """Ids of the tasks that were completed after a moment."""
        query = _filters("and", [_filter("completed_at", "greater", "Datetime", _iso(moment))])
        pages = self._task_pages({"project": project_id, "query": json.dumps({"filters": query})})
        return [state.task_id for page, _ in pages for state in page]

    def task_data(self, project_id: int, task_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Task id → its data; a task that is gone is left out."""
        found = self._tasks_by_id(project_id, task_ids, {"include": "id,data"})
        return {task["id"]: task["data"] for task in found}

    def annotations(self, project_id: int, task_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Task id → its answers, skips among them; a task that is gone is left out.

        By whole tasks: the list of a task's annotations leaves out skips, and ``include=`` leaves only ids of them.
        """
        found = self._tasks_by_id(project_id, task_ids, {"fields": "all"})
        return {task["id"]: task["annotations"] for task in found}

    def _tasks_by_id(
        self, project_id: int, task_ids: Sequence[int], what: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        for start in range(0, len(task_ids), IDS_PER_CALL):
            ids = [int(task_id) for task_id in task_ids[start : start + IDS_PER_CALL]]
            # `in_list` is right in a query of ours; it is only a *saved* tab that must not hold one.
            query = _filters("and", [_filter("id", "in_list", "Number", ids)])
            params = {"project": project_id, "page_size": len(ids), "query": json.dumps({"filters": query}), **what}
            yield from self._get("api/tasks", params)["tasks"]

    def labeled_tasks(self, project_id: int) -> Iterator[dict[str, Any]]:
        """Every labelled task as ``{"id", "data", "annotations"}``, a page at a time.

        Not by the export call: each of those leaves a file on the server.
        """
        query = _filters("and", [_filter("completed_at", "empty", "Datetime", False)])
        params = {"project": project_id, "fields": "all", "query": json.dumps({"filters": query})}
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

    def predictions(self, project_id: int, model_version: str | None = None) -> Iterator[Prediction]:
        """The stored predictions of one model version, or of all."""
        params: dict[str, Any] = {"project": project_id}
        if model_version is not None:
            params["model_version"] = model_version
        for raw in self._get("api/predictions/", params):
            yield Prediction(
                task_id=raw["task"],
                result=raw["result"] or [],
                score=raw["score"],
                model_version=raw["model_version"] or "",
            )

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

    def _task_pages(
        self, params: Mapping[str, Any], missing: str = "such project"
    ) -> Iterator[tuple[list[TaskState], int]]:
        include = "id,is_labeled,cancelled_annotations,updated_at"
        for tasks, total in self._pages({**params, "include": include}, PAGE_SIZE, missing):
            yield [_task_state(task) for task in tasks], total

    def _pages(
        self, params: Mapping[str, Any], page_size: int, missing: str = "such project"
    ) -> Iterator[tuple[list[dict[str, Any]], int]]:
        page, seen = 1, 0
        while True:
            answer = self._get("api/tasks", {**params, "page": page, "page_size": page_size}, missing)
            tasks, total = answer["tasks"], int(answer["total"])
            yield tasks, total
            seen += len(tasks)
            if not tasks or seen >= total:
                return
            page += 1

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


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def _filters(conjunction: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"conjunction": conjunction, "items": items}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _detail(response: httpx.Response) -> str:
    """Label Studio's own words of a refusal, cut short; never the rest of the answer."""
    try:
        detail = response.json().get("detail", "")
    except (ValueError, AttributeError):
        return ""
    return str(detail)[:200]
