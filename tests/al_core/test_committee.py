"""How far several models disagree, against the formulas written down plainly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from al_core import committee
from al_core.committee import consensus_entropy, kl_to_consensus, vote_entropy
from al_core.errors import InvalidInput
from al_core.types import ClassProbabilities

MEASURES = [vote_entropy, consensus_entropy, kl_to_consensus]


def member(rows, form="single", task_ids=None, reasons=None):
    values = np.asarray(rows, dtype=np.float32)
    n, k = values.shape
    return ClassProbabilities(
        task_ids=np.arange(n) if task_ids is None else np.asarray(task_ids),
        labels=tuple("abcdefghi"[:k]),
        form=form,
        starts=np.arange(n + 1),
        values=values,
        top=values.max(axis=1, initial=0),
        answers=values.argmax(axis=1).astype(np.int32) if k else np.zeros(n, np.int32),
        reasons=np.zeros(n, np.uint8) if reasons is None else np.asarray(reasons, np.uint8),
    )


def plainly(measure, rows):
    """Of one task: ``rows`` (members, k)."""
    rows = np.asarray(rows, dtype=np.float32).astype(float)
    rows = rows / rows.sum(axis=1, keepdims=True)
    if measure is vote_entropy:
        return entropy(np.bincount(rows.argmax(axis=1)))
    mean = rows.mean(axis=0)
    if measure is consensus_entropy:
        return entropy(mean)
    return np.mean([entropy(row, mean) for row in rows])


@st.composite
def committees(draw):
    """(members, n, k) distributions, zeros and ties among them."""
    members, n, k = draw(st.integers(2, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    parts = st.lists(st.integers(0, 5), min_size=k, max_size=k).filter(any)
    flat = np.array(draw(st.lists(parts, min_size=members * n, max_size=members * n)), dtype=float)
    return (flat / flat.sum(axis=1, keepdims=True)).reshape(members, n, k)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=committees())
def test_agrees_with_the_formula(rows, measure):
    expected = [plainly(measure, rows[:, task]) for task in range(rows.shape[1])]
    np.testing.assert_allclose(measure([member(own) for own in rows]), expected, atol=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_known_values(measure):
    agree, torn, split = [[1, 0], [1, 0]], [[0.5, 0.5], [0.5, 0.5]], [[1, 0], [0, 1]]
    tasks = np.array([agree, torn, split]).transpose(1, 0, 2)
    expected = {
        vote_entropy: [0, 0, math.log(2)],
        consensus_entropy: [0, math.log(2), math.log(2)],
        kl_to_consensus: [0, 0, math.log(2)],
    }[measure]
    scores = measure([member(rows) for rows in tasks])
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert not np.signbit(scores).any()


@pytest.mark.parametrize("measure", MEASURES)
def test_only_those_who_know_are_asked_and_two_must_know(measure):
    nothing = [np.nan] * 3
    first, second, third = [0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]
    scores = measure(
        [
            member([first, first, first, first], reasons=[0, 0, 0, 3]),
            member([second, second, nothing, second]),
            member([third, nothing, nothing, nothing]),
        ]
    )
    np.testing.assert_allclose(scores[0], plainly(measure, [first, second, third]), rtol=1e-6)
    np.testing.assert_allclose(scores[1], plainly(measure, [first, second]), rtol=1e-6)
    assert np.isnan(scores[2]), "one alone"
    assert np.isnan(scores[3]), "one alone: the reader refused the other"


@pytest.mark.parametrize("measure", MEASURES)
def test_a_row_that_is_no_distribution_is_no_opinion(measure):
    good = [0.25, 0.75]
    for bad in ([0.5, 0.2], [-0.5, 1.5], [np.inf, 0]):
        assert np.isnan(measure([member([good]), member([bad])])).all()
    assert np.isnan(measure([member([good], "multi"), member([[0.5, 1.2]], "multi")])).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_the_labels_of_a_multiple_choice_are_questions_of_their_own(measure):
    members = [[[0.9, 0.1, 0.6]], [[0.4, 0.2, 0.7]], [[0.8, 0.5, 0.0]]]
    expected = np.mean([plainly(measure, [[own[0][c], 1 - own[0][c]] for own in members]) for c in range(3)])
    np.testing.assert_allclose(measure([member(own, "multi") for own in members]), [expected], rtol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("form", ["single", "multi"])
def test_blocks_change_nothing(form, measure, monkeypatch):
    rng = np.random.default_rng(0)
    members = [member(rng.dirichlet(np.ones(4), 60), form) for _ in range(3)]
    whole = measure(members)
    monkeypatch.setattr(committee, "_BLOCK", 28)
    np.testing.assert_allclose(measure(members), whole, rtol=1e-12)
    assert np.isfinite(whole).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_no_tasks_have_no_scores(measure):
    assert measure([member(np.empty((0, 3)))] * 2).shape == (0,)


@pytest.mark.parametrize("measure", MEASURES)
def test_members_that_cannot_be_compared_are_refused(measure):
    two, three = member([[0.5, 0.5]]), member([[0.2, 0.3, 0.5]])
    for members, said in (
        ([], "not 0"),
        ([two], "not 1"),
        ([two, three], "same labels"),
        ([two, member([[0.5, 0.5]], "multi")], "same control"),
        ([two, member([[0.5, 0.5]], task_ids=[9])], "same tasks"),
        ([member([[0.5, 0.5]], "regions")] * 2, "regions of one model"),
    ):
        with pytest.raises(InvalidInput, match=said):
            measure(members)
