"""What more labels bring and cost, in one sentence."""

from al_core.evaluation import Interval
from al_core.stopping.wording import counted, duration, points


def gain_and_cost(gain: Interval | None, seconds_per_label: Interval | None, more: int) -> str:
    """Join what is known of the gain and of the cost; what is unknown is said to be.

    Parameters
    ----------
    gain : Interval or None
        Of ``more`` labels, as a share.
    seconds_per_label : Interval or None
    more : int
        At least 1.

    Returns
    -------
    str
        One sentence.
    """
    labels = f"The next {counted(more, 'label')}" if more != 1 else "The next label"
    cost = _cost(seconds_per_label, more)
    if gain is None:
        what = f"What {labels[0].lower()}{labels[1:]} will bring is not known yet"
        if cost is None:
            return f"{what}, nor what they will cost."
        return f"{what}; they will cost {cost}."
    cost_part = f"cost {cost}" if cost is not None else "what they cost is not known"
    joint = " and " if cost is not None else "; "
    if gain.low > 0:
        return f"{labels} bring {points(gain.low)} to {points(gain.high)} points{joint}{cost_part}."
    if gain.high < 0:
        return f"{labels} make the model worse, by {points(gain.low)} to {points(gain.high)} points{joint}{cost_part}."
    return (
        f"{labels} bring between {points(gain.low)} and {points(gain.high)} points: "
        f"it may bring nothing{joint}{cost_part}."
    )


def _cost(seconds_per_label: Interval | None, more: int) -> str | None:
    if seconds_per_label is None:
        return None
    return duration(seconds_per_label.value * more, seconds_per_label.low * more, seconds_per_label.high * more)
