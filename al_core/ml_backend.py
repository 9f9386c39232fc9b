"""The client of an ML backend: the server that predicts and trains. See docs/ml-backend.md for the contract."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from al_core.addresses import checked_url
from al_core.errors import AccessRefused, BackendFailed, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.redaction import Redaction
from al_core.retry_after import retry_after
from al_core.types import Prediction, Project

CONNECT_SECONDS = 10.0
"""A backend that takes longer to open a connection is not there; answering may take it longer."""

POLL_SECONDS = 10.0
"""What an answer on the state of a training may take: whoever trains may be too busy to answer, and is asked again."""

MOST_NUMBERS = 20
"""Numbers of a model that are kept of those that a backend tells."""

_LARGEST = 1e300
"""No number of a model is larger; neither NaN nor an infinity is below."""

_OPEN = (408, 502, 504)
"""The answer of a proxy whose patience is over; what stands behind it may go on."""


class NobodyThere(ServerUnreachable):
    """No connection to the backend can be made, so nothing was asked of it."""


class _Unheard(ServerUnreachable):
    """A request was sent, and no answer came."""


_Failure = type[ServerUnreachable] | type[BackendFailed]


@dataclass(frozen=True)
class TrainAnswer:
    """What came of asking a backend to train."""

    outcome: Literal["started", "busy", "refused", "unheard"]
    """``busy``: it is at another training. ``unheard``: no answer came, so it may be training all the same."""
    words: str
    """What was asked and what was answered, in one line."""
    job: str = ""
    """What the backend calls the training; empty where it has no name for it."""


@dataclass(frozen=True)
class TrainingState:
    """What a backend says of its training."""

    running: bool | None
    """None where it does not say."""
    model_version: str
    error: str
    """The backend's own words where the last training failed, cut at 300 characters."""
    reported: Mapping[str, float] = field(default_factory=dict)
    """Numbers that it says of its model."""


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
        self._timeout = timeout
        self._http = httpx.Client(base_url=self.url, auth=auth, timeout=limits, follow_redirects=False)
        secrets = (auth[1], b64encode(":".join(auth).encode()).decode()) if auth else ()
        self.redaction = Redaction(secrets)
        """Takes our password out of what the backend says."""

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def health(self) -> None:
        """Return quietly if the backend is up.

        Raises
        ------
        ServerUnreachable
            It is not.
        """
        self._call("GET", "/health")

    def offers(self) -> dict[str, bool | None]:
        """Path → whether the backend has it, for what has to do with training; None where that cannot be told.

        By GET, which starts nothing where a path is for POST: 405 says that it is there.
        """
        return {path: self._has(path) for path in ("/train", "/webhook", "/is_training")}

    def _has(self, path: str) -> bool | None:
        try:
            status = self._sent("GET", path, timeout=POLL_SECONDS).status_code
        except ServerUnreachable:
            return None
        if status == 404:
            return False
        return True if status < 300 or status in (400, 405) else None

    def model_version(self, project: Project, timeout: float | None = None) -> str:
        """The version the backend would predict with now; empty where it does not say."""
        # Without our token: a backend that reads Label Studio by itself got one from Label Studio's own call.
        body = {"project": project.uid, "schema": project.label_config, "extra_params": {}}
        answer = self._call("POST", "/setup", body, timeout=timeout)
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

    def train(
        self,
        project: Project,
        annotations: Sequence[Mapping[str, Any]],
        holdout: Sequence[int],
        call_back_url: str = "",
    ) -> TrainAnswer:
        """Ask ``/train`` to start.

        Parameters
        ----------
        annotations : sequence of mappings
            The labelled tasks, each with its annotations.
        holdout : sequence of int
            Ids of the tasks that must not be learned from.
        call_back_url : str
            Where the backend may tell the end of it; empty for nowhere.

        Raises
        ------
        NotFound
            The backend has no ``/train``.
        AccessRefused
            It wants another user or password.
        ServerUnreachable
            Nobody is there, or we are asked to come back later: nothing was begun.
        """
        body = {
            "project": project.uid,
            "label_config": project.label_config,
            "annotations": list(annotations),
            "params": {},
            "holdout_task_ids": list(holdout),
        }
        return self._asked_to_train("/train", body, call_back_url)

    def start_training_webhook(self, project: Project, holdout: Sequence[int], call_back_url: str = "") -> TrainAnswer:
        """Ask ``/webhook`` to start, as Label Studio's own train button does; else as :meth:`train`."""
        body = {
            "action": "START_TRAINING",
            "project": {"id": project.id, "title": project.title, "label_config": project.label_config},
            "holdout_task_ids": list(holdout),
        }
        return self._asked_to_train("/webhook", body, call_back_url)

    def _asked_to_train(self, path: str, body: dict[str, Any], call_back_url: str) -> TrainAnswer:
        if call_back_url:
            body["callback_url"] = call_back_url
        hide = self.redaction.and_of(call_back_url, call_back_url.rstrip("/").rpartition("/")[2])
        try:
            response = self._sent("POST", path, body, failure=_Unheard)
        except _Unheard as error:
            return TrainAnswer("unheard", hide(f"POST {path} → no answer. {error.message}"))
        status = response.status_code
        if status in (401, 403, 404, 405, 429, 503):
            self._check_status(response, path, ServerUnreachable)
        answer = _object(response)
        words = hide(f"POST {path} → {status} {_words(response, answer)}")
        if status in _OPEN:
            return TrainAnswer("unheard", words)
        if status >= 300 or answer.get("error"):
            return TrainAnswer("refused", words)
        job = str(answer.get("job") or "")[:100]
        return TrainAnswer("busy" if answer.get("status") == "already_training" else "started", words, job)

    def training_state(self, project: Project, job: str = "") -> TrainingState:
        """What ``/is_training`` says, and the version of ``/setup`` where it does not name one.

        Parameters
        ----------
        job : str
            What the backend called the training when it was asked for it.

        Raises
        ------
        AccessRefused
            It wants another user or password.
        ServerUnreachable
            It does not answer now.
        """
        params = {"project": project.uid} | ({"job": job} if job else {})
        response = self._sent("GET", "/is_training", params=params, timeout=POLL_SECONDS)
        if response.status_code in (401, 403, 429, 502, 503, 504):
            self._check_status(response, "/is_training", ServerUnreachable)
        answer = _object(response) if response.status_code < 300 else {}
        running = answer.get("is_training")
        return TrainingState(
            running=running if isinstance(running, bool) else None,
            model_version=str(answer.get("model_version") or "") or self._version_if_told(project),
            error=self.redaction(str(answer.get("error") or "")),
            reported=numbers(answer.get("metrics")),
        )

    def _version_if_told(self, project: Project) -> str:
        try:
            return self.model_version(project, timeout=POLL_SECONDS)
        except (NotFound, UnexpectedAnswer):
            return ""

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

    def _call(self, method: str, path: str, body: Any = None, *, timeout: float | None = None) -> dict[str, Any]:
        return _object(self._answer(method, path, body, timeout=timeout))

    def _answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        failure: _Failure = ServerUnreachable,
        timeout: float | None = None,
    ) -> httpx.Response:
        """What it answers; a ``failure`` where it is there and does not manage to."""
        response = self._sent(method, path, body, failure=failure, timeout=timeout)
        self._check_status(response, path, failure)
        return response

    def _sent(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        failure: _Failure = ServerUnreachable,
        timeout: float | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status."""
        # Not httpx's own JSON: that refuses half a surrogate pair, which texts of tasks do hold.
        content = None if body is None else json.dumps(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        seconds = min(timeout or self._timeout, self._timeout)
        limits = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        try:
            return self._http.request(method, path, content=content, headers=headers, params=params, timeout=limits)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
            raise NobodyThere(
                f"No ML backend answers at {self.url}.",
                "Check that it is running and that this machine can reach it.",
            ) from None
        except httpx.TimeoutException:
            raise failure(f"The ML backend at {self.url} did not answer {path} in time.") from None
        except httpx.HTTPError:
            raise failure(f"The ML backend at {self.url} broke off while it answered {path}.") from None

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
            raise failure(f"The ML backend at {self.url} failed at {path} ({status}).", self._reason(response))
        too_much = status in (408, 413) and failure is BackendFailed
        refusal = BackendFailed if too_much else UnexpectedAnswer
        raise refusal(f"The ML backend at {self.url} refused {path} ({status}).", self._reason(response))

    def _reason(self, response: httpx.Response) -> str:
        return self.redaction(_reason(response), longest=200)


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


def numbers(raw: Any, *, most: int = MOST_NUMBERS, longest: int = 60) -> dict[str, float]:
    """Name → number, of what a backend says of its model; what is no number is left out.

    Parameters
    ----------
    most : int
        Numbers that are kept.
    longest : int
        Characters of a name that are kept.
    """
    found: dict[str, float] = {}
    for name, value in raw.items() if isinstance(raw, Mapping) else ():
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
            found[str(name)[:longest]] = float(value)
    return dict(list(found.items())[:most])


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(response: httpx.Response, answer: Mapping[str, Any]) -> str:
    """What an answer says to a person: why it refuses, or what it calls its state."""
    if response.status_code < 300 and not answer.get("error"):
        return str(answer.get("status") or answer.get("message") or "")
    return _reason(response)


def _reason(response: httpx.Response) -> str:
    """The backend's own words; a page made for a browser holds none."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return "" if "html" in response.headers.get("content-type", "") else response.text
    return str(answer.get("error") or answer.get("detail") or "") if isinstance(answer, dict) else ""
