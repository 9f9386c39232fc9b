"""What tasks look like, as plain numbers: enough to tell near-duplicates from different content."""

from al_core.features.cache import FeatureCache
from al_core.features.content import content_keys
from al_core.features.embeddings import Embeddings, embedding_of
from al_core.features.extraction import TextFeatures, task_features
from al_core.features.file_cache import FileCache
from al_core.features.pictures import ReadImage
from al_core.features.result import Features

__all__ = [
    "Embeddings",
    "FeatureCache",
    "Features",
    "FileCache",
    "ReadImage",
    "TextFeatures",
    "content_keys",
    "embedding_of",
    "task_features",
]
