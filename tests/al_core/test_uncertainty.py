"""The four measures of uncertainty, against the formulas written down plainly."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty
from scipy.stats import entropy
from skactiveml.pool import uncertainty_scores

from al_core import rowwise
from al_core.errors import InvalidInput
from al_core.uncertainty import MEASURES, UncertaintySampling


def plainly(row, measure):
    first, second = [*sorted(row, reverse=True), 0.0][:2]
    if measure == "entropy":
        return -sum(p * math.log(p) for p in row if p > 0)
    return {"least_confidence": 1 - first, "margin": 1 - (first - second), "ratio": second / first}[measure]


@st.composite
def distributions(draw):
    """(n, k) rows with zeros and ties among them, k from 1 to 9."""
    k = draw(st.integers(1, 9))
    parts = st.lists(st.integers(0, 5), min_size=k, max_size=k).filter(any)
    rows = np.array(draw(st.lists(parts, min_size=1, max_size=8)), dtype=float)
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions())
def test_agrees_with_the_formula(rows, measure):
    expected = [plainly(row, measure) for row in rows.tolist()]
    np.testing.assert_allclose(UncertaintySampling.score(rows, measure), expected, atol=1e-12)
    np.testing.assert_allclose(UncertaintySampling.all(rows)[measure], expected, atol=1e-12)
    single = UncertaintySampling.score(rows.astype(np.float32), measure)
    np.testing.assert_allclose(single, expected, atol=2e-6)
    assert single.dtype == np.float64


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions(), seed=st.integers(0, 99))
def test_the_order_of_classes_does_not_matter_and_that_of_tasks_is_kept(rows, measure, seed):
    rng = np.random.default_rng(seed)
    tasks, classes = rng.permutation(len(rows)), rng.permutation(rows.shape[1])
    expected = UncertaintySampling.score(rows, measure)[tasks]
    np.testing.assert_allclose(UncertaintySampling.score(rows[tasks][:, classes], measure), expected, atol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=distributions())
def test_stays_between_certain_and_even(rows, measure):
    k = rows.shape[1]
    scores = UncertaintySampling.score(rows, measure)
    even = UncertaintySampling.score(np.full((1, k), 1 / k), measure)[0]
    assert (scores >= 0).all()
    assert (scores <= even + 1e-12).all()


NOTHING = [math.nan] * 4
EDGES = {
    # case: (row, our answer in the order of MEASURES)
    "certain, with zeros": ([0, 1, 0, 0], [0, 0, 0, 0]),
    "a zero beside a tie": ([0.5, 0, 0, 0.5], [math.log(2), 0.5, 1, 1]),
    "all even": ([0.25] * 4, [math.log(4), 0.75, 1, 1]),
    "one class": ([1.0], [0, 0, 0, 0]),
    "one class, nearly 1": ([1.0005], [0, 0, 0, 0]),
    "one class, not 1": ([0.5], NOTHING),
    "a tiny probability": ([1e-30, 1 - 1e-30], [0, 0, 0, 0]),
    "NaN": ([math.nan, 0.5, 0.5], NOTHING),
    "all NaN": ([math.nan] * 3, NOTHING),
    "infinity": ([math.inf, 0.0, 0.0], NOTHING),
    "infinities that cancel": ([math.inf, -math.inf, 1.0], NOTHING),
    "negative, though the sum is 1": ([-0.2, 0.6, 0.6], NOTHING),
    "negative zero": ([-0.0, 1.0], [0, 0, 0, 0]),
    "sum 0.5": ([0.25, 0.25], NOTHING),
    "sum 2": ([1.0, 1.0], NOTHING),
    "sum 1.002": ([0.501, 0.501], NOTHING),
    "sum 1.0005": ([0.50025, 0.50025], [math.log(2), 0.5, 1, 1]),
    "sum 0.9995": ([0.49975, 0.49975], [math.log(2), 0.5, 1, 1]),
    "all zeros": ([0.0, 0.0], NOTHING),
    "a sum beyond all numbers": ([3e38, 3e38], NOTHING),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", EDGES)
def test_every_edge_has_an_answer_and_its_neighbours_keep_theirs(case, dtype):
    row, expected = EDGES[case]
    good = np.full(len(row), 1 / len(row))
    rows = np.array([good, row, good], dtype=dtype)
    for place, measure in enumerate(MEASURES):
        own, alone = UncertaintySampling.score(rows, measure), UncertaintySampling.all(rows)[measure]
        np.testing.assert_allclose(own, [plainly(good, measure), expected[place], plainly(good, measure)], atol=1e-6)
        np.testing.assert_allclose(alone, own, atol=1e-6)
        assert not np.signbit(own[np.isfinite(own)]).any(), "no score is below 0, nor −0"


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("case", [case for case, (_, expected) in EDGES.items() if expected is NOTHING])
def test_strictly_a_row_that_is_no_distribution_is_named_and_refused(case, measure):
    row = EDGES[case][0]
    good = [1 / len(row)] * len(row)
    with pytest.raises(InvalidInput, match=r"^Row 2 is no probability distribution: it (holds|sums to) "):
        UncertaintySampling.score([good, good, row, row], measure, strict=True)
    np.testing.assert_array_equal(
        UncertaintySampling.score([good, good], measure, strict=True), UncertaintySampling.score([good, good], measure)
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_higher_is_more_uncertain(measure):
    scores = UncertaintySampling.score([[0.9, 0.06, 0.04], [0.6, 0.3, 0.1], [0.4, 0.35, 0.25]], measure)
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize(("n", "k"), [(200, 2), (200, 5), (100, 10), (50, 40), (30, 300)])
def test_agrees_with_scipy_modal_and_scikit_activeml(n, k):
    rows = np.random.default_rng(k).dirichlet(np.full(k, 0.5), n)

    class Given:
        def predict_proba(self, rows):
            return rows

    ours = UncertaintySampling.all(rows)
    close = {"rtol": 1e-9, "atol": 1e-12}
    for theirs in (
        entropy(rows, axis=1),
        classifier_entropy(Given(), rows),
        uncertainty_scores(rows, method="entropy"),
    ):
        np.testing.assert_allclose(ours["entropy"], theirs, **close)
    for theirs in (classifier_uncertainty(Given(), rows), uncertainty_scores(rows, method="least_confident")):
        np.testing.assert_allclose(ours["least_confidence"], theirs, **close)
    # modAL's margin is low where it is uncertain.
    for theirs in (1 - classifier_margin(Given(), rows), uncertainty_scores(rows, method="margin_sampling")):
        np.testing.assert_allclose(ours["margin"], theirs, **close)


def test_margin_and_ratio_differ_where_the_first_two_share_less_with_the_rest():
    two_of_three, three_alike = [0.6, 0.4, 0.0], [0.45, 0.28, 0.27]
    margin = UncertaintySampling.margin([two_of_three, three_alike])
    ratio = UncertaintySampling.ratio([two_of_three, three_alike])
    np.testing.assert_allclose(margin, [0.80, 0.83])
    np.testing.assert_allclose(ratio, [0.667, 0.622], atol=5e-4)
    # A lead of 0.17 is less than one of 0.20, but it is more of 0.45 than that is of 0.60.
    two_classes = np.random.default_rng(0).dirichlet([1, 1], 200)
    np.testing.assert_array_equal(
        np.argsort(UncertaintySampling.margin(two_classes)), np.argsort(UncertaintySampling.ratio(two_classes))
    )


@pytest.mark.parametrize("k", [2, 3, 4, 8, 9, 10, 16, 20, 48, 49, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_have_equal_scores_to_the_last_bit_wherever_they_lie(k, dtype, monkeypatch):
    monkeypatch.setattr(rowwise, "_MEMORY", 50_000)
    rng = np.random.default_rng(k)
    # Rounded rows, as JSON brings them: some sum to 1, and some are renormalised.
    rows = rng.dirichlet(np.ones(k), 40).round(4).astype(dtype)
    order = rng.permutation(np.repeat(np.arange(40), 12))
    for measure in MEASURES:
        crowd, alone = UncertaintySampling.score(rows[order], measure), UncertaintySampling.score(rows, measure)
        np.testing.assert_array_equal(crowd, alone[order])
        np.testing.assert_array_equal(UncertaintySampling.score(rows[:1], measure), alone[:1])


@pytest.mark.parametrize("measure", [*MEASURES, "all"])
@pytest.mark.parametrize("k", [2, 10, 100])
def test_memory_does_not_grow_with_the_pool(measure, k, monkeypatch):
    monkeypatch.setattr(rowwise, "_THREADS", 4)
    rows = np.full((2**24 // k, k), 1.0005 / k, dtype=np.float32)  # 64 MB; every row is renormalised, the worst case
    score = UncertaintySampling.all if measure == "all" else getattr(UncertaintySampling, measure)
    tracemalloc.start()
    try:
        scores = score(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    kept = sum(own.nbytes for own in scores.values()) if measure == "all" else scores.nbytes
    assert peak - kept < 16e6


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shape", [(1000, 2), (1000, 3), (300, 7), (97, 40), (3, 200)])
def test_chunks_change_nothing(measure, shape, monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(shape[1]), shape[0])
    rows[1] = np.nan
    whole = UncertaintySampling.score(rows, measure)
    monkeypatch.setattr(rowwise, "_MEMORY", 10_000)  # many chunks, the last one short, or less than a row
    # A chunk of one row is summed in another order: the last digit may differ.
    np.testing.assert_allclose(UncertaintySampling.score(rows, measure), whole, rtol=1e-12)
    assert np.isnan(whole).sum() == 1


@pytest.mark.parametrize("measure", MEASURES)
def test_the_layout_of_memory_does_not_matter_and_the_input_is_left_alone(measure):
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 40)
    expected = [plainly(row, measure) for row in rows.tolist()]
    for view in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2]):
        before = view.copy()
        view.flags.writeable = False
        np.testing.assert_allclose(UncertaintySampling.score(view, measure), expected, atol=1e-12)
        np.testing.assert_array_equal(view, before)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_empty_pool_has_no_scores_and_a_wrong_shape_is_refused(measure):
    assert UncertaintySampling.all(np.empty((0, 3)))[measure].shape == (0,)
    assert UncertaintySampling.score(np.empty((0, 3)), measure).shape == (0,)
    for wrong in ([0.5, 0.5], np.empty((2, 0)), np.ones((2, 2, 2))):
        with pytest.raises(InvalidInput):
            UncertaintySampling.score(wrong, measure)


def test_the_default_is_entropy_and_an_unknown_name_is_answered_with_the_known_ones():
    rows = [[0.1, 0.2, 0.7]]
    assert UncertaintySampling.score(rows) == UncertaintySampling.entropy(rows)
    with pytest.raises(InvalidInput, match=r"'mragin'.*entropy, least_confidence, margin, ratio"):
        UncertaintySampling.score(rows, "mragin")
