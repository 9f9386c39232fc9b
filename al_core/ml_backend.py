"""The client of an ML backend: the server that predicts and trains. See docs/ml-backend.md for the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from al_core.addresses import checked_url
from al_core.errors import AccessRefused, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.types import Prediction, Project


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
        self._http = httpx.Client(base_url=self.url, auth=auth, timeout=timeout, follow_redirects=False)

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
        UnexpectedAnswer
            The backend gave fewer or more results than tasks, so none can be matched safely.
        """
        body = {
            "tasks": list(tasks),
            "project": project.uid,
            "label_config": project.label_config,
            "params": {},
        }
        answer = self._call("POST", "/predict", body)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(tasks):
            count = len(results) if isinstance(results, list) else "no"
            raise UnexpectedAnswer(
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

    def _call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body, params=params)
        except httpx.TimeoutException:
            raise ServerUnreachable(f"The ML backend at {self.url} did not answer {path} in time.") from None
        except httpx.HTTPError:
            raise ServerUnreachable(
                f"No ML backend answers at {self.url}.",
                "Check that it is running and that this machine can reach it.",
            ) from None
        self._check_status(response, path)
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            answer = {}
        return answer if isinstance(answer, dict) else {}

    def _check_status(self, response: httpx.Response, path: str) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in (401, 403):
            raise AccessRefused(f"The ML backend at {self.url} asks for a user and password ({status}).")
        if status in (404, 405):
            raise NotFound(f"The ML backend at {self.url} has no {path}.")
        if status >= 500:
            raise ServerUnreachable(f"The ML backend at {self.url} failed at {path} ({status}).")
        raise UnexpectedAnswer(f"The ML backend at {self.url} refused {path} ({status}).", _reason(response))


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
    """The backend's own words, cut short."""
    try:
        answer = response.json()
    except ValueError:
        return response.text[:200]
    return str(answer.get("error") or answer.get("detail") or "")[:200] if isinstance(answer, dict) else ""
