"""Labels in doubt: what is found among labels that were made wrong, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from al_core.doubts import LEAST_LABELS, TooFewLabels, doubtful_labels
from al_core.errors import InvalidInput

NAMES = ["cat", "dog", "owl"]


def sure(label, confidence=0.9):
    """A row that is sure of a class."""
    rest = (1 - confidence) / (len(NAMES) - 1)
    return [confidence if name == label else rest for name in NAMES]


def alike(count=60):
    """Labels that the model agrees with, two classes of three."""
    labels = [NAMES[place % 2] for place in range(count)]
    return np.arange(1, count + 1), labels, np.array([sure(label) for label in labels])


@pytest.fixture(scope="module")
def digits():
    """Handwritten digits, 5 % of them with a wrong label, and probabilities by models that did not see the task."""
    pixels, right = load_digits(return_X_y=True)
    pixels, right = pixels[:900] / 16, right[:900]
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(right), 45, replace=False)
    labels = right.copy()
    labels[wrong] = (right[wrong] + rng.integers(1, 10, len(wrong))) % 10
    rows = cross_val_predict(LogisticRegression(max_iter=500), pixels, labels, cv=3, method="predict_proba")
    return right, labels, rows, wrong


def test_most_wrong_labels_are_found_and_most_of_what_is_found_is_wrong(digits):
    right, labels, rows, wrong = digits
    names = [str(name) for name in range(10)]
    found = doubtful_labels(np.arange(len(labels)), [names[label] for label in labels], rows, names)
    ids = [doubt.task_id for doubt in found]
    truly = set(wrong.tolist())
    assert len(truly & set(ids)) >= 0.6 * len(truly), "about half of what a model contradicts it is sure enough of"
    assert len(truly & set(ids)) >= 0.6 * len(ids)
    assert truly >= set(ids[:20]), "the least believed come first"
    assert all(doubt.suggested == str(right[doubt.task_id]) for doubt in found[:20])


def test_a_doubt_says_what_was_answered_and_what_the_model_thinks():
    ids, labels, rows = alike()
    labels[6] = "dog"  # the model is sure of a cat
    (doubt,) = doubtful_labels(ids, labels, rows, NAMES)
    assert (doubt.task_id, doubt.label, doubt.suggested) == (7, "dog", "cat")
    assert doubt.self_confidence == pytest.approx(0.05)
    assert doubt.confidence_of_suggested == pytest.approx(0.9)


def test_nothing_is_in_doubt_where_the_model_agrees_or_only_wavers():
    ids, labels, rows = alike()
    assert doubtful_labels(ids, labels, rows, NAMES) == []
    rows[0] = [0.45, 0.55, 0.0]  # a cat that might be a dog, which is not sure enough for the dogs
    assert doubtful_labels(ids, labels, rows, NAMES) == []


def test_the_least_believed_come_first_and_equals_by_their_ids():
    ids, labels, rows = alike(80)
    for place, confidence in ((8, 0.92), (4, 0.98), (2, 0.92)):
        labels[place], rows[place] = "dog", sure("cat", confidence)
    assert [doubt.task_id for doubt in doubtful_labels(ids, labels, rows, NAMES)] == [5, 3, 9]


def test_the_order_of_the_tasks_changes_nothing(digits):
    _, labels, rows, _ = digits
    names = [str(name) for name in range(10)]
    words = [names[label] for label in labels]
    order = np.random.default_rng(1).permutation(len(labels))
    turned = doubtful_labels(order, [words[place] for place in order], rows[order], names)
    assert turned == doubtful_labels(np.arange(len(labels)), words, rows, names)


def test_classes_that_nobody_answered_or_that_are_rare_are_no_obstacle():
    ids, labels, rows = alike()
    labels[0], rows[0] = "owl", sure("owl", 0.6)
    assert doubtful_labels(ids, labels, rows, NAMES) == []


def test_too_few_labels_are_refused_with_their_number():
    ids, labels, rows = alike(LEAST_LABELS - 1)
    with pytest.raises(TooFewLabels, match="49 labels can be checked, and it takes 50"):
        doubtful_labels(ids, labels, rows, NAMES)
    with pytest.raises(TooFewLabels, match="0 labels"):
        doubtful_labels([], [], np.empty((0, 3)), NAMES)
    with pytest.raises(TooFewLabels, match="the same"):
        doubtful_labels(np.arange(60), ["cat"] * 60, np.array([sure("cat")] * 60), NAMES)


def test_what_does_not_fit_together_is_refused():
    ids, labels, rows = alike()
    with pytest.raises(InvalidInput, match="cow"):
        doubtful_labels(ids, ["cow", *labels[1:]], rows, NAMES)
    with pytest.raises(InvalidInput, match="given once"):
        doubtful_labels([1, *ids[:-1]], labels, rows, NAMES)
    rows[3] = np.nan
    with pytest.raises(InvalidInput, match="not all known"):
        doubtful_labels(ids, labels, rows, NAMES)
    rows[3] = [0.5, 0.1, 0.1]
    with pytest.raises(InvalidInput, match="not all known"):
        doubtful_labels(ids, labels, rows, NAMES)


def test_it_is_silent_and_costs_those_nothing_who_do_not_ask(capfd):
    ids, labels, rows = alike()
    doubtful_labels(ids, labels, rows, NAMES)
    assert capfd.readouterr() == ("", "")
    program = "import sys, al_core.doubts; sys.exit('cleanlab' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
