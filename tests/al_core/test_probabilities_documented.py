"""The examples of docs/ml-backend.md are read as the page says."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from al_core.doctor import examine
from al_core.types import LabelSpace, Prediction
from tests.al_core.predicted import read

PAGE = (Path(__file__).parents[2] / "docs" / "ml-backend.md").read_text()
SECTION = PAGE.partition("### Give every label's probability")[2].partition("\n### ")[0]
EXAMPLES = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", SECTION, re.M | re.S)]
SPACES = [
    LabelSpace("animal", "image", ("bird", "cat", "dog"), "image", "image"),
    LabelSpace("topics", "text", ("sport", "money", "art"), "text", "text", form="multi"),
    LabelSpace("box", "image", ("car", "bus"), "image", "image", "RectangleLabels", "regions"),
    LabelSpace("words", "image", (), "image", "image", "TextArea", "regions"),
]
PAIRS = list(zip(EXAMPLES, SPACES, strict=True))


@pytest.mark.parametrize(("region", "space"), PAIRS[:3])
def test_the_contract_of_each_form_tells_everything(region, space):
    prediction = Prediction(1, [region], region["score"], "v1")
    found = read(prediction, space)
    assert found.full.all()
    np.testing.assert_allclose(found.values[0], [region["probabilities"][label] for label in space.labels], atol=1e-6)
    assert found.top[0] == pytest.approx(region["score"])
    verdicts = examine([prediction], [1], [space]).controls[0].strategies
    assert {verdicts[name].kind for name in ("margin", "entropy", "least_confidence", "ratio")} == {"exact"}


def test_a_free_answer_has_its_score():
    region, space = PAIRS[3]
    prediction = Prediction(1, [region], None, "v1")
    assert read(prediction, space).top[0] == pytest.approx(0.8)
    verdicts = examine([prediction], [1], [space]).controls[0].strategies
    assert verdicts["least_confidence"].kind == "exact"
    assert verdicts["entropy"].kind == "impossible"


@pytest.mark.parametrize(("region", "space"), PAIRS[:3])
def test_without_the_object_the_table_holds(region, space):
    bare = {key: value for key, value in region.items() if key != "probabilities"}
    verdicts = examine([Prediction(1, [bare], None, "v1")], [1], [space]).controls[0].strategies
    kinds = [verdicts[name].kind for name in ("least_confidence", "entropy", "margin", "ratio")]
    assert kinds == (["impossible"] * 4 if space.form == "multi" else ["exact", "bounded", "bounded", "bounded"])
