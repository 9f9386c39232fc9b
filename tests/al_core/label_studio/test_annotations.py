"""The answers of people, as Label Studio keeps them."""

from datetime import UTC, datetime

from al_core.label_studio import answer_of, chosen_label, label_space
from tests.servers import CONFIG, region


def annotation(label, at, *, cancelled=False):
    return {
        "task": 4,
        "result": [region(label)] if label else [],
        "was_cancelled": cancelled,
        "updated_at": f"2026-01-02T00:00:{at:02}Z",
        "created_username": " Bob Builder bob@example.com, 5",
        "lead_time": 1.5,
    }


def test_nobody_answered():
    assert chosen_label([], label_space(CONFIG)) is None


def test_the_newest_label_counts_in_any_order():
    old, new = annotation("good", 1), annotation("bad", 2)
    for order in ([old, new], [new, old]):
        assert chosen_label(order, label_space(CONFIG)).value == "bad"


def test_a_label_counts_before_a_later_skip():
    label = chosen_label([annotation("good", 1), annotation(None, 2, cancelled=True)], label_space(CONFIG))
    assert (label.value, label.skipped) == ("good", False)


def test_a_skip_alone_is_a_skip_even_if_it_holds_a_draft():
    label = chosen_label([annotation("good", 1, cancelled=True)], label_space(CONFIG))
    assert (label.value, label.skipped) == (None, True)


def test_a_label_knows_who_when_and_how_long():
    label = chosen_label([annotation("good", 7)], label_space(CONFIG))
    assert label.task_id == 4
    assert label.annotator == "Bob Builder bob@example.com"
    assert label.labelled_at == datetime(2026, 1, 2, 0, 0, 7, tzinfo=UTC)
    assert label.lead_time == 1.5
    nameless = {**annotation("good", 7), "created_username": None}
    assert chosen_label([nameless], label_space(CONFIG)).annotator == "unknown"


def test_an_answer_without_a_choice_is_an_answer():
    other = {**region("good"), "from_name": "why"}
    assert answer_of([other, {**region("good"), "value": {}}], label_space(CONFIG)) is None
    label = chosen_label([annotation(None, 1)], label_space(CONFIG))
    assert (label.value, label.skipped) == (None, False)
