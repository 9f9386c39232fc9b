"""Named things, and those that installed packages add to them."""

import logging
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from al_core.errors import InvalidInput
from al_core.registry import Registry
from al_core.strategies import Evidence, QueryStrategy
from al_core.types import ClassProbabilities

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples/strategy_plugin"


@dataclass(frozen=True)
class Thing:
    name: str
    label: str = "A thing"
    help: str = "Does nothing."


def install(folder, name, group, entries):
    """What an installer leaves of a package for others to find: its metadata."""
    metadata = folder / f"{name.replace('-', '_')}-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    lines = [f"{entry} = {target}" for entry, target in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that Python finds packages in."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def gini(site, monkeypatch):
    """The example, installed."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    for group, entries in project["entry-points"].items():
        install(site, project["name"], group, entries)
    monkeypatch.syspath_prepend(PLUGIN)
    yield site
    sys.modules.pop("trustai_gini", None)


def test_things_keep_their_order_and_their_names():
    registry: Registry[Thing] = Registry("thing", "trustai.none")
    second, first = registry.register(Thing("second")), registry.register(Thing("first"))
    assert list(registry.items()) == [("second", second), ("first", first)]
    assert len(registry) == 2
    assert registry.named("first") is registry["first"] is first
    with pytest.raises(InvalidInput, match=r"There is a thing named 'first' already"):
        registry.register(Thing("first"))
    with pytest.raises(InvalidInput, match=r"no thing named 'third'.*second, first"):
        registry.named("third")
    with pytest.raises(KeyError):
        registry["third"]


def test_an_installed_package_adds_its_own_after_ours(site):
    (site / "more_things.py").write_text(
        "from types import SimpleNamespace\n"
        "class Made:\n    name, label, help = 'made', 'Made', 'Is made.'\n"
        "found = SimpleNamespace(name='found', label='Found', help='Is there.')\n"
    )
    install(site, "more-things", "trustai.things", {"a": "more_things:Made", "b": "more_things:found"})
    registry: Registry[Thing] = Registry("thing", "trustai.things")
    registry.register(Thing("ours"))
    assert list(registry) == ["ours", "made", "found"]
    assert registry["made"].label == "Made", "a class is called, an instance taken as it is"


def test_a_package_that_is_broken_is_logged_and_the_others_stay(site, caplog):
    (site / "broken_at_import.py").write_text("raise RuntimeError('no such library')\n")
    (site / "broken_things.py").write_text(
        "class Raises:\n    def __init__(self):\n        raise ValueError('no')\n"
        "class Nameless:\n    label = 'Nameless'\n"
        "class Taken:\n    name = 'ours'\n"
        "class Fine:\n    name = 'fine'\n"
    )
    targets = ["broken_at_import:Thing", "missing_module:Thing", "broken_things:missing", "broken_things:Raises"]
    targets += ["broken_things:Nameless", "broken_things:Taken", "broken_things:Fine"]
    install(site, "broken-things", "trustai.things", {f"entry{place}": target for place, target in enumerate(targets)})
    registry: Registry[Thing] = Registry("thing", "trustai.things")
    ours = registry.register(Thing("ours"))
    with caplog.at_level(logging.ERROR, "al_core.registry"):
        assert list(registry) == ["ours", "fine"]
    assert registry["ours"] is ours
    assert [f"'entry{place}'" in record.getMessage() for place, record in enumerate(caplog.records)] == [True] * 6
    caplog.clear()
    assert len(registry) == 2
    assert not caplog.records, "looked for once"


def test_the_example_is_found_and_ranks(gini):
    registry: Registry[QueryStrategy] = Registry("query strategy", "trustai.strategies")
    strategy = registry.named("gini")
    assert strategy.label == "Gini impurity"
    values = np.array([[0.9, 0.1], [0.5, 0.5], [np.nan, np.nan]], dtype=np.float32)
    known = {
        "task_ids": np.arange(3),
        "labels": ("cat", "dog"),
        "starts": np.arange(4),
        "values": values,
        "top": values.max(axis=1),
        "answers": np.zeros(3, np.int32),
        "reasons": np.array([0, 0, 1], np.uint8),
    }
    for form, expected in (
        ("single", [0.18, 0.5, np.nan]),
        ("multi", [0.18, 0.5, np.nan]),
        ("regions", [0.18, 0.5, np.nan]),
    ):
        found = strategy.score(Evidence(np.arange(3), (ClassProbabilities(form=form, **known),)))
        np.testing.assert_allclose(found.low, expected, rtol=1e-6)
        np.testing.assert_array_equal(found.low, found.high)


def test_the_example_is_among_the_strategies_of_a_new_process(gini):
    path = os.pathsep.join(map(str, (ROOT, gini, PLUGIN)))
    script = "from al_core.strategies import STRATEGIES; print(*STRATEGIES)"
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split()[0] == "margin"
    assert "gini" in answer.stdout.split()
    assert not answer.stderr
