"""What is kept of one model over several runs, also by processes that died."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from al_core.errors import UnexpectedAnswer
from al_core.predictions import shelf as shelves
from al_core.predictions.direct import Answers
from al_core.predictions.shelf import Drafts, Shelf
from al_core.predictions.table import PredictionTable
from al_core.storage import FolderStore
from tests.al_core.predictions.test_table import SPACES, goods, prediction, table

WHERE = ("http://labels.test", "7", "http://backend.test")


class PowerCut(BaseException):
    pass


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(shelves, "PIECE_TASKS", 4)
    return FolderStore(tmp_path)


@pytest.fixture
def shelf(store):
    return Shelf(store, WHERE, SPACES, "v1")


def said(count, **settings):
    return table({task_id: task_id / 100 for task_id in range(1, count + 1)}, **settings)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 13])
def test_what_is_put_there_in_pieces_comes_back_as_one(store, shelf, count):
    whole = replace(said(count, stored_count=count), complete_as_of=9)
    shelf.keep(whole)
    assert len(store.names("predictions/")) == max(1, -(-count // 4))
    again = shelf.load()
    assert goods(again) == goods(whole)
    assert (again.stored_count, again.complete_as_of) == (count, 9)
    shelf.keep(said(2))
    assert len(store.names("predictions/")) == 1


def test_a_shelf_with_nothing_on_it_is_empty(shelf):
    assert len(shelf.load()) == 0
    assert shelf.load().model_version == "v1"


def test_drafts_are_found_by_the_tasks_they_are_of(shelf):
    shelf.keep(said(3))
    shelf.add(table({5: 0.5, 6: 0.6}), "5-aa")
    shelf.add(table({9: 0.9}), "9-bb")
    assert list(goods(shelf.drafts_of(said(7).task_ids[3:]))) == [5, 6]
    assert list(goods(shelf.load())) == [1, 2, 3, 5, 6, 9]
    assert shelf.has_drafts
    shelf.keep(shelf.load())
    assert not shelf.has_drafts


@pytest.mark.parametrize("writes", range(4))
def test_a_process_that_dies_while_it_keeps_loses_nothing_and_claims_nothing(shelf, monkeypatch, writes):
    shelf.keep(said(5, stored_count=5))
    shelf.add(table({9: 0.9}), "9-bb")
    real, left = FolderStore.write, iter(range(writes))

    def write(self, name, content):
        if next(left, None) is None:
            raise PowerCut
        real(self, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "write", write)
        with suppress(PowerCut):
            shelf.keep(PredictionTable.merged([said(14, stored_count=14), table({20: 0.2})]))
    found = shelf.load()
    assert set(goods(found)) >= {1, 2, 3, 4, 5}
    assert found.stored_count == (14 if writes == 4 else 5)


def test_a_damaged_piece_is_not_there_and_nothing_is_claimed(store, shelf):
    shelf.keep(replace(said(9, stored_count=9), complete_as_of=9))
    names = store.names("predictions/")
    store.write(names[1], store.read(names[1])[:100])
    found = shelf.load()
    assert list(goods(found)) == [1, 2, 3, 4, 9]
    assert (found.stored_count, found.complete_as_of) == (0, 0)


def test_other_versions_and_other_controls_are_forgotten(store, shelf):
    for version, spaces in (("v1", SPACES), ("v0", SPACES), ("old", SPACES), ("v1", SPACES[:1])):
        Shelf(store, WHERE, spaces, version).keep(said(1, version=version, spaces=spaces))
    other = Shelf(store, (*WHERE[:2], "http://second.test"), SPACES, "v0")
    other.keep(said(1, version="v0"))
    shelf.forget_others(["v0"])
    assert len(Shelf(store, WHERE, SPACES, "v0").load()) == len(other.load()) == len(shelf.load()) == 1
    assert len(store.names("predictions/")) == 3


def test_answers_of_two_versions_are_not_put_together(store):
    nameless = Shelf(store, WHERE, SPACES, "")
    nameless.add(said(1, version="v1"), "1-aa")
    assert nameless.load().model_version == "v1"
    nameless.add(said(1, version="v2"), "1-bb")
    with pytest.raises(UnexpectedAnswer, match=r"v1, v2"):
        nameless.load()


def test_drafts_that_are_thrown_away_leave_nothing(store, shelf, monkeypatch):
    monkeypatch.setattr(shelves, "SAVE_SECONDS", 0)
    drafts = Drafts(shelf)
    drafts.save("v1")
    assert store.names("predictions/") == []
    for task_id in (3, 4):
        drafts.take(Answers([prediction(task_id)], {task_id: datetime.now(UTC)}), 0)
        drafts.save_if_due("v1")
    assert list(goods(shelf.load())) == [3, 4]
    assert len(store.names("predictions/")) == 1, "one file, written anew"
    drafts.throw_away()
    drafts.save("v1")
    assert store.names("predictions/") == []
