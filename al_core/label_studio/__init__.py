"""Everything that is Label Studio's: its server, its labelling configurations and its annotations."""

from al_core.label_studio.annotations import answer_of, chosen_label
from al_core.label_studio.client import LabelStudio
from al_core.label_studio.label_config import label_space, label_spaces, scored_spaces

__all__ = ["LabelStudio", "answer_of", "chosen_label", "label_space", "label_spaces", "scored_spaces"]
