"""Draws that follow the task and the seed, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from al_core.seeding import task_keys, task_uniforms

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
IDS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)


def split_mix(state):
    """SplitMix64 in Python's own whole numbers."""
    state = (state + GOLDEN) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def test_the_generator_gives_its_published_numbers():
    # The first numbers of the reference implementation for the seed 1234567.
    assert split_mix(1234567) == 6457827717110365317
    assert split_mix(1234567 + GOLDEN) == 3203168211198807973


@given(ids=IDS, seed=st.integers(-(2**70), 2**70), purpose=st.integers(0, 9))
def test_keys_are_those_of_the_generator_on_any_machine(ids, seed, purpose):
    stream = split_mix(((seed & MASK) + purpose * GOLDEN) & MASK)
    expected = [split_mix(((own & MASK) * GOLDEN + stream) & MASK) for own in ids]
    keys = task_keys(ids, seed, purpose)
    assert keys.dtype == np.uint64
    assert keys.tolist() == expected


def test_keys_are_the_same_next_year():
    assert task_keys([1, 2, 3], seed=0).tolist() == [12935080325729570654, 7141179953334974231, 12108695660851890438]


@given(seed=st.integers(0, 2**32), order=st.permutations(range(20)))
def test_a_key_belongs_to_its_task_wherever_the_task_stands(seed, order):
    ids = np.arange(500, 520)
    np.testing.assert_array_equal(task_keys(ids[order], seed), task_keys(ids, seed)[order])


@pytest.mark.parametrize("seed", [0, 1, 2**63])
def test_uniforms_are_uniform_and_no_two_tasks_share_one(seed):
    drawn = task_uniforms(np.arange(20_000), seed)
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert len(np.unique(drawn)) == 20_000
    assert kstest(drawn, "uniform").pvalue > 1e-3


def test_another_seed_or_purpose_gives_numbers_that_do_not_follow():
    ids = np.arange(20_000)
    draws = [task_uniforms(ids, 0), task_uniforms(ids, 1), task_uniforms(ids, 0, purpose=1), task_uniforms(ids, 2)]
    related = np.corrcoef(draws)
    assert np.abs(related - np.eye(4)).max() < 0.03


def test_no_tasks_have_no_keys():
    assert task_keys([], 0).shape == task_uniforms([], 0).shape == (0,)
