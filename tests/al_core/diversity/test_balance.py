"""How places are shared over classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.diversity import class_quota
from al_core.errors import InvalidInput


@pytest.mark.parametrize(
    ("sizes", "k", "expected"),
    [
        ([10, 10, 10], 6, [2, 2, 2]),
        ([10, 1, 10], 7, [3, 1, 3]),
        ([2, 1, 100], 50, [2, 1, 47]),
        ([5, 9, 5], 4, [1, 2, 1]),  # the larger gets the odd place
        ([5, 5, 5], 4, [2, 1, 1]),  # of equally large ones the first
        ([5, 5, 5], 1, [1, 0, 0]),
        ([1, 2], 9, [1, 2]),
        ([3, 3], 0, [0, 0]),
        ([], 5, []),
    ],
    ids=str,
)
def test_places_are_poured_like_water(sizes, k, expected):
    classes = np.repeat(np.arange(len(sizes)), sizes)
    assert class_quota(classes, k) == dict(enumerate(expected))


@given(st.lists(st.integers(-1, 5)), st.integers(0, 40))
def test_the_shares_are_as_even_as_the_sizes_allow(classes, k):
    quota = class_quota(np.array(classes, dtype=np.int64), k)
    assert sum(quota.values()) == min(k, len(classes))
    assert list(quota) == sorted(set(classes))
    for name, places in quota.items():
        assert places <= classes.count(name)
        if places < classes.count(name):  # one that could take more has as many as any, but for an odd place
            assert places >= max(quota.values()) - 1


@pytest.mark.parametrize(("classes", "k"), [([0.5], 1), ([[0]], 1), ([0], -1), ([0], 1.5), (["cat"], 1)])
def test_what_makes_no_sense_is_refused(classes, k):
    with pytest.raises(InvalidInput):
        class_quota(classes, k)
