"""The query strategies: what ranks a pool, each a class with a name, registered here or by an installed package.

To add one, write a class with the attributes and the method of :class:`QueryStrategy` and name it in your
package's metadata under the entry-point group ``trustai.strategies``; ``examples/strategy_plugin`` is one.
"""

from al_core.registry import Registry
from al_core.strategies.at_random import Random
from al_core.strategies.by_committee import BY_COMMITTEE
from al_core.strategies.by_uncertainty import BY_UNCERTAINTY
from al_core.strategies.protocol import Evidence, Need, QueryStrategy, models_of

__all__ = ["DEFAULT_STRATEGY", "STRATEGIES", "Evidence", "Need", "QueryStrategy", "models_of"]

DEFAULT_STRATEGY = "margin"

STRATEGIES: Registry[QueryStrategy] = Registry("query strategy", "trustai.strategies")
for _strategy in (*BY_UNCERTAINTY, *BY_COMMITTEE, Random()):
    STRATEGIES.register(_strategy)
