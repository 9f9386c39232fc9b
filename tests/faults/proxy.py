"""A real HTTP proxy in front of a real server, that does to answers what networks and servers do to them."""

import http.client
import json
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "content-length"}
"""Headers that belong to one connection, not to the message; the length is told anew."""


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    target: str
    """Path and query, as they were sent."""
    headers: Mapping[str, str]
    body: bytes
    at: float
    """By the monotonic clock."""

    @property
    def line(self) -> str:
        """``METHOD /path?query``: what rules match."""
        return f"{self.method} {self.target}"

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of_json(cls, content: Any) -> "Answer":
        return cls(200, {"Content-Type": "application/json"}, json.dumps(content).encode())


@dataclass
class Exchange:
    """One request, and the ways to end it: a fault calls ``give`` or ``cut``, once."""

    request: Request
    ended: Event
    """Set when the proxy ends, so that nobody holds an answer for longer."""
    _handler: "Handler"
    _upstream: str

    def forward(self) -> Answer:
        """What the real server says."""
        parts = urlsplit(self._upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            headers = {name: value for name, value in self.request.headers.items() if name.lower() not in HOP_BY_HOP}
            # So that a fault can read what it changes.
            headers["Accept-Encoding"] = "identity"
            connection.request(self.request.method, self.request.target, self.request.body or None, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
            return Answer(response.status, kept, response.read())
        finally:
            connection.close()

    def give(self, answer: Answer, at_most: int | None = None) -> None:
        """Pass an answer on; ``at_most``: so many bytes of it, under a header that promises all, then a reset."""
        self._handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self._handler.send_header(name, value)
        self._handler.send_header("Content-Length", str(len(answer.body)))
        self._handler.end_headers()
        self._handler.wfile.write(answer.body[:at_most])
        if at_most is not None:
            self.cut()

    def cut(self) -> None:
        """End the connection as a machine that falls over does: with a reset."""
        self._handler.reset()


Fault = Callable[[Exchange], None]


@dataclass
class Rule:
    """When something goes wrong, and what."""

    pattern: str
    fault: Fault
    only: Callable[[Request], bool]
    after: int
    times: int | None
    seconds: float | None
    met: int = 0
    """How many requests it was meant for, those let through before it began among them."""
    done: int = 0
    """How often it broke something."""
    _since: float | None = field(default=None, repr=False)

    def takes(self, request: Request) -> bool:
        """Count a request that it is meant for; True where it is to be broken."""
        if not re.search(self.pattern, request.line) or not self.only(request):
            return False
        self.met += 1
        if self.met <= self.after or (self.times is not None and self.done >= self.times):
            return False
        if self._since is None:
            self._since = request.at
        if self.seconds is not None and request.at - self._since > self.seconds:
            return False
        self.done += 1
        return True


class Proxy:
    """Listens on a free port of this machine from ``__enter__`` on, and passes everything on but what rules break."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.requests: list[Request] = []
        self._rules: list[Rule] = []
        self._lock = Lock()
        self._ended = Event()
        self._listener = Listener(self, port=0)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    def __enter__(self) -> "Proxy":
        self._listener.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._listener.stop()

    def down(self) -> None:
        """Nobody listens any more, and every connection ends: as when the machine behind is switched off."""
        self._listener.stop()

    def up(self) -> None:
        """Listen again, at the same address."""
        self._listener = Listener(self, self._listener.server_port)
        self._listener.start()

    def when(
        self,
        pattern: str,
        fault: Fault,
        *,
        only: Callable[[Request], bool] = lambda _: True,
        after: int = 0,
        times: int | None = None,
        seconds: float | None = None,
    ) -> Rule:
        """Break the requests whose ``METHOD /path?query`` matches a pattern; the first rule that takes one has it.

        ``after`` so many were let through; at most so many ``times``; for so many ``seconds`` since the first.
        """
        rule = Rule(pattern, fault, only, after, times, seconds)
        with self._lock:
            self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """From now on nothing is broken, and what was asked until now is forgotten."""
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def asked(self, pattern: str) -> list[Request]:
        """The requests that came in so far."""
        return [request for request in list(self.requests) if re.search(pattern, request.line)]

    def handle(self, request: Request, handler: "Handler") -> None:
        exchange = Exchange(request, self._ended, handler, self.upstream)
        with self._lock:
            self.requests.append(request)
            fault = next((rule.fault for rule in self._rules if rule.takes(request)), passed_on)
        try:
            fault(exchange)
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            # Whoever asked has gone, or the server behind has: seen from the other side both are a cut connection.
            exchange.cut()


class Listener(ThreadingHTTPServer):
    """Hands requests over to its proxy, and can end all connections at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, proxy: Proxy, port: int) -> None:
        self.proxy = proxy
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def start(self) -> None:
        Thread(target=self.serve_forever, args=(0.05,), name="proxy", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections end in the middle here, that is what this server is for."""


class Handler(BaseHTTPRequestHandler):
    """Reads requests, one after the other on a connection that is kept."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body, time.monotonic())
        self.server.proxy.handle(request, self)

    do_POST = do_PATCH = do_DELETE = do_GET

    def reset(self) -> None:
        """Drop the connection without a good-bye."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Closing by itself would wait for the reader and the writer that stand on it.
            self.connection.shutdown(socket.SHUT_RD)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


# --------------------------------------------------------------------- what goes wrong


def passed_on(exchange: Exchange) -> None:
    """Nothing: the real answer."""
    exchange.give(exchange.forward())


def late(seconds: float) -> Fault:
    """The real answer, but later."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.ended.wait(seconds)
        exchange.give(answer)

    return fault


def says(status: int, body: bytes = b"", content_type: str = "text/html", **headers: str) -> Fault:
    """An answer of the proxy's own; the real server is never asked. ``Retry_After="3"`` is a header."""
    own = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda exchange: exchange.give(Answer(status, own, body))


BAD_GATEWAY = says(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
HTML = says(200, b"<!doctype html><html><body>Log in to go on.</body></html>")
NOTHING = says(200)


def cut_at(place: float) -> Fault:
    """The connection breaks at a share of the body, from 0 to less than 1, under a header that promised all of it."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.give(answer, at_most=int(len(answer.body) * place))

    return fault


def truncated_at(place: float) -> Fault:
    """A body that ends too early, under a header that calls it whole."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.give(Answer(answer.status, answer.headers, answer.body[: int(len(answer.body) * place)]))

    return fault


def refused(exchange: Exchange) -> None:
    """No answer at all."""
    exchange.cut()


def lost(exchange: Exchange) -> None:
    """The real server does what it is asked, but its answer is lost on the way."""
    exchange.forward()
    exchange.cut()


def changed(change: Callable[[Request, Any], Any]) -> Fault:
    """The real answer with other content: ``change(request, content)`` gives it."""

    def fault(exchange: Exchange) -> None:
        exchange.give(Answer.of_json(change(exchange.request, json.loads(exchange.forward().body))))

    return fault


def before_it_arrives(action: Callable[[], None]) -> Fault:
    """The real answer, but something happens on the server before it arrives."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        action()
        exchange.give(answer)

    return fault


def when_asked(action: Callable[[], None]) -> Fault:
    """The real answer, but something happens on the server before it is asked."""

    def fault(exchange: Exchange) -> None:
        action()
        passed_on(exchange)

    return fault
