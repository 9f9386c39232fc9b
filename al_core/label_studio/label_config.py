"""The controls of a labelling configuration, and the classes they offer."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from label_studio_sdk.label_interface.interface import LabelInterface

from al_core.errors import InvalidInput, UnsupportedProject
from al_core.types import ALL_CONTROLS, AnswerForm, LabelSpace

LONGEST = 1_000_000
"""Characters of a configuration that are still read: twenty thousand classes. The costliest takes seconds."""

MOST_STARS = 100
"""A Rating of more is no rating of a person's; its classes would be made of one number in the configuration."""

_CLASSES = ("Choices", "Taxonomy", "Rating", "Pairwise")
_FREE = ("Number", "TextArea")
_REGIONS = (
    "Labels",
    "HyperTextLabels",
    "ParagraphLabels",
    "TimeSeriesLabels",
    "TimelineLabels",
    "RectangleLabels",
    "PolygonLabels",
    "EllipseLabels",
    "KeyPointLabels",
    "BrushLabels",
    "BitmaskLabels",
    "VectorLabels",
    "OcrLabels",
    "VideoRectangle",
    "VideoVectorLabels",
)
_TAGS = {tag.lower(): tag for tag in (*_CLASSES, *_FREE, *_REGIONS)}
"""Tag in lower case → as Label Studio writes it; a configuration may do so in any case."""


def label_spaces(label_config: str) -> tuple[LabelSpace, ...]:
    """Every control of a labelling configuration that can be scored.

    Parameters
    ----------
    label_config : str
        The configuration as Label Studio keeps it.

    Returns
    -------
    tuple of LabelSpace
        In the order of the configuration. A control whose classes come with each task is left out, as is every
        tag that has no class and no probability to it (Relations, Ranker, DateTime, …). A VideoRectangle has the
        classes of the Labels beside it, which then is not a control by itself.

    Raises
    ------
    UnsupportedProject
        The configuration cannot be read, or is made to be costly to read.
    """
    return _spaces(_interface(label_config))


def scored_spaces(label_config: str, control: str = "") -> tuple[LabelSpace, ...]:
    """The controls that count under a setting: one as :func:`label_space` gives it, or with ``"*"`` all.

    Raises
    ------
    UnsupportedProject, InvalidInput
        As :func:`label_space`, which says what is missing where there is none.
    """
    if control != ALL_CONTROLS:
        return (label_space(label_config, control),)
    return label_spaces(label_config) or (label_space(label_config),)


def label_space(label_config: str, control: str = "") -> LabelSpace:
    """One control of a labelling configuration.

    Parameters
    ----------
    label_config : str
        The configuration as Label Studio keeps it.
    control : str
        The name of the control; empty for the only one there is. A text or number field beside one control with
        classes does not count: more often than not it is for remarks.

    Raises
    ------
    UnsupportedProject
        The configuration cannot be read, or has no control that can be scored, or has several and none is named.
    InvalidInput
        There is no such control.
    """
    interface = _interface(label_config)
    spaces = _spaces(interface)
    if not spaces:
        raise _nothing_to_score(interface)
    names = ", ".join(space.control for space in spaces)
    if control:
        found = next((space for space in spaces if space.control == control), None)
        if found is None:
            raise InvalidInput(f"The labelling configuration has no control “{control}” to score.", f"It has: {names}.")
        return found
    meant = [space for space in spaces if space.labels] or spaces
    if len(meant) > 1:
        raise UnsupportedProject(
            f"The labelling configuration of the project has several controls that can be scored: {names}.",
            "Choose one of them.",
        )
    return meant[0]


def _interface(label_config: str) -> LabelInterface:
    if len(label_config) > LONGEST:
        raise UnsupportedProject(
            f"The labelling configuration of the project is longer than {LONGEST:,} characters.",
            "Let the tasks or an address bring the classes, or shorten it.",
        )
    # What an entity stands for may be as long as it likes, and the parser would put it in.
    if "<!ENTITY" in label_config:
        raise UnsupportedProject(
            "The labelling configuration of the project declares XML entities, which are not read.",
            "Write out what they stand for.",
        )
    try:
        return LabelInterface(label_config)
    except Exception as error:  # the SDK raises whatever its XML and Pydantic parts raise
        raise UnsupportedProject(
            "The labelling configuration of the project cannot be read.",
            f"Open it in Label Studio, Settings, Labeling Interface, and save it again ({type(error).__name__}).",
        ) from None


def _nothing_to_score(interface: LabelInterface) -> UnsupportedProject:
    for control in interface.controls:
        tag = _tag(control)
        if tag and control.dynamic_value:
            return UnsupportedProject(
                f"The {tag} control of the project has no fixed classes: each task brings its own.",
                "Pick another project, or list the classes in its labelling configuration.",
            )
    return UnsupportedProject(
        "TrustAI scores projects that have a control for classes, regions or answers in the labelling "
        "configuration; this one has none.",
        "Pick another project, or change its labelling configuration.",
    )


def _spaces(interface: LabelInterface) -> tuple[LabelSpace, ...]:
    controls: list[Any] = list(interface.controls)
    tree = interface._tree  # what it has parsed already; a second time costs as much again
    tracks = [control for control in controls if _tag(control) == "VideoRectangle"]
    lent = {labels.name for track in tracks for labels in _labels_beside(track, controls)}
    found = []
    for control in controls:
        tag = _tag(control)
        if not tag or not control.objects or control.name in lent:
            continue
        labels = _labels(control, tag, controls, tree)
        if labels or tag in _FREE:
            found.append(_space(control, tag, tuple(dict.fromkeys(labels))))
    return tuple(found)


def _tag(control: Any) -> str:
    """The tag as Label Studio writes it; empty where it is none that can be scored."""
    return _TAGS.get(control.tag.lower(), "")


def _space(control: Any, tag: str, labels: tuple[str, ...]) -> LabelSpace:
    shown = control.objects[0]
    return LabelSpace(
        control=control.name,
        target=shown.name,
        labels=labels,
        data_key=_data_key(shown.value or ""),
        data_type=shown.tag.lower(),
        tag=tag,
        form=_form(control, tag),
    )


def _form(control: Any, tag: str) -> AnswerForm:
    if tag not in _CLASSES or any(_is_on(control, name) for name in ("perRegion", "perItem", "labeling")):
        return "regions"
    if tag == "Taxonomy":
        return "single" if control.get_attr("maxUsages") == "1" else "multi"
    return "multi" if control.get_attr("choice") == "multiple" else "single"


def _is_on(control: Any, attribute: str) -> bool:
    return str(control.get_attr(attribute)).lower() == "true"


def _data_key(value: str) -> str:
    """The key of the task's data that an object shows: ``$text`` is one, a sentence may hold one."""
    if re.fullmatch(r"\$[^, ]+", value):
        return value[1:]
    held = re.search(r"\$([\w.\[\]]+)", value)
    return held[1] if held else ""


# --------------------------------------------------------------------- classes


def _labels(control: Any, tag: str, controls: Sequence[Any], tree: Any) -> Sequence[str]:
    """The classes as a result would hold them: the alias of each where it has one."""
    if tag in _FREE:
        return ()
    if tag == "Pairwise":
        return ("left", "right")
    if tag == "Rating":
        return _stars(control)
    if tag == "VideoRectangle":
        return [label for beside in _labels_beside(control, controls) for label in beside.labels]
    if tag in ("Choices", "Taxonomy"):
        element = next(node for node in tree.iter() if node.get("name") == control.name and node.get("toName"))
        return _tree_labels(control, tag, element)
    labels: list[str] = control.labels
    return labels


def _stars(control: Any) -> Sequence[str]:
    most = str(control.get_attr("maxRating", "5")).strip()
    count = int(most) if most.isdecimal() and len(most) <= len(str(MOST_STARS)) else 0
    return [str(star) for star in range(1, count + 1)] if count <= MOST_STARS else ()


def _labels_beside(track: Any, controls: Sequence[Any]) -> list[Any]:
    """The Labels controls that name what a VideoRectangle follows: those of the same video."""
    shown = set(track.to_name)
    return [control for control in controls if _tag(control) == "Labels" and shown & set(control.to_name)]


def _tree_labels(control: Any, tag: str, element: Any) -> Sequence[str]:
    if tag == "Taxonomy":
        leafs_only = _is_on(control, "leafsOnly")
        return ["/".join(path) for path, is_leaf in _nodes(element) if is_leaf or not leafs_only]
    if _is_on(control, "allowNested"):
        return ["/".join(path) for path, _ in _nodes(element)]
    return [path[0] for path, _ in _nodes(element) if len(path) == 1]  # the editor does not offer what is below


def _nodes(element: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """(path from the top, whether nothing is below) of every Choice, whatever other tags lie between."""
    for child in element:
        name = child.get("alias") or child.get("value") if child.tag == "Choice" else None
        path = above if name is None else (*above, name)
        if name is not None:
            yield path, child.find(".//Choice") is None
        yield from _nodes(child, path)
