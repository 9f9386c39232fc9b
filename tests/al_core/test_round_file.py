"""The file of a round: what is in it, and how little of it a page reads."""

import io
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest

from al_core.batches import said_of
from al_core.round_file import LANES, RoundFile, UnreadableRoundFile, write_round_file
from al_core.seeding import task_keys
from al_core.types import Batch, BatchItem, Bounds, ClassProbabilities, Pool, Scores

NAN = float("nan")
LABELS = ("cat", "dog", "cow")


def model(ids, *, labels=LABELS, seed=0):
    """One full row a task; of every seventh task nothing is known."""
    values = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), len(ids)).astype(np.float32)
    unknown = np.arange(len(ids)) % 7 == 6
    values[unknown] = NAN
    return ClassProbabilities(
        task_ids=ids,
        labels=labels,
        form="single",
        starts=np.arange(len(ids) + 1),
        values=values,
        top=values.max(axis=1),
        answers=np.where(unknown, -1, values.argmax(axis=1)).astype(np.int32),
        reasons=np.where(unknown, 3, 0).astype(np.uint8),
    )


def scored(low, high=None, *, said=None, rank_by="low", seed=0, ids=None):
    low = np.asarray(low, dtype=float)
    ids = np.arange(1, len(low) + 1) * 10 if ids is None else np.asarray(ids)
    bounds = Bounds(low, low if high is None else np.asarray(high, dtype=float))
    pool = Pool(ids, np.empty(0, dtype=np.int64), len(ids), "digest", datetime.now(UTC))
    return Scores(pool, "margin", seed, bounds, rank_by, (said,) if said else ())


def batch(**lanes):
    """Lane → ids of its tasks."""
    items = [BatchItem(rank=0, task_id=task_id, lane=lane) for lane, ids in lanes.items() for task_id in ids]
    return Batch(tuple(items), len(items))


def written(scores, of=None):
    file = io.BytesIO()
    write_round_file(file, scores, of or batch())
    return file


def arrays(file):
    file.seek(0)
    return dict(np.load(file))


# --------------------------------------------------------------------- what is in it


def test_everything_over_the_pool_is_in_it_as_numpy_reads_it():
    ids = np.arange(1, 31) * 10
    said = model(ids)
    low = np.where(said.known, 0.1, NAN)
    found = arrays(written(scored(low, low + 0.1, said=said)))
    np.testing.assert_array_equal(found["task_ids"], ids)
    np.testing.assert_array_equal(found["scores"], low)
    np.testing.assert_array_equal(found["scores_high"], low + 0.1)
    np.testing.assert_array_equal(found["probabilities"], said.values)
    assert found["probabilities"].dtype == np.float32
    for name in ("top", "answers", "starts", "reasons"):
        np.testing.assert_array_equal(found[name], getattr(said, name))
    assert found["labels"].tolist() == list(LABELS)


def test_without_a_model_there_is_nothing_of_one():
    found = arrays(written(scored([0.1, 0.2])))
    assert "reasons" not in found
    assert not RoundFile(written(scored([0.1, 0.2]))).has_model


def test_where_answers_are_free_there_are_no_labels():
    ids = np.array([10, 20])
    said = ClassProbabilities(
        ids, (), "regions", np.array([0, 2, 2]), np.empty((2, 0), dtype=np.float32),
        np.array([0.2, 0.4], dtype=np.float32), np.array([-1, -1], dtype=np.int32), np.array([0, 3], dtype=np.uint8),
    )  # fmt: skip
    file = RoundFile(written(scored([0.1, NAN], said=said)))
    assert (file.count("labels"), file.slice("probabilities", 0, 9).shape) == (0, (2, 0))
    assert file.likeliest([0, 1])[0].tolist() == [-1, -1]


def test_the_batch_is_marked_with_its_lanes():
    found = arrays(written(scored([0.1, 0.2, 0.3, 0.4]), batch(strategy=[40, 10], control=[30], test=[20])))
    assert [LANES[code] for code in found["lanes"]] == ["strategy", "test", "control", "strategy"]
    found = arrays(written(scored([0.1, 0.2, 0.3, 0.4]), batch(test=[30])))
    assert found["lanes"].tolist() == [0, 0, 3, 0]
    assert found["selected"].tolist() == [False, False, True, False]
    assert found["picked"].tolist() == [1], "the second of four by its score"


@pytest.mark.parametrize(("rank_by", "order"), [("low", [2, 0, 3, 1, 4]), ("high", [0, 3, 2, 1, 4])])
def test_ranks_go_by_the_bound_that_ranks_and_the_unknown_come_last(rank_by, order):
    scores = scored([0.4, NAN, 0.5, 0.3, NAN], [0.9, NAN, 0.5, 0.6, NAN], rank_by=rank_by)
    found = arrays(written(scores))
    assert found["order"].tolist() == order
    assert found["ranks"][found["order"]].tolist() == [0, 1, 2, 3, 4]
    bounded = [rank for rank, index in enumerate(order) if index in (0, 3)]
    assert found["bounded"].tolist() == bounded
    assert RoundFile(written(scores)).known_count == 3


def test_of_equal_scores_the_seed_decides_and_not_the_id():
    orders = [arrays(written(scored(np.full(200, 0.5), seed=seed)))["order"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()
    np.testing.assert_array_equal(orders[0], np.argsort(task_keys(np.arange(1, 201) * 10, 0)))


@pytest.mark.parametrize("low", [[NAN] * 3, [0.1] * 3, [0.1]])
def test_all_or_none_may_be_known(low):
    file = RoundFile(written(scored(low)))
    assert file.known_count == np.isfinite(low).sum()


def test_the_same_scores_make_the_same_file():
    scores = scored(np.linspace(0, 1, 50), said=model(np.arange(1, 51) * 10))
    assert written(scores).getvalue() == written(scores).getvalue()


# --------------------------------------------------------------------- read by parts


@pytest.fixture
def file():
    ids = np.arange(1, 2001) * 10
    said = model(ids)
    return RoundFile(written(scored(np.where(said.known, said.top, NAN), said=said), batch(strategy=[70, 80])))


def test_a_slice_is_that_of_the_array(file):
    whole = model(np.arange(1, 2001) * 10).values
    np.testing.assert_array_equal(file.slice("probabilities", 3, 9), whole[3:9])
    np.testing.assert_array_equal(file.slice("probabilities", 1998, 5000), whole[1998:])
    assert file.slice("probabilities", 5000, 6000).shape == (0, 3)
    assert file.slice("task_ids", 9, 3).tolist() == []


@pytest.mark.parametrize(
    "indices",
    [[], [5], [1999, 0, 1000], [7, 7, 8], list(range(100)), np.random.default_rng(1).permutation(2000)[:300]],
)
def test_taking_is_that_of_the_array(file, indices):
    indices = np.asarray(indices, dtype=np.int64)
    np.testing.assert_array_equal(file.take("task_ids", indices), (indices + 1) * 10)
    whole = model(np.arange(1, 2001) * 10).values
    np.testing.assert_array_equal(file.take("probabilities", indices), whole[indices])


def test_the_likeliest_class_is_the_one_a_batch_shows(file):
    said = model(np.arange(1, 2001) * 10)
    indices = np.random.default_rng(2).permutation(2000)[:200]
    classes, probabilities = file.likeliest(indices)
    for index, place, probability in zip(indices, classes, probabilities, strict=True):
        shown = next(iter(said_of(said, index).items()), None)
        assert (None if place < 0 else (LABELS[place], pytest.approx(probability))) == shown


def test_of_several_regions_the_surest_one_with_a_class_counts():
    ids = np.array([10, 20, 30, 40])
    top = np.array([0.5, 0.9, 0.9, 0.99, 0.3, 0.8], dtype=np.float32)
    said = ClassProbabilities(
        ids, LABELS, "regions", np.array([0, 4, 4, 5, 6]), np.full((6, 3), NAN, dtype=np.float32),
        top, np.array([0, 2, 1, -1, 1, -1], dtype=np.int32), np.array([0, 3, 0, 0], dtype=np.uint8),
    )  # fmt: skip
    file = RoundFile(written(scored([0.1, NAN, 0.2, 0.3], said=said)))
    classes, probabilities = file.likeliest([3, 2, 1, 0])
    assert classes.tolist() == [-1, 1, -1, 2], "of equals the first"
    np.testing.assert_allclose(probabilities, [NAN, 0.3, NAN, 0.9], rtol=1e-6)


# --------------------------------------------------------------------- what cannot be read


def test_a_file_of_an_earlier_version_says_so():
    for save, names in ((np.savez_compressed, ["task_ids", "scores", "order"]), (np.savez, ["task_ids", "scores"])):
        file = io.BytesIO()
        save(file, **{name: np.arange(3) for name in names})
        with pytest.raises(UnreadableRoundFile, match=r"earlier version\. Its scores are kept"):
            RoundFile(file)


def test_a_damaged_file_says_so():
    whole = written(scored([0.1, 0.2])).getvalue()
    for content in (b"", b"not a zip at all", whole[:-40], whole[: len(whole) // 2]):
        with pytest.raises(UnreadableRoundFile, match="damaged"):
            RoundFile(io.BytesIO(content))


def test_an_array_of_objects_is_not_read():
    file = io.BytesIO()
    np.savez(file, order=np.array([{}], dtype=object))
    with pytest.raises(UnreadableRoundFile, match="damaged"):
        RoundFile(file)


# --------------------------------------------------------------------- large pools


class Counted(io.BytesIO):
    """Counts the bytes that were read."""

    count = 0

    def read(self, size=-1):
        content = super().read(size)
        self.count += len(content)
        return content


MILLION = 1_000_000


@pytest.fixture(scope="module")
def large():
    """Scores of a million tasks with ten classes."""
    ids = np.arange(1, MILLION + 1)
    rng = np.random.default_rng(3)
    top = rng.random(MILLION, dtype=np.float32)
    values = np.repeat(top[:, None], 10, axis=1)
    answers = rng.integers(0, 10, MILLION, dtype=np.int32)
    said = ClassProbabilities(
        ids, tuple("abcdefghij"), "single", np.arange(MILLION + 1), values, top, answers, np.zeros(MILLION, np.uint8)
    )
    return scored(top, said=said, ids=ids)


def test_a_page_reads_no_more_of_a_million_tasks_than_of_a_few(large):
    content = Counted(written(large, batch(strategy=range(1, 101))).getvalue())
    file = RoundFile(content)
    assert (file.length, file.known_count) == (MILLION, MILLION)
    indices = file.take("order", np.arange(500_000, 500_050))
    for name in ("task_ids", "scores", "scores_high", "lanes", "reasons"):
        file.take(name, indices)
    file.likeliest(indices)
    assert content.count < 50_000


def test_writing_holds_no_array_twice(large, tmp_path):
    with (tmp_path / "large.npz").open("wb") as file:
        tracemalloc.start()
        write_round_file(file, large, batch())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    held = large.models[0].values.nbytes + large.bounds.low.nbytes + large.pool.task_ids.nbytes
    assert peak < 60 * MILLION < held + 5 * MILLION, "sorting takes about 50 bytes a task, whatever the classes"
