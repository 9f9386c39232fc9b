"""The probability doctor at the terminal."""

import json
from typing import Any

import httpx
import pytest

from al_core.doctor import Diagnosis, Gives
from tests.servers import BACKEND_URL, PROJECT_ID, TOKEN, URL, BackendServer, LabelStudioServer
from trustai import doctor

TWO_CONTROLS = (
    '<View><Text name="words" value="$text"/><Choices name="mood" toName="words">'
    '<Choice value="good"/><Choice value="bad"/></Choices>'
    '<Choices name="topic" toName="words"><Choice value="sport"/><Choice value="art"/><Choice value="law"/></Choices>'
    "</View>"
)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)


def run(*more: str) -> int:
    return doctor.main(["--url", URL, "--project", str(PROJECT_ID), *more])


class TopicBackend(BackendServer):
    """Says what it thinks of the mood in full, and of the topic only the top."""

    def result(self, task_id: int) -> list[dict[str, Any]]:
        topic = {"from_name": "topic", "to_name": "words", "type": "choices", "value": {"choices": ["art"]}}
        return [*super().result(task_id), {**topic, "score": 0.5 + task_id / 100}]


def test_a_full_model_is_told_and_the_command_succeeds(
    backend: BackendServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "Model version v1, on a sample of 30\n"
        "\n"
        "mood (Choices, single, 2 labels): full probabilities\n"
        "  30 of 30 tasks have the probability of every class.\n"
        "  100% of the numbers read lie from 0 to 1; the lowest is 0.255, the highest 0.745.\n"
        "  margin             exact       Every number that it needs is there.\n"
        "  entropy            exact       Every number that it needs is there.\n"
        "  least_confidence   exact       Every number that it needs is there.\n"
        "  ratio              exact       Every number that it needs is there.\n"
        "  vote_entropy       exact       It needs full probabilities of two models or more, as this one gives them.\n"
        "  consensus_entropy  exact       It needs full probabilities of two models or more, as this one gives them.\n"
        "  kl_divergence      exact       It needs full probabilities of two models or more, as this one gives them.\n"
        "  random             exact       It asks no model.\n"
    )
    assert "Predicted 30 tasks." in printed.err
    assert TOKEN not in printed.out + printed.err


def test_a_model_that_tells_less_gets_the_lines_to_add(
    wire: Any, server: LabelStudioServer, backend: BackendServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.label_config = TWO_CONTROLS
    wire.route(url__startswith="http://topics.test").mock(side_effect=TopicBackend())
    assert run("--backend", "http://topics.test") == 1
    printed = capsys.readouterr().out
    assert "topic (Choices, single, 3 labels): top probability only" in printed
    assert "  entropy            bounded     Only the probability of the answered class is known" in printed
    assert "  vote_entropy       impossible  It needs full probabilities of two models or more; this one" in printed
    assert '        # The labels: "sport", "art", "law".\n' in printed
    assert printed.count("def region(") == 1
    assert not backend.requests


def test_one_control_can_be_picked(wire: Any, server: LabelStudioServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.label_config = TWO_CONTROLS
    wire.route(url__startswith="http://topics.test").mock(side_effect=TopicBackend())
    assert run("--backend", "http://topics.test", "--control", "mood") == 0
    assert "topic (" not in capsys.readouterr().out
    assert run("--backend", "http://topics.test", "--control", "smell") == 3
    assert "no control “smell” to look at. It has: mood, topic." in capsys.readouterr().err


def test_stored_predictions_are_read_without_a_backend(
    server: LabelStudioServer, backend: BackendServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for task_id in range(1, 21):
        server.predict(task_id, 0.5 + task_id / 100, "stored-1")
    assert run("--stored", "--sample", "30") == 0
    printed = capsys.readouterr().out
    assert "Model version stored-1, on a sample of 30" in printed
    assert "20 of 30 tasks have the probability of every class; 10 are unknown (no prediction)." in printed
    assert not backend.requests


def test_json_is_the_whole_diagnosis(backend: BackendServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--sample", "4") == 0
    diagnosis = Diagnosis.from_dict(json.loads(capsys.readouterr().out))
    assert (diagnosis.sampled, diagnosis.controls[0].gives) == (4, Gives.FULL)
    assert len(backend.bodies("POST /predict")[0]["tasks"]) == 4


@pytest.mark.parametrize(
    ("pattern", "fault", "said"),
    [
        ("GET /api/projects", httpx.Response(401, json={}), "does not accept the legacy token"),
        ("GET /api/projects", httpx.Response(404, json={}), "has no project 7"),
        ("GET /api/ml", httpx.ConnectError("no"), f"No Label Studio answers at {URL}"),
    ],
)
def test_an_expected_failure_is_a_sentence(
    server: LabelStudioServer, capsys: pytest.CaptureFixture[str], pattern: str, fault: Any, said: str
) -> None:
    server.faults[pattern] = fault
    assert run() == 3
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert TOKEN not in printed.err


def test_a_backend_that_is_down_is_named(backend: BackendServer, capsys: pytest.CaptureFixture[str]) -> None:
    backend.faults["."] = httpx.ConnectError("no")
    assert run() == 3
    assert f"No ML backend answers at {BACKEND_URL}." in capsys.readouterr().err


def test_a_project_without_any_model_says_so(server: LabelStudioServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 3
    assert "no predictions and no ML backend" in capsys.readouterr().err


def test_names_of_the_server_cannot_steer_the_terminal(
    server: LabelStudioServer, backend: BackendServer, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.version = "v1\x1b[2J\u202e"
    assert run() == 0
    assert "Model version v1?[2J?, on a sample" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "0"], "whole number of at least 1"),
        (["--sample", "many"], "whole number of at least 1"),
        (["--project", "one"], "invalid int value"),
        (["--stored", "--backend", BACKEND_URL], "not allowed with"),
        (["--token-env", "NO_SUCH_TOKEN"], "NO_SUCH_TOKEN holds no token"),
    ],
)
def test_wrong_arguments_are_refused(
    wire: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_the_token_is_taken_from_the_variable_that_is_named(
    backend: BackendServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong")
    monkeypatch.setenv("MINE", TOKEN)
    assert run() == 3
    assert run("--token-env", "MINE") == 0


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        doctor.main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if line.startswith("  1  ")] == [
        "  1  it does not; the report shows what to add"
    ]
