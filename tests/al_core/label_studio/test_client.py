"""The client of Label Studio against its answers, and against all that is not one."""

import json
import logging
import math
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

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
from al_core.types import Prediction
from tests.servers import PROJECT_ID, TOKEN, URL, region

SIGNING_KEY = "only-a-test-knows-this-key-of-32-bytes"


def personal_token(expires: timedelta = timedelta(days=30), kind: str = "refresh") -> str:
    claims = {"exp": datetime.now(UTC) + expires, "token_type": kind, "jti": "1"}
    return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")


@pytest.fixture
def client(server):
    with LabelStudio(URL, TOKEN) as client:
        yield client


def moment_of(server, task_id: int) -> datetime:
    return datetime.fromisoformat(server.tasks[task_id]["updated_at"])


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


# --------------------------------------------------------------------- what changed


def test_the_newest_change_and_how_many_tasks_there_are(server, client):
    server.annotate(17, "good")
    assert client.newest_change(PROJECT_ID) == (moment_of(server, 17), 30)
    (request,) = server.requests
    assert request.url.params["page_size"] == "1"
    server.tasks.clear()
    assert client.newest_change(PROJECT_ID) == (None, 0)


def test_only_what_changed_after_a_moment_comes(server, client, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.client.PAGE_SIZE", 2)
    moment, _ = client.newest_change(PROJECT_ID)
    assert list(client.changed_since(PROJECT_ID, moment)) == [[]]
    for task_id in (20, 3, 8):
        server.annotate(task_id, "good")
    pages = list(client.changed_since(PROJECT_ID, moment))
    assert [[state.task_id for state in page] for page in pages] == [[3, 8], [20]]
    assert pages[0][0].updated_at == moment_of(server, 3)
    # A moment of another time zone is the same moment.
    abroad = moment.astimezone(timezone(timedelta(hours=5)))
    assert [len(page) for page in client.changed_since(PROJECT_ID, abroad)] == [2, 1]


def test_labelled_and_skipped_tasks_are_counted_and_come_by_themselves(server, client):
    server.annotate(3, "good")
    server.annotate(4, None)
    server.annotate(5, None)
    server.annotate(5, "bad")
    for which, ids in (("labelled", [3, 5]), ("skipped", [4])):
        assert client.count(PROJECT_ID, which) == len(ids)
        assert [state.task_id for page in client.states_where(PROJECT_ID, which) for state in page] == ids


def test_one_page_of_states(server, client, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.client.PAGE_SIZE", 12)
    states, total = client.state_page(PROJECT_ID, 3)
    assert ([state.task_id for state in states], total) == ([25, 26, 27, 28, 29, 30], 30)


def test_a_page_behind_the_last_is_empty_and_tells_how_many_tasks_there_are(server, client):
    # Tasks were deleted while the pages were read: Label Studio answers 404 then, as if the project were gone.
    assert client.state_page(PROJECT_ID, 2) == ([], 30)
    assert client.task_page(PROJECT_ID, 2) == ([], [], 30)
    with pytest.raises(NotFound):
        client.state_page(99, 2)


def test_a_page_with_the_predictions_of_its_tasks(server, client, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.client.PREDICTED_PAGE_SIZE", 10)
    for task_id, version in ((11, "v1"), (11, "v2"), (20, "v1"), (21, "v1")):
        server.predict(task_id, 0.7, version)
    states, predictions, total = client.task_page(PROJECT_ID, 2)
    assert [state.task_id for state in states] == list(range(11, 21))
    assert [(found.task_id, found.model_version) for found in predictions] == [(11, "v1"), (11, "v2"), (20, "v1")]
    assert total == 30


# --------------------------------------------------------------------- tasks by their ids


def test_tasks_come_with_the_moment_of_their_last_change(server, client):
    server.annotate(5, "good")
    assert client.tasks(PROJECT_ID, [5, 99]) == {5: (moment_of(server, 5), {"text": "sentence number 5 word5"})}


@pytest.mark.parametrize(
    ("ids", "asked"),
    [
        (range(1, 31), [{"min": 1, "max": 10}, {"min": 11, "max": 20}, {"min": 21, "max": 30}]),
        (range(2, 12, 2), [{"min": 2, "max": 10}]),
        ([1, 5, 9, 10, 11, 12, 30], [[1, 5, 9], {"min": 10, "max": 12}, {"min": 30, "max": 30}]),
        ([30, 1, 16], [[1, 16, 30]]),
        ([1, 2, 25], [[1, 2, 25]]),
        ([7, 7, 8], [{"min": 7, "max": 8}]),
        ([], []),
    ],
    ids=["dense", "every other", "mixed", "far apart", "two of three", "twice", "none"],
)
def test_ids_that_lie_close_are_asked_for_as_a_range(server, client, monkeypatch, ids, asked):
    monkeypatch.setattr("al_core.label_studio.client.PAGE_SIZE", 10)
    monkeypatch.setattr("al_core.label_studio.queries.IDS_PER_CALL", 3)
    assert sorted(client.task_data(PROJECT_ID, ids)) == sorted(set(ids))
    queries = [json.loads(request.url.params["query"]) for request in server.requests]
    assert [query["filters"]["items"][0]["value"] for query in queries] == asked


def test_predictions_of_some_tasks_are_of_all_versions(server, client):
    for task_id, version in ((1, "v1"), (1, "v2"), (2, "v1"), (3, "v1")):
        server.predict(task_id, 0.7, version)
    found = list(client.predictions_of(PROJECT_ID, [3, 1]))
    assert [(each.task_id, each.model_version) for each in found] == [(1, "v1"), (1, "v2"), (3, "v1")]
    assert found[0].result[0]["probabilities"] == {"good": 0.7, "bad": pytest.approx(0.3)}
    assert list(client.predictions_of(PROJECT_ID, [])) == []


# --------------------------------------------------------------------- predictions


def test_stored_predictions_of_all_versions_come_in_a_stream(server, client):
    server.predict(1, 0.7, "v1")
    server.predict(2, 0.2, "v2")
    assert client.model_versions(PROJECT_ID) == {"v1": 1, "v2": 1}
    server.predictions.append({"task": 3, "result": None, "score": None, "model_version": None})
    first, second, third = client.prediction_stream(PROJECT_ID)
    assert (first.task_id, first.score, first.model_version) == (1, 0.7, "v1")
    assert (second.task_id, second.score, second.model_version) == (2, 0.8, "v2")
    assert (third.result, third.score, third.model_version) == ([], None, "")


def test_a_project_without_predictions_has_an_empty_stream(server, client):
    assert list(client.prediction_stream(PROJECT_ID)) == []


@pytest.mark.parametrize("answer", [{"html": "<h1>Hello</h1>"}, {"json": {"results": []}}, {"text": "[1, 2]"}])
def test_a_stream_of_something_else_is_none(server, client, answer):
    server.faults["GET /api/predictions"] = httpx.Response(200, **answer)
    with pytest.raises(UnexpectedAnswer, match="not as Label Studio does"):
        list(client.prediction_stream(PROJECT_ID))


def prediction(task_id: int, good: float = 0.7, **changes) -> Prediction:
    found = Prediction(task_id, [region("good", {"good": good, "bad": 1 - good})], good, "v1")
    return replace(found, **changes)


def test_predictions_are_stored_in_one_call_and_come_back(server, client):
    given = [prediction(1), prediction(2, 0.6), prediction(3, result=[], score=None)]
    before = moment_of(server, 1)
    assert client.import_predictions(PROJECT_ID, given) == 3
    assert list(client.prediction_stream(PROJECT_ID)) == given
    assert moment_of(server, 1) == before
    assert len(server.bodies("POST")) == 1


def test_of_a_task_that_is_gone_all_predictions_are_refused(server, client):
    with pytest.raises(UnexpectedAnswer, match="Validation error"):
        client.import_predictions(PROJECT_ID, [prediction(1), prediction(99)])
    assert server.predictions == []


def test_what_label_studio_passes_over_is_not_counted(server, client):
    assert client.import_predictions(PROJECT_ID, [prediction(1), prediction(2, score=2.0)]) == 1
    assert [found["task"] for found in server.predictions] == [1]


def test_a_number_that_is_none_cannot_be_stored_and_is_not_sent(server, client):
    with pytest.raises(ValueError, match="JSON compliant"):
        client.import_predictions(PROJECT_ID, [prediction(1, score=math.nan)])
    assert server.requests == []


@pytest.mark.parametrize("answer", [{"html": "<h1>Hello</h1>"}, {"json": {}}, {"content": b""}])
def test_an_import_whose_answer_says_nothing_may_be_done_or_not(server, client, answer):
    server.faults["POST /api/projects/7/import"] = httpx.Response(200, **answer)
    with pytest.raises(ServerUnreachable):
        client.import_predictions(PROJECT_ID, [prediction(1)])
    assert len(server.requests) == 1, "repeated, it could be stored twice"


@pytest.mark.parametrize("answer", [{}, {"tasks": []}, {"total": 3}, []])
def test_pages_of_something_else_are_none(server, client, answer):
    server.faults["GET /api/tasks"] = httpx.Response(200, json=answer)
    with pytest.raises(UnexpectedAnswer, match="not as Label Studio does"):
        client.state_page(PROJECT_ID, 1)


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
