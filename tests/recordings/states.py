"""What models say of tasks, good and bad, for each form of answer: each state is one task of a recording."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.recordings.backend import Prediction

Region = dict[str, Any]
MakeRegion = Callable[[Sequence[str]], Region]
"""Answer → a region of the control that gives it: the label, or for some controls several labels."""

FIRST, SECOND = "model-1", "model-2"

NOTHING: dict[str, Prediction] = {
    "empty, score 0.0": {"result": [], "score": 0.0, "model_version": FIRST},
    "empty, score 2.0": {"result": [], "score": 2.0, "model_version": FIRST},
    "empty, score null": {"result": [], "score": None, "model_version": FIRST},
}
"""How backends say that they found nothing."""


def distribution(labels: Sequence[str], answer: str, top: float) -> dict[str, float]:
    """One probability for each label that sum to 1; what ``answer`` leaves goes to the others, less and less."""
    others = [label for label in labels if label != answer]
    total = sum(range(1, len(others) + 1))
    rest = {label: (1 - top) * (len(others) - place) / total for place, label in enumerate(others)}
    return {label: top if label == answer else rest[label] for label in labels}


def predicted(regions: Sequence[Region], score: float | None, version: str = FIRST) -> Prediction:
    return {"result": list(regions), "score": score, "model_version": version}


def by_contract(region: Region, probabilities: dict[str, float], place: str = "score") -> Region:
    """The region with its probabilities beside the score, in ``meta`` or in ``value``."""
    if place == "score":
        return {**region, "score": max(probabilities.values()), "probabilities": probabilities}
    return {**region, place: {**region.get(place, {}), "probabilities": probabilities}}


def single(
    make: MakeRegion, labels: Sequence[str], unknown: str = "unheard of"
) -> tuple[dict[str, Prediction], dict[str, Prediction]]:
    """What the backend says, and what is imported as another version, of a control with one class an answer."""
    first, second, last = labels[0], labels[1], labels[-1]
    one = make([first])
    full = distribution(labels, first, 0.7)
    states = {
        "full beside score": predicted([by_contract(one, full)], 0.7),
        "full in meta": predicted([by_contract(make([last]), distribution(labels, last, 0.55), "meta")], 0.55),
        "full in value": predicted([by_contract(one, full, "value")], 0.7),
        "top only": predicted([make([second])], 0.6123456789),
        "region score": predicted([{**one, "score": 0.81}], 0.81),
        "region score, task score 0.0": predicted([{**one, "score": 0.81}], 0.0),
        "score 0.0": predicted([one], 0.0),
        "score 2.0": predicted([one], 2.0),
        "score null": predicted([one], None),
        "score below 1/K": predicted([one], 0.15),
        "unknown label": predicted([make([unknown])], 0.7),
        "full, unknown label": predicted([by_contract(one, {**full, unknown: 0.0})], 0.7),
        "full, wrong sum": predicted([by_contract(one, dict.fromkeys(labels, 0.9))], 0.9),
        "two regions": predicted([one, make([second])], 0.7),
        **NOTHING,
    }
    other = {
        "full beside score": predicted([by_contract(one, distribution(labels, first, 0.9))], 0.9, SECOND),
        "full in meta": predicted([by_contract(one, distribution(labels, first, 0.6))], 0.6, SECOND),
        "top only": predicted([make([first])], 0.58, SECOND),
        "second version only": predicted([make([first])], 0.66, SECOND),
    }
    return states, other


def multi(make: MakeRegion, labels: Sequence[str]) -> tuple[dict[str, Prediction], dict[str, Prediction]]:
    """The same of a control with any set of classes an answer: one region holds them all."""
    full = {label: 0.9 / (1 + place) for place, label in enumerate(labels)}
    chosen = make([label for label in labels if full[label] > 0.4])
    states = {
        "full beside score": predicted([by_contract(chosen, full)], 0.75),
        "full in meta": predicted([by_contract(chosen, full, "meta")], 0.75),
        "full in value": predicted([by_contract(chosen, full, "value")], 0.75),
        "full, none chosen": predicted([by_contract(make([]), dict.fromkeys(labels, 0.2))], 0.2),
        "full, unknown label": predicted([by_contract(chosen, {**full, "unheard of": 0.1})], 0.75),
        "mean score of two": predicted([make(labels[:2])], 0.75),
        "score of one": predicted([make(labels[:1])], 0.9),
        "score 2.0": predicted([chosen], 2.0),
        **NOTHING,
    }
    other = {
        "full beside score": predicted([by_contract(make(labels[:1]), dict.fromkeys(labels, 0.45))], 0.45, SECOND),
        "score of one": predicted([make(labels[:1])], 0.7, SECOND),
    }
    return states, other


def regions(make: MakeRegion, labels: Sequence[str]) -> tuple[dict[str, Prediction], dict[str, Prediction]]:
    """The same of a control with any number of regions an answer, each with a class."""
    first, last = labels[0], labels[-1]
    one, two = make([first]), make([last])
    full, unsure = distribution(labels, first, 0.7), distribution(labels, last, 0.4)
    states = {
        "full beside score": predicted([by_contract(one, full), by_contract(two, unsure)], 0.55),
        "full in meta": predicted([by_contract(one, full, "meta")], 0.7),
        "full in value": predicted([by_contract(one, full, "value")], 0.7),
        "region scores": predicted(
            [{**one, "score": 0.95}, {**two, "score": 0.5123456789}, {**one, "score": 0.07}], 0.51
        ),
        "one full, one score": predicted([by_contract(one, full), {**two, "score": 0.6}], 0.65),
        "task score only": predicted([one, two], 0.73),
        "region score null": predicted([{**one, "score": None}], 0.73),
        "region score 2.0": predicted([{**one, "score": 2.0}], 2.0),
        "region score 0.0": predicted([{**one, "score": 0.0}], 0.0),
        "unknown label": predicted([{**make(["unheard of"]), "score": 0.8}], 0.8),
        "two labels in a region": predicted([{**make([first, last]), "score": 0.8}], 0.8),
        **NOTHING,
    }
    other = {
        "full beside score": predicted([by_contract(two, unsure)], 0.4, SECOND),
        "region scores": predicted([{**one, "score": 0.88}], 0.88, SECOND),
        "empty, score 2.0": predicted([{**two, "score": 0.3}], 0.3, SECOND),
    }
    return states, other


def free(make: MakeRegion, answers: Sequence[str]) -> tuple[dict[str, Prediction], dict[str, Prediction]]:
    """The same of a control whose answers are no classes."""
    one = make(answers[:1])
    states = {
        "region score": predicted([{**one, "score": 0.91}], 0.91),
        "task score only": predicted([one], 0.73),
        "several answers": predicted([{**make([answer]), "score": 0.6} for answer in (*answers, answers[0])], 0.6),
        "score 2.0": predicted([one], 2.0),
        "score null": predicted([one], None),
        **NOTHING,
    }
    return states, {"region score": predicted([{**one, "score": 0.5}], 0.5, SECOND)}
