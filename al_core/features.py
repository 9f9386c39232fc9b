"""What tasks look like, as plain numbers: enough to tell near-duplicates from different content."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.feature_extraction.text import (
    HashingVectorizer,
    TfidfTransformer,
)
from sklearn.utils.extmath import randomized_svd

from al_core.types import LabelSpace
from al_core.validation import check_count

MAX_URI_LENGTH = 10_000_000
"""Characters of a data URI; a longer one is not decoded."""
MAX_PIXELS = 50_000_000
"""Width × height of an image; a larger one is not decoded, for a few bytes can unpack to gigabytes."""

_IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")  # no EPS: Pillow would start Ghostscript
_WORDS = 2**14  # hashed words; more would cost memory in the SVD and tell no more apart


def task_features(
    data: Sequence[Mapping[str, Any]], label_space: LabelSpace, dimensions: int = 64
) -> NDArray[np.float32]:
    """Features of tasks, for distances between them.

    Parameters
    ----------
    data : sequence of mapping, length m
        The ``data`` of each task.
    label_space : LabelSpace
        Says which key is shown, and as what.
    dimensions : int
        How many numbers a task gets, about.

    Returns
    -------
    ndarray of float32, shape (m, d), all finite
        ``text`` and ``hypertext``: TF-IDF of the words, reduced by a seeded SVD to d = min(dimensions, m) and
        L2-normalised. ``image`` given as base64 data URIs: grey values from 0 to 1 of a thumbnail of 8×8 to
        16×16 pixels, the size nearest below ``dimensions``. A row without a feature (an empty text, a URL, a
        broken or too large image, another kind of data) gets the mean of the others, zeros if there are none:
        it is then near to nothing in particular, and all such rows are alike.

    Raises
    ------
    InvalidInput
        If ``dimensions`` is not a whole number of at least 1.
    """
    dimensions = check_count("The number of dimensions", dimensions, minimum=1)
    shown = [task.get(label_space.data_key) for task in data]
    if label_space.data_type == "image":
        rows = _image_rows(shown, side=min(16, max(8, isqrt(dimensions))))
    elif label_space.data_type in ("text", "hypertext"):
        rows = _text_rows(shown, dimensions)
    else:
        rows = np.full((len(shown), dimensions), np.nan, dtype=np.float32)
    missing = np.isnan(rows).any(axis=1)
    rows[missing] = rows[~missing].mean(axis=0) if not missing.all() else 0
    return rows


def _text_rows(shown: Sequence[object], dimensions: int) -> NDArray[np.float32]:
    """(m, d) unit rows, NaN where there is no word."""
    texts = [text if isinstance(text, str) else "" for text in shown]
    if not texts:
        return np.empty((0, dimensions), dtype=np.float32)
    hashing = HashingVectorizer(n_features=_WORDS, alternate_sign=False, norm=None, dtype=np.float32)
    counts = hashing.transform(texts)
    words = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    left, strength, _ = randomized_svd(words, min(dimensions, len(texts)), random_state=0)
    rows = (left * strength).astype(np.float32)
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    # No word, or only words too rare for the leading directions: no direction to speak of.
    lengths[lengths < 1e-6] = np.nan
    return np.asarray(rows / lengths, dtype=np.float32)


def _image_rows(shown: Sequence[object], side: int) -> NDArray[np.float32]:
    """(m, side²) grey values from 0 to 1, NaN where nothing could be decoded."""
    rows = np.full((len(shown), side * side), np.nan, dtype=np.float32)
    for row, uri in zip(rows, shown, strict=True):
        try:
            row[:] = _thumbnail(uri, side)
        except Exception:  # noqa: S112  decoders fail on foreign bytes in dozens of ways, and all mean: no feature
            continue
    return rows


def _thumbnail(uri: object, side: int) -> NDArray[np.float32]:
    """(side²,) grey values from 0 to 1; raises anything if it cannot be decoded."""
    if not isinstance(uri, str) or len(uri) > MAX_URI_LENGTH:
        raise ValueError("not a data URI of a bearable length")
    header, _, payload = uri.partition(",")
    if not (header.startswith("data:image/") and header.endswith(";base64")):
        raise ValueError("not a base64 image")
    with Image.open(BytesIO(base64.b64decode(payload)), formats=_IMAGE_FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:  # known from the header, nothing is unpacked yet
            raise ValueError("too large")
        image.draft("L", (side, side))  # JPEG alone: decodes at a fraction of the size
        full = image.convert("RGBA") if image.mode == "P" else image
        grey = full.convert("L").resize((side, side), Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float32).ravel() / np.float32(255)
