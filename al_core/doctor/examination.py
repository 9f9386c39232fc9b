"""Examine a sample of predictions, control by control."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_core.doctor.report import ControlReport, Diagnosis, Gives, Verdict
from al_core.doctor.snippets import snippet_for
from al_core.errors import ActiveLearningError
from al_core.probabilities import from_predictions
from al_core.probabilities.regions import is_number, regions_of, vector_of
from al_core.strategies import STRATEGIES, Evidence, QueryStrategy
from al_core.types import ClassProbabilities, LabelSpace, Prediction, Reason


def examine(predictions: Sequence[Prediction], task_ids: ArrayLike, spaces: Sequence[LabelSpace]) -> Diagnosis:
    """Say what a model's numbers are worth.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of a sample of tasks. Where they are of several model versions, the one with the most is examined.
    task_ids : array_like of int, shape (n,)
        The sample; also the tasks without a prediction.
    spaces : sequence of LabelSpace
        The controls to look at.
    """
    ids = np.asarray(task_ids, dtype=np.int64)
    sample = set(ids.tolist())
    found = [prediction for prediction in predictions if prediction.task_id in sample]
    versions = Counter(prediction.model_version for prediction in found).most_common(1)
    version = versions[0][0] if versions else ""
    found = [prediction for prediction in found if prediction.model_version == version]
    reports = []
    for space in spaces:
        read = from_predictions(predictions, ids, space, model_version=version)
        numbers = [number for prediction in found for number in _numbers(prediction, space)]
        reports.append(_report(space, read, numbers))
    return Diagnosis(len(ids), version, tuple(reports))


def _report(space: LabelSpace, read: ClassProbabilities, values: Sequence[Any]) -> ControlReport:
    gives = _gives(read)
    verdicts = {name: _verdict(strategy, read, gives) for name, strategy in STRATEGIES.items()}
    numbers = [float(value) for value in values if is_number(value) and abs(value) < _BEYOND]
    return ControlReport(
        control=space.control,
        tag=space.tag,
        form=space.form,
        labels=space.labels,
        gives=gives,
        sampled=len(read.task_ids),
        known=int(read.known.sum()),
        reasons=read.unknown,
        lowest=min(numbers, default=None),
        highest=max(numbers, default=None),
        in_range=sum(0 <= number <= 1 for number in numbers) / len(values) if values else None,
        strategies=verdicts,
        sentence=_sentence(read),
        snippet="" if _nothing_to_add(gives, verdicts, read) else snippet_for(space),
    )


_BEYOND = 1e300
"""JSON can hold integers that no float can."""


def _numbers(prediction: Prediction, space: LabelSpace) -> Iterator[Any]:
    """The values that stand where the reader looks for numbers, whatever they are."""
    regions = regions_of(prediction, space.control)
    silent = True
    for region in regions:
        vector = vector_of(region) if space.labels else None
        own = region.get("score")
        silent = silent and vector is None and own is None
        if vector is not None:
            yield from vector.values()
        elif own is not None:
            yield own
    if regions and silent and prediction.score is not None:
        yield prediction.score


# ----------------------------------------------------------------- what it gives

_INSTEAD: Mapping[Reason, Gives] = {
    Reason.CONSTANT: Gives.CONSTANT,
    Reason.ONE_SCORE_FOR_SEVERAL: Gives.TOP,
    Reason.OUT_OF_RANGE: Gives.OUT_OF_RANGE,
    Reason.NOT_THE_TOP: Gives.OUT_OF_RANGE,
    Reason.WRONG_SUM: Gives.OUT_OF_RANGE,
}
"""What a model gives of which no task is known, by the commonest reason; nothing for any other."""


def _gives(read: ClassProbabilities) -> Gives:
    if not read.known.any():
        return _INSTEAD.get(Reason(_commonest(read)), Gives.MISSING) if read.unknown else Gives.MISSING
    if read.full[np.isfinite(read.top)].all():
        return Gives.FULL
    return Gives.REGIONS if read.form == "regions" and read.labels else Gives.TOP


def _commonest(read: ClassProbabilities) -> str:
    return max(read.unknown, key=lambda reason: read.unknown[reason])


def _nothing_to_add(gives: Gives, verdicts: Mapping[str, Verdict], read: ClassProbabilities) -> bool:
    """Whether more numbers would change nothing: all is exact, or answers are free and have their scores."""
    if not read.labels:
        return gives == Gives.TOP
    one_model = [verdicts[name] for name, strategy in STRATEGIES.items() if strategy.needs == "model"]
    return all(verdict.kind == "exact" for verdict in one_model)


# ----------------------------------------------------------------- what it is good for


def _verdict(strategy: QueryStrategy, read: ClassProbabilities, gives: Gives) -> Verdict:
    """Let the strategy rank the sample, and see how much it can say."""
    if strategy.needs == "nothing":
        return Verdict("exact", "It asks no model.")
    known = int(read.known.sum())
    if not known:
        return Verdict("impossible", f"Not one task is known ({_commonest(read)})." if read.unknown else "No task.")
    committee = strategy.needs == "committee"
    try:
        # A second model that answers as this one does shows what a committee of them could do.
        scores = strategy.score(Evidence(read.task_ids, (read, read) if committee else (read,)))
    except ActiveLearningError as error:
        return Verdict("impossible", error.message)
    scored, exact = int(np.isfinite(scores.low).sum()), int(scores.exact.sum())
    if not scored:
        return Verdict("impossible", f"{_COMMITTEE}; this one gives {gives}." if committee else _nothing(read))
    if exact < scored:
        return Verdict("bounded", _ONLY_TOP + (f" Exact for {exact:,} of {known:,} known tasks." if exact else ""))
    why = f"{_COMMITTEE}, as this one gives them." if committee else "Every number that it needs is there."
    return Verdict("exact", why if scored == known else f"{why} It scores {scored:,} of {known:,} known tasks.")


_COMMITTEE = "It needs full probabilities of two models or more"
_ONLY_TOP = "Only the probability of the answered class is known, so each score lies between two numbers."


def _nothing(read: ClassProbabilities) -> str:
    free = "It compares classes, and a free answer has none."
    return "The numbers do not tell enough of any task." if read.labels else free


# ----------------------------------------------------------------- in one sentence


def _sentence(read: ClassProbabilities) -> str:
    """How many tasks have what, and why the others have nothing."""
    known, unknown = int(read.known.sum()), read.unknown
    full = known - len(np.unique(_owners(read)[~read.full & np.isfinite(read.top)]))
    of_all = f"of {len(read.task_ids):,} task{'' if len(read.task_ids) == 1 else 's'} "
    parts = []
    if read.labels and (full or not known):
        parts.append(f"{full:,} {of_all}{_have(full)} the probability of every class")
    if known > full or not parts:
        of_all = "" if parts else of_all
        parts.append(f"{known - full:,} {of_all}{_have(known - full)} {_one_number(read)}")
    if unknown:
        count = sum(unknown.values())
        why = ", ".join(f"{number:,} {reason}" for reason, number in unknown.items())
        parts.append(f"{count:,} {_are(count)} unknown ({why if len(unknown) > 1 else next(iter(unknown))})")
    untrained = not known and unknown and _commonest(read) == Reason.EMPTY_RESULT
    return "; ".join(parts) + "." + (" A model that was never trained answers so." if untrained else "")


def _owners(read: ClassProbabilities) -> NDArray[np.int64]:
    """(m,) the task of each row."""
    return np.repeat(np.arange(len(read.task_ids)), np.diff(read.starts))


def _one_number(read: ClassProbabilities) -> str:
    if not read.labels:
        return "a score of the answer"
    return "only scores of regions" if read.form == "regions" else "only the probability of the likeliest class"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
