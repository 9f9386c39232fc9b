"""The wire to Label Studio where it is bad: answers that are late, cut, refused for now, or of somebody else."""

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import jwt
import pytest

from al_core.errors import AccessRefused, NotFound, ServerUnreachable, UnexpectedAnswer
from al_core.label_studio import LabelStudio, transport
from al_core.label_studio.transport import Transport
from tests.servers import PROJECT_ID, TOKEN, URL

Said = Callable[[socket.socket], None]

ROWS = [{"task": number, "result": [], "score": 0.5, "model_version": "v1"} for number in range(1, 4)]


def refresh_token() -> str:
    return jwt.encode({"exp": datetime.now(UTC) + timedelta(days=30), "token_type": "refresh"}, "k" * 32)


def access_token(name: str) -> str:
    claims = {"exp": datetime.now(UTC) + timedelta(minutes=5), "token_type": "access", "jti": name}
    return jwt.encode(claims, "k" * 32)


@pytest.fixture
def pauses(monkeypatch, wire) -> list[float]:
    """What would have been waited between tries."""
    waited: list[float] = []
    monkeypatch.setattr(transport, "sleep", waited.append)
    return waited


@pytest.fixture
def patient(server) -> Iterator[LabelStudio]:
    with LabelStudio(URL, TOKEN, patience=60) as client:
        yield client


# --------------------------------------------------------------------- trying again


def test_a_web_page_tries_once_more_and_no_longer(server, pauses):
    server.faults["GET"] = httpx.Response(502)
    with LabelStudio(URL, TOKEN) as client, pytest.raises(ServerUnreachable):
        client.project(PROJECT_ID)
    assert len(server.requests) == 2
    assert sum(pauses) <= 1


def test_a_web_page_does_not_wait_for_as_long_as_it_is_asked_to(server, pauses):
    server.faults["GET"] = httpx.Response(503, headers={"retry-after": "30"})
    with LabelStudio(URL, TOKEN) as client, pytest.raises(ServerUnreachable) as caught:
        client.project(PROJECT_ID)
    assert caught.value.retry_after == 30
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(500),
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(429),
        httpx.Response(408),
        httpx.Response(200, html="<h1>We are restarting</h1>"),
        httpx.Response(200, text='{"id": 7, "title": "Mo'),
        httpx.Response(200, content=b""),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
        httpx.DecodingError("half a gzip"),
    ],
    ids=str,
)
def test_a_worker_tries_until_it_works(server, patient, pauses, fault):
    left = [fault] * 4
    server.faults["GET /api/projects/7"] = lambda _: left.pop() if left else None
    assert patient.project(PROJECT_ID).title == "Moods"
    assert len(server.requests) == 5


def test_what_it_waits_for_is_told_meanwhile(server, patient, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(transport, "sleep", lambda _: told.append(patient.trouble))
    left = [httpx.Response(502), httpx.ConnectError("refused")]
    server.faults["GET /api/projects/7"] = lambda _: left.pop(0) if left else None
    patient.project(PROJECT_ID)
    assert told == [
        f"Label Studio at {URL} answers with an error (502).",
        f"No Label Studio answers at {URL}.",
    ]
    assert patient.trouble == ""


def test_a_worker_waits_ever_longer_and_gives_up_when_its_patience_is_over(server, patient, pauses):
    server.faults["GET"] = httpx.Response(502)
    with pytest.raises(ServerUnreachable):
        patient.project(PROJECT_ID)
    assert 50 <= sum(pauses) <= 60
    assert 0.5 <= pauses[0] <= 1
    assert 8 <= pauses[-1] <= 8.5
    assert len(server.requests) == len(pauses) + 1


def test_those_who_wait_do_not_all_come_back_at_once(server, patient, pauses):
    left = [httpx.Response(502)] * 5
    for _ in range(5):
        faults = list(left)
        server.faults["GET"] = lambda _, faults=faults: faults.pop() if faults else None
        patient.project(PROJECT_ID)
    assert len(set(pauses[::5])) > 1


@pytest.mark.parametrize(("asked", "least", "most"), [("7", 7, 7), ("0", 0.5, 1), ("soon", 0.5, 1)])
def test_the_server_says_how_long_to_wait(server, patient, pauses, asked, least, most):
    left = [httpx.Response(429, headers={"retry-after": asked})]
    server.faults["GET"] = lambda _: left.pop() if left else None
    patient.project(PROJECT_ID)
    assert least <= pauses[0] <= most


def test_nobody_waits_for_an_hour(server, patient, pauses):
    server.faults["GET"] = httpx.Response(429, headers={"retry-after": "3600"})
    with pytest.raises(ServerUnreachable) as caught:
        patient.project(PROJECT_ID)
    assert caught.value.retry_after == 3600
    assert pauses == []
    with LabelStudio(URL, TOKEN, patience=130) as client, pytest.raises(ServerUnreachable):
        client.project(PROJECT_ID)
    assert pauses == [60, 60]


def test_the_server_names_the_moment(server, patient, pauses):
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    left = [httpx.Response(503, headers={"retry-after": moment})]
    server.faults["GET"] = lambda _: left.pop() if left else None
    patient.project(PROJECT_ID)
    assert 17 < pauses[0] <= 20


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.Response(401), AccessRefused),
        (httpx.Response(403), AccessRefused),
        (httpx.Response(404), NotFound),
        (httpx.Response(400, json={"detail": "no"}), UnexpectedAnswer),
        (httpx.Response(302, headers={"location": "https://elsewhere.test/"}), UnexpectedAnswer),
    ],
)
def test_what_another_try_cannot_cure_is_said_at_once(server, patient, pauses, fault, error):
    server.faults["GET"] = fault
    with pytest.raises(error):
        patient.project(PROJECT_ID)
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("fault", [httpx.Response(502), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")])
def test_making_and_removing_are_never_repeated(server, patient, pauses, fault):
    server.faults["POST|DELETE"] = fault
    with pytest.raises(ServerUnreachable):
        patient.create_tab(PROJECT_ID, "Batch", [1])
    with pytest.raises(ServerUnreachable):
        patient.delete_tab(1)
    assert [request.method for request in server.requests] == ["POST", "DELETE"]


# --------------------------------------------------------------------- personal access tokens


@pytest.fixture
def exchanging(server) -> list[str]:
    """Names of the access tokens that were given out; the last one alone is good."""
    given: list[str] = []

    def exchange(_: httpx.Request) -> httpx.Response:
        given.append(access_token(str(len(given))))
        server.authorization = f"Bearer {given[-1]}"
        return httpx.Response(200, json={"access": given[-1]})

    server.faults["POST /api/token/refresh"] = exchange
    return given


def test_a_token_that_ends_on_its_way_is_exchanged_anew(server, exchanging):
    server.predict(1, 0.7, "v1")
    with LabelStudio(URL, refresh_token()) as client:
        for ask in (
            lambda: client.project(PROJECT_ID),
            lambda: list(client.prediction_stream(PROJECT_ID)),
            lambda: client.create_tab(PROJECT_ID, "Batch", [1]),
        ):
            server.authorization = "Bearer nothing"  # the server thinks that the time of the token is over
            assert ask()
    assert len(exchanging) == 3


def test_a_token_that_is_refused_for_good_is_exchanged_once_only(server, exchanging):
    with LabelStudio(URL, refresh_token(), patience=60) as client:
        server.faults["GET"] = httpx.Response(401)
        with pytest.raises(AccessRefused):
            client.project(PROJECT_ID)
    assert len(exchanging) == 2


def test_threads_that_are_refused_together_exchange_once(server, exchanging):
    with LabelStudio(URL, refresh_token()) as client:
        client.project(PROJECT_ID)
        server.authorization = "Bearer nothing"
        with ThreadPoolExecutor(4) as pool:
            assert len(list(pool.map(client.project, [PROJECT_ID] * 20))) == 20
    assert len(exchanging) == 2


def test_an_exchange_that_fails_for_now_is_tried_again(server, exchanging, pauses):
    exchange = server.faults["POST /api/token/refresh"]
    left = [httpx.ConnectError("refused"), httpx.Response(502, html="<h1>no</h1>"), httpx.Response(503)]
    server.faults["POST /api/token/refresh"] = lambda request: left.pop() if left else exchange(request)
    with LabelStudio(URL, refresh_token(), patience=60) as client:
        assert client.project(PROJECT_ID).title == "Moods"


def test_an_exchange_without_an_end_to_failing_says_that_the_server_is_away(server, pauses):
    server.faults["POST /api/token/refresh"] = httpx.Response(503)
    with LabelStudio(URL, refresh_token()) as client, pytest.raises(ServerUnreachable, match="503"):
        client.project(PROJECT_ID)


def test_tokens_of_a_server_below_a_path_are_exchanged_there(wire):
    refresh = wire.post("https://labels.test/studio/api/token/refresh/").respond(json={"access": access_token("1")})
    wire.get("https://labels.test/studio/api/projects/7/").respond(404)
    with LabelStudio("https://labels.test/studio", refresh_token()) as client, pytest.raises(NotFound):
        client.project(PROJECT_ID)
    assert refresh.called


# --------------------------------------------------------------------- a real wire


class Speaker:
    """A server that says what it is told to, byte by byte, one answer a connection."""

    def __init__(self) -> None:
        self.says: list[Said] = []
        """What the next connections hear; the last is said again and again."""
        self.heard: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            asked = b""
            while b"\r\n\r\n" not in asked:
                part = connection.recv(65536)
                if not part:
                    return
                asked += part
            self.heard.append(asked.decode())
            say = self.says.pop(0) if len(self.says) > 1 else self.says[0]
            try:
                say(connection)
            except OSError:  # it hung up
                return


def head(length: int | None, *more: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "Connection: close", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(content: bytes) -> Said:
    return lambda connection: connection.sendall(head(len(content)) + content)


ARRAY = json.dumps(ROWS).encode()
TWO_ROWS = ARRAY[: ARRAY.rindex(b"{") + 20]


@pytest.fixture
def speaker(monkeypatch) -> Iterator[Speaker]:
    monkeypatch.setattr(transport, "sleep", lambda _: None)
    speaking = Speaker()
    yield speaking
    speaking.close()


def test_an_answer_that_is_cut_is_asked_for_again(speaker):
    content = json.dumps({"user": "lead"}).encode()
    speaker.says = [
        lambda connection: connection.sendall(head(len(content)) + content[:5]),
        lambda connection: connection.sendall(head(None) + content[:5]),
        lambda connection: None,
        whole(content),
    ]
    wire = Transport(speaker.url, TOKEN, patience=60)
    assert wire.get("api/user") == {"user": "lead"}
    assert len(speaker.heard) == 4


@pytest.mark.parametrize("length", [len(ARRAY), None], ids=["with a length", "to the end of the connection"])
def test_a_stream_that_is_cut_gives_what_was_whole_and_then_says_so(speaker, length):
    speaker.says = [lambda connection: connection.sendall(head(length) + TWO_ROWS)]
    found = []
    with LabelStudio(speaker.url, TOKEN, patience=60) as client, pytest.raises(ServerUnreachable, match="broke off"):
        found.extend(client.prediction_stream(PROJECT_ID))
    assert [prediction.task_id for prediction in found] == [1, 2]
    assert len(speaker.heard) == 1, "what has begun is not begun again"


def test_a_stream_that_is_cut_between_two_chunks(speaker):
    chunk = f"{len(TWO_ROWS):x}\r\n".encode() + TWO_ROWS + b"\r\n"
    speaker.says = [lambda connection: connection.sendall(head(None, "Transfer-Encoding: chunked") + chunk)]
    found = []
    with LabelStudio(speaker.url, TOKEN) as client, pytest.raises(ServerUnreachable, match="broke off"):
        found.extend(client.prediction_stream(PROJECT_ID))
    assert [prediction.task_id for prediction in found] == [1, 2]


def test_a_stream_is_tried_again_until_it_begins(speaker):
    away = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    speaker.says = [lambda connection: None, lambda connection: connection.sendall(away), whole(ARRAY)]
    with LabelStudio(speaker.url, TOKEN, patience=60) as client:
        assert len(list(client.prediction_stream(PROJECT_ID))) == 3


def test_a_stream_may_begin_late_and_must_not_fall_silent_later(speaker):
    def late(connection: socket.socket) -> None:
        time.sleep(1.2)
        whole(ARRAY)(connection)

    def silent(connection: socket.socket) -> None:
        connection.sendall(head(len(ARRAY)) + TWO_ROWS)
        time.sleep(20)

    speaker.says = [late, silent]
    with LabelStudio(speaker.url, TOKEN, timeout=0.5) as client:
        assert len(list(client.prediction_stream(PROJECT_ID))) == 3
        found, started = [], time.monotonic()
        with pytest.raises(ServerUnreachable, match="did not answer in time"):
            found.extend(client.prediction_stream(PROJECT_ID))
        assert len(found) == 2
        assert time.monotonic() - started < 10


def test_a_first_byte_that_never_comes_is_given_up(speaker, monkeypatch):
    monkeypatch.setattr(transport, "FIRST_BYTE_SECONDS", 0.3)
    speaker.says = [lambda connection: time.sleep(20)]
    with LabelStudio(speaker.url, TOKEN) as client, pytest.raises(ServerUnreachable, match="did not answer in time"):
        list(client.prediction_stream(PROJECT_ID))


def test_a_reader_who_stops_hangs_up(speaker):
    hung_up = threading.Event()

    def endless(connection: socket.socket) -> None:
        connection.sendall(head(None) + b"[")
        try:
            while True:
                connection.sendall(json.dumps(ROWS[0]).encode() + b",")
        except OSError:
            hung_up.set()

    speaker.says = [endless]
    with LabelStudio(speaker.url, TOKEN) as client:
        found = client.prediction_stream(PROJECT_ID)
        assert next(found).task_id == 1
        del found
        assert hung_up.wait(10)


def test_a_refusal_of_a_stream_is_in_the_servers_words(speaker):
    body = json.dumps({"detail": "Select a valid choice."}).encode()
    answer = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    speaker.says = [lambda connection: connection.sendall(answer)]
    with LabelStudio(speaker.url, TOKEN) as client, pytest.raises(UnexpectedAnswer, match="Select a valid choice"):
        list(client.prediction_stream(PROJECT_ID))


def test_many_threads_share_one_client(speaker):
    speaker.says = [whole(json.dumps({"tasks": [], "total": 3}).encode())]
    with LabelStudio(speaker.url, TOKEN) as client, ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda page: client.state_page(PROJECT_ID, page), range(1, 101)))
    assert pages == [([], 3)] * 100
    assert {line for heard in speaker.heard for line in heard.split("\r\n") if line.lower().startswith("auth")} == {
        f"Authorization: Token {TOKEN}"
    }


def test_a_stream_that_breaks_gives_away_nothing(speaker):
    cookie = head(len(ARRAY), "Set-Cookie: sessionid=leak")
    speaker.says = [lambda connection: connection.sendall(cookie + TWO_ROWS)]
    with LabelStudio(speaker.url, TOKEN) as client, pytest.raises(ServerUnreachable) as caught:
        list(client.prediction_stream(PROJECT_ID))
    said = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in said
    assert "leak" not in said
