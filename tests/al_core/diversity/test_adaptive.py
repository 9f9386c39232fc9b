"""How many candidates a batch is picked among."""

import numpy as np
import pytest

from al_core.diversity import adaptive_factor
from al_core.errors import InvalidInput


def test_the_candidate_factor_is_wide_while_much_is_uncertain_and_narrow_later():
    early, late = np.full(2000, 0.9), np.full(2000, 0.01)
    late[:30] = 1.0
    assert adaptive_factor(early, 10) == 50
    assert adaptive_factor(late, 10) == 10
    assert 10 < adaptive_factor(np.linspace(0, 1, 400), 10) < 50
    assert adaptive_factor(np.array([np.nan, 0.0]), 10) == adaptive_factor([], 10) == 50
    with pytest.raises(InvalidInput):
        adaptive_factor(early, 0)
