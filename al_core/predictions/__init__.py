"""Predictions of a pool: those that Label Studio has stored, those of backends asked now, kept as arrays."""

from al_core.predictions.history import kept_versions
from al_core.predictions.models import Ahead, ModelRows
from al_core.predictions.reports import Reports
from al_core.predictions.source import PredictionSource
from al_core.predictions.spreading import PartSpec, Spread, Work, here
from al_core.predictions.unknown import why_unknown

__all__ = [
    "Ahead",
    "ModelRows",
    "PartSpec",
    "PredictionSource",
    "Reports",
    "Spread",
    "Work",
    "here",
    "kept_versions",
    "why_unknown",
]
