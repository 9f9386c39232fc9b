"""The whole loop on a real Label Studio and the reference backend, without Django: as a notebook would."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from al_core.active_learning import ActiveLearningManager
from al_core.errors import (
    AccessRefused,
    EmptyPool,
    NoPredictions,
    NotFound,
    ServerUnreachable,
    TrainEndpointMissing,
    UnsupportedProject,
)
from al_core.label_studio import LabelStudio
from examples.digits.data import tasks, true_label
from tests.real_stack import LabelStudioServer, free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

Make = Callable[..., ActiveLearningManager]


def answer(manager: ActiveLearningManager, server: LabelStudioServer, task_ids: list[int]) -> dict[int, str]:
    """Label tasks with the truth, and give what was answered."""
    data = manager.label_studio.task_data(manager.project_id, task_ids)
    truth = {task_id: true_label(values) for task_id, values in data.items()}
    for task_id, label in truth.items():
        server.api.annotate(task_id, label)
    return truth


def test_two_rounds_from_nothing(manager: Make, label_studio: LabelStudioServer) -> None:
    start = manager(digits=150, strategy_name="random", seed=3)
    pool = start.read_pool()
    assert (len(pool.task_ids), pool.labeled_count, pool.total_count) == (150, 0, 150)
    batch = start.recommend(start.score(pool), 20, test_size=30)
    lanes = {lane: [item.task_id for item in batch.items if item.lane == lane] for lane in ("strategy", "test")}
    assert [len(ids) for ids in lanes.values()] == [20, 30]
    truth = answer(start, label_studio, lanes["strategy"] + lanes["test"])

    first = manager(start.project_id, held_out=lanes["test"])
    training = first.train(first.before_training())
    assert (training.verdict, training.route, training.label_count) == ("new_model", "train", 20)
    assert training.version_after != training.version_before
    assert training.probed == 50
    assert training.probe_changed > 40, "of an untrained model that becomes one"
    evaluation = first.evaluate(lanes["test"])
    assert (len(evaluation.answers), evaluation.model_version) == (30, training.version_after)
    assert {answer.task_id: answer.truth for answer in evaluation.answers} == {i: truth[i] for i in lanes["test"]}
    assert evaluation.headline.low <= evaluation.headline.value <= evaluation.headline.high

    scores = first.score(first.read_pool())
    assert len(scores.pool.task_ids) == 100
    assert scores.model_version == training.version_after
    assert np.isfinite(scores.values).all()
    asked = first.recommend(scores, 10)
    picked = [item.task_id for item in asked.items]
    assert len(set(picked)) == 10
    assert not set(picked) & set(truth)
    assert picked == [item.task_id for item in first.recommend(scores, 10).items], "the same seed picks the same"
    by_cluster = manager(start.project_id, held_out=lanes["test"], diversity="kmeans").recommend(scores, 10)
    assert len({item.cluster for item in by_cluster.items}) == 10


def test_a_published_batch_shows_exactly_its_tasks_and_hears_the_answers(
    manager: Make, label_studio: LabelStudioServer
) -> None:
    loop = manager(digits=12)
    ids = loop.read_pool().task_ids.tolist()
    batch, outside = ids[3:7], ids[8]
    since = datetime.now(UTC) - timedelta(seconds=1)
    published = loop.publish(batch, "A batch")
    assert sorted(task["id"] for task in label_studio.api.tab_tasks(published.view_id)) == batch
    assert loop.publish(batch, "A batch").view_id == published.view_id, "publishing twice makes one tab"

    label_studio.api.annotate(batch[0], "7")
    label_studio.api.skip(batch[1])
    label_studio.api.annotate(outside, "1")
    changed = loop.read_labels(published.view_id, {})
    labels = {task_id: label for task_id, (_, label) in changed.items()}
    assert labels[batch[0]] is not None
    assert labels[batch[0]].value == "7"
    assert labels[batch[0]].annotator == label_studio.email
    assert labels[batch[1]] is not None
    assert labels[batch[1]].skipped
    assert labels[batch[2]] is None
    assert loop.labeled_outside(batch, since) == [outside]

    known = {task_id: updated_at for task_id, (updated_at, _) in changed.items()}
    assert loop.read_labels(published.view_id, known) == {}, "what did not change is not read again"
    loop.retract(published.view_id)
    loop.retract(published.view_id)
    with pytest.raises(NotFound):
        loop.read_labels(published.view_id, {})


def test_a_batch_larger_than_the_pool_is_all_of_it_and_says_so(manager: Make) -> None:
    loop = manager(digits=5, strategy_name="random")
    batch = loop.recommend(loop.score(loop.read_pool()), 8)
    assert len(batch.items) == 5
    assert "only 5" in batch.note


def test_an_empty_project(manager: Make) -> None:
    with pytest.raises(EmptyPool, match="no tasks"):
        manager(digits=0).read_pool()


def test_a_project_that_is_all_labelled(manager: Make, label_studio: LabelStudioServer) -> None:
    loop = manager(digits=2)
    answer(loop, label_studio, loop.read_pool().task_ids.tolist())
    with pytest.raises(EmptyPool, match="No task is left"):
        loop.read_pool()


def test_a_model_that_was_never_trained_has_no_predictions(manager: Make) -> None:
    loop = manager(digits=5)
    with pytest.raises(NoPredictions, match="never trained"):
        loop.score(loop.read_pool())


def test_neither_predictions_nor_a_backend(client: LabelStudio, make_project: Callable[..., int]) -> None:
    loop = ActiveLearningManager(client, make_project(5))
    with pytest.raises(NoPredictions, match="no predictions and no ML backend"):
        loop.score(loop.read_pool())


def test_stored_predictions_are_scored_without_a_backend(
    client: LabelStudio, make_project: Callable[..., int], label_studio: LabelStudioServer
) -> None:
    project_id = make_project(4)
    loop = ActiveLearningManager(client, project_id, diversity="none")
    ids = loop.read_pool().task_ids.tolist()
    for task_id, sure in zip(ids[:3], (0.9, 0.4, 0.6), strict=True):
        rest = {str(digit): (1 - sure) / 9 for digit in range(1, 10)}
        region = {
            "from_name": "digit",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": ["0"]},
            "probabilities": {"0": sure, **rest},
        }
        label_studio.api.http.post(
            "/api/predictions/",
            json={"task": task_id, "result": [region], "score": sure, "model_version": "stored-1"},
        ).raise_for_status()
    scores = loop.score(loop.read_pool())
    assert scores.probabilities is not None
    assert scores.probabilities.known.tolist() == [True, True, True, False]
    batch = loop.recommend(scores, 3)
    assert [item.task_id for item in batch.items] == [ids[1], ids[2], ids[0]]
    assert batch.items[0].predicted_label == "0"


def test_text_is_scored_as_well(manager: Make, label_studio: LabelStudioServer) -> None:
    config = """<View><Text name="text" value="$text"/>
      <Choices name="topic" toName="text"><Choice value="sea"/><Choice value="hill"/></Choices></View>"""
    words = {"sea": "wave ship harbour sail tide", "hill": "slope stone ridge valley goat"}
    texts = [
        {"data": {"text": f"{word} {label} number {i}"}}
        for i in range(5)
        for label in words
        for word in words[label].split()
    ]
    project_id = label_studio.api.create_project("Text", config, texts)
    loop = manager(project_id)
    ids = loop.read_pool().task_ids.tolist()
    data = loop.label_studio.task_data(project_id, ids)
    for task_id in ids[:20]:
        label = "sea" if " sea " in data[task_id]["text"] else "hill"
        label_studio.api.annotate(task_id, label, control="topic", target="text")
    loop.train(loop.before_training())
    scores = loop.score(loop.read_pool())
    batch = loop.recommend(scores, 6)
    assert len(batch.items) == 6
    assert all(sum(item.probabilities.values()) == pytest.approx(1, abs=1e-3) for item in batch.items)


def test_training_falls_back_to_the_webhook(
    manager: Make,
    make_project: Callable[..., int],
    start_backend: Callable[..., str],
    label_studio: LabelStudioServer,
) -> None:
    backend = start_backend("--without-train")
    loop = manager(make_project(20, backend=backend), backend=backend, held_out=[])
    ids = loop.read_pool().task_ids.tolist()
    answer(loop, label_studio, ids)
    loop = manager(loop.project_id, backend=backend, held_out=ids[:5])
    training = loop.train(loop.before_training())
    assert training.route == "webhook"
    assert "15labels" in training.version_after, "the held-out tasks stay out by this way too"


def test_a_backend_that_cannot_be_trained(
    manager: Make, start_backend: Callable[..., str], label_studio: LabelStudioServer
) -> None:
    loop = manager(digits=4, backend=start_backend("--without-train", "--without-webhook"))
    answer(loop, label_studio, loop.read_pool().task_ids.tolist())
    with pytest.raises(TrainEndpointMissing, match=r"neither POST /train nor POST /webhook.*docs/ml-backend.md"):
        loop.train(loop.before_training())


def test_a_training_that_fails_gives_the_backends_own_words(manager: Make, label_studio: LabelStudioServer) -> None:
    loop = manager(digits=4)
    for task_id in loop.read_pool().task_ids.tolist():
        label_studio.api.annotate(task_id, "1")
    found = loop.train(loop.before_training())
    assert found.verdict == "failed"
    assert "at least two classes" in found.reason


def test_label_studio_has_a_backend_trained_in_our_place(
    manager: Make,
    make_project: Callable[..., int],
    start_backend: Callable[..., str],
    label_studio: LabelStudioServer,
) -> None:
    backend = start_backend()
    loop = manager(make_project(20, backend=backend), backend=backend)
    answer(loop, label_studio, loop.read_pool().task_ids.tolist())
    training = loop.train(loop.before_training(), route="label_studio")
    assert (training.verdict, training.route) == ("new_model", "label_studio")
    assert training.said[0] == "Label Studio → 200, it has asked the backend"


def test_a_failure_is_read_from_label_studio_before_it_forgets(
    manager: Make,
    make_project: Callable[..., int],
    start_backend: Callable[..., str],
    label_studio: LabelStudioServer,
) -> None:
    backend = start_backend("--without-webhook")
    loop = manager(make_project(4, backend=backend), backend=backend)
    (connected,) = loop.label_studio.backends(loop.project_id)
    loop.label_studio.train_backend(connected.id)
    for _ in range(2):
        known = loop.label_studio.backend_state(loop.project_id, connected.id)
        assert known.state == "error"
        assert known.error.startswith("404 Client Error")
    assert loop.label_studio.backends(loop.project_id)[0].error == ""
    answer(loop, label_studio, loop.read_pool().task_ids.tolist())
    with pytest.raises(TrainEndpointMissing, match="Label Studio does not reach"):
        loop.train(loop.before_training(), route="label_studio")


def test_label_studios_own_messages_to_a_backend_are_switched_off_and_on(
    client: LabelStudio, make_project: Callable[..., int], backend_url: str, label_studio: LabelStudioServer
) -> None:
    project_id = make_project(2, backend=backend_url)
    (hook,) = client.webhooks(project_id)
    assert (hook.url, hook.is_active, hook.for_all_actions) == (f"{backend_url}/webhook", True, True)
    path = f"/api/webhooks/{hook.id}/"
    events = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"]
    label_studio.api.http.patch(path, json={"actions": events, "send_for_all_actions": False}).raise_for_status()
    for active in (False, True):
        client.set_webhook(hook.id, active=active)
        (found,) = client.webhooks(project_id)
        assert (found.is_active, found.for_all_actions) == (active, False)
        assert sorted(label_studio.api.http.get(path).json()["actions"]) == events, "its events are kept"


def test_ground_truths_are_found(
    client: LabelStudio, make_project: Callable[..., int], label_studio: LabelStudioServer
) -> None:
    project_id = make_project(6)
    label_studio.api.http.patch(f"/api/projects/{project_id}/", json={"maximum_annotations": 2}).raise_for_status()
    ids = [state.task_id for page, _ in client.task_states(project_id) for state in page]
    for task_id in ids[:4]:
        label_studio.api.annotate(task_id, "1")
    marked = [client.annotations(project_id, [task_id])[task_id][0]["id"] for task_id in (ids[3], ids[1])]
    for annotation_id in marked:
        label_studio.api.http.patch(
            f"/api/annotations/{annotation_id}/", json={"ground_truth": True}
        ).raise_for_status()
    assert client.ground_truth_ids(project_id) == [ids[1], ids[3]]


def test_a_wrong_token(label_studio: LabelStudioServer) -> None:
    with LabelStudio(label_studio.url, "0" * 40) as client, pytest.raises(AccessRefused, match="legacy token"):
        client.server()


def test_a_wrong_address() -> None:
    with (
        LabelStudio(f"http://127.0.0.1:{free_port()}", "0" * 40) as client,
        pytest.raises(ServerUnreachable, match="No Label Studio answers"),
    ):
        client.server()


def test_a_personal_access_token(label_studio: LabelStudioServer) -> None:
    with LabelStudio(label_studio.url, personal_token(label_studio)) as client:
        assert client.server().user == label_studio.email
        assert client.token_kind == "personal access token"


def test_a_project_without_a_control_that_can_be_scored(make_project: Callable[..., int], client: LabelStudio) -> None:
    config = '<View><Text name="t" value="$image"/><DateTime name="a" toName="t"/></View>'
    loop = ActiveLearningManager(client, make_project(2, config=config))
    with pytest.raises(UnsupportedProject, match="this one has none"):
        _ = loop.label_space


def personal_token(server: LabelStudioServer) -> str:
    """Make one as a person does on the account page: logged in, with the page's CSRF token."""
    with httpx.Client(base_url=server.url, follow_redirects=True) as browser:
        browser.get("/user/login/")
        form = {"email": server.email, "password": server.password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/user/login/", data=form, headers={"Referer": f"{server.url}/user/login/"}).raise_for_status()
        headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": server.url}
        made = browser.post("/api/token/", headers=headers)
        made.raise_for_status()
        return str(made.json()["token"])


def test_digits_are_whole() -> None:
    digits = tasks()
    assert len(digits) == 1797
    assert {true_label(task["data"]) for task in digits} == set("0123456789")
