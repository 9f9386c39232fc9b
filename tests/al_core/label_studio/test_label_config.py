"""Labelling configurations, read and refused."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_core.errors import ActiveLearningError, InvalidInput, UnsupportedProject
from al_core.label_studio import label_space, label_spaces
from al_core.label_studio.label_config import LONGEST
from tests.servers import BOXES, CONFIG

RECORDINGS = Path(__file__).parents[2] / "recordings"


def config(control: str, shown: str = '<Image name="shown" value="$image"/>') -> str:
    return f"<View>{shown}{control}</View>"


def with_labels(tag: str, names: str = "ab", attributes: str = "", child: str = "Label") -> str:
    inside = "".join(f'<{child} value="{name}"/>' for name in names)
    return f'<{tag} name="answer" toName="shown" {attributes}>{inside}</{tag}>'


# --------------------------------------------------------------------- one control


def test_the_one_single_choice_control_is_read():
    space = label_space(CONFIG)
    assert (space.control, space.target, space.labels) == ("mood", "words", ("good", "bad"))
    assert (space.data_key, space.data_type, space.tag, space.form) == ("text", "text", "Choices", "single")


def test_a_control_is_taken_by_its_name():
    two = CONFIG.replace("</View>", '<Rating name="stars" toName="words"/></View>')
    assert label_space(two, "stars").tag == "Rating"
    assert label_space(two, "mood").tag == "Choices"
    with pytest.raises(InvalidInput, match="no control “moods” to score") as caught:
        label_space(two, "moods")
    assert caught.value.hint == "It has: mood, stars."


def test_of_several_controls_one_must_be_named():
    two = CONFIG.replace("</View>", '<Rating name="stars" toName="words"/></View>')
    with pytest.raises(UnsupportedProject, match=r"several controls.*: mood, stars\.") as caught:
        label_space(two)
    assert caught.value.hint == "Choose one of them."


def test_a_field_for_remarks_beside_the_one_control_with_classes_does_not_matter():
    remarks = CONFIG.replace(
        "</View>", '<TextArea name="why" toName="words"/><Number name="age" toName="words"/></View>'
    )
    assert label_space(remarks).control == "mood"
    assert [space.control for space in label_spaces(remarks)] == ["mood", "why", "age"]
    assert label_space(remarks, "why").labels == ()


def test_the_only_control_may_be_a_free_one():
    assert label_space(config('<TextArea name="why" toName="shown"/>')).control == "why"


# --------------------------------------------------------------------- forms and classes


@pytest.mark.parametrize(
    ("attributes", "form"),
    [
        ("", "single"),
        ('choice="single"', "single"),
        ('choice="single-radio"', "single"),
        ('choice="multiple"', "multi"),
        ('perRegion="true"', "regions"),
        ('perregion="true" choice="multiple"', "regions"),
        ('perItem="true"', "regions"),
        ('perRegion="false"', "single"),
    ],
)
def test_what_an_answer_to_choices_is(attributes, form):
    space = label_space(config(with_labels("Choices", attributes=attributes, child="Choice")))
    assert (space.form, space.labels) == (form, ("a", "b"))


TREE = """
<Taxonomy name="answer" toName="shown" {}>
  <Choice value="Animal"><View><Choice value="Cat"/><Choice value="Dog" alias="dog"/></View></Choice>
  <Choice value="Plant"/>
</Taxonomy>
"""


def test_a_taxonomy_offers_the_path_of_every_node():
    space = label_space(config(TREE.format("")))
    assert space.labels == ("Animal", "Animal/Cat", "Animal/dog", "Plant")
    assert space.form == "multi"


def test_a_taxonomy_of_leafs_offers_those_alone():
    assert label_space(config(TREE.format('leafsOnly="true"'))).labels == ("Animal/Cat", "Animal/dog", "Plant")


@pytest.mark.parametrize(
    ("attributes", "form"),
    [
        ('maxUsages="1"', "single"),
        ('maxUsages="2"', "multi"),
        ('perRegion="true"', "regions"),
        ('labeling="true"', "regions"),
    ],
)
def test_what_an_answer_to_a_taxonomy_is(attributes, form):
    assert label_space(config(TREE.format(attributes))).form == form


def test_choices_below_choices_count_only_where_they_are_offered():
    nested = TREE.replace("Taxonomy", "Choices")
    assert label_space(config(nested.format(""))).labels == ("Animal", "Plant")
    offered = label_space(config(nested.format('allowNested="true"')))
    assert offered.labels == ("Animal", "Animal/Cat", "Animal/dog", "Plant")


@pytest.mark.parametrize(
    ("attributes", "stars"), [("", 5), ('maxRating="3"', 3), ('maxrating="10"', 10), ('maxRating="1"', 1)]
)
def test_the_classes_of_a_rating_are_its_stars(attributes, stars):
    space = label_space(config(f'<Rating name="answer" toName="shown" {attributes}/>'))
    assert space.labels == tuple(str(star) for star in range(1, stars + 1))
    assert space.form == "single"


@pytest.mark.parametrize("most", ["0", "-1", "many", "1000000000", "9" * 5000])
def test_a_rating_without_stars_is_no_control(most):
    assert label_spaces(config(f'<Rating name="answer" toName="shown" maxRating="{most}"/>')) == ()


def test_a_pairwise_comparison_shows_two_and_is_read_by_its_first():
    shown = '<Text name="one" value="$first"/><Text name="two" value="$second"/>'
    space = label_space(config('<Pairwise name="better" toName="one,two"/>', shown))
    assert (space.labels, space.form, space.target, space.data_key) == (("left", "right"), "single", "one", "first")


@pytest.mark.parametrize("tag", ["Number", "TextArea"])
def test_free_answers_have_no_classes(tag):
    space = label_space(config(f'<{tag} name="answer" toName="shown"/>'))
    assert (space.labels, space.form, space.tag) == ((), "regions", tag)


@pytest.mark.parametrize(
    ("tag", "shown", "kind"),
    [
        ("Labels", '<Text name="shown" value="$x"/>', "text"),
        ("Labels", '<Audio name="shown" value="$x"/>', "audio"),
        ("HyperTextLabels", '<HyperText name="shown" value="$x"/>', "hypertext"),
        ("ParagraphLabels", '<Paragraphs name="shown" value="$x"/>', "paragraphs"),
        ("TimeSeriesLabels", '<TimeSeries name="shown" value="$x"/>', "timeseries"),
        ("TimelineLabels", '<Video name="shown" value="$x"/>', "video"),
        ("RectangleLabels", '<Image name="shown" value="$x"/>', "image"),
        ("PolygonLabels", '<Image name="shown" value="$x"/>', "image"),
        ("EllipseLabels", '<Image name="shown" value="$x"/>', "image"),
        ("KeyPointLabels", '<Image name="shown" value="$x"/>', "image"),
        ("BrushLabels", '<Image name="shown" value="$x"/>', "image"),
        ("BitmaskLabels", '<Image name="shown" value="$x"/>', "image"),
        ("VectorLabels", '<Image name="shown" value="$x"/>', "image"),
        ("OcrLabels", '<Image name="shown" value="$x"/>', "image"),
        ("VideoVectorLabels", '<Video name="shown" value="$x"/>', "video"),
    ],
)
def test_labels_are_the_classes_of_regions(tag, shown, kind):
    space = label_space(config(with_labels(tag), shown))
    assert (space.labels, space.form, space.tag) == (("a", "b"), "regions", tag)
    assert (space.data_key, space.data_type) == ("x", kind)


def test_a_video_rectangle_has_the_classes_of_the_labels_beside_it():
    video = '<Video name="clip" value="$video"/><Audio name="sound" value="$sound"/>'
    track = '<VideoRectangle name="box" toName="clip"/>'
    names = with_labels("Labels").replace("shown", "clip")
    sounds = '<Labels name="noise" toName="sound"><Label value="loud"/></Labels>'
    spaces = label_spaces(config(names + track + sounds, video))
    assert [(space.control, space.labels) for space in spaces] == [("box", ("a", "b")), ("noise", ("loud",))]


def test_a_video_rectangle_without_labels_tells_nothing_apart():
    assert label_spaces(config('<VideoRectangle name="box" toName="shown"/>')) == ()


def test_an_alias_is_what_a_result_would_hold():
    aliased = CONFIG.replace('value="good"', 'value="good" alias="+"')
    assert label_space(aliased).labels == ("+", "bad")
    assert label_space(
        BOXES.replace('value="cat"', 'value="Cat &amp; co" alias="cat" html="&lt;b&gt;Cat&lt;/b&gt;"')
    ).labels == ("cat",)


def test_a_label_that_is_listed_twice_is_one_class():
    assert label_space(config(with_labels("Choices", "aba", child="Choice"))).labels == ("a", "b")


def test_tags_in_another_case_are_the_same_tags():
    space = label_space(config(with_labels("rectanglelabels")))
    assert (space.tag, space.labels) == ("RectangleLabels", ("a", "b"))


def test_what_has_no_class_and_no_probability_is_left_out():
    others = (
        '<Relations><Relation value="is"/></Relations><Ranker name="order" toName="shown"/>'
        '<DateTime name="when" toName="shown"/><Rectangle name="any" toName="shown"/>'
        '<Unheard name="of" toName="shown"/>'
    )
    assert label_spaces(config(others)) == ()
    assert [s.control for s in label_spaces(config(others + with_labels("RectangleLabels")))] == ["answer"]


def test_a_control_of_nothing_that_is_shown_is_left_out():
    assert label_spaces(config(with_labels("RectangleLabels").replace('toName="shown"', 'toName="gone"'))) == ()


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ('value="$image"', "image"),
        ('valueList="$pages"', "pages"),
        ('value="$deep.image"', "deep.image"),
        ('value="$my-image" valueType="url"', "my-image"),
        ('value="Sent by $who, at $when"', "who"),
        ('value="always the same"', ""),
    ],
)
def test_the_key_of_what_is_shown(value, key):
    assert label_space(config(with_labels("Labels"), f'<Image name="shown" {value}/>')).data_key == key


# --------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("<View><Image name='p' value='$image'/></View>", "this one has none"),
        (config('<DateTime name="when" toName="shown"/>'), "this one has none"),
        (config('<Choices name="mood" toName="shown" value="$options"/>'), "The Choices control.* no fixed classes"),
        (config('<Taxonomy name="mood" toName="shown" apiUrl="https://x.test/"/>'), "The Taxonomy control"),
        ("", "cannot be read"),
        ("<View", "cannot be read"),
        ("\0", "cannot be read"),
        ('<?xml version="1.0" encoding="utf-8"?>' + CONFIG, "cannot be read"),
        ("<View>" * 100_000, "cannot be read"),
    ],
    ids=["none", "unknown", "dynamic", "api", "empty", "broken", "nul", "declaration", "deep"],
)
def test_a_configuration_that_cannot_be_scored_says_why(refused, said):
    with pytest.raises(UnsupportedProject, match=said) as caught:
        label_space(refused)
    assert caught.value.hint


def test_classes_that_come_with_the_task_are_left_out_beside_others():
    dynamic = '<Choices name="mood" toName="shown" value="$options"/>'
    assert [space.control for space in label_spaces(config(dynamic + with_labels("Labels")))] == ["answer"]


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


@pytest.mark.parametrize(
    "prolog",
    [
        BOMB,
        '<!DOCTYPE x [<!ENTITY i "small">]>',
        '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x [<!ENTITY % i SYSTEM "http://127.0.0.1/x.dtd">%i;]>',
    ],
    ids=["bomb", "internal", "file", "parameter"],
)
def test_entities_are_refused_before_they_are_read(prolog, monkeypatch):
    monkeypatch.setattr("al_core.label_studio.label_config.LabelInterface", None)
    with pytest.raises(UnsupportedProject, match="declares XML entities"):
        label_spaces(prolog + CONFIG.replace("good", "&i;"))


def test_an_outside_dtd_is_not_fetched(tmp_path):
    dtd = tmp_path / "x.dtd"
    dtd.write_text('<!ENTITY i "from outside">')
    with pytest.raises(UnsupportedProject, match="cannot be read"):
        label_spaces(f'<!DOCTYPE x SYSTEM "{dtd}">' + CONFIG.replace("good", "&i;"))


def test_a_configuration_that_is_too_long_is_refused():
    with pytest.raises(UnsupportedProject, match="longer than 1,000,000 characters"):
        label_spaces(CONFIG.replace("good", "g" * LONGEST))


def test_a_configuration_that_is_both_deep_and_wide_is_read_in_seconds():
    depth, leaf = 240, '<Choice value="x"/>'
    deep = '<Choice value="x">' * depth + leaf * 8_000 + "</Choice>" * depth
    started = time.perf_counter()
    (space,) = label_spaces(config(f'<Taxonomy name="answer" toName="shown">{deep}</Taxonomy>'))
    assert time.perf_counter() - started < 20
    assert len(space.labels) == depth + 1


@given(st.text() | st.text(alphabet="<>/=\"' VieawChoctxn$!-?&;[]"))
def test_any_text_is_read_or_refused(text):
    try:
        found = label_spaces(text)
    except ActiveLearningError:
        return
    assert isinstance(found, tuple)


FRAGMENTS = [
    '<Text name="t" value="$text"/>', '<Image name="i" valueList="$images"/>', "<!-- {} -->", "<View>", "</View>",
    '<Choices name="c" toName="t">', "</Choices>", '<Choice value="x">', "</Choice>", '<Choice alias="" value=""/>',
    '<Taxonomy name="c" toName="t,i" maxUsages="1">', "</Taxonomy>", '<Rating name="r" toName="i" maxRating="²"/>',
    '<VideoRectangle name="v" toName="i"/>', '<Labels name="l" toName=" i,,"/>', '<Pairwise name="p" toName="t"/>',
    '<Chat name="chat"/>', '<ReactCode name="react"/>', "<?pi name='x' toName='t'?>",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_any_heap_of_tags_is_read_or_refused(fragments):
    try:
        found = label_spaces(f"<View>{''.join(fragments)}</View>")
    except ActiveLearningError:
        return
    assert all(space.labels or space.tag in ("Number", "TextArea") for space in found)


# --------------------------------------------------------------------- recorded


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_configuration_is_read(path):
    recording = json.loads(path.read_text())
    spaces = label_spaces(recording["label_config"])
    assert {space.data_key for space in spaces} <= set(recording["tasks"][0]["data"])
    answered = {region["from_name"] for p in recording["predictions"] for region in p["result"]}
    assert answered == {space.control for space in spaces}
