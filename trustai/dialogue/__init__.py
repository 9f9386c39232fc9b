"""How the runner speaks with whoever started it: a person at a terminal, or a script."""

from trustai.dialogue.protocol import Dialogue, Option
from trustai.dialogue.terminal import Terminal
from trustai.dialogue.unattended import AnswerNeeded, Unattended

__all__ = ["AnswerNeeded", "Dialogue", "Option", "Terminal", "Unattended"]
