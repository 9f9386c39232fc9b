"""What a result of Label Studio answers to one control, in one line: a person's result or a model's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from al_core.probabilities.answers import classes_of
from al_core.types import LabelSpace

LONGEST = 100
"""Characters of a free answer that are kept."""


def regions_in(result: Any, space: LabelSpace) -> list[Mapping[str, Any]]:
    """The regions of a control in a result; whatever else is in there is passed over."""
    listed = result if isinstance(result, list | tuple) else ()
    return [region for region in listed if isinstance(region, Mapping) and region.get("from_name") == space.control]


def answer_of(result: Any, space: LabelSpace, longest: int = LONGEST) -> str | None:
    """What a result answers to one control, as a string that is equal for equal answers.

    Parameters
    ----------
    result : list of mappings
        The result of an annotation or a prediction. Whatever in it is no region of the control is passed over.
    space : LabelSpace
        The control.
    longest : int
        Characters of a free answer that are kept.

    Returns
    -------
    str or None
        None where nothing was answered. Else for one class its name (``cat``, ``4`` stars, ``Animal/Cat``), for a
        set of classes their names in the order of the configuration (``cat + dog``), for regions how many there are
        of each class (``3 regions: Car × 2, Person × 1``), and for free answers the numbers or texts themselves.
    """
    regions = regions_in(result, space)
    if not space.labels:
        return _free([answer for region in regions for answer in classes_of(region, space.tag) or ()], longest)
    classes = _classes(regions, space)
    if space.form == "regions":
        return _regions(len(regions), classes, space)
    if space.tag == "Pairwise" and classes == ["none"]:  # what the editor writes when a choice is taken back
        return None
    if space.form == "single":  # where choices are nested the editor lists those above the chosen one as well
        return max(classes, key=lambda label: label.count("/"), default=None)
    return " + ".join(_in_order(classes, space)) or None


def set_of(result: Any, space: LabelSpace) -> frozenset[str]:
    """The classes that a result answers to a control of form ``multi``."""
    return frozenset(_classes(regions_in(result, space), space))


def _classes(regions: Iterable[Mapping[str, Any]], space: LabelSpace) -> list[str]:
    answers = (answer for region in regions for answer in classes_of(region, space.tag) or ())
    return [answer for answer in answers if isinstance(answer, str)]


def _regions(count: int, classes: Iterable[str], space: LabelSpace) -> str | None:
    if not count:
        return None
    counts = Counter(classes)
    told = ", ".join(f"{label} × {counts[label]}" for label in _in_order(counts, space))
    return f"{count} {'region' if count == 1 else 'regions'}{': ' if told else ''}{told}"


def _in_order(classes: Iterable[str], space: LabelSpace) -> list[str]:
    """Each class once, as the configuration orders them; those that it does not have come last."""
    places = {label: place for place, label in enumerate(space.labels)}
    return sorted(dict.fromkeys(classes), key=lambda label: places.get(label, len(places)))


def _free(answers: Iterable[Any], longest: int) -> str | None:
    told = " | ".join(text for answer in answers if (text := _text(answer)))
    return (told if len(told) <= longest else f"{told[: longest - 1]}…") or None


def _text(answer: Any) -> str:
    """A text on one line, or a number without the zeros that say nothing; anything else is no answer."""
    if isinstance(answer, str):
        return " ".join(answer.split())
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return ""
    try:
        number = float(answer)
    except OverflowError:
        return ""
    return f"{number:.15g}" if isfinite(number) else ""
