"""The proxy breaks what it is told to, and nothing else."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.faults import proxy as faults
from tests.faults.proxy import Proxy
from tests.recordings.backend import PreparedBackend

HEALTH = {"status": "UP"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A small server that answers /health."""
    with PreparedBackend() as backend:
        yield backend.url


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    with Proxy(server) as proxy:
        yield proxy


@pytest.fixture
def http(proxy: Proxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=5) as client:
        yield client


def test_passes_on_what_no_rule_breaks(proxy: Proxy, http: httpx.Client) -> None:
    assert http.get("/health").json() == HEALTH
    assert http.post("/setup", json={"x": 1}).json() == {"model_version": "setup"}
    assert http.get("/nowhere?a=1").status_code == 404
    assert [request.line for request in proxy.asked("")] == ["GET /health", "POST /setup", "GET /nowhere?a=1"]
    assert proxy.asked("POST")[0].json == {"x": 1}


def test_a_rule_begins_and_ends(proxy: Proxy, http: httpx.Client) -> None:
    rule = proxy.when("GET /health", faults.BAD_GATEWAY, after=1, times=2)
    assert [http.get("/health").status_code for _ in range(5)] == [200, 502, 502, 200, 200]
    assert (rule.met, rule.done) == (5, 2)
    proxy.when("GET /health", faults.BAD_GATEWAY, seconds=0.2)
    assert http.get("/health").status_code == 502
    time.sleep(0.25)
    assert http.get("/health").status_code == 200


def test_a_rule_may_look_at_the_request(proxy: Proxy, http: httpx.Client) -> None:
    proxy.when("POST /setup", faults.HTML, only=lambda request: request.json["size"] > 4)
    assert http.post("/setup", json={"size": 4}).json() == {"model_version": "setup"}
    answer = http.post("/setup", json={"size": 5})
    assert answer.status_code == 200
    assert "Log in" in answer.text


def test_heals(proxy: Proxy, http: httpx.Client) -> None:
    proxy.when("", faults.says(429, Retry_After="3"))
    answer = http.get("/health")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    proxy.heal()
    assert http.get("/health").json() == HEALTH


@pytest.mark.parametrize("fault", [faults.refused, faults.lost, faults.cut_at(0), faults.cut_at(0.5)])
def test_cuts_a_connection(proxy: Proxy, http: httpx.Client, fault: faults.Fault) -> None:
    proxy.when("", fault, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get("/health")
    assert http.get("/health").json() == HEALTH


def test_a_cut_comes_after_what_was_sent(proxy: Proxy, http: httpx.Client) -> None:
    proxy.when("", faults.cut_at(0.5))
    received = b""
    with (  # noqa: PT012  it is the reading that fails
        pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)),
        http.stream("GET", "/health") as response,
    ):
        for part in response.iter_raw():
            received += part
    assert received == json.dumps(HEALTH).encode()[: len(received)]
    assert response.headers["Content-Length"] == "16"


def test_truncates_under_a_right_length(proxy: Proxy, http: httpx.Client) -> None:
    proxy.when("", faults.truncated_at(0.5))
    answer = http.get("/health")
    assert answer.headers["Content-Length"] == "8"
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_changes_an_answer(proxy: Proxy, http: httpx.Client) -> None:
    proxy.when("", faults.changed(lambda request, content: {**content, "was": request.method, "n": float("nan")}))
    assert b'"n": NaN' in http.get("/health").content


def test_is_late_and_something_happens_meanwhile(proxy: Proxy, http: httpx.Client) -> None:
    happened: list[str] = []
    proxy.when("a", faults.before_it_arrives(lambda: happened.append("a")), times=1)
    proxy.when("a", faults.late(0.3))
    http.get("/health")
    assert happened == ["a"]
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        http.get("/health", timeout=0.1)
    assert http.get("/health").json() == HEALTH
    assert time.monotonic() - began >= 0.4


def test_holds_nobody_up_when_it_ends(server: str) -> None:
    with httpx.Client(timeout=5) as client:
        began = time.monotonic()
        with Proxy(server) as proxy:
            proxy.when("", faults.late(90))
            with pytest.raises(httpx.ReadTimeout):
                client.get(f"{proxy.url}/health", timeout=0.1)
        with pytest.raises(httpx.ConnectError):
            client.get(f"{proxy.url}/health")
        assert time.monotonic() - began < 3


def test_a_dead_server_is_a_cut_connection(http: httpx.Client, proxy: Proxy) -> None:
    proxy.upstream = "http://127.0.0.1:1"
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get("/health")


def test_goes_down_and_comes_up_at_the_same_address(http: httpx.Client, proxy: Proxy) -> None:
    assert http.get("/health").json() == HEALTH
    proxy.down()
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
        http.get("/health")  # on the connection that was open
    with pytest.raises(httpx.ConnectError):
        http.get("/health")
    proxy.up()
    assert http.get("/health").json() == HEALTH
