"""Scores of whatever is known: exact, or the least and most of all distributions that agree with it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core import bounds
from al_core.bounds import score_bounds
from al_core.errors import InvalidInput
from al_core.types import REASONS, Aggregation, ClassProbabilities, Reason
from al_core.uncertainty import MEASURES, UncertaintySampling

UNCERTAIN = [measure for measure in MEASURES if measure != "least_confidence"]
CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # probabilities are float32


def known(form, k, *, values=None, top=None, counts=None, reasons=None):
    """Rows of k labels, full or of a top probability alone; ``counts`` rows a task, one where it is left out."""
    rows = len(values if values is not None else top)
    values = np.full((rows, k), np.nan) if values is None else np.asarray(values)
    top = values.max(axis=1, initial=-np.inf) if top is None else np.asarray(top)
    counts = np.ones(rows, dtype=int) if counts is None else np.asarray(counts)
    return ClassProbabilities(
        task_ids=np.arange(len(counts)),
        labels=tuple(f"c{column}" for column in range(k)),
        form=form,
        starts=np.concatenate([[0], np.cumsum(counts)]),
        values=values.astype(np.float32),
        top=top.astype(np.float32),
        answers=np.zeros(rows, dtype=np.int32),
        reasons=np.zeros(len(counts), np.uint8) if reasons is None else np.asarray(reasons, np.uint8),
    )


def one(measure, row):
    return UncertaintySampling.score([row], measure)[0]


def code(reason):
    return REASONS.index(reason) + 1


@st.composite
def distributions(draw, least=3, most=7):
    """One distribution over 3 to 7 outcomes, zeros and ties among them."""
    parts = draw(st.lists(st.integers(0, 6), min_size=least, max_size=most).filter(any))
    return np.array(parts) / sum(parts)


@pytest.mark.parametrize("measure", MEASURES)
@given(row=distributions())
def test_bounds_of_the_likeliest_hold_every_distribution_that_agrees(row, measure):
    found = score_bounds(known("single", len(row), top=[row.max()]), measure)
    truth = one(measure, row)
    assert found.low[0] - 1e-5 <= truth <= found.high[0] + 1e-5
    if measure == "least_confidence":
        assert found.exact.all()


@pytest.mark.parametrize("measure", UNCERTAIN)
@given(p=st.floats(0.02, 1), k=st.integers(3, 9))
def test_both_bounds_of_the_likeliest_are_attained(p, k, measure):
    p = max(float(np.float32(p)), 1 / k)
    level = min(int(1 / p), k - 1)
    packed = [p] * level + [1 - level * p] + [0] * (k - level - 1)
    even = [p] + [(1 - p) / (k - 1)] * (k - 1)
    least, most = (packed, even) if measure == "entropy" else (even, packed)
    found = score_bounds(known("single", k, top=[p]), measure)
    np.testing.assert_allclose([found.low[0], found.high[0]], [one(measure, least), one(measure, most)], **CLOSE)
    if 1 / k < p < 1 and level * p < 1 - 1e-6:
        assert found.low[0] < found.high[0]


@pytest.mark.parametrize("measure", MEASURES)
@given(row=distributions(), place=st.integers(0, 6))
def test_bounds_of_a_region_hold_whichever_outcome_the_score_is_of(row, place, measure):
    p = row[place % len(row)]
    found = score_bounds(known("regions", len(row) - 1, top=[p]), measure)
    if measure == "least_confidence":
        assert found.low[0] == found.high[0] == pytest.approx(1 - p)
    elif p == row.max() or p < 1 / len(row) - 1e-5:  # else the answer would not be the likeliest, nor surely not
        assert found.low[0] - 1e-5 <= one(measure, row) <= found.high[0] + 1e-5


@pytest.mark.parametrize("measure", UNCERTAIN)
@given(p=st.floats(0, 0.2), k=st.integers(3, 5))
def test_both_bounds_of_a_faint_region_are_attained(p, k, measure):
    p = min(p, 1 / (k + 1) - 1e-5)
    others = k  # the other labels, and none of them
    least = [p, 1 - p] + [0] * (others - 1)
    most = [p] + [(1 - p) / others] * others
    found = score_bounds(known("regions", k, top=[p]), measure)
    np.testing.assert_allclose([found.low[0], found.high[0]], [one(measure, least), one(measure, most)], **CLOSE)


@pytest.mark.parametrize("measure", MEASURES)
@given(p=st.floats(0, 1))
def test_two_outcomes_are_exact(p, measure):
    single = score_bounds(known("single", 2, top=[max(p, 1 - p)]), measure)
    np.testing.assert_allclose(single.low, one(measure, [p, 1 - p]), **CLOSE)
    region = score_bounds(known("regions", 1, top=[p]), measure)
    expected = 1 - p if measure == "least_confidence" else one(measure, [p, 1 - p])
    np.testing.assert_allclose(region.low, expected, **CLOSE)
    assert single.exact.all()
    assert region.exact.all()


@pytest.mark.parametrize("measure", MEASURES)
def test_one_class_is_never_uncertain(measure):
    found = score_bounds(known("single", 1, top=[0.3]), measure)
    assert found.low[0] == found.high[0] == 0


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("k", [3, 10, 11, 49])
def test_the_even_probability_is_still_that_of_the_likeliest_when_rounded(k, measure):
    found = score_bounds(known("single", k, top=[np.nextafter(np.float32(1 / k), np.float32(0))]), measure)
    even = one(measure, [1 / k] * k)
    np.testing.assert_allclose([found.low[0], found.high[0]], even, rtol=1e-4)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("form", ["single", "regions"])
def test_full_rows_are_exact_beside_rows_of_which_less_is_known(form, measure):
    full = [0.2, 0.3, 0.5]
    found = score_bounds(known(form, 3, values=[full, [np.nan] * 3, [np.nan] * 3], top=[0.5, 0.6, np.nan]), measure)
    assert found.exact[0]
    assert found.low[0] == pytest.approx(one(measure, full), abs=1e-6)
    assert found.low[1] <= found.high[1]
    assert np.isnan([found.low[2], found.high[2]]).all()


def test_a_free_answer_tells_its_confidence_and_no_more():
    answers = known("regions", 0, top=[0.9, 0.25], counts=[1, 1])
    np.testing.assert_allclose(score_bounds(answers, "least_confidence").low, [0.1, 0.75], **CLOSE)
    for measure in UNCERTAIN:
        assert np.isnan(score_bounds(answers, measure).low).all()
    empty = known("regions", 0, top=np.empty(0), counts=[0], reasons=[code(Reason.EMPTY_RESULT)])
    assert score_bounds(empty, "least_confidence", Aggregation(no_region="uncertain")).low == [1.0]
    assert np.isnan(score_bounds(empty, "margin", Aggregation(no_region="uncertain")).low).all()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("how", ["mean", "max", "sum", "min", "count_weighted"])
def test_the_labels_of_a_multiple_choice_are_asked_one_by_one(how, measure):
    rows = [[0.5, 0.9, 0.0], [1.0, 0.2, 0.6]]
    together = {"mean": np.mean, "max": np.max, "sum": np.sum, "min": np.min}
    together["count_weighted"] = lambda scores: np.mean(scores) * math.log(4)
    expected = [together[how]([one(measure, [p, 1 - p]) for p in row]) for row in rows]
    found = score_bounds(known("multi", 3, values=rows), measure, Aggregation(how))
    np.testing.assert_allclose(found.low, expected, **CLOSE)
    assert found.exact.all()


@pytest.mark.parametrize("measure", MEASURES)
def test_blocks_of_labels_change_nothing_and_a_label_that_is_unknown_leaves_its_task_unknown(measure, monkeypatch):
    rows = np.random.default_rng(0).random((50, 4))
    rows[7, 2] = np.nan
    rows[9, 1] = 1.5
    whole = score_bounds(known("multi", 4, values=rows), measure).low
    monkeypatch.setattr(bounds, "_BLOCK", 24)
    np.testing.assert_array_equal(score_bounds(known("multi", 4, values=rows), measure).low, whole)
    assert np.flatnonzero(np.isnan(whole)).tolist() == [7, 9]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("how", ["mean", "max", "sum", "min", "count_weighted"])
def test_regions_are_aggregated_low_with_low_and_high_with_high(how, measure):
    top = [0.9, 0.5, 0.1, 0.7]
    each = score_bounds(known("regions", 3, top=top), measure)
    tasks = score_bounds(known("regions", 3, top=top, counts=[3, 1]), measure, Aggregation(how))
    together = {"mean": np.mean, "max": np.max, "sum": np.sum, "min": np.min}
    together["count_weighted"] = lambda scores: np.mean(scores) * math.log(1 + len(scores))
    for rows, found in ((each.low, tasks.low), (each.high, tasks.high)):
        np.testing.assert_allclose(found, [together[how](rows[:3]), together[how](rows[3:])], rtol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_no_region_is_what_the_lead_says_and_any_other_reason_stays_unknown(k, measure):
    reasons = [code(Reason.EMPTY_RESULT), code(Reason.NO_PREDICTION), 0, code(Reason.CONSTANT)]
    tasks = known("regions", k, top=[0.8, 0.8], counts=[0, 0, 1, 1], reasons=reasons)
    most = one(measure, [1 / max(2, k)] * max(2, k))
    for no_region, expected in (("unknown", np.nan), ("certain", 0.0), ("uncertain", most)):
        found = score_bounds(tasks, measure, Aggregation(no_region=no_region))
        np.testing.assert_allclose([found.low[0], found.high[0]], expected)
        assert np.isnan(found.low[[1, 3]]).all()
        assert np.isnan(found.high[[1, 3]]).all()
        assert np.isfinite(found.low[2])
    weighted = score_bounds(tasks, measure, Aggregation("count_weighted", "uncertain"))
    assert weighted.low[0] == pytest.approx(most * math.log(2))


@pytest.mark.parametrize("form", ["single", "multi"])
def test_an_empty_result_is_unknown_where_an_answer_has_no_regions(form):
    tasks = known(form, 2, values=[[0.5, 0.5]], reasons=[code(Reason.EMPTY_RESULT)])
    assert np.isnan(score_bounds(tasks, "entropy", Aggregation(no_region="certain")).low).all()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("form", ["single", "multi", "regions"])
def test_an_empty_pool_has_no_scores(form, measure):
    found = score_bounds(known(form, 3, values=np.empty((0, 3))), measure)
    assert found.low.shape == found.high.shape == (0,)


def test_an_unknown_measure_is_answered_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"'mragin'.*entropy, least_confidence, margin, ratio"):
        score_bounds(known("single", 2, values=[[0.5, 0.5]]), "mragin")
