"""How good a model is on held-out tasks, and how sure that number is."""

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist

from al_core.errors import InvalidInput, NoLabels
from al_core.types import Evaluation
from al_core.validation import check_count


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion: honest for few tasks and near 0 or 1, where ± of the mean is not.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).

    Parameters
    ----------
    correct, total : int
        ``correct`` of ``total`` trials succeeded.
    confidence : float
        Between 0 and 1, both excluded.

    Returns
    -------
    low, high : float
        (0, 1) if nothing was tried.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    total = check_count("The total", total)
    correct = check_count("The number correct", correct)
    if correct > total:
        raise InvalidInput(f"{correct} correct of {total} is not possible.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"A confidence must be between 0 and 1, not {confidence}.")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = correct / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At the ends the interval touches 0 or 1 exactly; rounding would miss it.
    low = 0.0 if correct == 0 else centre - half
    high = 1.0 if correct == total else centre + half
    return low, high


def accuracy(predicted: Mapping[int, str | None], truth: Mapping[int, str], model_version: str) -> Evaluation:
    """Share of the test tasks that the model gets right.

    Parameters
    ----------
    predicted : mapping of task id to label
        A task that is missing or None was not answered, and counts as wrong. Other tasks are ignored.
    truth : mapping of task id to label
        The test set.
    model_version : str
        Whose predictions they are.

    Raises
    ------
    NoLabels
        If the test set is empty.
    """
    if not truth:
        raise NoLabels("No task of the test set is labelled yet.", "Label the test set first.")
    answers = {task_id: predicted.get(task_id) for task_id in truth}
    correct = sum(answers[task_id] == label for task_id, label in truth.items())
    low, high = wilson_interval(correct, len(truth))
    return Evaluation(
        metric="accuracy",
        value=correct / len(truth),
        low=low,
        high=high,
        correct=correct,
        total=len(truth),
        unanswered=sum(answer is None for answer in answers.values()),
        model_version=model_version,
    )
