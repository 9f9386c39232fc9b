"""A pool read from the real Label Studio: all of it, what changed since, and by ids that came along."""

from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest

from al_core.label_studio import LabelStudio
from al_core.label_studio import client as client_module
from al_core.pool import LABELLED, SKIPPED, PoolReader, TaskTable, asking, microseconds, reading
from al_core.types import PoolChanges
from examples.digits.data import tasks
from tests.real_stack import LabelStudioServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

PAGE = 20


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few tasks are several pages."""
    for module in (client_module, asking, reading):
        monkeypatch.setattr(module, "PAGE_SIZE", PAGE)


@pytest.fixture
def api(label_studio: LabelStudioServer) -> Iterator[httpx.Client]:
    """What a person does there, beyond what the demo's one does."""
    headers = {"Authorization": f"Token {label_studio.token}"}
    with httpx.Client(base_url=label_studio.url, headers=headers, timeout=60) as client:
        yield client


def truth(client: LabelStudio, project_id: int) -> dict[int, tuple[int, int]]:
    """Task id → (how it is flagged, when it changed last), by every page."""
    return {
        state.task_id: (
            LABELLED if state.labeled else SKIPPED if state.skipped else 0,
            microseconds(state.updated_at),
        )
        for page, _ in client.task_states(project_id)
        for state in page
    }


def told(table: TaskTable) -> dict[int, tuple[int, int]]:
    rows = zip(table.task_ids.tolist(), table.flags.tolist(), table.changed_at.tolist(), strict=True)
    return {task_id: (flag, changed_at) for task_id, flag, changed_at in rows}


@pytest.mark.usefixtures("short_pages")
def test_a_pool_is_read_once_and_then_by_what_changed(
    client: LabelStudio, label_studio: LabelStudioServer, make_project: Callable[..., int], api: httpx.Client
) -> None:
    project_id = make_project(90)
    reader = PoolReader(client, project_id)
    table, changes = reader.read()
    assert told(table) == truth(client, project_id)
    assert changes == PoolChanges()
    assert len(table) == 90
    ids = table.task_ids.tolist()

    label_studio.api.annotate(ids[0], "3")
    label_studio.api.annotate(ids[1], "4")
    api.post(f"/api/tasks/{ids[2]}/annotations/", json={"result": [], "was_cancelled": True}).raise_for_status()
    # Not the last one: on SQLite the next task would get its id.
    for task_id in (ids[30], ids[31], ids[88]):
        api.delete(f"/api/tasks/{task_id}/").raise_for_status()
    api.post(f"/api/projects/{project_id}/import", json=tasks(93)[90:]).raise_for_status()
    api.patch(f"/api/tasks/{ids[50]}/", json={"data": {**tasks(1)[0], "note": "other"}}).raise_for_status()
    table, changes = reader.read(table)
    assert told(table) == truth(client, project_id)
    assert changes == PoolChanges(added=3, deleted=3, labelled=3, reopened=0, is_first=False)
    assert (table.labelled_count, table.skipped_count, len(table)) == (2, 1, 90)
    api.delete(f"/api/tasks/{table.task_ids[-1]}/").raise_for_status()
    api.post(f"/api/projects/{project_id}/import", json=tasks(94)[93:]).raise_for_status()
    table, changes = reader.read(table)
    assert told(table) == truth(client, project_id), "whether the new task has the id of the old one or not"
    assert changes.added == changes.deleted


@pytest.mark.usefixtures("short_pages")
def test_labels_that_are_taken_back_are_noticed(
    client: LabelStudio, label_studio: LabelStudioServer, make_project: Callable[..., int], api: httpx.Client
) -> None:
    project_id = make_project(30)
    reader = PoolReader(client, project_id)
    ids = sorted(truth(client, project_id))
    label_studio.api.annotate(ids[0], "3")
    label_studio.api.annotate(ids[1], "4")
    api.post(f"/api/tasks/{ids[2]}/annotations/", json={"result": [], "was_cancelled": True}).raise_for_status()
    table, _ = reader.read()
    assert (table.labelled_count, table.skipped_count) == (2, 1)

    chosen = {"selectedItems": {"all": False, "included": [ids[0], ids[2]]}}
    params = {"id": "delete_tasks_annotations", "project": project_id}
    api.post("/api/dm/actions", params=params, json=chosen).raise_for_status()
    kept = TaskTable.from_bytes(table.to_bytes())
    table, changes = reader.read(kept)
    assert told(table) == truth(client, project_id)
    assert (changes.reopened, changes.added, changes.deleted, changes.labelled) == (2, 0, 0, 0)

    # `updated_at` of no task moves with this; that the counts do is how it is noticed.
    api.patch(f"/api/projects/{project_id}/", json={"maximum_annotations": 2}).raise_for_status()
    table, changes = reader.read(table)
    assert {task_id: flag for task_id, (flag, _) in told(table).items()} == {
        task_id: flag for task_id, (flag, _) in truth(client, project_id).items()
    }
    assert changes.reopened == 1

    table, changes = reader.read(table)
    assert changes == PoolChanges(is_first=False)


@pytest.mark.usefixtures("short_pages")
def test_a_pool_is_read_by_ids_that_came_along(
    client: LabelStudio, label_studio: LabelStudioServer, make_project: Callable[..., int]
) -> None:
    project_id = make_project(50)
    before = truth(client, project_id)
    ids = sorted(before)
    as_of = max(changed_at for _, changed_at in before.values())
    label_studio.api.annotate(ids[5], "3")
    table, changes = PoolReader(client, project_id).read(None, np.array(ids), as_of=as_of)
    now = truth(client, project_id)
    assert {task_id: flag for task_id, (flag, _) in told(table).items()} == {
        task_id: flag for task_id, (flag, _) in now.items()
    }
    assert changes.is_first
    assert told(table)[ids[5]] == now[ids[5]]
    assert all(now[task_id][1] <= changed_at for task_id, (_, changed_at) in told(table).items())


def test_a_project_without_tasks(client: LabelStudio, make_project: Callable[..., int]) -> None:
    table, changes = PoolReader(client, make_project(0)).read()
    assert (len(table), changes) == (0, PoolChanges())
