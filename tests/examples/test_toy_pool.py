"""The pictures of docs/strategies.md, and that the page leaves nothing out that al_core registers."""

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from al_core.diversity import DIVERSITIES
from al_core.strategies import STRATEGIES
from examples.toy_pool import __main__ as command
from examples.toy_pool.gallery import names, pictures
from examples.toy_pool.picks import BATCH, asked, finding
from examples.toy_pool.pool import COPIES, FAR_COUNT, toy_pool

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "pictures" / "strategies"
SVG = "{http://www.w3.org/2000/svg}"
REGISTERED = [*names(STRATEGIES), *names(DIVERSITIES)]


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return pictures()


def test_everything_registered_has_its_picture_and_nothing_else_has(drawn):
    assert {"margin", "random", "vote_entropy", "kmeans", "none"} <= set(REGISTERED)
    assert set(drawn) == {*REGISTERED, "overview"}
    assert {path.stem for path in FOLDER.iterdir()} == set(drawn)


def test_the_pictures_of_the_docs_are_those_that_are_drawn_today(drawn):
    stale = [name for name, picture in drawn.items() if (FOLDER / f"{name}.svg").read_text("utf-8") != picture]
    assert not stale, "run python -m examples.toy_pool"


@pytest.mark.parametrize("name", REGISTERED)
def test_the_page_explains_and_shows_everything_registered(name):
    page = (DOCS / "strategies.md").read_text("utf-8")
    assert re.search(rf"^### .*\(`{name}`\)$", page, re.M), f"no section on {name}"
    assert f"(pictures/strategies/{name}.svg)" in page


def test_the_page_explains_nothing_that_is_not_there():
    page = (DOCS / "strategies.md").read_text("utf-8")
    assert sorted(re.findall(r"^### .*\(`(\w+)`\)$", page, re.M)) == sorted(REGISTERED)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_pool(drawn):
    toy_pool.cache_clear()
    assert pictures() == drawn
    assert (toy_pool(5).points != toy_pool().points).any()


def test_a_picture_is_small_well_formed_and_says_its_finding(drawn):
    for name, picture in drawn.items():
        assert len(picture.encode()) <= 40_000
        root = ElementTree.fromstring(picture)
        title = root.findtext(f"{SVG}title")
        if name != "overview":
            assert re.search(rf": (\d+|none) of {BATCH} picks within 0.5 of another$", title)
            # A halo and a ring for each pick, and the ring of the legend.
            assert len(root.findall(f".//{SVG}circle")) == 2 * BATCH + 1


def test_the_finding_is_what_can_be_counted():
    pool = toy_pool()
    far = np.flatnonzero(pool.is_far)
    assert len(far) == FAR_COUNT
    indices = np.array([far[0], far[1], 0])
    found = finding(pool, indices)
    apart = [np.sqrt(((pool.points[a] - pool.points[b]) ** 2).sum()) for a, b in itertools.combinations(indices, 2)]
    assert sum(distance <= 0.5 for distance in apart) == 1
    worst = max(min(np.hypot(*(point - pool.points[i])) for i in indices) for point in pool.points)
    assert (found.count, found.close, found.far) == (3, 2, 2)
    assert found.reach == pytest.approx(worst)
    assert found.title("Ours") == "Ours: 2 of 3 picks within 0.5 of another"
    assert found.subtitle == f"2 in the far group. No point of the pool is further than {worst:.1f} from a pick."


@pytest.mark.parametrize(
    ("strategy", "way"), [*((name, "none") for name in STRATEGIES), *(("margin", way) for way in DIVERSITIES)]
)
def test_a_batch_is_full_and_takes_the_copies_once(strategy, way):
    pool = toy_pool()
    is_copy = (pool.points == pool.copied).all(axis=1)
    assert is_copy.sum() == COPIES
    indices = asked(pool, strategy, way).indices
    assert len(np.unique(indices)) == BATCH
    assert is_copy[indices].sum() <= 1


def test_margin_alone_would_take_the_copies():
    pool = toy_pool()
    is_copy = (pool.points == pool.copied).all(axis=1)
    best = np.argsort(-asked(pool, "margin", "none").scores)[: BATCH + COPIES]
    assert is_copy[best].sum() == COPIES


def test_the_command_writes_where_it_is_told(tmp_path, monkeypatch, drawn):
    monkeypatch.setattr("sys.argv", ["toy_pool", str(tmp_path / "new")])
    command.main()
    assert {path.stem: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()} == drawn
