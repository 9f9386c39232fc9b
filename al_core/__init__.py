"""Active learning on Label Studio: arrays, strategies, clients and the manager.

Needs neither Django nor a broker. Start with :class:`al_core.active_learning.ActiveLearningManager`.
"""
