"""Which of the uncertain tasks to ask about together, so that a batch does not repeat itself."""

from al_core.diversity.adaptive import adaptive_factor
from al_core.diversity.badge import Badge
from al_core.diversity.balance import class_quota
from al_core.diversity.facility import FacilityLocation
from al_core.diversity.kcenter import KCenter
from al_core.diversity.kmeans import KMeans
from al_core.diversity.kmeanspp import KMeansPlusPlus
from al_core.diversity.none import NoDiversity
from al_core.diversity.picking import Picks, pick_batch
from al_core.diversity.protocol import Candidates, Choice, Diversity
from al_core.diversity.ranking import most_uncertain
from al_core.diversity.typiclust import TypiClust
from al_core.registry import Registry

__all__ = [
    "DEFAULT_DIVERSITY",
    "DIVERSITIES",
    "Badge",
    "Candidates",
    "Choice",
    "Diversity",
    "FacilityLocation",
    "KCenter",
    "KMeans",
    "KMeansPlusPlus",
    "NoDiversity",
    "Picks",
    "TypiClust",
    "adaptive_factor",
    "class_quota",
    "most_uncertain",
    "pick_batch",
]

DEFAULT_DIVERSITY = "facility"

DIVERSITIES: Registry[Diversity] = Registry("diversity", "trustai.diversities")
for _way in (FacilityLocation(), KMeans(), KMeansPlusPlus(), KCenter(), Badge(), TypiClust(), NoDiversity()):
    DIVERSITIES.register(_way)
