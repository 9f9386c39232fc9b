"""Features that are kept from one round to the next, by the content they were made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

CHUNK = 256
"""Contents that are worked on before what was made of them is kept: work that is cut short loses no more."""

Vectors = Mapping[str, NDArray[np.float32]]
Content = TypeVar("Content")


class FeatureCache(Protocol):
    """A place that keeps vectors by key, and may forget any of them.

    A key says all that a vector depends on, so a vector under a key never changes. A cache raises nothing for
    a place that fails: it then holds nothing.
    """

    def get_many(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are there, by key."""

    def put_many(self, vectors: Vectors) -> None:
        """Keep these."""


def remembered(
    cache: FeatureCache | None,
    extractor: str,
    length: int,
    contents: Mapping[str, Content],
    make: Callable[[Mapping[str, Content]], Vectors],
) -> dict[str, NDArray[np.float32]]:
    """The vector of each content, out of the cache or made now.

    Parameters
    ----------
    cache : FeatureCache or None
    extractor : str
        Name and version of what makes the vectors, and whatever else they depend on but their content and length.
    length : int
        Of every vector. One in the cache that has another length, or is not finite, is made anew.
    contents : mapping
        Content key → what a vector is made of.
    make : callable
        Makes the vectors of some contents; those it leaves out have none.
    """
    if cache is None:
        return dict(make(contents))
    names = {key: f"{extractor}:{length}:{key}" for key in contents}
    kept = cache.get_many(list(names.values()))
    known = {key: kept[name] for key, name in names.items() if name in kept and _is_sound(kept[name], length)}
    unknown = [key for key in contents if key not in known]
    for start in range(0, len(unknown), CHUNK):
        made = make({key: contents[key] for key in unknown[start : start + CHUNK]})
        cache.put_many({names[key]: vector for key, vector in made.items()})
        known |= made
    return known


def _is_sound(vector: NDArray[np.float32], length: int) -> bool:
    return vector.shape == (length,) and bool(np.isfinite(vector).all())
