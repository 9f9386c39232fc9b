"""When to stop asking for labels: several rules, each with its evidence, as advice."""

from al_core.stopping.board import stop_board
from al_core.stopping.values import Advice, Board, RoundFacts, Says

__all__ = ["Advice", "Board", "RoundFacts", "Says", "stop_board"]
