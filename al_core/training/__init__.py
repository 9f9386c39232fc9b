"""Trainings that are watched: what a backend was like before, asking it, waiting for it, and the verdict."""

from al_core.training.before import PROBE_TASKS, Before, CallBack, probe_of
from al_core.training.lesson import Lesson, lesson_of
from al_core.training.trainer import Trainer, nothing

__all__ = ["PROBE_TASKS", "Before", "CallBack", "Lesson", "Trainer", "lesson_of", "nothing", "probe_of"]
