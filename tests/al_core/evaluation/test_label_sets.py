"""Measures of answers that are a set of classes."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from al_core.evaluation.label_sets import set_metrics

LABELS = ("cat", "dog", "emu")


def sets(rng, tasks=80):
    truth = rng.random((tasks, 3)) < 0.4
    said = np.where(rng.random((tasks, 3)) < 0.85, truth, ~truth)
    return truth, said


def named(matrix):
    return [frozenset(label for label, has in zip(LABELS, row, strict=True) if has) for row in matrix]


@pytest.mark.parametrize("seed", range(3))
def test_the_measures_are_those_of_scikit_learn(seed):
    truth, said = sets(np.random.default_rng(seed))
    metrics, rows = set_metrics(named(truth), named(said), LABELS, seed=0)
    assert [metric.name for metric in metrics] == ["exact_match", "micro_f1", "macro_f1"]
    exact, micro, macro = metrics
    assert exact.value == (truth == said).all(axis=1).mean()
    assert micro.value == pytest.approx(f1_score(truth, said, average="micro"))
    assert macro.value == pytest.approx(f1_score(truth, said, average="macro"))
    assert [row.f1.value for row in rows] == pytest.approx(f1_score(truth, said, average=None).tolist())
    assert all(metric.low < metric.value < metric.high for metric in metrics)
    assert set_metrics(named(truth), named(said), LABELS, seed=0) == (metrics, rows)


def test_no_answer_is_no_empty_set():
    nothing = frozenset()
    metrics, _ = set_metrics([nothing, nothing], [nothing, None], LABELS, seed=0)
    assert [(metric.name, metric.value) for metric in metrics] == [("exact_match", 0.5)]


def test_a_label_that_nobody_answered_changes_no_mean():
    truth, said = [frozenset(("cat",)), frozenset(("dog",))], [frozenset(("cat",)), frozenset()]
    metrics, rows = set_metrics(truth, said, LABELS, seed=0)
    assert metrics[2].value == 0.5
    assert rows[2].f1 is None
