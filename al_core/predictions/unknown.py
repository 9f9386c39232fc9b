"""Why nothing of a pool is known, or can be ranked, in words."""

from collections.abc import Mapping

from al_core.errors import NoPredictions
from al_core.ml_backend import MLBackend
from al_core.strategies import QueryStrategy


def why_unknown(
    unknown: Mapping[str, int], strategy: QueryStrategy, total: int, backend: MLBackend | None
) -> NoPredictions:
    """The error that says why not one task of a pool can be ranked."""
    who = f"The ML backend at {backend.url}" if backend else "What is stored in Label Studio"
    if sum(unknown.values()) < total:
        return NoPredictions(
            f"{who} does not tell enough of any of {total:,} tasks to rank them by {strategy.label.lower()}.",
            "The probability doctor of the campaign says which strategies its numbers are good for.",
        )
    reasons = "; ".join(f"{count:,} × {reason}" for reason, count in unknown.items())
    return NoPredictions(
        f"{who} has no usable class probabilities for any of {total:,} tasks ({reasons}).",
        "A model that was never trained has none: label a start set and train first. "
        "docs/ml-backend.md shows what a backend should answer.",
    )


def nothing_stored(backend: MLBackend, version: str, counts: Mapping[str, int]) -> NoPredictions:
    """The error that says that only stored predictions may be used, and none is of the model's version."""
    named = f"of {version}, the version of" if version else "that can be told to be of"
    stored = f"It has those of {', '.join(sorted(counts))}. " if counts else ""
    return NoPredictions(
        f"Label Studio has no predictions {named} the ML backend at {backend.url}, and only stored ones may be used.",
        f"{stored}Import its predictions, or let the backend be asked.",
    )
