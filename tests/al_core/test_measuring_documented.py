"""docs/measuring.md explains every number that there is."""

import re
from pathlib import Path
from typing import get_args

import pytest

from al_core.doubts import LEAST_LABELS
from al_core.evaluation import suggested_size
from al_core.stopping import rules, stop_board
from al_core.types import Verdict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "measuring.md").read_text("utf-8")
BODY, SOURCES = PAGE.split("\n## Sources\n")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^#|\Z)", BODY, re.M | re.S))


def metric_names():
    """As ``Metric.name`` lists them."""
    values = (ROOT / "al_core" / "evaluation" / "values.py").read_text("utf-8")
    return re.findall(r"``(\w+)``", re.search(r'    name: str\n    """(.*?)"""', values, re.S)[1])


def names():
    return [*metric_names(), *(advice.name for advice in stop_board([], None, None).rules), *get_args(Verdict)]


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_these_tests_find_the_names():
    assert {"accuracy", "map_50_95", "stabilising_predictions", "same_model"} <= set(names())
    assert len(names()) == len(set(names())) >= 18


@pytest.mark.parametrize("name", names())
def test_every_measure_rule_and_verdict_has_its_section(name):
    assert [heading for heading in SECTIONS if f"(`{name}`)" in heading], f"no section of {name}"


def test_every_section_of_a_name_is_of_one_that_there_is():
    told = re.findall(r"\(`(\w+)`\)$", "\n".join(SECTIONS), re.M)
    assert sorted(told) == sorted(names())


@pytest.mark.parametrize("heading", [heading for heading in SECTIONS if heading.endswith("`)")])
def test_a_section_says_what_a_number_says_and_what_it_cannot(heading):
    assert "- **Says**" in SECTIONS[heading]
    if "failed" not in heading:
        assert "- **Cannot say**" in SECTIONS[heading]


def test_thresholds_are_those_of_the_code():
    said = {name: next(text for heading, text in SECTIONS.items() if f"(`{name}`)" in heading) for name in names()}
    assert f"{rules.LEAST_KAPPA} or more" in said["stabilising_predictions"]
    assert f"stop at {rules.MOST_MEAN_UNCERTAINTY * 100:.0f} %" in said["overall_uncertainty"]
    assert f"stop at {rules.MOST_UNCERTAINTY * 100:.0f} %" in said["max_confidence"]
    assert f"It takes {LEAST_LABELS}, of one class" in " ".join(BODY.split())
    sizes = (suggested_size(half_width) for half_width in (0.05, 0.03, 0.02))
    assert r"{} tasks for $\pm$ 5 points, {} for $\pm$ 3, {} for $\pm$ 2".format(*sizes) in " ".join(BODY.split())


def test_every_source_is_cited_and_every_citation_has_its_source():
    cited = [int(number) for number in re.findall(r"\[(\d+)\](?!\()", BODY)]
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", SOURCES, re.M)]
    assert listed == list(range(1, len(listed) + 1))
    assert sorted(set(cited)) == listed
    assert list(dict.fromkeys(cited)) == listed, "in the order of the page"


def test_links_lead_somewhere():
    anchors = {slug(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    for path in re.findall(r"\]\(([\w./-]+\.md)", PAGE):
        assert (ROOT / "docs" / path).exists(), path
