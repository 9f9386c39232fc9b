"""What changed from one model to the next, on the same tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

from al_core.evaluation.values import Interval, TestAnswer


@dataclass(frozen=True)
class ClassChange:
    """How one class fared: of its tasks, how many each model got right."""

    label: str
    support: int
    right_before: int
    right_after: int

    @property
    def change(self) -> int:
        return self.right_after - self.right_before


@dataclass(frozen=True)
class Difference:
    """Two models on the tasks of a test set that both were measured on."""

    tasks: int
    gained: tuple[int, ...]
    """Ids of the tasks that were wrong and are right now; ascending, as are all ids here."""
    lost: tuple[int, ...]
    """Ids of the tasks that were right and are wrong now."""
    both_right: int
    both_wrong: int
    p_value: float
    """McNemar's test: how likely so uneven a split of gained and lost is where neither model is better."""
    change: Interval | None
    """Accuracy after − accuracy before, as a share; None where no task is in both."""
    classes: tuple[ClassChange, ...]
    """By what people answered; the class that changed most first."""

    @property
    def is_more_than_chance(self) -> bool:
        return self.p_value < 0.05

    @property
    def flipped(self) -> tuple[int, ...]:
        """Ids of the tasks whose rightness changed."""
        return tuple(sorted(self.gained + self.lost))


def compare(before: Sequence[TestAnswer], after: Sequence[TestAnswer]) -> Difference:
    """Compare two models by their answers to the same test tasks.

    Parameters
    ----------
    before, after : sequence of TestAnswer
        Of the two evaluations; tasks that only one of them has are left out. Where people changed their answer in
        between, each model is judged by what held when it was measured, and the class is the later answer.

    Returns
    -------
    Difference
    """
    earlier = {answer.task_id: answer for answer in before}
    later = {answer.task_id: answer for answer in after}
    ids = sorted(earlier.keys() & later.keys())
    gained = tuple(i for i in ids if later[i].is_right and not earlier[i].is_right)
    lost = tuple(i for i in ids if earlier[i].is_right and not later[i].is_right)
    both_right = sum(earlier[i].is_right and later[i].is_right for i in ids)
    return Difference(
        tasks=len(ids),
        gained=gained,
        lost=lost,
        both_right=both_right,
        both_wrong=len(ids) - both_right - len(gained) - len(lost),
        p_value=mcnemar(len(gained), len(lost)),
        change=paired_change(len(gained), len(lost), len(ids)) if ids else None,
        classes=_classes(ids, earlier, later),
    )


def mcnemar(gained: int, lost: int) -> float:
    """P value of McNemar's test in its mid-p form, two-sided.

    Where neither model is better, each of the d = gained + lost tasks that flipped went either way like a fair coin:
    p = 2·P(X ≤ min) − P(X = min), X ~ Binomial(d, ½), min = the smaller of both.

    Q. McNemar, Psychometrika 12 (1947); M. Fagerland, S. Lydersen and P. Laake, "The McNemar test for binary matched-
    pairs data: mid-p and asymptotic are better than exact conditional", BMC Medical Research Methodology 13 (2013).

    Parameters
    ----------
    gained, lost : int
        Tasks that became right, and wrong.

    Returns
    -------
    float
        1 where nothing flipped.
    """
    flips, smaller = gained + lost, min(gained, lost)
    if gained == lost:
        return 1.0
    at_most = sum(comb(flips, count) for count in range(smaller + 1))
    return float((2 * at_most - comb(flips, smaller)) / 2**flips)


def paired_change(gained: int, lost: int, tasks: int, confidence: float = 0.95) -> Interval:
    """Change of a share between two measurements of the same tasks, with its interval.

    The adjusted Wald interval: with g = gained + 1, l = lost + 1, n = tasks + 2, it is
    (g − l)/n ± z·√((g + l)/n − ((g − l)/n)²)/√n.

    D. Bonett and R. Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", Journal of Educational and Behavioral Statistics 37 (2012).

    Parameters
    ----------
    gained, lost : int
    tasks : int
        At least one.
    confidence : float

    Returns
    -------
    Interval
        From −1 to 1; the value is (gained − lost)/tasks.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    size = tasks + 2
    centre = (gained - lost) / size
    half = z * sqrt(((gained + lost + 2) / size - centre**2) / size)
    value = (gained - lost) / tasks
    return Interval(value, max(-1.0, min(value, centre - half)), min(1.0, max(value, centre + half)))


def _classes(
    ids: Sequence[int], earlier: Mapping[int, TestAnswer], later: Mapping[int, TestAnswer]
) -> tuple[ClassChange, ...]:
    tasks: dict[str, list[int]] = {}
    for task_id in ids:
        tasks.setdefault(later[task_id].truth, []).append(task_id)
    rows = [
        ClassChange(
            label=label,
            support=len(of_class),
            right_before=sum(earlier[task_id].is_right for task_id in of_class),
            right_after=sum(later[task_id].is_right for task_id in of_class),
        )
        for label, of_class in tasks.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row.change), -row.support, row.label)))
