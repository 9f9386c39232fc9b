"""A picture for each strategy and each way of diversity, and one of all."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from al_core.diversity import DIVERSITIES
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from examples.toy_pool.picks import Asked, asked, finding
from examples.toy_pool.pool import COPIES, FAR, Linear, ToyPool, toy_pool
from examples.toy_pool.svg import X_UNITS, Y_UNITS, Note, Panel, Picture, draw, draw_overview

NO_DIVERSITY = "none"


def pictures() -> dict[str, str]:
    """Name → SVG, of everything that al_core registers itself.

    Strategies are shown without diversity, and ways of diversity on the default strategy.
    """
    pool = toy_pool()
    strategies = {name: asked(pool, name, NO_DIVERSITY) for name in names(STRATEGIES)}
    ways = {name: asked(pool, DEFAULT_STRATEGY, name) for name in names(DIVERSITIES)}
    drawn = {name: draw(_of_strategy(pool, name, batch)) for name, batch in strategies.items()}
    drawn |= {name: draw(_of_way(pool, name, batch)) for name, batch in ways.items()}
    drawn["overview"] = draw_overview(
        pool.points,
        _boundaries(pool.model),
        {
            "Strategies, without diversity": [
                Panel(name, pool.points[batch.indices]) for name, batch in strategies.items()
            ],
            f"Ways of diversity, with {STRATEGIES[DEFAULT_STRATEGY].label.lower()}": [
                Panel(name, pool.points[batch.indices]) for name, batch in ways.items()
            ],
        },
    )
    return drawn


def names(registry: Mapping[str, object]) -> list[str]:
    """What al_core brings itself; what other packages add is theirs to document."""
    return [name for name, known in registry.items() if type(known).__module__.startswith("al_core.")]


def _of_strategy(pool: ToyPool, name: str, batch: Asked) -> Picture:
    strategy = STRATEGIES[name]
    models = pool.committee if strategy.needs == "committee" else (pool.model,)
    return _picture(pool, strategy.label, strategy.label, batch, models)


def _of_way(pool: ToyPool, name: str, batch: Asked) -> Picture:
    return _picture(pool, DIVERSITIES[name].label, STRATEGIES[DEFAULT_STRATEGY].label, batch, (pool.model,))


def _picture(pool: ToyPool, label: str, scale: str, batch: Asked, models: tuple[Linear, ...]) -> Picture:
    found = finding(pool, batch.indices)
    return Picture(
        title=found.title(label),
        subtitle=found.subtitle,
        points=pool.points,
        scores=batch.scores,
        scale=scale,
        picked=pool.points[batch.indices],
        labelled=pool.labelled,
        classes=pool.classes,
        boundaries=[_boundaries(model) for model in models],
        notes=(
            Note(f"{COPIES} copies", np.array([8.2, 0.7]), pool.copied),
            Note("far group", FAR - (0, 0.85)),
        ),
    )


def _boundaries(model: Linear) -> list[NDArray[np.float64]]:
    """Where the two likeliest classes are level: for each pair a straight line inside the picture, or nothing."""
    return [line for pair in combinations(range(len(model.weights)), 2) for line in _boundary(model, pair)]


def _boundary(model: Linear, pair: tuple[int, int]) -> Iterator[NDArray[np.float64]]:
    normal = model.weights[pair[0]] - model.weights[pair[1]]
    offset = model.offsets[pair[0]] - model.offsets[pair[1]]
    length = np.hypot(*normal)
    steps = np.linspace(-20, 20, 4001)[:, None]
    points = -offset * normal / length**2 + steps * np.array([-normal[1], normal[0]]) / length
    scores = points @ model.weights.T + model.offsets
    is_shown = ((points >= 0) & (points <= [X_UNITS, Y_UNITS])).all(axis=1) & (
        scores[:, pair[0]] >= scores.max(axis=1) - 1e-9
    )
    if is_shown.any():
        yield points[is_shown][[0, -1]]
