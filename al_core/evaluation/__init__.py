"""How good a model is, and how sure that is."""

from al_core.evaluation.agreement import Agreement, kappa
from al_core.evaluation.calibration import Bin, ErrorRanking, Reliability, reliability, uncertainty_and_error
from al_core.evaluation.costs import labelling_seconds, seconds_per_label
from al_core.evaluation.difference import ClassChange, Difference, compare
from al_core.evaluation.evaluate import can_be_measured, evaluate, measured_by
from al_core.evaluation.intervals import wilson_interval
from al_core.evaluation.leak import Leak, leak_check
from al_core.evaluation.power_law import Point, PowerLaw, fit_power_law
from al_core.evaluation.test_size import suggested_size
from al_core.evaluation.values import ClassRow, Confusion, Evaluation, Interval, Metric, TestAnswer

__all__ = [
    "Agreement",
    "Bin",
    "ClassChange",
    "ClassRow",
    "Confusion",
    "Difference",
    "ErrorRanking",
    "Evaluation",
    "Interval",
    "Leak",
    "Metric",
    "Point",
    "PowerLaw",
    "Reliability",
    "TestAnswer",
    "can_be_measured",
    "compare",
    "evaluate",
    "fit_power_law",
    "kappa",
    "labelling_seconds",
    "leak_check",
    "measured_by",
    "reliability",
    "seconds_per_label",
    "suggested_size",
    "uncertainty_and_error",
    "wilson_interval",
]
