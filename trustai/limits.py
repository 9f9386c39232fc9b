"""Whether to go on: the stop board over the rounds of a history, and the limits of a configuration."""

from al_core.config import StopPart
from al_core.evaluation import fit_power_law, seconds_per_label
from al_core.evaluation.power_law import Point
from al_core.stopping import Board, RoundFacts, stop_board
from trustai.history import History, labels_so_far
from trustai.words import curve_points


def board_of(history: History) -> Board:
    """What a history knows is the curve; the rules that look at the pool need the dashboard, which keeps it."""
    points = curve_points(history.rounds)
    facts = [RoundFacts(number, labels, value) for number, (labels, value) in enumerate(points)]
    fit = fit_power_law([Point(labels, value.value, value.low, value.high) for labels, value in points])
    return stop_board(facts, fit, seconds_per_label(history.lead_times))


def _spent(history: History) -> float | None:
    """Seconds that people spent on the labels of the newest training."""
    return next((each.training.get("lead_seconds") for each in reversed(history.rounds) if each.training), None)


def limit_reached(stop: StopPart, history: History) -> str:
    """Which limit of the configuration is reached, in a sentence; empty for none."""
    labels, spent = labels_so_far(history.rounds), _spent(history)
    if stop.labels and labels >= stop.labels:
        return f"The budget of {stop.labels:,} labels is used: the model learned from {labels:,}."
    if stop.hours and spent is not None and spent >= 3600 * stop.hours:
        return f"The budget of {stop.hours:g} hours is used: people spent {spent / 3600:.1f}."
    return _advice(history) if stop.advised else ""


def _advice(history: History) -> str:
    rule = next(rule for rule in board_of(history).rules if rule.name == "predicted_gain")
    return f"The stop board advises to stop. {rule.evidence}" if rule.says == "stop" else ""
