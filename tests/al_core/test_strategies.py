"""One contract for every registered strategy."""

import numpy as np
import pytest

from al_core.errors import InvalidInput, NoPredictions
from al_core.strategies import DEFAULT_STRATEGY, DIVERSITY, STRATEGIES, strategy

BY_MODEL = [known for known in STRATEGIES.values() if known.needs_predictions]


@pytest.mark.parametrize("known", STRATEGIES.values(), ids=STRATEGIES)
def test_every_strategy_keeps_the_contract(known):
    rows = np.random.default_rng(1).dirichlet(np.ones(4), 50).astype(np.float32)
    rows[3] = np.nan
    before = rows.copy()
    scores = known.score(rows, 50, np.random.default_rng(7))
    assert scores.shape == (50,)
    assert scores.dtype == np.float64
    assert np.isfinite(np.delete(scores, 3)).all()
    assert len(np.unique(scores)) > 40, "a strategy tells tasks apart"
    np.testing.assert_array_equal(known.score(rows, 50, np.random.default_rng(7)), scores)
    np.testing.assert_array_equal(rows, before)
    assert known.score(np.empty((0, 4)), 0, np.random.default_rng(7)).shape == (0,)


@pytest.mark.parametrize("known", BY_MODEL, ids=lambda known: known.name)
def test_a_strategy_that_asks_the_model_asks_first_where_the_model_is_torn(known):
    rows = np.array([[0.9, 0.1], [0.5, 0.5], [np.nan, np.nan], [0.7, 0.3]])
    scores = known.score(rows, 4, np.random.default_rng(0))
    assert scores[1] > scores[3] > scores[0]
    assert np.isnan(scores[2])
    with pytest.raises(NoPredictions):
        known.score(None, 4, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="4 tasks for a pool of 5"):
        known.score(rows, 5, np.random.default_rng(0))


def test_random_needs_no_model_scores_every_task_and_follows_the_generator():
    random = strategy("random")
    assert not random.needs_predictions
    scores = random.score(None, 1000, np.random.default_rng(0))
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, random.score(None, 1000, np.random.default_rng(0)))
    assert (scores != random.score(None, 1000, np.random.default_rng(1))).any()
    # Unknown probabilities are no reason to leave a task out.
    assert np.isfinite(random.score(np.full((3, 2), np.nan), 3, np.random.default_rng(0))).all()


def test_the_registry_is_complete_and_fit_for_a_select():
    assert set(STRATEGIES) == {"margin", "entropy", "least_confidence", "ratio", "random"}
    assert set(DIVERSITY) == {"kmeans", "none"}
    assert DEFAULT_STRATEGY == "margin"
    for registry in (STRATEGIES, DIVERSITY):
        assert len({known.label for known in registry.values()}) == len(registry)
        for name, known in registry.items():
            assert known.name == name
            assert known.label
            assert known.help.endswith(".")
            assert "\n" not in known.help


def test_an_unknown_name_is_answered_with_the_known_ones():
    assert strategy("entropy") is STRATEGIES["entropy"]
    with pytest.raises(InvalidInput, match=r"'best'.*margin, entropy, least_confidence, ratio, random"):
        strategy("best")
