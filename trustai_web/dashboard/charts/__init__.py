"""Pictures, each with a title that says the finding: one module for what a picture is about."""

from trustai_web.dashboard.charts.curves import learning_curve
from trustai_web.dashboard.charts.drawing import THIN_SPACE, Chart, number, percent
from trustai_web.dashboard.charts.scores import RIDGES_SHOWN, uncertainty_histogram, uncertainty_ridges

__all__ = [
    "RIDGES_SHOWN",
    "THIN_SPACE",
    "Chart",
    "learning_curve",
    "number",
    "percent",
    "uncertainty_histogram",
    "uncertainty_ridges",
]
