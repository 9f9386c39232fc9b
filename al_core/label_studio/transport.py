"""HTTP to a Label Studio server: tokens, time-outs, patience, and errors that say what is wrong.

The SDK knows both kinds of token and renews the one that runs out. Its own repeating is off: it knows nothing of cut
answers, and a web page and a worker need different patience.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import httpx
from label_studio_sdk import LabelStudio as Sdk
from label_studio_sdk.core.api_error import ApiError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random
from tenacity.nap import sleep

from al_core.addresses import checked_url
from al_core.errors import (
    AccessRefused,
    ActiveLearningError,
    InvalidInput,
    NotFound,
    ServerUnreachable,
    UnexpectedAnswer,
)
from al_core.label_studio.json_stream import CutShort, objects
from al_core.retry_after import retry_after

CONNECT_SECONDS = 10.0
"""A server that takes longer to open a connection is not there; answering may take it longer."""

FIRST_BYTE_SECONDS = 300.0
"""How long the first byte of a long array may take: Label Studio makes all of it before it sends any."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries at most, even where the server asks for more."""

SHORT_PATIENCE = 2.0
"""Seconds within which a request is repeated once where nobody may wait: it cures a connection that was cut."""

_PAUSES = wait_exponential(multiplier=0.5, max=8.0) + wait_random(0.0, 0.5)

R = TypeVar("R")


class _NotLabelStudio(UnexpectedAnswer):
    """It may be another site, or a proxy's page while Label Studio restarts."""


class Transport:
    """The connections to one server, for any number of threads.

    Parameters
    ----------
    url, token : str
        See :class:`al_core.label_studio.client.LabelStudio`.
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
        self.url = checked_url(url)
        token = token.strip()
        if not token:
            raise InvalidInput("The token is empty.", "Copy one from Label Studio, Account & Settings.")
        if not token.isascii() or len(token.split()) != 1:
            raise InvalidInput("The token holds characters that no token has.", "Copy it from Label Studio once more.")
        self.uses_personal_token = token.startswith("eyJ")
        self._timeout = timeout
        self._patience = patience
        self.trouble = ""
        """Why something is asked again right now; empty where the last answer was good."""
        # No redirects: they would carry the token to wherever an answer says.
        self._http = httpx.Client(
            timeout=self._limits(), follow_redirects=False, event_hooks={"response": [self._check_is_up]}
        )
        with self._translated():
            # With the slash, or the SDK renews tokens beside an address that has a path.
            self._sdk = Sdk(base_url=f"{self.url}/", api_key=token, httpx_client=self._http)

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    @property
    def token_kind(self) -> str:
        """What Label Studio calls a token of this kind."""
        return "personal access token" if self.uses_personal_token else "legacy token"

    # ----------------------------------------------------------------- requests

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        missing: str = "such page",
        holds: Collection[str] = (),
    ) -> Any:
        """The JSON of a page.

        Parameters
        ----------
        missing : str
            What there is none of where it answers 404.
        holds : collection of str
            What an answer of Label Studio has; any other is not one.
        """

        def answer() -> Any:
            with self._opened("GET", path, params=params, missing=missing) as response:
                return self._read(response, holds)

        return self._patiently(answer)

    def post(self, path: str, body: Any, *, holds: Collection[str] = ()) -> Any:
        """The JSON that comes of a body. Never repeated by itself: that could make two of a thing.

        Raises
        ------
        ServerUnreachable
            Nothing that can be read came of it, so it may be done or not.
        ValueError
            The body holds a number that JSON cannot hold: NaN or an infinity.
        """
        with self._opened("POST", path, body=body) as response:
            try:
                return self._read(response, holds)
            except (ValueError, RecursionError, _NotLabelStudio):
                raise self._broke_off() from None

    def tell(
        self, method: str, path: str, body: Any, *, missing: str = "such page", seconds: float | None = None
    ) -> None:
        """Send a body where the answer does not matter as long as it is a good one; not repeated by itself either.

        Parameters
        ----------
        seconds : float, optional
            What the answer may take, where that is longer than others do.
        """
        with self._opened(method, path, body=body, missing=missing, first_byte=seconds) as response:
            response.read()

    def delete(self, path: str) -> None:
        """Remove what is there; not repeated by itself either."""
        with self._opened("DELETE", path):
            return

    def stream(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        missing: str = "such page",
        first_byte: float | None = None,
    ) -> Iterator[bytes]:
        """The bytes of an answer as they come in.

        Parameters
        ----------
        first_byte : float, optional
            Seconds until the first one, where that takes longer than other answers.

        Raises
        ------
        ServerUnreachable
            It did not begin within our patience, or broke off; what came before has been given.
        """
        with ExitStack() as opened:

            def begun() -> httpx.Response:
                answer = self._opened("GET", path, params=params, missing=missing, first_byte=first_byte)
                return opened.enter_context(answer)

            response = self._patiently(begun)
            # The time-out that is in force from here on: what has begun must not be silent for longer than others.
            response.request.extensions["timeout"]["read"] = self._timeout
            yield from response.iter_bytes()

    def array(
        self, path: str, params: Mapping[str, Any], through: Callable[[Iterator[bytes]], Iterator[bytes]]
    ) -> Iterator[dict[str, Any]]:
        """The objects of a long array, each as soon as it is in.

        Parameters
        ----------
        through : callable
            What the bytes pass through before they are read.

        Raises
        ------
        ServerUnreachable
            The answer was cut; every object that was complete before the cut has been given.
        """
        try:
            yield from objects(through(self.stream(path, params, first_byte=FIRST_BYTE_SECONDS)))
        except CutShort:
            raise self._broke_off() from None
        except (ValueError, RecursionError):
            raise self.not_label_studio() from None

    def _read(self, response: httpx.Response, holds: Collection[str]) -> Any:
        response.read()
        answer = response.json()
        if holds and not (isinstance(answer, dict) and all(name in answer for name in holds)):
            raise self.not_label_studio()
        return answer

    def _patiently(self, work: Callable[[], R]) -> R:
        again = retry_if_exception_type((ServerUnreachable, _NotLabelStudio))
        tries = Retrying(
            retry=again, wait=_pause, stop=self._is_over, sleep=sleep, before_sleep=self._notice, reraise=True
        )
        answer = tries(work)
        self.trouble = ""
        return answer

    def _notice(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.trouble = error.message if isinstance(error, ActiveLearningError) else ""

    def _is_over(self, state: RetryCallState) -> bool:
        if not self._patience and state.attempt_number > 1:
            return True
        waited = max(state.seconds_since_start or 0.0, state.idle_for) + state.upcoming_sleep
        return waited > max(self._patience, SHORT_PATIENCE)

    # ----------------------------------------------------------------- one request

    @contextmanager
    def _opened(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        missing: str = "such page",
        first_byte: float | None = None,
    ) -> Iterator[httpx.Response]:
        """An answer whose head is in and good; its content is still to come."""
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        # The SDK's typed methods end in this very call. They themselves cost most of the time of a large read, and
        # refuse answers of servers a little older or newer than they are.
        wire = self._sdk._client_wrapper.httpx_client
        options: Any = {"timeout": self._limits(first_byte)}

        def sent() -> httpx.Response:
            answer = wire.stream(
                path,
                method=method,
                params=dict(params or {}),
                content=content,
                headers=headers,
                request_options=options,
            )
            return opened.enter_context(answer)

        with self._translated(), ExitStack() as opened:
            response = sent()
            if response.status_code == 401 and self._is_renewed(response.request):
                opened.close()
                response = sent()
            self._check_status(response, missing)
            yield response

    def _limits(self, first_byte: float | None = None) -> httpx.Timeout:
        connect = min(self._timeout, CONNECT_SECONDS)
        return httpx.Timeout(self._timeout, connect=connect, read=first_byte or self._timeout)

    def _is_renewed(self, refused: httpx.Request) -> bool:
        """Exchange a personal access token again, if what it was exchanged for last is what was refused.

        The SDK does so when the time of an access token is over by our clock; by the time a busy server looks, or by
        its clock, that may be too late.
        """
        if not self.uses_personal_token:
            return False
        tokens = self._sdk._client_wrapper._tokens_client
        with tokens._token_refresh_lock:
            if refused.headers.get("authorization") == f"Bearer {tokens._access_token}":
                tokens._set_access_token(tokens.refresh().access)
        return True

    # ----------------------------------------------------------------- what can be wrong

    def not_label_studio(self) -> UnexpectedAnswer:
        return _NotLabelStudio(f"{self.url} answers, but not as Label Studio does.", "Check the address.")

    def _check_is_up(self, response: httpx.Response) -> None:
        """Called for every answer, those of the SDK's own requests for tokens among them."""
        status = response.status_code
        if status >= 500 or status in (408, 429):
            raise ServerUnreachable(
                f"Label Studio at {self.url} answers with an error ({status}).", retry_after=retry_after(response)
            )

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
        raise UnexpectedAnswer(f"Label Studio refused the request ({status}).", _detail(response))

    def _refused(self) -> AccessRefused:
        hint = (
            "Make a new one in Label Studio, Account & Settings, and enter it here."
            if self.uses_personal_token
            else "Check it in Label Studio, Account & Settings; an organization may have legacy tokens "
            "switched off, then use a personal access token."
        )
        return AccessRefused(f"Label Studio at {self.url} does not accept the {self.token_kind}.", hint)

    def _broke_off(self) -> ServerUnreachable:
        return ServerUnreachable(f"Label Studio at {self.url} broke off its answer.")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the SDK's and httpx's errors into ours; theirs hold headers and cookies, so they are cut off."""
        try:
            yield
        except ActiveLearningError:
            raise
        except ApiError as error:
            raise (self._refused() if error.status_code in (401, 403) else self.not_label_studio()) from None
        except httpx.TimeoutException:
            raise ServerUnreachable(f"Label Studio at {self.url} did not answer in time.") from None
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.DecodingError):
            raise self._broke_off() from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ServerUnreachable(
                f"No Label Studio answers at {self.url}.", "Check the address, and that the server is running."
            ) from None
        except (ValueError, RecursionError):  # no JSON at all, or not that of an exchanged token
            raise self.not_label_studio() from None


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ServerUnreachable) else None
    return max(_PAUSES(state), min(asked or 0.0, LONGEST_PAUSE))


def _detail(response: httpx.Response) -> str:
    """Label Studio's own words of a refusal, cut short; never the rest of the answer."""
    response.read()
    try:
        detail = response.json().get("detail", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(detail)[:200]
