"""How good a model is, and how sure that is."""

from al_core.evaluation.intervals import accuracy, wilson_interval
from al_core.evaluation.values import ClassRow, Confusion, Evaluation, Interval, Metric, TestAnswer

__all__ = [
    "ClassRow",
    "Confusion",
    "Evaluation",
    "Interval",
    "Metric",
    "TestAnswer",
    "accuracy",
    "wilson_interval",
]
