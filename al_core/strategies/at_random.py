"""The strategy that asks no model."""

from al_core.seeding import task_uniforms
from al_core.strategies.protocol import Evidence, Need
from al_core.types import Bounds


class Random:
    """Every task is as likely as any other; the draw follows the task's id and the seed."""

    name = "random"
    label = "Random"
    help = "Asks at random and needs no model: for a first batch, and to compare the others with."
    needs: Need = "nothing"

    def score(self, evidence: Evidence) -> Bounds:
        scores = task_uniforms(evidence.task_ids, evidence.seed)
        return Bounds(scores, scores)
