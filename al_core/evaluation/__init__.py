"""How good a model is, and how sure that is."""

from al_core.evaluation.evaluate import can_be_measured, evaluate, measured_by
from al_core.evaluation.intervals import wilson_interval
from al_core.evaluation.values import ClassRow, Confusion, Evaluation, Interval, Metric, TestAnswer

__all__ = [
    "ClassRow",
    "Confusion",
    "Evaluation",
    "Interval",
    "Metric",
    "TestAnswer",
    "can_be_measured",
    "evaluate",
    "measured_by",
    "wilson_interval",
]
