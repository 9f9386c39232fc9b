"""What is shown of a task, and a hash of it: tasks that show the same are the same to an annotator."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from al_core.types import LabelSpace

_BYTES = 16  # of a hash: two of a billion contents collide once in 10²⁰ pools


def shown_of(task: Mapping[str, Any], space: LabelSpace) -> object:
    """What an annotator sees of a task; None where its data does not hold it."""
    return task.get(space.data_key) if isinstance(task, Mapping) else None


def content_keys(tasks: Sequence[Mapping[str, Any]], space: LabelSpace) -> list[str]:
    """A hash of what is shown of each task: equal content has an equal key, whatever the ids of the tasks.

    Parameters
    ----------
    tasks : sequence of mapping, length m
        The ``data`` of each task. Any JSON is fit.
    space : LabelSpace
        Says which key is shown.

    Returns
    -------
    list of str, length m
        32 hexadecimal digits each. A text is hashed as it is, anything else in a canonical form in which the
        order of an object's keys does not count. Where nothing is under the key, the whole data is hashed.
    """
    return [_key(task, shown_of(task, space)) for task in tasks]


def _key(task: object, shown: object) -> str:
    digest = blake2b(digest_size=_BYTES)
    if isinstance(shown, str):
        digest.update(b"text\0" + _encoded(shown))
    else:
        digest.update(b"data\0" if shown is None else b"value\0")
        digest.update(_encoded("".join(_pieces(task if shown is None else shown))))
    return digest.hexdigest()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can hold half a surrogate pair


def _pieces(value: object) -> Iterator[str]:
    """Parts of a text that no other JSON value has; without recursion, for JSON can be nested without end."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield f"s{len(found)}:{found}"
        elif isinstance(found, Mapping):
            yield f"{{{len(found)}:"
            for name in sorted(found, key=str, reverse=True):
                waiting += [found[name], str(name)]
        elif isinstance(found, list | tuple):
            yield f"[{len(found)}:"
            waiting += reversed(found)
        elif type(found) is int:
            yield f"i{found:x};"  # Python refuses to write a very long number in decimal digits
        else:
            yield f"{found!r};"
