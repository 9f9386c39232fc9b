"""The tasks of the pool benchmarks, and what their model says of each: both follow from a number alone."""

import hashlib
import random
import struct
from collections.abc import Iterator
from typing import Any

LABELS = tuple(f"topic {number}" for number in range(10))
CONTROL = "topic"
TARGET = "text"
VERSION = "hash-1"

LABEL_CONFIG = (
    f'<View><Text name="{TARGET}" value="$text"/><Choices name="{CONTROL}" toName="{TARGET}">'
    + "".join(f'<Choice value="{label}"/>' for label in LABELS)
    + "</Choices></View>"
)

_SYLLABLES = ("ka", "ro", "mi", "te", "lu", "so", "ne", "va", "di", "po")
_WORDS = [first + second + third for first in _SYLLABLES for second in _SYLLABLES for third in _SYLLABLES]
_WORDS_A_TEXT = 12


def text(number: int) -> str:
    """A sentence of a dozen words; no two numbers have the same."""
    return f"{' '.join(random.Random(number).choices(_WORDS, k=_WORDS_A_TEXT))} {number}"


def probabilities(content: str) -> dict[str, float]:
    """Label → probability, out of a hash of the text; most are sure, some are not."""
    drawn = struct.unpack("<10I", hashlib.blake2b(content.encode(), digest_size=40).digest())
    weights = [(number / 2**32) ** 4 for number in drawn]
    total = sum(weights)
    return {label: round(weight / total, 6) for label, weight in zip(LABELS, weights, strict=True)}


def prediction(content: str) -> dict[str, Any]:
    """What a backend answers for a task with this text: one region, with all that the contract knows."""
    said = probabilities(content)
    likeliest = max(said, key=said.__getitem__)
    region = {
        "from_name": CONTROL,
        "to_name": TARGET,
        "type": "choices",
        "value": {"choices": [likeliest]},
        "score": said[likeliest],
        "probabilities": said,
    }
    return {"result": [region], "score": said[likeliest], "model_version": VERSION}


def tasks(count: int, *, predicted: bool, first: int = 0) -> Iterator[dict[str, Any]]:
    """Tasks as Label Studio imports them, with their predictions or without."""
    for number in range(first, first + count):
        content = text(number)
        task: dict[str, Any] = {"data": {"text": content}}
        if predicted:
            task["predictions"] = [prediction(content)]
        yield task
