"""What a campaign remembers of its project's controls."""

import pytest

from trustai_web.campaigns.controls import Control, label_control

REMARK = Control("remark", "TextArea", "regions", 0)
MOOD = Control("mood", "Choices", "single", 3)
BOX = Control("box", "RectangleLabels", "regions", 2)


@pytest.mark.parametrize(
    ("setting", "counts"),
    [("", MOOD), ("*", MOOD), ("box", BOX), ("remark", REMARK), ("gone", None)],
)
def test_labels_are_the_answers_to_a_control_with_classes_unless_another_is_named(setting, counts):
    assert label_control([REMARK, MOOD, BOX], setting) == counts


def test_free_answers_are_labels_where_there_is_nothing_else():
    assert label_control([REMARK], "") == REMARK
    assert label_control([], "") is None
