"""What the pool benchmarks compute by themselves; the rest needs a Label Studio."""

import threading
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from al_core.ml_backend import MLBackend
from al_core.types import Project
from benchmarks.pool import Finding
from benchmarks.pool_backend import serve
from benchmarks.pool_data import LABEL_CONFIG, LABELS, VERSION, prediction, tasks, text
from benchmarks.pool_rounds import Spent, bytes_a_task
from benchmarks.pool_stack import expect

PROJECT = Project(1, "Pool", LABEL_CONFIG, 3, 0, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def backend_url():
    with serve(0, 0.0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_texts_are_all_different_and_always_the_same():
    texts = [text(number) for number in range(2_000)]
    assert len(set(texts)) == len(texts)
    assert text(17) == texts[17]


def test_a_prediction_has_every_class_and_sums_to_one():
    for number in range(100):
        region = prediction(text(number))["result"][0]
        assert tuple(region["probabilities"]) == LABELS
        assert sum(region["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert region["score"] == max(region["probabilities"].values())


def test_tasks_come_with_their_prediction_or_bare():
    with_it, bare = next(tasks(1, predicted=True, first=5)), next(tasks(1, predicted=False, first=5))
    assert with_it["data"] == bare["data"] == {"text": text(5)}
    assert with_it["predictions"] == [prediction(text(5))]
    assert "predictions" not in bare


def test_the_backend_says_what_is_stored(backend_url):
    asked = [{"id": number, "data": {"text": text(number)}} for number in range(3)]
    with closing(MLBackend(backend_url)) as backend:
        backend.health()
        assert backend.model_version(PROJECT) == VERSION
        answers = backend.predict(PROJECT, asked)
    assert [answer.result for answer in answers] == [prediction(text(number))["result"] for number in range(3)]


def test_the_backend_answers_again_and_again_on_one_connection(backend_url):
    with httpx.Client() as client:
        for _ in range(3):
            assert client.post(f"{backend_url}/predict", json={"tasks": []}).json() == {"results": []}


@pytest.mark.parametrize(
    ("measured", "target", "met"),
    [
        (10, {"least": 10}, "yes"),
        (9.99, {"least": 10}, "**no**"),
        (10, {"most": 10}, "yes"),
        (11, {"most": 10}, "**no**"),
    ],
)
def test_a_target_is_met_or_said_to_be_missed(measured, target, met):
    assert Finding("speed", 10_000, measured, " ×", **target).row()[-1] == met


def test_memory_a_task_is_what_more_tasks_add():
    small = Spent("margin", 10_000, 4.0, 1.0, idle=100, peak=1_000_100)
    large = Spent("margin", 110_000, 40.0, 4.0, idle=200, peak=9_000_200)
    assert bytes_a_task(small, large) == 80
    assert large.waiting == pytest.approx(0.9)


def test_work_that_was_not_done_has_no_figure():
    expect(3, 3, "tasks")
    with pytest.raises(RuntimeError, match="2 tasks came instead of 3"):
        expect(2, 3, "tasks")
