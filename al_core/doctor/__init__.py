"""The probability doctor: what the numbers of a model are worth, and what would make them worth more."""

from al_core.doctor.examination import examine
from al_core.doctor.report import ControlReport, Diagnosis, Gives, Verdict

__all__ = ["ControlReport", "Diagnosis", "Gives", "Verdict", "examine"]
