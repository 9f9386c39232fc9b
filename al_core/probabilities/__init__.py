"""From predictions as Label Studio stores them to class probabilities, with what is unknown kept unknown.

A prediction tells all class probabilities if the region of its control has an object ``probabilities``
(label → p) beside its score, in ``meta`` or in ``value``. Without it there is one score, the probability of
the chosen class: enough for two classes, not for more, and the rest is never guessed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from al_core.errors import InvalidInput
from al_core.types import ClassProbabilities, LabelSpace, Prediction
from al_core.validation import TOLERANCE

NO_PREDICTION = "no prediction"
EMPTY_RESULT = "empty result"
ONLY_TOP_CLASS = "only the top class is known"
NOT_A_NUMBER = "not a number"
OUT_OF_RANGE = "out of range"
DEFAULT_ZERO = "score of 0 for the chosen class"
"""What backends send when they mean "no score"."""
UNKNOWN_LABEL = "unknown label"
NOT_ONE_CHOICE = "not exactly one class chosen"
WRONG_SUM = "probabilities do not sum to 1"


class _Unknown(Exception):
    """Carries the reason why a prediction has no usable probabilities."""


def from_predictions(
    predictions: Iterable[Prediction], task_ids: ArrayLike, label_space: LabelSpace
) -> ClassProbabilities:
    """Read the class probabilities of a single-choice control.

    Parameters
    ----------
    predictions : iterable of Prediction
        Of one model version; the caller filters. Those of other tasks are ignored, and of several for one
        task the last counts.
    task_ids : array_like of int, shape (n,)
        Distinct ids, in the order the rows are wanted.
    label_space : LabelSpace
        The control whose results are read, and its k classes.

    Returns
    -------
    ClassProbabilities
        ``values`` (n, k) float32; ``unknown`` counts the NaN rows by reason (the constants of this module);
        ``model_version`` is that of the predictions used, empty if they differ.

    Raises
    ------
    InvalidInput
        If the label space has no class.
    """
    if not label_space.labels:
        raise InvalidInput("The labelling configuration has no class.")
    ids = np.asarray(task_ids, dtype=np.int64)
    wanted = set(ids.tolist())
    latest = {found.task_id: found for found in predictions if found.task_id in wanted}
    columns = {label: column for column, label in enumerate(label_space.labels)}

    values = np.full((len(ids), len(columns)), np.nan, dtype=np.float32)
    unknown: Counter[str] = Counter()
    for row, task_id in enumerate(ids.tolist()):
        try:
            if task_id not in latest:
                raise _Unknown(NO_PREDICTION)
            values[row] = _distribution(latest[task_id], label_space.control, columns)
        except _Unknown as reason:
            unknown[str(reason)] += 1
    versions = {found.model_version for found in latest.values()}
    return ClassProbabilities(
        task_ids=ids,
        labels=label_space.labels,
        values=values,
        unknown=dict(unknown),
        model_version=versions.pop() if len(versions) == 1 else "",
    )


def _distribution(prediction: Prediction, control: str, columns: Mapping[str, int]) -> list[float]:
    """The probability of every class, in column order; raises ``_Unknown``."""
    regions = (region for region in prediction.result or () if isinstance(region, Mapping))
    region = next((region for region in regions if region.get("from_name") == control), None)
    if region is None:
        raise _Unknown(EMPTY_RESULT)
    vector = _vector(region)
    return _from_score(region, prediction.score, columns) if vector is None else _from_vector(vector, columns)


def _vector(region: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for holder in (region, region.get("meta"), region.get("value")):
        if isinstance(holder, Mapping) and isinstance(holder.get("probabilities"), Mapping):
            vector: Mapping[str, Any] = holder["probabilities"]
            return vector
    return None


def _from_vector(vector: Mapping[str, Any], columns: Mapping[str, int]) -> list[float]:
    distribution = [0.0] * len(columns)
    for label, probability in vector.items():
        if label not in columns:
            raise _Unknown(UNKNOWN_LABEL)
        distribution[columns[label]] = _number(probability, highest=1 + TOLERANCE)
    total = sum(distribution)
    if abs(total - 1) > TOLERANCE:
        raise _Unknown(WRONG_SUM)
    return [probability / total for probability in distribution]


def _from_score(region: Mapping[str, Any], task_score: float | None, columns: Mapping[str, int]) -> list[float]:
    value = region.get("value")
    choices = value.get("choices") if isinstance(value, Mapping) else None
    if not choices:
        raise _Unknown(EMPTY_RESULT)
    if not isinstance(choices, list) or len(choices) != 1:
        raise _Unknown(NOT_ONE_CHOICE)
    if choices[0] not in columns:
        raise _Unknown(UNKNOWN_LABEL)
    score = region.get("score")
    chosen = _number(task_score if score is None else score, highest=1)
    if chosen == 0:
        raise _Unknown(DEFAULT_ZERO)
    if len(columns) > 2:
        raise _Unknown(ONLY_TOP_CLASS)
    if len(columns) == 1:
        return [1.0]
    return [chosen, 1 - chosen] if columns[choices[0]] == 0 else [1 - chosen, chosen]


def _number(value: object, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or isnan(value):
        raise _Unknown(NOT_A_NUMBER)
    if not 0 <= value <= highest:
        raise _Unknown(OUT_OF_RANGE)
    return float(value)
