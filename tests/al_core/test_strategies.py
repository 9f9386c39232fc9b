"""One contract for every registered strategy."""

from dataclasses import replace

import numpy as np
import pytest

from al_core.errors import InvalidInput, NoPredictions
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES, Evidence
from al_core.types import REASONS, Aggregation, ClassProbabilities, Reason

FORMS = ("single", "multi", "regions")
NEEDS = {"nothing": 0, "model": 1, "committee": 2}
# The regions of one model are not those of another, so a committee is asked of the other forms alone.
CASES = [
    pytest.param(strategy, form, id=f"{name}-{form}")
    for name, strategy in STRATEGIES.items()
    for form in FORMS
    if (strategy.needs, form) != ("committee", "regions")
]
ASKING = [case for case in CASES if case.values[0].needs != "nothing"]


def model(rows, form="single", task_ids=None, version="v1"):
    """One full row a task; a row of NaN is a task of which nothing is known."""
    values = np.asarray(rows, dtype=np.float32)
    n, k = values.shape
    unknown = np.isnan(values).any(axis=1)
    return ClassProbabilities(
        task_ids=np.arange(n) if task_ids is None else task_ids,
        labels=tuple(f"c{column}" for column in range(k)),
        form=form,
        starts=np.arange(n + 1),
        values=values,
        top=values.max(axis=1, initial=0),
        answers=np.where(unknown, -1, values.argmax(axis=1)).astype(np.int32),
        reasons=np.where(unknown, REASONS.index(Reason.NO_PREDICTION) + 1, 0).astype(np.uint8),
        model_version=version,
    )


def evidence(strategy, form, rows, task_ids=None, seed=7):
    """What the strategy needs: another model of a committee sees the same classes in reverse."""
    ids = np.arange(len(rows)) if task_ids is None else task_ids
    views = [rows, rows[:, ::-1]][: NEEDS[strategy.needs]]
    return Evidence(ids, tuple(model(view, form, ids) for view in views), Aggregation(), seed)


def some_rows(form, n=50, k=4):
    rng = np.random.default_rng(1)
    return rng.random((n, k)) if form == "multi" else rng.dirichlet(np.ones(k), n)


@pytest.mark.parametrize(("strategy", "form"), CASES)
def test_scores_have_the_shape_of_the_pool_and_are_the_same_again(strategy, form):
    known = evidence(strategy, form, some_rows(form))
    found = strategy.score(known)
    assert found.low.shape == found.high.shape == (50,)
    assert found.low.dtype == found.high.dtype == np.float64
    assert np.isfinite(found.low).all()
    assert (found.low <= found.high).all()
    again = strategy.score(evidence(strategy, form, some_rows(form)))
    np.testing.assert_array_equal(again.low, found.low)
    np.testing.assert_array_equal(again.high, found.high)
    if strategy.name != "vote_entropy":  # two voters agree or not
        assert len(np.unique(found.low)) > 40, "a strategy tells tasks apart"


@pytest.mark.parametrize(("strategy", "form"), CASES)
def test_a_permutation_of_the_tasks_permutes_the_scores(strategy, form):
    rows, order = some_rows(form), np.random.default_rng(2).permutation(50)
    ids = np.arange(100, 150)
    found = strategy.score(evidence(strategy, form, rows, ids))
    moved = strategy.score(evidence(strategy, form, rows[order], ids[order]))
    np.testing.assert_allclose(moved.low, found.low[order], rtol=1e-6)
    np.testing.assert_allclose(moved.high, found.high[order], rtol=1e-6)


@pytest.mark.parametrize(("strategy", "form"), CASES)
def test_a_subset_of_the_pool_keeps_its_scores(strategy, form):
    rows, some = some_rows(form), np.array([3, 17, 41])
    found = strategy.score(evidence(strategy, form, rows))
    alone = strategy.score(evidence(strategy, form, rows[some], some))
    np.testing.assert_allclose(alone.low, found.low[some], rtol=1e-6)


@pytest.mark.parametrize(("strategy", "form"), CASES)
def test_an_empty_pool_has_no_scores(strategy, form):
    assert strategy.score(evidence(strategy, form, np.empty((0, 4)))).low.shape == (0,)


@pytest.mark.parametrize(("strategy", "form"), ASKING)
def test_one_class_is_never_uncertain(strategy, form):
    rows = np.ones((3, 1))  # of a multiple choice: the one label is sure
    np.testing.assert_array_equal(strategy.score(evidence(strategy, form, rows)).low, np.zeros(3))


@pytest.mark.parametrize(("strategy", "form"), ASKING)
def test_unknown_tasks_stay_unknown_and_the_rest_is_scored(strategy, form):
    rows = some_rows(form)
    found = strategy.score(evidence(strategy, form, rows))
    rows[[3, 30]] = np.nan
    partly = strategy.score(evidence(strategy, form, rows))
    assert np.flatnonzero(np.isnan(partly.low)).tolist() == np.flatnonzero(np.isnan(partly.high)).tolist() == [3, 30]
    np.testing.assert_allclose(np.delete(partly.low, [3, 30]), np.delete(found.low, [3, 30]), rtol=1e-6)
    all_unknown = strategy.score(evidence(strategy, form, np.full((5, 4), np.nan)))
    assert np.isnan(all_unknown.low).all()
    assert np.isnan(all_unknown.high).all()


@pytest.mark.parametrize(("strategy", "form"), CASES)
def test_the_evidence_is_left_alone(strategy, form):
    rows = some_rows(form)
    rows[3] = np.nan
    known = evidence(strategy, form, rows)
    arrays = [known.task_ids, *(getattr(of, name) for of in known.models for name in ("values", "top", "reasons"))]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    strategy.score(known)
    for array, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, was)


@pytest.mark.parametrize(("strategy", "form"), ASKING)
def test_where_the_models_are_torn_is_asked_before_where_they_are_sure(strategy, form):
    sure, torn = [0.98, 0.01, 0.01], [0.5, 0.45, 0.05]
    if form == "multi":
        sure, torn = [0.99, 0.98, 0.01], [0.6, 0.4, 0.3]
    ids = np.arange(2)
    # Members of a committee agree where they are sure; where they are torn, each leans to another class.
    other = [sure, torn[::-1]]
    models = [model([sure, torn], form, ids), model(other, form, ids)][: NEEDS[strategy.needs]]
    scores = strategy.score(Evidence(ids, tuple(models))).low
    assert scores[1] > scores[0]


@pytest.mark.parametrize(("strategy", "form"), ASKING)
def test_without_what_it_needs_a_strategy_says_so(strategy, form):
    known = evidence(strategy, form, some_rows(form))
    with pytest.raises(NoPredictions, match="no predictions") as nothing:
        strategy.score(replace(known, models=()))
    assert nothing.value.hint
    if strategy.needs == "committee":
        with pytest.raises(NoPredictions, match="one alone") as alone:
            strategy.score(replace(known, models=known.models[:1]))
        assert alone.value.hint
    with pytest.raises(InvalidInput, match="50 tasks for a pool of 51"):
        strategy.score(replace(known, task_ids=np.arange(51)))


def test_a_top_probability_alone_gives_bounds():
    known = model(np.full((2, 3), np.nan))
    known = replace(known, top=np.array([0.9, 0.4], np.float32), reasons=np.zeros(2, np.uint8))
    for name in ("margin", "entropy", "ratio"):
        found = STRATEGIES[name].score(Evidence(np.arange(2), (known,)))
        assert (found.low < found.high).all()
        assert found.low[1] > found.high[0]
    assert STRATEGIES["least_confidence"].score(Evidence(np.arange(2), (known,))).exact.all()


def test_the_aggregation_is_the_leads():
    rows, ids = np.array([[0.5, 0.9]]), np.arange(1)
    by_how = {
        how: STRATEGIES["margin"].score(Evidence(ids, (model(rows, "multi"),), Aggregation(how))).low[0]
        for how in ("mean", "max", "sum", "min")
    }
    assert by_how == pytest.approx({"mean": 0.6, "max": 1.0, "sum": 1.2, "min": 0.2})


def test_random_scores_every_task_and_follows_the_seed():
    random, ids = STRATEGIES["random"], np.arange(1000)
    scores = random.score(Evidence(ids, seed=0)).low
    assert ((scores >= 0) & (scores < 1)).all()
    assert (scores != random.score(Evidence(ids, seed=1)).low).all()
    # Unknown probabilities are no reason to leave a task out.
    unknown = model(np.full((1000, 2), np.nan))
    np.testing.assert_array_equal(random.score(Evidence(ids, (unknown,), seed=0)).low, scores)


def test_the_registry_is_complete_and_fit_for_a_select():
    ours = {
        "margin": "model",
        "entropy": "model",
        "least_confidence": "model",
        "ratio": "model",
        "vote_entropy": "committee",
        "consensus_entropy": "committee",
        "kl_divergence": "committee",
        "random": "nothing",
    }
    # Installed packages may add to them.
    assert {name: STRATEGIES[name].needs for name in ours} == ours
    assert DEFAULT_STRATEGY in STRATEGIES
    assert len({known.label for known in STRATEGIES.values()}) == len(STRATEGIES)
    for name, known in STRATEGIES.items():
        assert known.name == name
        assert known.label
        assert known.help.endswith(".")
        assert "\n" not in known.help


def test_an_unknown_name_is_answered_with_the_known_ones():
    assert STRATEGIES.named("entropy") is STRATEGIES["entropy"]
    with pytest.raises(InvalidInput, match=r"'best'.*margin, entropy, least_confidence, ratio, .*random"):
        STRATEGIES.named("best")
