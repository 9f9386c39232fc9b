"""Whether the model may have learned its test set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.errors import InvalidInput
from al_core.evaluation import leak_check


def test_a_test_set_that_is_too_good_raises_the_alarm():
    found = leak_check((98, 100), (30, 42))
    assert found.is_suspected
    assert found.sentence.startswith(
        "98.0\u202f% of 100 test tasks are right and 71.4\u202f% of 42 control tasks (+26.6"
    )


def test_a_difference_that_chance_brings_does_not():
    found = leak_check((90, 100), (36, 42))
    assert not found.is_suspected
    assert found.difference.low < 0 < found.difference.value < found.difference.high
    assert found.sentence.endswith("no sign that the model has learned the test set.")


def test_between_the_two_the_sentence_says_so():
    found = leak_check((92, 100), (33, 42))
    assert not found.is_suspected
    assert found.difference.low > 0
    assert "on the edge" in found.sentence


def test_few_control_tasks_show_little_and_the_sentence_says_so():
    assert "only a large leak could be seen" in leak_check((90, 100), (6, 8)).sentence


def test_a_test_set_that_is_harder_is_no_leak():
    assert not leak_check((50, 100), (42, 42)).is_suspected


@pytest.mark.parametrize("nothing", [((0, 0), (3, 4)), ((3, 4), (0, 0)), ((0, 0), (0, 0))])
def test_without_both_it_is_not_known(nothing):
    found = leak_check(*nothing)
    assert (found.is_suspected, found.difference) == (False, None)
    assert found.sentence.startswith("Not known yet")


@pytest.mark.parametrize("wrong", [((5, 4), (1, 2)), ((1, 2), (5, 4)), ((-1, 2), (1, 2))])
def test_more_right_than_there_are_is_refused(wrong):
    with pytest.raises(InvalidInput):
        leak_check(*wrong)


def test_the_interval_agrees_with_published_values():
    # Newcombe (1998), table II, method 10
    for (a, m, b, n), low, high in [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ]:
        found = leak_check((a, m), (b, n)).difference
        assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_interval_holds_the_difference(tests, controls, data):
    found = leak_check(
        (data.draw(st.integers(0, tests)), tests), (data.draw(st.integers(0, controls)), controls)
    ).difference
    assert -1 - 1e-9 <= found.low <= found.value <= found.high <= 1 + 1e-9
