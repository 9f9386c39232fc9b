"""Ids of tasks that people hand in as text."""

import re

_WORD = re.compile(r"[\w.+-]+")
_ID = re.compile(r"0*[1-9][0-9]{0,17}")


def ids_in(text: str) -> tuple[list[int], list[str]]:
    """The ids of a text, each once and in its order, and the words of it that are none.

    Whatever stands between them separates them: commas, line ends, brackets, quotes. A range or a number with a decimal
    point is no id, as nobody can tell which tasks it means.
    """
    words = list(dict.fromkeys(word.strip(".") for word in _WORD.findall(text)))
    ids = [int(word) for word in words if _ID.fullmatch(word)]
    return list(dict.fromkeys(ids)), [word for word in words if word and not _ID.fullmatch(word)]
