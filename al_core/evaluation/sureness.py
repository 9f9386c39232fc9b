"""How sure a model was of its answers on a test set, as far as its predictions tell."""

from collections.abc import Mapping, Sequence

import numpy as np

from al_core.answers import answer_of
from al_core.combination import combine_controls
from al_core.probabilities import from_predictions
from al_core.strategies import QueryStrategy
from al_core.strategies.protocol import Evidence
from al_core.types import Aggregation, LabelSpace, Prediction, RankBy


def confidences(predictions: Sequence[Prediction], space: LabelSpace) -> dict[int, float]:
    """Task id → the probability of the class that was answered, or of the free answer, where it is known.

    Of sets of classes and of regions no prediction tells the probability of the whole answer.
    """
    if space.form == "multi" or (space.form == "regions" and space.labels):
        return {}
    ids = np.unique(np.array([prediction.task_id for prediction in predictions], dtype=np.int64))
    read = from_predictions(predictions, ids, space)
    answered = {prediction.task_id: answer_of(prediction.result, space) for prediction in predictions}
    columns = {label: column for column, label in enumerate(space.labels)}
    found: dict[int, float] = {}
    for place, task_id in enumerate(ids.tolist()):
        first, end = read.starts[place : place + 2].tolist()
        if not read.known[place] or end - first != 1:
            continue
        column = columns.get(answered[task_id] or "")
        is_full = column is not None and read.full[first]
        found[task_id] = float(read.values[first, column] if is_full else read.top[first])
    return found


def distributions(predictions: Sequence[Prediction], space: LabelSpace) -> dict[int, dict[str, float]]:
    """Task id → class → probability, where one class is answered and those of all are known."""
    if space.form != "single":
        return {}
    ids = np.unique(np.array([prediction.task_id for prediction in predictions], dtype=np.int64))
    read = from_predictions(predictions, ids, space)
    places = np.flatnonzero(read.known & read.full).tolist()
    return {int(ids[place]): dict(zip(space.labels, read.values[place].tolist(), strict=True)) for place in places}


def uncertainties(
    predictions: Sequence[Prediction],
    spaces: Sequence[LabelSpace],
    strategy: QueryStrategy,
    *,
    aggregation: Aggregation,
    rank_by: RankBy,
    seed: int,
) -> Mapping[int, float]:
    """Task id → what a strategy that asks one model ranks it by, where that is known."""
    if strategy.needs != "model" or not predictions:
        return {}
    ids = np.unique(np.array([prediction.task_id for prediction in predictions], dtype=np.int64))
    bounds = combine_controls(
        [
            strategy.score(Evidence(ids, (from_predictions(predictions, ids, space),), aggregation, seed))
            for space in spaces
        ]
    )
    values = bounds.low if rank_by == "low" else bounds.high
    return {task_id: value for task_id, value in zip(ids.tolist(), values.tolist(), strict=True) if value == value}
