"""All rules beside each other, and one sentence of what more labels bring and cost."""

from collections.abc import Sequence

from al_core.evaluation import Interval, PowerLaw
from al_core.stopping.rules import max_confidence, overall_uncertainty, predicted_gain, stabilising_predictions
from al_core.stopping.sentence import gain_and_cost
from al_core.stopping.values import Board, RoundFacts


def stop_board(
    rounds: Sequence[RoundFacts],
    fit: PowerLaw | None,
    seconds_per_label: Interval | None,
    *,
    more: int = 100,
    wanted_gain: float = 0.005,
) -> Board:
    """Ask every rule whether more labels are worth it.

    Parameters
    ----------
    rounds : sequence of RoundFacts
        In any order.
    fit : PowerLaw or None
        Through the rounds' measurements.
    seconds_per_label : Interval or None
        See :func:`al_core.evaluation.seconds_per_label`.
    more : int
        Of how many labels the gain and the cost are told.
    wanted_gain : float
        The least gain of so many labels that is worth them, as a share: 0.005 is half a point.

    Returns
    -------
    Board
        Advice; it locks nothing.
    """
    ordered = sorted(rounds, key=lambda facts: facts.number)
    labels = max((facts.labels for facts in ordered), default=0)
    gain = fit.gain(labels, more) if fit is not None and labels else None
    return Board(
        sentence=gain_and_cost(gain, seconds_per_label, more),
        rules=(
            stabilising_predictions(ordered),
            overall_uncertainty(ordered),
            max_confidence(ordered),
            predicted_gain(ordered, gain, more, wanted_gain),
        ),
    )
