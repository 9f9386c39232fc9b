"""Measures of answers that are one class."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_fscore_support

from al_core.evaluation.classes import MOST_CLASSES, class_metrics, confusion_of
from al_core.evaluation.intervals import wilson_interval

LABELS = ("cat", "dog", "emu", "fox")


def answers(rng, tasks=60, labels=LABELS[:3]):
    truth = {task: str(rng.choice(labels)) for task in range(tasks)}
    said = {task: label if rng.random() < 0.7 else str(rng.choice(labels)) for task, label in truth.items()}
    return truth, said


@pytest.mark.parametrize("seed", range(4))
def test_the_measures_are_those_of_scikit_learn(seed):
    truth, said = answers(np.random.default_rng(seed))
    metrics, rows = class_metrics(confusion_of(truth, said, LABELS), seed=0)
    found = {metric.name: metric.value for metric in metrics}
    true, predicted = list(truth.values()), [said[task] for task in truth]
    assert found["accuracy"] == pytest.approx(np.mean(np.array(true) == np.array(predicted)))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, predicted))
    assert found["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    by_class = precision_recall_fscore_support(true, predicted, labels=LABELS[:3])
    for row, precision, recall, f1, support in zip(rows, *by_class, strict=False):
        assert (row.precision.value, row.recall.value, row.f1.value) == pytest.approx((precision, recall, f1))
        assert row.support == support


def test_every_number_lies_in_its_interval_and_the_seed_decides_it():
    confusion = confusion_of(*answers(np.random.default_rng(5)), LABELS)
    metrics, rows = class_metrics(confusion, seed=3)
    assert [metric.name for metric in metrics] == ["accuracy", "balanced_accuracy", "macro_f1"]
    assert [metric.how for metric in metrics] == ["wilson", "bootstrap", "bootstrap"]
    numbers = [*metrics, *(part for row in rows for part in (row.precision, row.recall, row.f1) if part)]
    assert all(0 <= found.low <= found.value <= found.high <= 1 for found in numbers)
    assert all(found.low < found.high for found in numbers)
    assert class_metrics(confusion, seed=3) == (metrics, rows)
    assert class_metrics(confusion, seed=4)[0][1] != metrics[1]


def test_a_class_that_nobody_answered_has_no_measure_and_changes_none():
    truth, said = answers(np.random.default_rng(1))
    with_fox, without = (class_metrics(confusion_of(truth, said, labels), seed=0) for labels in (LABELS, LABELS[:3]))
    fox = with_fox[1][3]
    assert (fox.label, fox.support, fox.precision, fox.recall, fox.f1) == ("fox", 0, None, None, None)
    for one, other in zip(with_fox[0], without[0], strict=True):
        assert one.value == other.value


def test_no_answer_counts_as_wrong_and_has_the_last_column():
    confusion = confusion_of({1: "cat", 2: "cat", 3: "dog", 4: "dog"}, {1: "cat", 2: None, 4: "cat"}, ("cat", "dog"))
    assert confusion.labels == ("cat", "dog")
    assert confusion.counts == ((1, 0, 1), (1, 0, 1))
    metrics, rows = class_metrics(confusion, seed=0)
    assert [metric.value for metric in metrics] == pytest.approx([0.25, 0.25, 0.25])
    assert rows[0].precision.value == 0.5
    assert rows[1].precision is None, "the model never said dog"
    assert (rows[1].f1.value, rows[1].recall.value) == (0, 0)


def test_classes_that_the_configuration_has_not_come_last():
    confusion = confusion_of({1: "yak", 2: "cat"}, {1: "gnu", 2: "cat"}, ("dog", "cat"))
    assert confusion.labels == ("dog", "cat", "gnu", "yak")


def test_of_many_classes_those_alone_are_listed_that_were_answered():
    many = [f"c{number}" for number in range(MOST_CLASSES + 1)]
    assert confusion_of({1: "c7", 2: "c3"}, {1: "c7", 2: "c9"}, many).labels == ("c3", "c7", "c9")
    assert len(confusion_of({1: "c7"}, {}, many[:-1]).labels) == MOST_CLASSES


def test_a_set_that_is_all_right_leaves_room_for_errors():
    truth = {task: LABELS[task % 2] for task in range(100)}
    metrics, rows = class_metrics(confusion_of(truth, truth, LABELS), seed=0)
    for metric in metrics:
        assert metric.value == metric.high == 1
        assert 0.95 < metric.low < 0.99
    assert rows[0].f1.low == pytest.approx(2 * wilson_interval(50, 50)[0] / (1 + wilson_interval(50, 50)[0]))


@pytest.mark.parametrize("said", [{}, {1: "cat"}, {1: "dog"}])
def test_one_task_tells_next_to_nothing(said):
    metrics, _ = class_metrics(confusion_of({1: "cat"}, said, ("cat", "dog")), seed=0)
    assert all(metric.high - metric.low > 0.4 for metric in metrics)


def test_one_class_alone_is_measured_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics, _ = class_metrics(confusion_of({1: "cat", 2: "cat"}, {1: "cat"}, ("cat",)), seed=0)
    assert [metric.value for metric in metrics] == pytest.approx([0.5, 0.5, 2 / 3])
