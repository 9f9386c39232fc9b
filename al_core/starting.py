"""How the first round asks, when there is no model yet."""

from typing import Any

from al_core.diversity import DIVERSITIES


def without_a_model(diversity: str) -> dict[str, Any]:
    """What is asked differently while there is no model: name of a setting → its value.

    Parameters
    ----------
    diversity : str
        The way that later rounds keep a batch diverse by.
    """
    return {
        "strategy": "random",
        # A way that is of use without a model asks for typical tasks instead of any.
        "diversity": "none" if DIVERSITIES.named(diversity).ranks else diversity,
        "control_share": 0,
        "class_balance": False,
    }
