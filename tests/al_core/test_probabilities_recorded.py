"""What a real Label Studio answers for every kind of control is read to exactly these rows and reasons.

``tests/recordings`` holds the answers. The name of a state says what its prediction is like.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from al_core.label_studio import label_spaces
from al_core.probabilities import from_predictions
from al_core.types import ClassProbabilities, Prediction, Reason
from tests.al_core.predicted import check

FOLDER = Path(__file__).parents[1] / "recordings"

Row = tuple[float, int, list[float] | None]
"""Probability of the answered class, its column (−1 for none), and the probability of every class where it is known."""
Known = Reason | list[Row]

OTHER = Reason.OTHER_VERSION
NOTHING: dict[str, Known] = dict.fromkeys(
    ("empty, score 0.0", "empty, score 2.0", "empty, score null"), Reason.EMPTY_RESULT
)

# --------------------------------------------------------------------- one class

FAULTS: dict[str, Known] = {
    "score 0.0": Reason.SENTINEL,
    "score 2.0": Reason.SENTINEL,
    "score null": Reason.NOT_A_NUMBER,
    "unknown label": Reason.UNKNOWN_LABEL,
    "full, unknown label": Reason.UNKNOWN_LABEL,
    "full, wrong sum": Reason.WRONG_SUM,
    "two regions": Reason.NOT_ONE_CLASS,
    "second version only": OTHER,
    **NOTHING,
}
OF_TWO: dict[str, Known] = {
    "full beside score": [(0.7, 0, [0.7, 0.3])],
    "full in meta": [(0.55, 1, [0.45, 0.55])],
    "full in value": [(0.7, 0, [0.7, 0.3])],
    "top only": [(0.6123456789, 1, [0.3876543211, 0.6123456789])],
    "region score": [(0.81, 0, [0.81, 0.19])],
    "region score, task score 0.0": [(0.81, 0, [0.81, 0.19])],
    "score below 1/K": [(0.85, 1, [0.15, 0.85])],
    **FAULTS,
}
OF_THREE: dict[str, Known] = {
    "full beside score": [(0.7, 0, [0.7, 0.2, 0.1])],
    "full in meta": [(0.55, 2, [0.3, 0.15, 0.55])],
    "full in value": [(0.7, 0, [0.7, 0.2, 0.1])],
    "top only": [(0.6123456789, 1, None)],
    "region score": [(0.81, 0, None)],
    "region score, task score 0.0": [(0.81, 0, None)],
    "score below 1/K": Reason.NOT_THE_TOP,
    **FAULTS,
}
OF_FOUR: dict[str, Known] = OF_THREE | {
    "full beside score": [(0.7, 0, [0.7, 0.15, 0.1, 0.05])],
    "full in meta": [(0.55, 3, [0.225, 0.15, 0.075, 0.55])],
    "full in value": [(0.7, 0, [0.7, 0.15, 0.1, 0.05])],
}

# --------------------------------------------------------------------- any classes

SETS: dict[str, Known] = {
    "full, unknown label": Reason.UNKNOWN_LABEL,
    "mean score of two": Reason.ONE_SCORE_FOR_SEVERAL,
    "score of one": Reason.ONE_SCORE_FOR_SEVERAL,
    "score 2.0": Reason.ONE_SCORE_FOR_SEVERAL,
    **NOTHING,
}
SETS_OF_THREE: dict[str, Known] = {
    "full beside score": [(0.9, 0, [0.9, 0.45, 0.3])],
    "full in meta": [(0.9, 0, [0.9, 0.45, 0.3])],
    "full in value": [(0.9, 0, [0.9, 0.45, 0.3])],
    "full, none chosen": [(0.2, -1, [0.2, 0.2, 0.2])],
    **SETS,
}
SETS_OF_FIVE: dict[str, Known] = {
    "full beside score": [(0.9, 0, [0.9, 0.45, 0.3, 0.225, 0.18])],
    "full in meta": [(0.9, 0, [0.9, 0.45, 0.3, 0.225, 0.18])],
    "full in value": [(0.9, 0, [0.9, 0.45, 0.3, 0.225, 0.18])],
    "full, none chosen": [(0.2, -1, [0.2] * 5)],
    **SETS,
}

# --------------------------------------------------------------------- regions

PLACES: dict[str, Known] = {
    "task score only": [(0.73, -1, None)],
    "region score null": [(0.73, 0, None)],
    "region score 2.0": Reason.SENTINEL,
    "region score 0.0": Reason.SENTINEL,
    "unknown label": Reason.UNKNOWN_LABEL,
    "two labels in a region": Reason.NOT_ONE_CLASS,
    **NOTHING,
}
PLACES_OF_TWO: dict[str, Known] = {
    "full beside score": [(0.7, 0, [0.7, 0.3]), (0.6, 0, [0.6, 0.4])],
    "full in meta": [(0.7, 0, [0.7, 0.3])],
    "full in value": [(0.7, 0, [0.7, 0.3])],
    "region scores": [(0.95, 0, None), (0.5123456789, 1, None), (0.07, 0, None)],
    "one full, one score": [(0.7, 0, [0.7, 0.3]), (0.6, 1, None)],
    **PLACES,
}
PLACES_OF_THREE: dict[str, Known] = {
    "full beside score": [(0.7, 0, [0.7, 0.2, 0.1]), (0.4, 2, [0.4, 0.2, 0.4])],
    "full in meta": [(0.7, 0, [0.7, 0.2, 0.1])],
    "full in value": [(0.7, 0, [0.7, 0.2, 0.1])],
    "region scores": [(0.95, 0, None), (0.5123456789, 2, None), (0.07, 0, None)],
    "one full, one score": [(0.7, 0, [0.7, 0.2, 0.1]), (0.6, 2, None)],
    **PLACES,
}

# --------------------------------------------------------------------- free answers

FREE: dict[str, Known] = {
    "region score": [(0.91, -1, None)],
    "task score only": [(0.73, -1, None)],
    "score 2.0": Reason.SENTINEL,
    "score null": Reason.NOT_A_NUMBER,
    **NOTHING,
}

# --------------------------------------------------------------------- several controls

WEATHER: dict[str, Known] = {
    "all by contract": [(0.6, 1, [0.8 / 3, 0.6, 0.4 / 3])],
    "all with scores": [(0.5, 0, None)],
    "one task score": [(0.65, 0, None)],
    "class only": [(0.77, 2, None)],
    "boxes only": Reason.EMPTY_RESULT,
    "one by contract, one with a score": [(0.8, 0, [0.8, 0.4 / 3, 0.2 / 3])],
    **NOTHING,
}
BOX: dict[str, Known] = {
    "all by contract": [(0.9, 0, [0.9, 0.1]), (0.55, 1, [0.45, 0.55])],
    "all with scores": [(0.8, 0, None)],
    "one task score": [(0.65, 0, None)],
    "class only": Reason.EMPTY_RESULT,
    "boxes only": [(0.31, 1, None)],
    "one by contract, one with a score": [(0.45, 0, None)],
    **NOTHING,
}
SIGHT: dict[str, Known] = {
    **dict.fromkeys(BOX, Reason.EMPTY_RESULT),
    "all by contract": [(0.7, 1, [0.3, 0.7])],
    "all with scores": [(0.6, 0, None)],
}
REMARK: dict[str, Known] = {
    **dict.fromkeys(BOX, Reason.EMPTY_RESULT),
    "all by contract": [(0.8, -1, None)],
    "all with scores": [(0.7, -1, None)],
}

# --------------------------------------------------------------------- by file and control

EXPECTED: dict[str, dict[str, dict[str, Known]]] = {
    "choices_single": {"answer": OF_THREE},
    "choices_alias": {"answer": OF_TWO},
    "choices_multiple": {"answer": SETS_OF_THREE},
    "taxonomy_single": {"answer": OF_THREE},
    "taxonomy_multiple": {"answer": SETS_OF_FIVE},
    "rating": {"answer": OF_FOUR},
    "pairwise": {"answer": OF_TWO},
    "number": {"answer": FREE | {"several answers": [(0.6, -1, None)] * 2}},
    "textarea": {"answer": FREE | {"several answers": [(0.6, -1, None)] * 3}},
    "labels": {"answer": PLACES_OF_THREE},
    "hypertextlabels": {"answer": PLACES_OF_THREE},
    "paragraphlabels": {"answer": PLACES_OF_THREE},
    "timeserieslabels": {"answer": PLACES_OF_TWO},
    "timelinelabels": {"answer": PLACES_OF_TWO},
    "rectanglelabels": {"answer": PLACES_OF_THREE},
    "polygonlabels": {"answer": PLACES_OF_THREE},
    "ellipselabels": {"answer": PLACES_OF_THREE},
    "keypointlabels": {"answer": PLACES_OF_THREE},
    "brushlabels": {"answer": PLACES_OF_THREE},
    "bitmasklabels": {"answer": PLACES_OF_THREE},
    "vectorlabels": {"answer": PLACES_OF_THREE},
    "videorectangle": {"answer": PLACES_OF_THREE},
    "several_controls": {"weather": WEATHER, "box": BOX, "sight": SIGHT, "remark": REMARK},
}
CONTROLS = [(name, control) for name, controls in EXPECTED.items() for control in controls]

SECOND_VERSION: dict[str, dict[str, Known]] = {
    "choices_single": {
        "full beside score": [(0.9, 0, [0.9, 0.2 / 3, 0.1 / 3])],
        "full in meta": [(0.6, 0, [0.6, 0.8 / 3, 0.4 / 3])],
        "top only": [(0.58, 0, None)],
        "second version only": [(0.66, 0, None)],
    },
    "choices_multiple": {
        "full beside score": [(0.45, 0, [0.45, 0.45, 0.45])],
        "score of one": Reason.ONE_SCORE_FOR_SEVERAL,
    },
    "rectanglelabels": {
        "full beside score": [(0.4, 2, [0.4, 0.2, 0.4])],
        "region scores": [(0.88, 0, None)],
        "empty, score 2.0": [(0.3, 2, None)],
    },
    "number": {"region score": [(0.5, -1, None)]},
}


def recording(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def read(name: str, control: str, version: str) -> dict[str, Known]:
    """State → what is read of it."""
    recorded = recording(name)
    spaces = {space.control: space for space in label_spaces(recorded["label_config"])}
    tasks = {task["id"]: task["data"]["state"] for task in recorded["tasks"]}
    predictions = [
        Prediction(each["task"], each["result"], each["score"], each["model_version"])
        for each in recorded["predictions"]
    ]
    found = from_predictions(predictions, list(tasks), spaces[control], model_version=version)
    check(found)
    return {state: _known(found, index) for index, state in enumerate(tasks.values())}


def _known(found: ClassProbabilities, index: int) -> Known:
    if not found.known[index]:
        return tuple(Reason)[found.reasons[index] - 1]
    rows = range(found.starts[index], found.starts[index + 1])
    return [
        (float(found.top[row]), int(found.answers[row]), found.values[row].tolist() if found.full[row] else None)
        for row in rows
    ]


def matches(found: Known, expected: Known) -> bool:
    if isinstance(found, Reason) or isinstance(expected, Reason):
        return found == expected
    return len(found) == len(expected) and all(_same(*rows) for rows in zip(found, expected, strict=True))


def _same(found: Row, expected: Row) -> bool:
    if found[1] != expected[1] or (found[2] is None) != (expected[2] is None):
        return False
    numbers = [(found[0], *(found[2] or ())), (expected[0], *(expected[2] or ()))]
    return bool(np.allclose(*numbers, rtol=0, atol=1e-6))


def different(found: Mapping[str, Known], expected: Mapping[str, Known]) -> dict[str, tuple[Known, Known]]:
    assert set(found) == set(expected)
    return {state: (found[state], expected[state]) for state in found if not matches(found[state], expected[state])}


def test_every_recording_is_read() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)
    for name, controls in EXPECTED.items():
        assert [space.control for space in label_spaces(recording(name)["label_config"])] == list(controls), name


@pytest.mark.parametrize(("name", "control"), CONTROLS)
def test_what_is_recorded_is_read_to_these_rows(name: str, control: str) -> None:
    found = read(name, control, "model-1")
    assert different(found, EXPECTED[name][control]) == {}


@pytest.mark.parametrize("name", SECOND_VERSION)
def test_predictions_of_another_version_are_kept_apart(name: str) -> None:
    found = read(name, "answer", "model-2")
    expected: dict[str, Known] = dict.fromkeys(found, OTHER)
    assert different(found, expected | SECOND_VERSION[name]) == {}
