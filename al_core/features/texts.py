"""Texts as the directions of their words, or as sentence embeddings."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from al_core.features import sentences
from al_core.features.cache import FeatureCache, remembered
from al_core.features.result import Features, gathered

TYPES = ("text", "hypertext", "paragraphs")
"""The kinds of object that are read as text."""
MAX_TEXT_LENGTH = 100_000
"""Characters of a text that are looked at."""

_HASHES = 2**14  # hashed words; more would cost memory in the SVD and tell no more apart
# Words of two letters or more; Chinese and Japanese are written without spaces, so each character is one.
_WORD = r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]{2,}"
_TAG = re.compile(r"<[^<>]*>")

_NO_TEXT = "no text"
_NO_WORD = "a text without a word"
_RARE = "a text whose words hardly any other text has"


def texts_of(shown: Sequence[object], data_type: str) -> list[str]:
    """The text of each task, empty where it has none."""
    return [_text(content, data_type)[:MAX_TEXT_LENGTH] for content in shown]


def _text(content: object, data_type: str) -> str:
    if isinstance(content, str):
        # The tags of a template are in every task, and would make them all alike.
        return _TAG.sub(" ", content) if data_type == "hypertext" else content
    if data_type == "paragraphs" and isinstance(content, list):
        return "\n".join(_paragraph(entry) for entry in content)
    return ""


def _paragraph(entry: object) -> str:
    """The ``text`` of a paragraph; all its texts where the configuration has another name for it."""
    if not isinstance(entry, Mapping):
        return entry if isinstance(entry, str) else ""
    text = entry.get("text")
    return text if isinstance(text, str) else " ".join(part for part in entry.values() if isinstance(part, str))


def word_features(texts: Sequence[str], keys: Sequence[str], dimensions: int) -> Features:
    """TF-IDF of the words, reduced by a seeded SVD and L2-normalised.

    Texts are sorted by their keys and equal ones taken once before the SVD, so that the row of a text depends on
    which others there are, and neither on their order nor on how often they come. It is rounded to six digits,
    more than the rounding of another machine's arithmetic touches. There is nothing to cache: a row depends on
    all texts together, and no two rounds ask for the same ones.
    """
    contents = dict(sorted(zip(keys, texts, strict=True)))
    reasons = {key: _NO_TEXT for key, text in contents.items() if not text.strip()}
    written = [key for key in contents if key not in reasons]
    rows, has_words = _directions([contents[key] for key in written], dimensions)
    vectors = {}
    for key, row, has_word in zip(written, rows, has_words, strict=True):
        if np.isfinite(row).all():
            vectors[key] = row
        else:
            reasons[key] = _RARE if has_word else _NO_WORD
    return _aligned(keys, vectors, reasons, "words")


def _directions(texts: Sequence[str], dimensions: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(m, d) unit rows, NaN where a text has no direction; and (m,) whether it has a word."""
    # Loaded here: it takes as long as all else together, and most processes never look at a text.
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.utils.extmath import randomized_svd

    if not texts:
        return np.empty((0, 1), dtype=np.float32), np.empty(0, dtype=np.bool_)
    hashing = HashingVectorizer(n_features=_HASHES, alternate_sign=False, norm=None, token_pattern=_WORD)
    counts = hashing.transform(texts)
    has_words = np.diff(counts.indptr) > 0
    words = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    with threadpool_limits(1):  # so that sums round alike whatever the number of cores
        left, strength, _ = randomized_svd(words, min(dimensions, len(texts)), random_state=0)
    rows = left * strength
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    lengths[lengths < 1e-6] = np.nan  # only words too rare for the leading directions: nothing to normalise
    return np.round(rows / lengths, 6).astype(np.float32), has_words


def sentence_features(texts: Sequence[str], keys: Sequence[str], cache: FeatureCache | None) -> Features:
    """Embeddings of the meaning, of unit length; needs the packages of requirements-extras.txt."""

    def make(contents: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(contents, sentences.encode(list(contents.values())), strict=True)) if contents else {}

    contents = dict(sorted(zip(keys, texts, strict=True)))
    reasons = {key: _NO_TEXT for key, text in contents.items() if not text.strip()}
    written = {key: text for key, text in contents.items() if key not in reasons}
    vectors = remembered(cache, sentences.EXTRACTOR, sentences.LENGTH, written, make)
    return _aligned(keys, vectors, reasons, "sentence embeddings")


def _aligned(
    keys: Sequence[str], vectors: Mapping[str, NDArray[np.float32]], reasons: Mapping[str, str], source: str
) -> Features:
    found = {index: vectors[key] for index, key in enumerate(keys) if key in vectors}
    missing = {index: reasons[key] for index, key in enumerate(keys) if key in reasons}
    return gathered(found, missing, len(keys), source)
