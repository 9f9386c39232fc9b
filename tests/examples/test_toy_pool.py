"""The pictures of docs/strategies.md, and that the page leaves nothing out that al_core registers."""

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from al_core.bounds import score_bounds
from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from al_core.types import ClassProbabilities
from al_core.uncertainty import UncertaintySampling
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


def page() -> str:
    return (DOCS / "strategies.md").read_text("utf-8")


@pytest.mark.parametrize("name", REGISTERED)
def test_the_page_explains_and_shows_everything_registered(name, drawn):
    assert re.search(rf"^### .*\(`{name}`\)$", page(), re.M), f"no section on {name}"
    title = ElementTree.fromstring(drawn[name]).findtext(f"{SVG}title")
    assert f"![{title}](pictures/strategies/{name}.svg)" in page(), "the words of the picture are those of its title"


def test_the_page_explains_nothing_that_is_not_there():
    assert sorted(re.findall(r"^### .*\(`(\w+)`\)$", page(), re.M)) == sorted(REGISTERED)


def test_the_page_names_the_defaults():
    assert f"The defaults are `{DEFAULT_STRATEGY}` and `{DEFAULT_DIVERSITY}`." in page()
    assert f"| nothing special | `{DEFAULT_STRATEGY}` | `{DEFAULT_DIVERSITY}` |" in page()


def test_the_page_counts_the_points_of_the_pool():
    assert f"one pool of {len(toy_pool().points)} points" in page()
    assert f"a group of {FAR_COUNT} points" in page()


def test_the_measures_of_the_page_are_those_of_the_code():
    rows = {
        "0.40, 0.20, 0.20, 0.20": [0.4, 0.2, 0.2, 0.2],
        "0.60, 0.35, 0.05, 0": [0.6, 0.35, 0.05, 0],
        "100 classes: 0.5, 0.5, all others 0": [0.5, 0.5, *[0.0] * 98],
        "100 classes: 0.7, all others 0.003": [0.7, *[0.3 / 99] * 99],
    }
    for words, row in rows.items():
        cells = " | ".join(
            f"{UncertaintySampling.score([row], measure)[0]:.3f}"
            for measure in ("margin", "ratio", "entropy", "least_confidence")
        )
        assert f"| {words} | {cells} |" in page().replace("**", "")


def test_the_bounds_of_the_page_are_those_of_the_code():
    said = ClassProbabilities(
        task_ids=np.array([1]),
        labels=tuple("abcdefghij"),
        form="single",
        starts=np.array([0, 1]),
        values=np.full((1, 10), np.nan, dtype=np.float32),
        top=np.array([0.6], dtype=np.float32),
        answers=np.array([0], dtype=np.int32),
        reasons=np.array([0], dtype=np.uint8),
    )
    words = []
    for measure in ("entropy", "margin", "ratio"):
        bounds = score_bounds(said, measure)
        words.append(f"{measure} {bounds.low[0]:.3f} to {bounds.high[0]:.3f}")
    sentence = f"With $p = 0.6$ of 10 classes: {', '.join(words)}, least confidence 0.400."
    assert sentence in " ".join(page().split())
    assert score_bounds(said, "least_confidence").low[0] == pytest.approx(0.4)


def test_what_the_page_adds_can_be_used(monkeypatch):
    monkeypatch.setattr(STRATEGIES, "_known", dict(STRATEGIES))
    monkeypatch.setattr(DIVERSITIES, "_known", dict(DIVERSITIES))
    names_of_page: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```$", page(), re.M | re.S):
        exec(code, names_of_page)
    pool = toy_pool()
    rare = asked(pool, "rare", "none")
    np.testing.assert_array_equal(rare.scores, pool.model.said.values[:, -1])
    order = asked(pool, "rare", "evenly").indices
    assert order[0] == rare.scores.argmax()
    assert len(set(order)) == BATCH
    assert finding(pool, order).reach < finding(pool, rare.indices).reach


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
