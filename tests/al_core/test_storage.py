"""What is kept between two readings: whole or not at all, and never outside of its folder."""

import threading
from pathlib import Path

import pytest

from al_core.errors import InvalidInput
from al_core.storage import FolderStore, MemoryStore


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else FolderStore(tmp_path / "not" / "there yet")


def test_an_empty_store_has_nothing_and_forgets_nothing(store):
    assert store.read("pool.npz") is None
    assert store.names("") == []
    store.delete("pool.npz")


def test_what_is_kept_comes_back_until_it_is_forgotten(store):
    store.write("predictions/a1/v1.npz", b"rows")
    assert store.read("predictions/a1/v1.npz") == b"rows"
    store.write("predictions/a1/v1.npz", b"more rows")
    assert store.read("predictions/a1/v1.npz") == b"more rows"
    store.delete("predictions/a1/v1.npz")
    assert store.read("predictions/a1/v1.npz") is None
    assert store.names("") == []


def test_an_empty_content_is_not_nothing(store):
    store.write("parts/1-1.npy", b"")
    assert store.read("parts/1-1.npy") == b""


def test_names_come_in_order_by_how_they_begin(store):
    for name in ("pool.npz", "parts/2.npy", "parts/10.npy", "partition.npz", "parts/deep/er/1.npy"):
        store.write(name, b"x")
    assert store.names("parts/") == ["parts/10.npy", "parts/2.npy", "parts/deep/er/1.npy"]
    assert store.names("part") == ["partition.npz", *store.names("parts/")]
    assert len(store.names("")) == 5
    assert store.names("other") == []


@pytest.mark.parametrize(
    "name", ["", "/", "/etc/passwd", "../secret", "a/../../secret", ".hidden", "a/.hidden", "a//b", "a/", "."]
)
def test_what_leads_elsewhere_is_no_name(store, tmp_path, name):
    with pytest.raises(InvalidInput, match="no name"):
        store.write(name, b"x")
    assert list(tmp_path.rglob("*")) == []


def test_a_folder_store_reads_nothing_from_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    store = FolderStore(tmp_path / "store")
    for ask in (store.read, store.delete):
        with pytest.raises(InvalidInput):
            ask("../secret")
    assert (tmp_path / "secret").exists()


def test_two_stores_of_one_folder_share_what_they_keep(tmp_path):
    FolderStore(tmp_path).write("pool.npz", b"from another process")
    assert FolderStore(tmp_path).read("pool.npz") == b"from another process"


def test_a_write_that_fails_leaves_the_old_and_no_draft(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    store.write("pool.npz", b"old")

    def full(self, target):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            store.write("pool.npz", b"new")
    assert store.read("pool.npz") == b"old"
    assert [path.name for path in tmp_path.rglob("*")] == ["pool.npz"]


def test_a_draft_that_a_killed_process_left_has_no_name(tmp_path):
    store = FolderStore(tmp_path)
    store.write("parts/1.npy", b"x")
    (tmp_path / "parts" / ".tmpdraft").write_bytes(b"half")
    assert store.names("") == ["parts/1.npy"]


def test_a_reader_sees_the_old_or_the_new_and_never_a_half(store):
    size, done = 1_000_000, threading.Event()
    store.write("pool.npz", b"0" * size)

    def writing(digit: bytes) -> None:
        while not done.is_set():
            store.write("pool.npz", digit * size)

    writers = [threading.Thread(target=writing, args=(digit,)) for digit in (b"1", b"2")]
    for writer in writers:
        writer.start()
    try:
        for _ in range(200):
            seen = store.read("pool.npz")
            assert len(seen) == size
            assert seen.count(seen[:1]) == size
            assert store.names("") == ["pool.npz"]
    finally:
        done.set()
        for writer in writers:
            writer.join()
