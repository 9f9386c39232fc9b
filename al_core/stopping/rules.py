"""The rules of the literature, each asked of the same rounds."""

from collections.abc import Callable, Sequence

from al_core.evaluation import Interval
from al_core.evaluation.wording import THIN_SPACE, counted, percent, points
from al_core.stopping.values import Advice, RoundFacts, Says

LEAST_KAPPA = 0.99
WINDOW = 3
"""Both as Bloodgood and Vijay-Shanker use them."""
MOST_MEAN_UNCERTAINTY = 0.05
MOST_UNCERTAINTY = 0.1
"""Both are ours. The papers have thresholds of entropy, and say that each task needs another one."""
_SHOWN = 5
"""Rounds that an evidence tells of."""


def stabilising_predictions(rounds: Sequence[RoundFacts]) -> Advice:
    """Stop once successive models answer the pool alike: mean kappa of the last three comparisons at least 0.99."""
    found = [(facts.number, facts.agreement) for facts in rounds if facts.agreement is not None]
    known = [(number, agreement.kappa) for number, agreement in found]
    said = _listed(known, lambda value: f"{value:.3f}")
    value = None
    says: Says = "unknown"
    if not known:
        evidence = "Unknown: no two models that answered the same pool can be compared yet."
    elif _is_outdated(known, rounds):
        evidence = f"Unknown for the newest models. Kappa before: {said}."
    elif len(known) < WINDOW:
        evidence = (
            f"Unknown: the rule wants {WINDOW} comparisons of a model with the one before it, and there "
            f"{'is' if len(known) == 1 else 'are'} {len(known)}. Kappa: {said}."
        )
    else:
        value = sum(kappa for _, kappa in known[-WINDOW:]) / WINDOW
        says = "stop" if value >= LEAST_KAPPA else "go_on"
        newest = found[-1][1]
        evidence = (
            f"Kappa between a model and the one before it: {said}; of the newest the 95{THIN_SPACE}% interval is "
            f"{newest.low:.3f} to {newest.high:.3f}. The mean of the last {WINDOW} is {value:.3f}; "
            f"the rule says stop from {LEAST_KAPPA} on."
        )
    return Advice(
        name="stabilising_predictions",
        label="The answers have settled",
        says=says,
        evidence=evidence,
        value=value,
        threshold=LEAST_KAPPA,
        source="M. Bloodgood and K. Vijay-Shanker, “A method for stopping active learning based on stabilizing "
        "predictions and the need for user-adjustable stopping”, CoNLL 2009",
    )


def overall_uncertainty(rounds: Sequence[RoundFacts]) -> Advice:
    """Stop once the model is sure of the pool on the whole: mean of 1 − confidence at most 5 %.

    The mean is also the share of errors that the model itself expects: a model that is too sure of itself stops early.
    """
    known = [(facts.number, facts.mean_uncertainty) for facts in rounds if facts.mean_uncertainty is not None]
    return _below(
        rounds,
        known,
        name="overall_uncertainty",
        label="The model is sure on the whole",
        what="Mean uncertainty of the pool",
        threshold=MOST_MEAN_UNCERTAINTY,
        source="J. Zhu, H. Wang and E. Hovy, “Multi-criteria-based strategy to stop active learning for data "
        "annotation”, COLING 2008; the threshold is TrustAI's",
    )


def max_confidence(rounds: Sequence[RoundFacts]) -> Advice:
    """Stop once the model is sure even of the task it is least sure of: 1 − confidence at most 10 %."""
    known = [(facts.number, facts.max_uncertainty) for facts in rounds if facts.max_uncertainty is not None]
    return _below(
        rounds,
        known,
        name="max_confidence",
        label="The model is sure of every task",
        what="Uncertainty of the task that the model is least sure of",
        threshold=MOST_UNCERTAINTY,
        source="J. Zhu and E. Hovy, “Active learning for word sense disambiguation with methods for addressing the "
        "class imbalance problem”, EMNLP-CoNLL 2007; the threshold is TrustAI's",
    )


def predicted_gain(rounds: Sequence[RoundFacts], gain: Interval | None, more: int, wanted_gain: float) -> Advice:
    """Stop once more labels can hardly bring what is wanted of them."""
    known = [(facts.number, facts.value.value) for facts in rounds if facts.value is not None]
    says: Says = "unknown"
    wanted = f"{points(wanted_gain).lstrip('+')} points"
    if gain is None:
        evidence = "Unknown: a curve needs measurements with three different counts of labels"
        count = len({facts.labels for facts in rounds if facts.value is not None})
        evidence += f", so far it has {count}." if count else "; nothing is measured yet."
    else:
        measured = f"Measured: {_listed(known, percent)}. " if known else ""
        evidence = (
            f"{measured}By the curve through what was measured, {counted(more, 'more label')} bring "
            f"{points(gain.low)} to {points(gain.high)} points, about {points(gain.value)} most likely; "
            f"{wanted} are wanted. "
        )
        if gain.high < wanted_gain:
            says, verdict = "stop", "Even the upper end is less."
        elif gain.value >= wanted_gain:
            says, verdict = "go_on", "It is likely to be that much."
        else:
            verdict = "It is likely to be less, but that is not sure."
        evidence += verdict
    return Advice(
        name="predicted_gain",
        label="More labels bring little",
        says=says,
        evidence=evidence,
        value=None if gain is None else gain.value,
        threshold=wanted_gain,
        source="C. Cortes, L. Jackel, S. Solla, V. Vapnik and J. Denker, “Learning curves: asymptotic values and rate "
        "of convergence”, NIPS 1993, for the power law; the threshold is TrustAI's",
    )


def _below(
    rounds: Sequence[RoundFacts],
    known: Sequence[tuple[int, float]],
    *,
    name: str,
    label: str,
    what: str,
    threshold: float,
    source: str,
) -> Advice:
    """Stop once the newest number is at or below a threshold."""
    value = None
    says: Says = "unknown"
    if not rounds:
        evidence = "Unknown: there is no model yet."
    elif not known:
        evidence = "Unknown: the strategy asks no model, or its model tells no probabilities."
    elif _is_outdated(known, rounds):
        evidence = f"Unknown for the newest models. Before: {_listed(known, percent)}."
    else:
        value = known[-1][1]
        says = "stop" if value <= threshold else "go_on"
        evidence = f"{what}: {_listed(known, percent)}. The rule says stop at {percent(threshold)} or less."
        if known[-1][0] != rounds[-1].number:
            evidence += f" The model of round {rounds[-1].number} has not scored the pool yet."
    return Advice(name, label, says, evidence, value, threshold, source)


def _is_outdated(known: Sequence[tuple[int, float]], rounds: Sequence[RoundFacts]) -> bool:
    """Whether what is known is of neither of the last two models; the last one may not have scored the pool yet."""
    return known[-1][0] not in [facts.number for facts in rounds[-2:]]


def _listed(known: Sequence[tuple[int, float]], say: Callable[[float], str]) -> str:
    """Numbers with their rounds, oldest first, the newest few."""
    return ", ".join(f"{say(value)} (round {number})" for number, value in known[-_SHOWN:])
