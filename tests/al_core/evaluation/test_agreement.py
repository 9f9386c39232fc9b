"""How far two models answer alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from al_core.errors import InvalidInput
from al_core.evaluation import kappa

pairs = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=80)


@given(pairs)
def test_kappa_is_cohens(answered):
    before, after = ([pair[side] for pair in answered] for side in (0, 1))
    both = [pair for pair in answered if min(pair) >= 0]
    found = kappa(before, after)
    if len({code for pair in both for code in pair}) < 2:
        assert found is None
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert found.tasks == len(both)
    assert found.low <= found.kappa <= found.high <= 1


def test_alike_throughout_is_one_but_not_certain():
    found = kappa([0, 1, 2] * 10, [0, 1, 2] * 10)
    assert (found.kappa, found.high) == (1, 1)
    assert found.low < 0.9


def test_names_serve_as_well_as_numbers():
    numbers = kappa([0, 1, 1, -1, 2], [0, 1, 2, 1, 2])
    assert kappa(["a", "b", "b", "", "c"], ["a", "b", "c", "b", "c"]) == numbers
    assert numbers.tasks == 4


@pytest.mark.parametrize("answers", [([], []), ([-1, 0], [1, -1]), ([2, 2], [2, 2])])
def test_where_nothing_can_be_compared_it_is_unknown(answers):
    assert kappa(*answers) is None


def test_answers_of_different_tasks_are_refused():
    with pytest.raises(InvalidInput):
        kappa([0, 1], [0, 1, 1])


def test_a_million_tasks_take_no_time():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 10, 1_000_000)
    after = np.where(rng.random(1_000_000) < 0.9, before, rng.integers(0, 10, 1_000_000))
    found = kappa(before, after)
    assert found.low < 0.9 < found.high
    assert found.high - found.low < 0.002
