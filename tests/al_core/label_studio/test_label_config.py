"""Labelling configurations, read and refused."""

import pytest

from al_core.errors import UnsupportedProject
from al_core.label_studio import label_space
from tests.servers import CONFIG


def test_the_one_single_choice_control_is_read():
    space = label_space(CONFIG)
    assert (space.control, space.target, space.labels) == ("mood", "words", ("good", "bad"))
    assert (space.data_key, space.data_type) == ("text", "text")


def test_an_alias_is_what_a_result_would_hold():
    config = CONFIG.replace('value="good"', 'value="good" alias="+"')
    assert label_space(config).labels == ("+", "bad")


def test_other_controls_beside_the_choices_do_not_matter():
    config = CONFIG.replace("</View>", '<TextArea name="why" toName="words"/></View>')
    assert label_space(config).control == "mood"


def test_single_radio_is_a_single_choice():
    config = CONFIG.replace('<Choices name="mood"', '<Choices choice="single-radio" name="mood"')
    assert label_space(config).control == "mood"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("<View><Image name='p' value='$image'/></View>", "this one has none"),
        (CONFIG.replace('<Choices name="mood"', '<Choices choice="multiple" name="mood"'), "this one has none"),
        (
            CONFIG.replace(
                "</View>",
                '<Choices name="tone" toName="words"><Choice value="x"/><Choice value="y"/></Choices></View>',
            ),
            "this one has 2",
        ),
        (
            '<View><Text name="words" value="$text"/><Choices name="mood" toName="words" value="$options"/></View>',
            "no fixed classes",
        ),
        ("", "cannot be read"),
        ("<View", "cannot be read"),
    ],
    ids=["none", "multiple", "two", "dynamic", "empty", "broken"],
)
def test_a_configuration_that_cannot_be_scored_says_why(config, said):
    with pytest.raises(UnsupportedProject, match=said) as caught:
        label_space(config)
    assert caught.value.hint
