"""The client of an ML backend: the server that predicts and trains. See docs/ml-backend.md for the contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from al_core.addresses import checked_url
from al_core.errors import AccessRefused, BackendFailed, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.retry_after import retry_after
from al_core.types import Prediction, Project

CONNECT_SECONDS = 10.0
"""A backend that takes longer to open a connection is not there; answering may take it longer."""

_Failure = type[ServerUnreachable] | type[BackendFailed]


@dataclass(frozen=True)
class TrainingState:
    """What a backend says of its training."""

    running: bool
    model_version: str
    error: str
    """The backend's own words where the last training failed, cut at 300 characters."""


class MLBackend:
    """One ML backend over HTTP.

    Parameters
    ----------
    url : str
        Its address, as Label Studio knows it.
    auth : tuple of str, optional
        User and password of Basic authentication.
    timeout : float
        Seconds that one request may take; predicting a chunk is the longest.
    """

    def __init__(self, url: str, auth: tuple[str, str] | None = None, *, timeout: float = 100.0) -> None:
        self.url = checked_url(url)
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        self._http = httpx.Client(base_url=self.url, auth=auth, timeout=limits, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def health(self) -> None:
        """Return quietly if the backend is up.

        Raises
        ------
        ServerUnreachable
            It is not.
        """
        self._call("GET", "/health")

    def model_version(self, project: Project) -> str:
        """The version the backend would predict with now; empty where it does not say."""
        # Without our token: a backend that reads Label Studio by itself got one from Label Studio's own call.
        body = {"project": project.uid, "schema": project.label_config, "extra_params": {}}
        answer = self._call("POST", "/setup", body)
        return str(answer.get("model_version") or "")

    def predict(self, project: Project, tasks: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Predict tasks of the form ``{"id", "data"}``; one prediction a task, in their order.

        Raises
        ------
        BackendFailed
            It did not answer in time, broke off, failed (5xx, 413) or answered with what is no list of one result
            a task, so that none can be matched safely. One of the tasks may be to blame, or that they are too many.
        ServerUnreachable
            Nobody is there, or we are asked to come back later (429, 503).
        """
        body = {
            "tasks": list(tasks),
            "project": project.uid,
            "label_config": project.label_config,
            "params": {},
        }
        answer = self._predicted(self._answer("POST", "/predict", body, failure=BackendFailed))
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(tasks):
            count = len(results) if isinstance(results, list) else "no"
            raise BackendFailed(
                f"The ML backend at {self.url} gave {count} results for {len(tasks)} tasks.",
                "It must answer each task, with an empty result where it has nothing to say.",
            )
        fallback = str(answer.get("model_version") or "")
        return [_prediction(task, raw, fallback) for task, raw in zip(tasks, results, strict=True)]

    def train(self, project: Project, annotations: Sequence[Mapping[str, Any]], holdout: Sequence[int]) -> None:
        """Ask ``/train`` to start.

        Raises
        ------
        NotFound
            The backend has no ``/train``.
        """
        self._call(
            "POST",
            "/train",
            {
                "project": project.uid,
                "label_config": project.label_config,
                "annotations": list(annotations),
                "params": {},
                "holdout_task_ids": list(holdout),
            },
        )

    def start_training_webhook(self, project: Project, holdout: Sequence[int]) -> None:
        """Ask ``/webhook`` to start, as Label Studio's own train button does.

        Raises
        ------
        NotFound
            The backend has no ``/webhook``.
        """
        body = {
            "action": "START_TRAINING",
            "project": {"id": project.id, "title": project.title, "label_config": project.label_config},
            "holdout_task_ids": list(holdout),
        }
        self._call("POST", "/webhook", body)

    def training_state(self, project: Project) -> TrainingState:
        """What ``/is_training`` says, or the version of ``/setup`` where there is no such endpoint."""
        try:
            answer = self._call("GET", "/is_training", params={"project": project.uid})
        except (NotFound, UnexpectedAnswer):
            return TrainingState(running=False, model_version=self.model_version(project), error="")
        return TrainingState(
            running=bool(answer.get("is_training")),
            model_version=str(answer.get("model_version") or "") or self.model_version(project),
            error=str(answer.get("error") or "")[:300],
        )

    def _predicted(self, response: httpx.Response) -> dict[str, Any]:
        try:
            # A NaN passes here, though JSON has none: it makes one number unknown and not the whole answer.
            answer = response.json()
        except (ValueError, RecursionError):
            what = "something that is not JSON" if response.content else "nothing"
            raise BackendFailed(
                f"The ML backend at {self.url} answered /predict with {what}.", "Its own log may say why."
            ) from None
        return answer if isinstance(answer, dict) else {}

    def _call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        response = self._answer(method, path, body, params)
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def _answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        failure: _Failure = ServerUnreachable,
    ) -> httpx.Response:
        """What it answers; a ``failure`` where it is there and does not manage to."""
        # Not httpx's own JSON: that refuses half a surrogate pair, which texts of tasks do hold.
        content = None if body is None else json.dumps(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        try:
            response = self._http.request(method, path, content=content, headers=headers, params=params)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
            raise ServerUnreachable(
                f"No ML backend answers at {self.url}.",
                "Check that it is running and that this machine can reach it.",
            ) from None
        except httpx.TimeoutException:
            raise failure(f"The ML backend at {self.url} did not answer {path} in time.") from None
        except httpx.HTTPError:
            raise failure(f"The ML backend at {self.url} broke off while it answered {path}.") from None
        self._check_status(response, path, failure)
        return response

    def _check_status(self, response: httpx.Response, path: str, failure: _Failure) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in (401, 403):
            raise AccessRefused(f"The ML backend at {self.url} asks for a user and password ({status}).")
        if status in (404, 405):
            raise NotFound(f"The ML backend at {self.url} has no {path}.")
        if status in (429, 503):
            raise ServerUnreachable(
                f"The ML backend at {self.url} has no time for {path} now ({status}).",
                retry_after=retry_after(response),
            )
        if status >= 500:
            raise failure(f"The ML backend at {self.url} failed at {path} ({status}).", _reason(response))
        too_much = status in (408, 413) and failure is BackendFailed
        refusal = BackendFailed if too_much else UnexpectedAnswer
        raise refusal(f"The ML backend at {self.url} refused {path} ({status}).", _reason(response))


def _prediction(task: Mapping[str, Any], raw: Any, model_version: str) -> Prediction:
    if isinstance(raw, list) and raw:  # several predictions of one task: the first is the backend's own choice
        raw = raw[0]
    raw = raw if isinstance(raw, dict) else {}
    score = raw.get("score")
    return Prediction(
        task_id=int(task["id"]),
        result=raw["result"] if isinstance(raw.get("result"), list) else [],
        score=score if isinstance(score, int | float) else None,
        model_version=str(raw.get("model_version") or model_version),
    )


def _reason(response: httpx.Response) -> str:
    """The backend's own words, cut short; a page made for a browser holds none."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return "" if "html" in response.headers.get("content-type", "") else response.text[:200]
    return str(answer.get("error") or answer.get("detail") or "")[:200] if isinstance(answer, dict) else ""
