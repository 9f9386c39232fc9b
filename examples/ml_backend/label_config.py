"""What a labelling configuration asks for: one Choices control over one Image or Text."""

from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat

from .errors import Refused

MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class LabelConfig:
    """The control that is predicted, and where a task keeps what is shown."""

    from_name: str
    to_name: str
    data_key: str
    data_type: Literal["image", "text"]
    labels: tuple[str, ...]


def parse(xml: str) -> LabelConfig:
    """Read the first single-choice Choices over an Image or a Text."""
    if not xml:
        raise Refused("The labelling configuration is missing, and none came with an earlier request.")
    elements = _elements(xml)
    shown = [(tag, attributes) for tag, attributes in elements if tag in ("Image", "Text")]
    objects = {attributes.get("name", ""): (tag, attributes) for tag, attributes in shown}
    for position, (tag, attributes) in enumerate(elements):
        target = attributes.get("toName", "")
        if tag != "Choices" or target not in objects:
            continue
        if attributes.get("choice", "single").startswith("multiple"):
            raise Refused("This backend answers one choice a task; the labelling configuration allows several.")
        labels = _labels_after(elements, position)
        if len(labels) < 2:
            raise Refused("The Choices control needs at least two choices.")
        object_tag, described = objects[target]
        return LabelConfig(
            from_name=attributes.get("name", ""),
            to_name=target,
            data_key=described.get("value", "").lstrip("$"),
            data_type="image" if object_tag == "Image" else "text",
            labels=labels,
        )
    raise Refused("The labelling configuration has no Choices control over an Image or a Text.")


def _labels_after(elements: list[tuple[str, dict[str, str]]], position: int) -> tuple[str, ...]:
    """Collect the choices up to the next control; a result carries a choice's alias where it has one."""
    labels: dict[str, None] = {}
    for tag, attributes in elements[position + 1 :]:
        if tag == "Choices":
            break
        if tag == "Choice":
            labels[attributes.get("alias") or attributes.get("value", "")] = None
    return tuple(label for label in labels if label)


def _elements(xml: str) -> list[tuple[str, dict[str, str]]]:
    """List tags and attributes in document order; without a document type no entity can be declared."""
    if len(xml) > MAX_CHARACTERS:
        raise Refused("The labelling configuration is too long.")
    found: list[tuple[str, dict[str, str]]] = []

    def refuse(*_: object) -> None:
        raise Refused("The labelling configuration must not declare a document type.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: found.append((tag, attributes))
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise Refused(f"The labelling configuration is not XML: {error}.") from error
    return found
