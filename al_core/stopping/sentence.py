"""What more labels bring and cost, in one sentence."""

from al_core.evaluation import Interval
from al_core.evaluation.wording import counted, duration, points


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
        One sentence, or two where the gain may be nothing.
    """
    is_one = more == 1
    labels = "The next label" if is_one else f"The next {counted(more, 'label')}"
    bring, cost, make = ("brings", "costs", "makes") if is_one else ("bring", "cost", "make")
    they = "it" if is_one else "they"
    price = _price(seconds_per_label, more)
    if gain is None and price is None:
        return f"What {labels[0].lower()}{labels[1:]} {bring} and {cost} is not known yet."
    if gain is None:
        return f"{labels} {cost} {price}; what {they} {bring} is not known yet."
    low, high = points(gain.low), points(gain.high)
    end = f" and {cost} {price}." if price else f"; what {they} {cost} is not known."
    if low == high == "0.0":
        return f"{labels} {bring} nothing that could be seen{end}"
    if gain.low < 0 < gain.high:
        end = f"{they.capitalize()} {cost} {price}." if price else f"What {they} {cost} is not known."
        return f"{labels} {bring} between {low} and {high} points: it may bring nothing. {end}"
    if gain.high <= 0:
        worse = f"{labels} {make} the model worse, by {_size(gain.high)} to {_size(gain.low)} points"
        return worse + (f", and {cost} {price}." if price else end)
    if low == "0.0" or low == high:
        return f"{labels} {bring} at most {_size(gain.high)} points{end}"
    return f"{labels} {bring} {low} to {high} points{end}"


def _size(share: float) -> str:
    return points(abs(share)).lstrip("+")


def _price(seconds_per_label: Interval | None, more: int) -> str | None:
    if seconds_per_label is None:
        return None
    return duration(seconds_per_label.value * more, seconds_per_label.low * more, seconds_per_label.high * more)
