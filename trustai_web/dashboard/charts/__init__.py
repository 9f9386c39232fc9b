"""Pictures, each with a title that says the finding: one module for what a picture is about."""

from trustai_web.dashboard.charts.certainty import FEW_WRONG, reliability_diagram, uncertainty_and_error
from trustai_web.dashboard.charts.confusion import confusion_matrix
from trustai_web.dashboard.charts.curves import learning_curve
from trustai_web.dashboard.charts.drawing import (
    THIN_SPACE,
    Chart,
    capital,
    duration,
    interval,
    metric_name,
    number,
    percent,
    points,
)
from trustai_web.dashboard.charts.models import class_changes, class_dots
from trustai_web.dashboard.charts.rounds import rounds_timeline
from trustai_web.dashboard.charts.scores import RIDGES_SHOWN, uncertainty_histogram, uncertainty_ridges

__all__ = [
    "FEW_WRONG",
    "RIDGES_SHOWN",
    "THIN_SPACE",
    "Chart",
    "capital",
    "class_changes",
    "class_dots",
    "confusion_matrix",
    "duration",
    "interval",
    "learning_curve",
    "metric_name",
    "number",
    "percent",
    "points",
    "reliability_diagram",
    "rounds_timeline",
    "uncertainty_and_error",
    "uncertainty_histogram",
    "uncertainty_ridges",
]
