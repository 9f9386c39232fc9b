"""Caches of features: nothing is made twice, and a file that fails costs time alone."""

import logging
import multiprocessing
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from al_core.features import FileCache, pictures, task_features
from al_core.types import LabelSpace
from tests.al_core.features.drawing import encoded, plain, uri

IMAGE = LabelSpace("kind", "image", ("a", "b"), "picture", "image")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some" / "features.sqlite3"


@pytest.fixture
def decoded(monkeypatch):
    """Every picture that was decoded."""
    seen = []
    real = pictures.thumbnail

    def watched(content, side):
        seen.append(content)
        return real(content, side)

    monkeypatch.setattr(pictures, "thumbnail", watched)
    return seen


def of_images(*images, **more):
    return task_features([{"picture": image} for image in images], IMAGE, **more)


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


def test_a_second_call_decodes_nothing_and_gives_the_same(path, decoded):
    images = [uri(plain(grey)) for grey in range(0, 250, 10)]
    without = of_images(*images)
    decoded.clear()
    first = of_images(*images, cache=FileCache(path))
    assert len(decoded) == 25
    second = of_images(*images, cache=FileCache(path))
    assert len(decoded) == 25
    for features in (first, second):
        np.testing.assert_array_equal(features.rows, without.rows)
        assert (features.missing, features.source) == (without.missing, without.source)


def test_equal_pictures_are_decoded_once(decoded):
    of_images(*[uri(plain(7))] * 5, uri(plain(8)))
    assert len(decoded) == 2


def test_another_size_is_another_vector(path, decoded):
    cache = FileCache(path)
    assert of_images(uri(plain(7)), cache=cache, dimensions=64).rows.shape == (1, 64)
    assert of_images(uri(plain(7)), cache=cache, dimensions=100).rows.shape == (1, 100)
    assert len(decoded) == 2


def test_a_picture_that_failed_is_tried_again(path, decoded):
    cache = FileCache(path)
    assert set(of_images("data:image/png;base64,AAAA", cache=cache).missing) == {0}
    assert set(of_images("data:image/png;base64,AAAA", cache=cache).missing) == {0}
    assert len(decoded) == 2


@pytest.mark.parametrize("kept", [vector(1, 2), np.full(64, np.nan, dtype=np.float32)])
def test_a_vector_that_cannot_be_right_is_made_anew(kept):
    class Broken:
        def get_many(self, keys):
            return dict.fromkeys(keys, kept)

        def put_many(self, vectors):
            """Keep nothing."""

    assert of_images(uri(plain(255)), cache=Broken()).rows.tolist() == [[1.0] * 64]


def test_work_that_is_cut_short_is_kept(path, monkeypatch):
    monkeypatch.setattr("al_core.features.cache.CHUNK", 2)
    read = []

    def failing(address):
        if len(read) == 5:
            raise KeyboardInterrupt
        read.append(address)
        return encoded(plain(7))

    addresses = [f"https://example.org/{n}.png" for n in range(8)]
    with pytest.raises(KeyboardInterrupt):
        of_images(*addresses, cache=FileCache(path), read_image=failing)
    read.clear()
    of_images(*addresses[:4], cache=FileCache(path), read_image=failing)
    assert read == []


def test_an_address_without_a_host_belongs_to_a_server(path):
    cache = FileCache(path)
    read = []

    def reader(grey):
        def read_image(address):
            read.append(grey)
            return encoded(plain(grey))

        return read_image

    def grey(number, **more):
        return of_images("/data/upload/1/a.png", cache=cache, read_image=reader(number), **more).rows[0, 0] * 255

    assert grey(10) == pytest.approx(10)
    assert grey(20) == pytest.approx(20)  # nobody said that it is the same server
    assert grey(30, server="https://one.example.org") == pytest.approx(30)
    assert grey(40, server="https://two.example.org") == pytest.approx(40)
    assert grey(50, server="https://one.example.org") == pytest.approx(30)
    assert read == [10, 20, 30, 40]


# ------------------------------------------------------------------- the file


def test_vectors_come_back_as_they_were(path):
    cache = FileCache(path)
    kept = {f"key{n}": np.random.default_rng(n).normal(size=n % 5 + 1).astype(np.float32) for n in range(1200)}
    cache.put_many(kept)
    found = FileCache(path).get_many([*kept, "another"])
    assert found.keys() == kept.keys()
    for key, stored in kept.items():
        assert found[key].dtype == np.float32
        np.testing.assert_array_equal(found[key], stored)


def test_a_vector_never_changes_and_may_be_written_to_by_who_got_it(path):
    cache = FileCache(path)
    cache.put_many({"a": vector(1)})
    cache.put_many({"a": vector(2)})
    cache.get_many(["a"])["a"][0] = 3
    assert cache.get_many(["a"])["a"].tolist() == [1]


def test_the_file_is_its_owners_alone(path):
    FileCache(path).put_many({"a": vector(1)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_oldest_go_when_there_are_too_many(path):
    cache = FileCache(path, max_bytes=500_000)
    for start in range(0, 3000, 100):
        cache.put_many({f"key{n}": np.full(250, n, dtype=np.float32) for n in range(start, start + 100)})
        assert path.stat().st_size < 700_000
    found = sorted(int(key[3:]) for key in cache.get_many([f"key{n}" for n in range(3000)]))
    assert found == list(range(found[0], 3000))
    assert 300 < len(found) < 500


def test_what_is_larger_than_the_whole_cache_is_not_kept(path):
    cache = FileCache(path, max_bytes=1000)
    cache.put_many({"a": np.zeros(100_000, dtype=np.float32)})
    assert cache.get_many(["a"]) == {}


def fill(path, start, together):
    """In a process of its own: put vectors in and take them out, both at the same time."""
    cache = FileCache(path)
    together.wait(timeout=50)
    for n in range(start, start + 100):
        cache.put_many({f"key{n}": vector(n)})
        assert cache.get_many([f"key{n}"])[f"key{n}"].tolist() == [n]


def test_processes_share_a_file(path):
    afresh = multiprocessing.get_context("spawn")
    together = afresh.Barrier(2)
    processes = [afresh.Process(target=fill, args=(path, start, together)) for start in (0, 100)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    found = FileCache(path).get_many([f"key{n}" for n in range(200)])
    assert {key: int(stored[0]) for key, stored in found.items()} == {f"key{n}": n for n in range(200)}


def test_threads_share_a_cache(path):
    cache = FileCache(path)

    def fill(start):
        for n in range(start, start + 20):
            cache.put_many({f"key{n}": vector(n)})
            assert cache.get_many([f"key{n}"])[f"key{n}"].tolist() == [n]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, range(0, 80, 20)))
    assert len(cache.get_many([f"key{n}" for n in range(80)])) == 80


def corrupt(path):
    path.parent.mkdir()
    path.write_bytes(b"This is no database, but long enough to be taken for one." * 99)


def another_database(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE vectors (something_else TEXT)")
    connection.close()


def damaged(path):
    FileCache(path).put_many({f"key{n}": np.zeros(99, dtype=np.float32) for n in range(99)})
    content = bytearray(path.read_bytes())
    content[2000:] = b"\xff" * (len(content) - 2000)
    path.write_bytes(content)


def folder(path):
    path.mkdir(parents=True)


def file_in_the_way(path):
    path.parent.write_text("I am no folder.")


@pytest.mark.parametrize("trouble", [corrupt, another_database, damaged, folder, file_in_the_way])
def test_a_file_that_cannot_be_used_is_said_once_and_costs_nothing_else(trouble, path, caplog):
    trouble(path)
    cache = FileCache(path)
    images = [uri(plain(grey)) for grey in (0, 255)]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            np.testing.assert_array_equal(of_images(*images, cache=cache).rows, of_images(*images).rows)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text


def test_a_file_that_another_holds_is_waited_for(path, monkeypatch):
    monkeypatch.setattr("al_core.features.file_cache._PATIENCE", 0.05)
    cache = FileCache(path)
    cache.put_many({"a": vector(1)})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put_many({"b": vector(2)})
    assert cache.get_many(["a", "b"]).keys() == {"a"}  # reading goes on
    other.execute("COMMIT")
    other.close()
    cache.put_many({"b": vector(2)})
    assert cache.get_many(["a", "b"]).keys() == {"a", "b"}
