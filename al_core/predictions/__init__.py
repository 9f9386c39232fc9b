"""Predictions of a pool: those that Label Studio has stored, those of backends asked now, kept as arrays."""

from al_core.predictions.spreading import PartSpec, Spread, Work, here

__all__ = ["PartSpec", "Spread", "Work", "here"]
