"""From predictions as Label Studio stores them to class probabilities, with what is unknown kept unknown.

A prediction tells all class probabilities if a region of its control has an object ``probabilities``
(label → p) beside its score, in ``meta`` or in ``value``. Without it there is one score, the probability of
the class that was answered: all there is to know of two classes, and a bound of more. The rest is never guessed.
"""

from al_core.probabilities.reading import RowReader, from_predictions
from al_core.probabilities.rows import CONSTANT_TASKS, Rows, latest

__all__ = ["CONSTANT_TASKS", "RowReader", "Rows", "from_predictions", "latest"]
