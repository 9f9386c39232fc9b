"""Predictions in the shapes of Label Studio, and what is read of one."""

from typing import Any

import numpy as np
import pytest

from al_core.probabilities import from_predictions
from al_core.types import ClassProbabilities, LabelSpace, Prediction, Reason

NAN = float("nan")


def space(*labels: str, tag: str = "Choices", form: Any = "single", control: str = "kind") -> LabelSpace:
    return LabelSpace(control, "image", labels, "image", "image", tag, form)


TWO = space("cat", "dog")
THREE = space("cat", "dog", "cow")
TAGS = space("cat", "dog", "cow", form="multi")
BOXES = space("cat", "dog", "cow", tag="RectangleLabels", form="regions")


def region(choice: str = "cat", control: str = "kind", **more: Any) -> dict[str, Any]:
    """A choice of one class."""
    found = {"from_name": control, "to_name": "image", "type": "choices", "value": {"choices": [choice]}}
    return found | more


def box(*labels: str, control: str = "kind", **more: Any) -> dict[str, Any]:
    """A region of an image."""
    value = {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "rotation": 0, "rectanglelabels": list(labels)}
    return {"from_name": control, "to_name": "image", "type": "rectanglelabels", "value": value} | more


def predicted(*result: Any, score: Any = None, task_id: int = 1, version: str = "v1") -> Prediction:
    return Prediction(task_id, list(result), score, version)


def read(prediction: Prediction, of: LabelSpace) -> ClassProbabilities:
    """What one task's prediction says, checked to hold together."""
    found = from_predictions([prediction], np.array([prediction.task_id]), of)
    check(found)
    return found


def reason_of(prediction: Prediction, of: LabelSpace) -> Reason | None:
    """Why a task is unknown, None if it is not."""
    unknown = read(prediction, of).unknown
    assert sum(unknown.values()) <= 1
    return Reason(next(iter(unknown))) if unknown else None


def check(found: ClassProbabilities) -> None:
    """Shapes, types and masks agree, and known rows are what they claim to be."""
    tasks, rows, labels = len(found.task_ids), len(found.top), len(found.labels)
    assert (found.starts.shape, found.values.shape) == ((tasks + 1,), (rows, labels))
    assert (found.answers.shape, found.reasons.shape) == ((rows,), (tasks,))
    kinds = [found.task_ids, found.starts, found.values, found.top, found.answers, found.reasons]
    assert [str(array.dtype) for array in kinds] == ["int64", "int64", "float32", "float32", "int32", "uint8"]
    counts = np.diff(found.starts)
    assert (found.starts[0], found.starts[-1]) == (0, rows)
    if found.form == "regions":
        np.testing.assert_array_equal(counts > 0, found.known)
    else:
        assert (counts == 1).all()
    np.testing.assert_array_equal(np.isfinite(found.top), np.repeat(found.known, counts))
    assert (np.isnan(found.values).all(axis=1) | np.isfinite(found.values).all(axis=1)).all()
    assert ((found.answers >= -1) & (found.answers < labels)).all()
    known = np.isfinite(found.top)
    assert (found.answers[~known] == -1).all()
    assert ((found.top[known] >= 0) & (found.top[known] <= 1)).all()
    full = found.values[found.full]
    assert ((full >= 0) & (full <= 1)).all()
    if found.form != "multi" and labels:
        np.testing.assert_allclose(full.sum(axis=1), 1, atol=1e-6 * labels)
        np.testing.assert_array_equal(full[np.arange(len(full)), found.answers[found.full]], found.top[found.full])
    if len(full):
        np.testing.assert_array_equal(full.max(axis=1), found.top[found.full])


def approximately(expected: Any) -> Any:
    """Equal but for what float32 loses; NaN equals NaN."""
    return pytest.approx(expected, abs=1e-6, nan_ok=True)
