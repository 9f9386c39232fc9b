"""One score of a task from those of its regions, against plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.aggregation import aggregate
from al_core.errors import InvalidInput

PLAINLY = {
    "mean": lambda scores: sum(scores) / len(scores),
    "sum": sum,
    "max": max,
    "min": min,
    "count_weighted": lambda scores: sum(scores) / len(scores) * math.log(1 + len(scores)),
}
TASKS = st.lists(st.lists(st.floats(0, 5), max_size=4), max_size=6)


def ragged(tasks):
    return np.array([score for task in tasks for score in task], dtype=float), np.cumsum([0, *map(len, tasks)])


@pytest.mark.parametrize("how", PLAINLY)
@given(tasks=TASKS)
def test_agrees_with_plain_python_wherever_empty_tasks_lie(tasks, how):
    expected = [PLAINLY[how](task) if task else math.nan for task in tasks]
    np.testing.assert_allclose(aggregate(*ragged(tasks), how), expected, rtol=1e-12)


@pytest.mark.parametrize("how", PLAINLY)
@given(tasks=TASKS, growth=st.floats(0, 2))
def test_grows_with_every_row_so_that_bounds_stay_bounds(tasks, growth, how):
    scores, starts = ragged(tasks)
    low, high = aggregate(scores, starts, how), aggregate(scores + growth * scores, starts, how)
    assert ((high >= low) | np.isnan(low)).all()


@pytest.mark.parametrize("how", PLAINLY)
def test_a_row_that_is_unknown_makes_its_task_unknown_and_no_other(how):
    scores = aggregate([1.0, np.nan, 2.0, 3.0], [0, 1, 3, 3, 4], how)
    np.testing.assert_array_equal(np.isnan(scores), [False, True, True, False])


def test_a_crowded_task_counts_for_more_than_a_lonely_region():
    lonely, crowded = aggregate([0.5, 0.5, 0.5, 0.5], [0, 1, 4], "count_weighted")
    assert lonely == pytest.approx(0.5 * math.log(2))
    assert crowded == pytest.approx(0.5 * math.log(4))


@pytest.mark.parametrize("starts", [[], [0], [0, 3], [1, 2], [0, 2, 1, 2]])
def test_rows_that_do_not_fit_are_refused(starts):
    with pytest.raises(InvalidInput, match="from 0 to 2"):
        aggregate([0.1, 0.2], starts)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"'median'.*mean, sum, count_weighted, max, min"):
        aggregate([0.1], [0, 1], "median")
