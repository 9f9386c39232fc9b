"""Reading from Label Studio: the labelled tasks of a project, and the files that tasks point to."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from .errors import Refused

MAX_FILE_BYTES = 20_000_000
MAX_EXPORT_BYTES = 1_000_000_000
FILE_SECONDS = 15.0
EXPORT_SECONDS = 600.0


@dataclass(frozen=True)
class LabelStudio:
    """A server and the token to read it with; both empty where Label Studio has not called /setup yet."""

    url: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"LabelStudio({self.url!r})"

    def labelled_tasks(self, project: str) -> list[dict[str, Any]]:
        """Fetch every task that has an annotation."""
        url = f"{self.url}/api/projects/{project}/export?exportType=JSON"
        try:
            tasks = json.loads(self._get(url, EXPORT_SECONDS, MAX_EXPORT_BYTES))
        except ValueError as error:
            raise (error if isinstance(error, Refused) else Refused("Label Studio's export is not JSON.")) from error
        return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []

    def read_file(self, address: str) -> bytes:
        """Fetch what a task points to: a web address, or a path on Label Studio such as /data/upload/…"""
        if address.startswith("/") and self.url:
            address = self.url + address
        if urlsplit(address).scheme not in ("http", "https"):
            raise Refused(f"Cannot read files from {address.split(':')[0][:20]!r}.")
        return self._get(address, FILE_SECONDS, MAX_FILE_BYTES)

    def _get(self, url: str, seconds: float, limit: int) -> bytes:
        """Fetch a bounded body in bounded time; httpx drops the token on a redirect to another host."""
        deadline = time.monotonic() + seconds
        body = bytearray()
        try:
            with (
                httpx.Client(timeout=min(seconds, 60.0), follow_redirects=True, max_redirects=3) as client,
                client.stream("GET", url, headers=self._headers_for(url)) as response,
            ):
                if response.status_code != 200:
                    raise Refused(f"{_host(url)} answered {response.status_code}.")
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise Refused(f"The answer of {_host(url)} is larger than {limit:,} bytes.")
                    if time.monotonic() > deadline:
                        raise Refused(f"{_host(url)} took more than {seconds:.0f} seconds.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused(f"{_host(url)} could not be read: {type(error).__name__}.") from error
        return bytes(body)

    def _headers_for(self, url: str) -> dict[str, str]:
        """Give the token to Label Studio alone."""
        if not self.token or _host(url) != _host(self.url):
            return {}
        if not self.token.startswith("eyJ"):
            return {"Authorization": f"Token {self.token}"}
        # A personal access token only buys a short-lived one.
        answer = httpx.post(f"{self.url}/api/token/refresh/", json={"refresh": self.token}, timeout=FILE_SECONDS)
        if answer.status_code != 200:
            raise Refused(f"Label Studio did not accept the token ({answer.status_code}).")
        return {"Authorization": f"Bearer {answer.json().get('access', '')}"}


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
