"""Everything that is Label Studio's: its server, its labelling configurations and its annotations."""

from al_core.label_studio.annotations import chosen_label, true_result
from al_core.label_studio.client import LabelStudio
from al_core.label_studio.label_config import label_space, label_spaces, scored_spaces

__all__ = ["LabelStudio", "chosen_label", "label_space", "label_spaces", "scored_spaces", "true_result"]
