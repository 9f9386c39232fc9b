"""The names that the documentation promises, from al_core."""

from al_core.active_learning import ActiveLearningManager
from al_core.uncertainty import UncertaintySampling

__all__ = ["ActiveLearningManager", "UncertaintySampling"]
