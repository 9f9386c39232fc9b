"""The tasks of a project: read once, then by what changed."""

from al_core.pool.reading import PoolReader
from al_core.pool.table import LABELLED, SKIPPED, TaskTable, microseconds, moment_of, pool_of

__all__ = ["LABELLED", "SKIPPED", "PoolReader", "TaskTable", "microseconds", "moment_of", "pool_of"]
