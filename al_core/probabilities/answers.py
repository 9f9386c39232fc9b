"""Which classes a region of a result answers, for every control tag of Label Studio."""

from collections.abc import Callable, Mapping
from typing import Any

_HIGHEST_RATING = 1000
"""Far above any row of stars; a number beyond it is no rating."""


def classes_of(region: Mapping[str, Any], tag: str) -> list[Any] | None:
    """The classes that one region of a result answers.

    Parameters
    ----------
    region : mapping
        One entry of a result, of a person's or of a model's.
    tag : str
        The tag of its control, as it is written in the configuration.

    Returns
    -------
    list or None
        In the words of the configuration: ``Animal/Cat`` for a path of a taxonomy, ``4`` for four stars. Empty
        where the region answers nothing; None where its value does not have the form of the tag. An entry that is
        no string is no class of any configuration; of Number and TextArea each entry is a free answer.
    """
    value = region.get("value")
    if not isinstance(value, Mapping):
        return []
    found = value.get(_KEYS.get(tag) or tag.lower())
    if found is None:
        found = value.get("labels")  # what some backends shorten ``rectanglelabels`` and its kin to
    if found is None:
        return []
    return _READ.get(tag, _listed)(found)


def _listed(found: Any) -> list[Any] | None:
    return found if isinstance(found, list) else None


def _alone(found: Any) -> list[Any]:
    return [found]


def _texts(found: Any) -> list[Any] | None:
    return [found] if isinstance(found, str) else _listed(found)


def _paths(found: Any) -> list[Any] | None:
    return [_joined(path) for path in found] if isinstance(found, list) else None


def _joined(path: Any) -> Any:
    """One class; what is no path stays as it is."""
    whole = isinstance(path, list) and path and all(isinstance(step, str) for step in path)
    return "/".join(path) if whole else path


def _stars(found: Any) -> list[Any] | None:
    """4 and 4.0 are both the class ``4``."""
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= _HIGHEST_RATING:
        return None
    return [str(int(found))] if found == int(found) else None


_KEYS: Mapping[str, str] = {"Pairwise": "selected", "TextArea": "text", "VideoRectangle": "labels"}
"""Where the answer is in ``value``, if not under the tag's own name in lower case."""

_READ: Mapping[str, Callable[[Any], list[Any] | None]] = {
    "Choices": _paths,  # nested ones are paths as well
    "Taxonomy": _paths,
    "Rating": _stars,
    "Pairwise": _alone,
    "Number": _alone,
    "TextArea": _texts,
}
"""How it is written there, if not as a list of classes."""
