"""What one prediction tells of one control: its rows, or the reason why there are none."""

from collections.abc import Callable, Mapping
from math import nan
from typing import Any, NamedTuple

from al_core.probabilities.answers import classes_of
from al_core.types import AnswerForm, LabelSpace, Prediction, Reason
from al_core.validation import TOLERANCE

Region = Mapping[str, Any]

_MOST = 1 + TOLERANCE


class Row(NamedTuple):
    """One row of :class:`al_core.types.ClassProbabilities`, before it is an array's."""

    values: list[float] | None
    """(k,) None where only ``top`` is known."""
    top: float
    answer: int
    score: float = nan
    """The score that the row was made of; NaN where the prediction gave every probability by itself."""


class Unknown(Exception):
    """Carries the reason why a task has no usable row."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Reader:
    """Reads the predictions of one control.

    Parameters
    ----------
    space : LabelSpace
        The control and its k classes.
    """

    def __init__(self, space: LabelSpace) -> None:
        self._space = space
        self._columns = {label: column for column, label in enumerate(space.labels)}
        forms: Mapping[AnswerForm, Callable[[list[Region], Any], list[Row]]] = {
            "single": self._single,
            "multi": self._multi,
            "regions": self._regions if space.labels else self._free,
        }
        self._rows = forms[space.form]

    def rows(self, prediction: Prediction) -> list[Row]:
        """One row for a choice, one a region for regions.

        Raises
        ------
        Unknown
            The prediction tells nothing that can be used.
        """
        regions = regions_of(prediction, self._space.control)
        if not regions:
            raise Unknown(Reason.EMPTY_RESULT)
        return self._rows(regions, prediction.score)

    # ----------------------------------------------------------------- the three forms

    def _single(self, regions: list[Region], task_score: Any) -> list[Row]:
        if len(regions) > 1:
            raise Unknown(Reason.NOT_ONE_CLASS)
        region = regions[0]
        vector = vector_of(region)
        if vector is not None:
            return [self._distribution(region, vector)]
        answer = self._one_class(region)
        own = region.get("score")
        score = _score(task_score if own is None else own)
        classes = len(self._columns)
        if classes == 1:
            return [Row([1.0], 1.0, answer, score)]
        if classes == 2:
            values = [1 - score, 1 - score]
            values[answer] = score
            top = max(values)
            return [Row(values, top, answer if score == top else 1 - answer, score)]
        if score < (1 - TOLERANCE) / classes:
            raise Unknown(Reason.NOT_THE_TOP)
        return [Row(None, max(score, 1 / classes), answer, score)]

    def _multi(self, regions: list[Region], task_score: Any) -> list[Row]:
        region = next((region for region in regions if vector_of(region) is not None), regions[0])
        vector = vector_of(region)
        answers = classes_of(region, self._space.tag)
        if not vector:
            raise Unknown(Reason.ONE_SCORE_FOR_SEVERAL if answers != [] else Reason.EMPTY_RESULT)
        values = [min(value, 1.0) for value in self._numbers(vector)]
        top = max(values)
        return [Row(values, top, -1 if answers == [] else values.index(top))]

    def _regions(self, regions: list[Region], task_score: Any) -> list[Row]:
        if any(region.get("score") is not None or vector_of(region) is not None for region in regions):
            return [self._region(region) for region in regions]
        # Only the task has a score: a mean over its regions, so it counts once for all of them.
        answers = {self._one_class(region) for region in regions}
        score = _score(task_score)
        return [Row(None, score, answers.pop() if len(answers) == 1 else -1, score)]

    def _free(self, regions: list[Region], task_score: Any) -> list[Row]:
        given = [region for region in regions if classes_of(region, self._space.tag) != []]
        if not given:
            raise Unknown(Reason.EMPTY_RESULT)
        scores = [region.get("score") for region in given]
        if all(score is None for score in scores):
            scores = [task_score]
        return [Row(None, score, -1, score) for score in map(_score, scores)]

    def _region(self, region: Region) -> Row:
        vector = vector_of(region)
        if vector is not None:
            return self._distribution(region, vector)
        score = _score(region.get("score"))
        return Row(None, score, self._one_class(region), score)

    # ----------------------------------------------------------------- what they are made of

    def _one_class(self, region: Region) -> int:
        """The column of the class that a region answers."""
        answers = classes_of(region, self._space.tag)
        if answers == [] and self._space.form == "single":
            raise Unknown(Reason.EMPTY_RESULT)  # a region without a class is still a region
        if answers is None or len(answers) != 1:
            raise Unknown(Reason.NOT_ONE_CLASS)
        return self._column(answers[0])

    def _column(self, label: Any) -> int:
        if not isinstance(label, str) or label not in self._columns:
            raise Unknown(Reason.UNKNOWN_LABEL)
        return self._columns[label]

    def _distribution(self, region: Region, vector: Mapping[Any, Any]) -> Row:
        values = self._numbers(vector)
        total = sum(values)
        if not abs(total - 1) <= TOLERANCE:
            raise Unknown(Reason.WRONG_SUM)
        values = [value / total for value in values]
        top = max(values)
        return Row(values, top, self._likeliest(region, values, top))

    def _likeliest(self, region: Region, values: list[float], top: float) -> int:
        """The column of the highest value; of several that are level the one that the region chose."""
        if values.count(top) > 1:
            for label in classes_of(region, self._space.tag) or ():
                column = self._columns.get(label) if isinstance(label, str) else None
                if column is not None and values[column] == top:
                    return column
        return values.index(top)

    def _numbers(self, vector: Mapping[Any, Any]) -> list[float]:
        """The numbers of a probabilities object in column order; a label that it does not name counts 0."""
        # Most predictions of a large pool have a number for each label, which are checked faster together. The sum is
        # there for NaN, which minimum and maximum pass over.
        if len(vector) == len(self._columns):
            given: list[Any] = [*map(vector.get, self._columns)]
            if {*map(type, given)} == {float} and min(given) >= 0 and max(given) <= _MOST and sum(given) >= 0:
                return given
        values = [0.0] * len(self._columns)
        for label, value in vector.items():
            values[self._column(label)] = _number(value, highest=_MOST)
        return values


def regions_of(prediction: Prediction, control: str) -> list[Region]:
    """The regions of a control in a result, whatever else is in there."""
    result: Any = prediction.result
    if not isinstance(result, (list, tuple)):
        return []
    return [region for region in result if isinstance(region, Mapping) and region.get("from_name") == control]


def vector_of(region: Region) -> Mapping[Any, Any] | None:
    """The contract's object: beside the score, else in ``meta``, else in ``value``."""
    for holder in (region, region.get("meta"), region.get("value")):
        if isinstance(holder, Mapping) and isinstance(holder.get("probabilities"), Mapping):
            vector: Mapping[Any, Any] = holder["probabilities"]
            return vector
    return None


def is_number(value: object) -> bool:
    """Whether JSON holds a number here; a NaN is none, and neither is true."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _number(value: Any, highest: float) -> float:
    if not is_number(value):
        raise Unknown(Reason.NOT_A_NUMBER)
    if not 0 <= value <= highest:
        raise Unknown(Reason.OUT_OF_RANGE)
    return float(value)


def _score(value: Any) -> float:
    """The probability of the class that was answered."""
    # What backends send when they mean "no score"; nobody gives the class they answer no chance at all.
    if is_number(value) and value in (0, 2):
        raise Unknown(Reason.SENTINEL)
    return _number(value, highest=1)
