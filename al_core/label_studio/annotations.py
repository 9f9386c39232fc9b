"""What people answered, and what a model did: a result of Label Studio in one line."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from al_core.probabilities.answers import classes_of
from al_core.types import Label, LabelSpace

LONGEST = 100
"""Characters of a free answer that are kept."""


def chosen_label(annotations: Collection[Mapping[str, Any]], space: LabelSpace) -> Label | None:
    """The newest answer among a task's annotations; a label counts before a skip.

    Returns None while there is neither.
    """
    ranked = sorted(annotations, key=lambda a: (not a.get("was_cancelled"), a.get("updated_at") or ""))
    if not ranked:
        return None
    newest = ranked[-1]
    skipped = bool(newest.get("was_cancelled"))
    return Label(
        task_id=int(newest["task"]),
        value=None if skipped else answer_of(newest.get("result"), space),
        skipped=skipped,
        annotator=str(newest.get("created_username") or "").rpartition(",")[0].strip() or "unknown",
        labelled_at=datetime.fromisoformat(newest["updated_at"]),
        lead_time=newest.get("lead_time"),
    )


def answer_of(result: Any, space: LabelSpace) -> str | None:
    """What a result answers to one control, as a string that is equal for equal answers.

    Parameters
    ----------
    result : list of mappings
        The result of an annotation or a prediction. Whatever in it is no region of the control is passed over.
    space : LabelSpace
        The control.

    Returns
    -------
    str or None
        None where nothing was answered. Else for one class its name (``cat``, ``4`` stars, ``Animal/Cat``), for a
        set of classes their names in the order of the configuration (``cat + dog``), for regions how many there are
        of each class (``3 regions: Car × 2, Person × 1``), and for free answers the numbers or texts themselves.
    """
    listed = result if isinstance(result, list | tuple) else ()
    regions = [region for region in listed if isinstance(region, Mapping) and region.get("from_name") == space.control]
    answers = [answer for region in regions for answer in classes_of(region, space.tag) or ()]
    if not space.labels:
        return _free(answers)
    classes = [answer for answer in answers if isinstance(answer, str)]
    if space.form == "regions":
        return _regions(len(regions), classes, space)
    if space.tag == "Pairwise" and classes == ["none"]:  # what the editor writes when a choice is taken back
        return None
    if space.form == "single":  # where choices are nested the editor lists those above the chosen one as well
        return max(classes, key=lambda label: label.count("/"), default=None)
    return " + ".join(_in_order(classes, space)) or None


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


def _free(answers: Iterable[Any]) -> str | None:
    told = " | ".join(text for answer in answers if (text := _text(answer)))
    return (told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…") or None


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
