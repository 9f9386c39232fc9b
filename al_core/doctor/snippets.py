"""The lines of Python that make a backend tell everything about one control."""

import json
from collections.abc import Mapping

from al_core.types import LabelSpace

NAMED = 4
LONGEST = 30
"""How many labels a comment names, and how much of each: enough to know them again."""


def snippet_for(space: LabelSpace) -> str:
    """A function ``region`` for a ``model.py`` that keeps the contract of a control.

    Its arguments are ``probabilities``, label → p; for regions ``shape`` before that; where answers are free,
    ``answer`` and ``score``.
    """
    if not space.labels:
        return _function(space, "answer, score", _FREE, _ANSWER.get(space.tag, _listed(space, "answer")), "score")
    lines: tuple[str, ...]
    named = f"# The labels: {_named(space.labels)}."
    if space.form == "multi":
        lines = (_EACH, named, "chosen = [label for label, p in probabilities.items() if p >= 0.5]")
        value = _CHOSEN.get(space.tag, f"{{{_quoted(space.tag.lower())}: chosen}}")
        return _function(space, "probabilities", lines, value, "max(probabilities.values())")
    likeliest = "label = max(probabilities, key=probabilities.get)"
    value = _LABEL.get(space.tag, _listed(space, "label"))
    if space.form == "regions":
        lines = (_SHAPE, _SHARED, named, likeliest)
        return _function(space, "shape, probabilities", lines, f"shape | {value}", "probabilities[label]")
    return _function(space, "probabilities", (_SHARED, named, likeliest), value, "probabilities[label]")


_SHARED = "# probabilities: label -> p, for every label; together they are 1."
_EACH = "# probabilities: label -> p, for every label by itself."
_SHAPE = '# shape: where the region is; all of its "value" but the label.'
_FREE = (
    "# score: how sure the model is of this answer, from 0 to 1. It makes least confidence",
    "# exact. The other measures compare classes, and a free answer has none.",
)

# The value of a region whose class is ``label``, whose classes are ``chosen``, or whose words are ``answer``; of
# a tag that is not here it is a list under the tag's own name.
_LABEL: Mapping[str, str] = {
    "Taxonomy": '{"taxonomy": [label.split("/")]}',
    "Rating": '{"rating": int(label)}',
    "Pairwise": '{"selected": label}',
    "VideoRectangle": '{"labels": [label]}',
}
_CHOSEN: Mapping[str, str] = {"Taxonomy": '{"taxonomy": [label.split("/") for label in chosen]}'}
_ANSWER: Mapping[str, str] = {"Number": '{"number": answer}', "TextArea": '{"text": [answer]}'}


def _listed(space: LabelSpace, what: str) -> str:
    return f"{{{_quoted(space.tag.lower())}: [{what}]}}"


def _function(space: LabelSpace, arguments: str, lines: tuple[str, ...], value: str, score: str) -> str:
    fields = {
        "from_name": _quoted(space.control),
        "to_name": _quoted(space.target),
        "type": _quoted(space.tag.lower()),
        "value": value,
        "score": score,
    }
    if space.labels:
        fields["probabilities"] = "probabilities"
    body = [*lines, "return {", *(f'    "{key}": {code},' for key, code in fields.items()), "}"]
    return "\n".join([f"def region({arguments}):", *(f"    {line}" for line in body), ""])


def _named(labels: tuple[str, ...]) -> str:
    named = [_quoted(label if len(label) <= LONGEST else label[: LONGEST - 1] + "…") for label in labels[:NAMED]]
    more = len(labels) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _quoted(text: str) -> str:
    """A literal of Python, in the quotes that JSON has where that is safe to print."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)
