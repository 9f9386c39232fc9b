"""The client of Label Studio against its answers, and against all that is not one."""

import json
import logging
import traceback
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from al_core.addresses import checked_url
from al_core.errors import (
    AccessRefused,
    ActiveLearningError,
    InvalidInput,
    NotFound,
    ServerUnreachable,
    UnexpectedAnswer,
)
from al_core.label_studio import LabelStudio
from tests.servers import PROJECT_ID, TOKEN, URL

SIGNING_KEY = "only-a-test-knows-this-key-of-32-bytes"


def personal_token(expires: timedelta = timedelta(days=30), kind: str = "refresh") -> str:
    claims = {"exp": datetime.now(UTC) + expires, "token_type": kind, "jti": "1"}
    return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")


@pytest.fixture
def client(server):
    with LabelStudio(URL, TOKEN) as client:
        yield client


# --------------------------------------------------------------------- tokens


def test_a_legacy_token_is_sent_as_it_is(server, client):
    assert client.server().version == "1.23.2"
    assert client.server().user == "lead@example.com"
    assert client.token_kind == "legacy token"
    assert {request.headers["authorization"] for request in server.requests} == {f"Token {TOKEN}"}


def test_a_personal_token_is_exchanged_once_and_never_sent_as_authorization(server):
    token, access = personal_token(), personal_token(timedelta(minutes=5), "access")
    server.faults["POST /api/token/refresh"] = httpx.Response(200, json={"access": access})
    server.authorization = f"Bearer {access}"
    with LabelStudio(URL, token) as client:
        assert client.token_kind == "personal access token"
        assert client.server().user == "lead@example.com"
        client.projects()
    exchanges = [r for r in server.requests if r.url.path == "/api/token/refresh/"]
    assert len(exchanges) == 1
    assert json.loads(exchanges[0].content) == {"refresh": token}
    assert all(token not in r.headers.get("authorization", "") for r in server.requests)


def test_an_access_token_that_ran_out_is_renewed(server):
    stale, fresh = personal_token(timedelta(seconds=-1), "access"), personal_token(timedelta(minutes=5), "access")
    answers = iter([stale, fresh])
    server.faults["POST /api/token/refresh"] = lambda _: httpx.Response(200, json={"access": next(answers)})
    server.authorization = f"Bearer {fresh}"
    with LabelStudio(URL, personal_token()) as client:
        assert client.server().user == "lead@example.com"


def test_an_expired_personal_token_is_refused_before_anything_is_sent(server):
    with pytest.raises(AccessRefused, match="does not accept the personal access token") as caught:
        LabelStudio(URL, personal_token(timedelta(days=-1)))
    assert "Make a new one" in caught.value.hint
    assert server.requests == []


def test_a_personal_token_that_was_revoked_is_refused(server):
    server.faults["POST /api/token/refresh"] = httpx.Response(401, json={"detail": "Token is blacklisted"})
    with LabelStudio(URL, personal_token()) as client, pytest.raises(AccessRefused, match="personal access token"):
        client.server()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"hello": "world"}),
        httpx.Response(200, html="<h1>Hello</h1>"),
        httpx.Response(404, html="<h1>Nothing here</h1>"),
    ],
    ids=["json", "html", "404"],
)
def test_a_personal_token_that_another_site_is_asked_to_exchange(server, answer):
    server.faults["POST /api/token/refresh"] = answer
    with LabelStudio(URL, personal_token()) as client, pytest.raises(UnexpectedAnswer, match="not as Label Studio"):
        client.server()


@pytest.mark.parametrize("token", ["", "  "])
def test_an_empty_token_is_refused(token):
    with pytest.raises(InvalidInput, match="token is empty"):
        LabelStudio(URL, token)


@pytest.mark.parametrize("token", ["abc…def", "abc\ndef", "abc def\u00a0"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_repeated(token):
    with pytest.raises(InvalidInput, match="token") as caught:
        LabelStudio(URL, token)
    assert "abc" not in str(caught.value)


# --------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "url", ["", "labels.example.com", "ftp://labels.example.com", "javascript:alert(1)", "http://", "http://[::1"]
)
def test_what_is_no_http_address_is_refused(url):
    with pytest.raises(InvalidInput, match="is not an address"):
        checked_url(url)


def test_an_address_with_a_password_in_it_is_refused_without_repeating_it():
    with pytest.raises(InvalidInput) as caught:
        checked_url("https://lead:geheim@labels.example.com")
    assert "geheim" not in str(caught.value)


def test_an_address_loses_its_last_slash_and_keeps_its_path():
    assert checked_url(" https://labels.example.com/studio/ ") == "https://labels.example.com/studio"


# --------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (httpx.Response(401), AccessRefused, "does not accept the legacy token"),
        (httpx.Response(403), AccessRefused, "does not accept the legacy token"),
        (httpx.Response(404), UnexpectedAnswer, "not as Label Studio does"),
        (httpx.Response(400, json={"detail": "bad filter"}), UnexpectedAnswer, "bad filter"),
        (httpx.Response(301, headers={"location": "https://elsewhere.test/"}), UnexpectedAnswer, "another address"),
        (httpx.Response(429), ServerUnreachable, "429"),
        (httpx.Response(500), ServerUnreachable, "500"),
        (httpx.Response(503), ServerUnreachable, "503"),
        (httpx.Response(200, html="<h1>Hello</h1>"), UnexpectedAnswer, "not as Label Studio does"),
        (httpx.Response(200, json=["hello"]), UnexpectedAnswer, "not as Label Studio does"),
        (httpx.Response(200, json={"hello": "world"}), UnexpectedAnswer, "not as Label Studio does"),
        (httpx.ConnectError("refused"), ServerUnreachable, "No Label Studio answers at"),
        (httpx.ReadTimeout("slow"), ServerUnreachable, "did not answer in time"),
        (httpx.ConnectTimeout("slow"), ServerUnreachable, "did not answer in time"),
        (httpx.RemoteProtocolError("cut off"), ServerUnreachable, "broke off its answer"),
        (httpx.ReadError("reset"), ServerUnreachable, "broke off its answer"),
    ],
)
def test_each_failure_is_one_of_ours_and_names_the_server(server, client, fault, error, said):
    server.faults["whoami"] = fault
    with pytest.raises(error, match=said) as caught:
        client.server()
    assert URL in str(caught.value) or said == "bad filter"


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(401, json={"detail": f"No {TOKEN}"}, headers={"set-cookie": "sessionid=leak"}),
        httpx.Response(500, text=f"Traceback {TOKEN} sessionid=leak"),
        httpx.Response(200, text=f"<h1>{TOKEN} sessionid=leak</h1>"),
        httpx.ConnectError(f"{TOKEN} sessionid=leak"),
    ],
    ids=["401", "500", "html", "connect"],
)
def test_no_failure_gives_away_the_token_or_an_answer(server, client, fault, caplog):
    server.faults["whoami"] = fault
    with caplog.at_level(logging.DEBUG), pytest.raises(ActiveLearningError) as caught:
        client.server()
    # As a log would show it: with every error that hangs on to it.
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert TOKEN not in said
    assert "sessionid" not in said


def test_a_redirect_is_not_followed(server, client):
    server.faults["."] = httpx.Response(302, headers={"location": "https://elsewhere.test/"})
    with pytest.raises(UnexpectedAnswer):
        client.projects()
    assert {request.url.host for request in server.requests} == {"labels.test"}


def test_what_is_missing_is_named(server, client):
    with pytest.raises(NotFound, match="no project 99"):
        client.project(99)
    with pytest.raises(NotFound, match="no tab 99"):
        client.tab_states(99)


# --------------------------------------------------------------------- reading


def test_the_projects_of_all_pages_come_by_title(server, client):
    titles = [["banana", "Apple"], ["cherry"]]

    def page(request):
        number = int(request.url.params["page"])
        results = [{**server.project(), "title": title} for title in titles[number - 1]]
        return httpx.Response(200, json={"results": results, "next": "more" if number == 1 else None})

    server.faults["GET /api/projects/$"] = page
    assert [project.title for project in client.projects()] == ["Apple", "banana", "cherry"]


def test_a_project_knows_its_counts_and_the_name_that_backends_hear(server, client):
    server.annotate(1, "good")
    project = client.project(PROJECT_ID)
    assert (project.task_count, project.labeled_count) == (30, 1)
    assert project.uid == f"7.{int(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())}"


def test_a_project_that_label_studio_left_half_empty(server, client):
    half = {**server.project(), "title": "", "label_config": None, "task_number": None}
    server.faults["GET /api/projects/7"] = httpx.Response(200, json=half)
    project = client.project(PROJECT_ID)
    assert (project.title, project.label_config, project.task_count) == ("Project 7", "", 0)


def test_backends_are_told_with_their_state_in_words(server, client):
    server.backends = [
        {"id": 1, "title": "One", "url": "http://one.test", "state": "CO", "model_version": "v1"},
        {"id": 2, "title": None, "url": "http://two.test", "state": "??", "model_version": None},
    ]
    one, two = client.backends(PROJECT_ID)
    assert (one.title, one.state, one.model_version) == ("One", "connected", "v1")
    assert (two.title, two.state, two.model_version) == ("Backend 2", "unknown", "")


def test_the_states_of_all_tasks_come_in_pages_of_narrow_rows(server, client, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.client.PAGE_SIZE", 12)
    server.annotate(3, "good")
    server.annotate(4, None)
    server.annotate(5, None)
    server.annotate(5, "bad")
    pages = list(client.task_states(PROJECT_ID))
    assert [len(states) for states, _ in pages] == [12, 12, 6]
    assert {total for _, total in pages} == {30}
    states = {state.task_id: state for page, _ in pages for state in page}
    assert sorted(states) == list(range(1, 31))
    assert [task for task, state in states.items() if state.labeled] == [3, 5]
    assert [task for task, state in states.items() if state.skipped] == [4]
    assert all("data" not in r.url.params["include"] for r in server.requests)


def test_an_empty_project_has_one_empty_page(server, client):
    server.tasks.clear()
    assert list(client.task_states(PROJECT_ID)) == [([], 0)]


def test_the_answers_of_many_tasks_come_in_one_request_skips_among_them(server, client):
    server.annotate(1, "good")
    server.annotate(2, None)
    server.requests.clear()
    found = client.annotations(PROJECT_ID, [1, 2, 3, 99])
    assert {task_id: [a["was_cancelled"] for a in answers] for task_id, answers in found.items()} == {
        1: [False],
        2: [True],
        3: [],
    }
    assert len(server.requests) == 1


def test_task_data_is_asked_in_pieces_and_leaves_out_what_is_gone(server, client, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.queries.IDS_PER_CALL", 2)
    data = client.task_data(PROJECT_ID, [5, 99, 1])
    assert data == {5: {"text": "sentence number 5 word5"}, 1: {"text": "sentence number 1 word1"}}
    assert len(server.requests) == 2
    assert client.task_data(PROJECT_ID, []) == {}


def test_labelled_tasks_come_whole_and_without_a_file_on_the_server(server, client):
    server.annotate(2, "good")
    server.annotate(3, None)
    (task,) = client.labeled_tasks(PROJECT_ID)
    assert sorted(task) == ["annotations", "data", "id"]
    assert task["id"] == 2
    assert not any("export" in request.url.path for request in server.requests)


def test_labelled_since_a_moment(server, client):
    server.annotate(2, "good")
    now = datetime.now(UTC)
    assert client.labeled_since(PROJECT_ID, now - timedelta(minutes=1)) == [2]
    assert client.labeled_since(PROJECT_ID, now + timedelta(minutes=1)) == []


def test_predictions_of_one_version(server, client):
    server.predict(1, 0.7, "v1")
    server.predict(2, 0.2, "v2")
    assert client.model_versions(PROJECT_ID) == {"v1": 1, "v2": 1}
    (prediction,) = client.predictions(PROJECT_ID, "v2")
    assert (prediction.task_id, prediction.score, prediction.model_version) == (2, 0.8, "v2")


# --------------------------------------------------------------------- tabs


def test_a_tab_holds_exactly_its_tasks_by_one_filter_each(server, client):
    view_id = client.create_tab(PROJECT_ID, "Batch", [3, 1])
    (body,) = server.bodies("POST /api/dm/views")
    assert body["project"] == PROJECT_ID
    filters = body["data"]["filters"]
    assert filters["conjunction"] == "or"
    assert [(item["operator"], item["value"]) for item in filters["items"]] == [("equal", 3), ("equal", 1)]
    assert "in_list" not in json.dumps(body)
    assert sorted(state.task_id for state in client.tab_states(view_id)) == [1, 3]
    assert client.find_tab(PROJECT_ID, "Batch") == view_id


def test_a_tab_that_is_not_there(server, client):
    server.tabs[5] = {"id": 5, "project": PROJECT_ID, "data": None}
    assert client.find_tab(PROJECT_ID, "Batch") is None
    client.delete_tab(99)


def test_a_tab_is_removed(server, client):
    view_id = client.create_tab(PROJECT_ID, "Batch", [3])
    client.delete_tab(view_id)
    assert server.tabs == {}


def test_files_of_this_server_are_read_and_no_others_asked_for(server, client, monkeypatch):
    server.files["/data/upload/1/cat.png"] = b"pixels"
    assert client.read_file("/data/upload/1/cat.png") == b"pixels"
    assert client.read_file(f"{URL}/data/upload/1/cat.png") == b"pixels"
    with pytest.raises(NotFound):
        client.read_file("/data/upload/1/dog.png")
    asked = len(server.requests)
    for elsewhere in ("http://127.0.0.1/data/x.png", "s3://bucket/x.png", "/api/users", f"{URL}.evil.test/data/x"):
        with pytest.raises(InvalidInput):
            client.read_file(elsewhere)
    assert len(server.requests) == asked
    monkeypatch.setattr("al_core.label_studio.client.MAX_FILE", 5)
    with pytest.raises(UnexpectedAnswer, match="more than 5 bytes"):
        client.read_file("/data/upload/1/cat.png")
