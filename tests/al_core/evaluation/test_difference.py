"""Two models beside each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from al_core.evaluation import ClassChange, TestAnswer, compare
from al_core.evaluation.difference import mcnemar, paired_change


def answers(rights, truths=None):
    truths = truths or {}
    return [
        TestAnswer(task_id, truths.get(task_id, "cat"), "cat" if is_right else None, is_right)
        for task_id, is_right in rights.items()
    ]


def test_tasks_of_both_are_sorted_by_what_became_of_them():
    before = answers({1: True, 2: True, 3: False, 4: False, 5: False, 8: True})
    after = answers({6: True, 5: True, 4: True, 3: False, 2: False, 1: True})
    found = compare(before, after)
    assert (found.tasks, found.gained, found.lost) == (5, (4, 5), (2,))
    assert (found.both_right, found.both_wrong) == (1, 1)
    assert found.flipped == (2, 4, 5)
    assert found.change.value == pytest.approx(0.2)
    assert not found.is_more_than_chance


def test_classes_are_counted_by_what_people_answered():
    truths = {1: "cat", 2: "cat", 3: "dog", 4: "fox"}
    before = answers({1: True, 2: False, 3: False, 4: True}, truths)
    after = answers({1: False, 2: False, 3: True, 4: True}, truths)
    assert compare(before, after).classes == (
        ClassChange("cat", 2, right_before=1, right_after=0),
        ClassChange("dog", 1, right_before=0, right_after=1),
        ClassChange("fox", 1, right_before=1, right_after=1),
    )
    assert [row.change for row in compare(before, after).classes] == [-1, 1, 0]


def test_a_label_that_people_changed_in_between_counts_as_the_later_one():
    before, after = answers({1: True}, {1: "cat"}), answers({1: False}, {1: "dog"})
    assert compare(before, after).classes == (ClassChange("dog", 1, 1, 0),)


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({1: True}, {2: True})])
def test_without_a_task_in_both_there_is_no_change_to_tell(before, after):
    found = compare(answers(before), answers(after))
    assert (found.tasks, found.change, found.p_value, found.classes) == (0, None, 1.0, ())


def test_the_same_model_changes_nothing():
    rights = answers({1: True, 2: False})
    found = compare(rights, rights)
    assert (found.gained, found.lost, found.p_value, found.change.value) == ((), (), 1.0, 0.0)


@given(st.integers(0, 80), st.integers(0, 80))
def test_the_p_value_is_the_exact_one_less_half_of_what_was_seen(gained, lost):
    exact = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    found = mcnemar(gained, lost)
    assert found == mcnemar(lost, gained)
    assert 0 < found <= exact + 1e-12
    if gained != lost:
        point = binomtest(gained, gained + lost, alternative="greater").pvalue
        point -= binomtest(gained + 1, gained + lost, alternative="greater").pvalue if lost else 0.0
        assert found == pytest.approx(exact - point)


def test_the_p_value_agrees_with_one_reckoned_by_hand():
    # 1 of 8: 2·(1 + 8)/256 − 8/256
    assert mcnemar(1, 7) == pytest.approx(10 / 256)


def test_of_many_flips_the_p_value_is_still_exact():
    assert mcnemar(3000, 2000) < 1e-40
    assert mcnemar(2500, 2500) == 1.0


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_interval_of_the_change_holds_it_and_turns_with_it(gained, lost, same):
    tasks = gained + lost + same
    if not tasks:
        return
    found, turned = paired_change(gained, lost, tasks), paired_change(lost, gained, tasks)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
