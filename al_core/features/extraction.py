"""Which features tasks get: the best kind that there is for most of them."""

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any, Literal

from numpy.typing import NDArray

from al_core.errors import InvalidInput
from al_core.features.cache import FeatureCache
from al_core.features.content import content_keys, shown_of
from al_core.features.embeddings import given_embeddings, task_embeddings
from al_core.features.fields import field_features
from al_core.features.pictures import ReadImage, picture_features
from al_core.features.result import Features
from al_core.features.texts import TYPES, sentence_features, texts_of, word_features
from al_core.types import LabelSpace
from al_core.validation import check_count

TextFeatures = Literal["words", "sentences"]


def task_features(
    tasks: Sequence[Mapping[str, Any]],
    space: LabelSpace,
    *,
    embeddings: Mapping[int, NDArray[Any]] | None = None,
    cache: FeatureCache | None = None,
    dimensions: int = 64,
    read_image: ReadImage | None = None,
    server: str = "",
    text: TextFeatures = "words",
) -> Features:
    """Features of tasks, for distances between them.

    The first that fits of: the ``embeddings`` given, where at least half of the tasks have one of the same
    length; likewise a list of numbers named ``embedding``, ``embeddings`` or ``vector`` in their data; for
    images grey values from 0 to 1 of a thumbnail of 8×8 to 16×16 pixels, the size nearest below ``dimensions``;
    for text, hypertext and paragraphs TF-IDF of the words reduced by a seeded SVD to at most ``dimensions``, or
    sentence embeddings; for anything else all fields that hold a number in most tasks, standardised. Embeddings
    and texts are L2-normalised, and embeddings keep their own length.

    Permuted tasks get permuted rows, and equal contents equal rows.

    Parameters
    ----------
    tasks : sequence of mapping, length m
        The ``data`` of each task. Any JSON is fit.
    space : LabelSpace
        Says which key is shown, and as what.
    embeddings : mapping of int to ndarray, shape (d,)
        Index of a task → what the model sent along, see :func:`embedding_of`.
    cache : FeatureCache, optional
        Where thumbnails and sentence embeddings are kept by content.
    dimensions : int
        How many numbers a task gets, about.
    read_image : callable, optional
        Gives the bytes of a picture that is not inside its task. The addresses come from whoever imported the
        tasks: which of them may be asked is for the reader to judge. What it raises counts as no picture, but
        ``Cancelled`` ends the work. The picture at an address is taken to stay the same.
    server : str
        What addresses that name no host belong to. Without it their pictures are not cached.
    text : {"words", "sentences"}
        What texts are told apart by; sentence embeddings need the packages of requirements-extras.txt.

    Returns
    -------
    Features
        Rows of NaN where a task has none, and why.

    Raises
    ------
    InvalidInput
        If ``dimensions`` is not a whole number of at least 1, ``text`` is none of the two, or sentence
        embeddings are asked for and not installed.
    """
    dimensions = check_count("The number of dimensions", dimensions, minimum=1)
    if text not in ("words", "sentences"):
        raise InvalidInput(f"There are no text features named {text!r}.", "Known are: words, sentences.")
    found = given_embeddings(embeddings, len(tasks)) or task_embeddings(tasks)
    if found:
        return found
    shown = [shown_of(task, space) for task in tasks]
    if space.data_type == "image":
        side = min(16, max(8, isqrt(dimensions)))
        keys = content_keys(tasks, space)
        return picture_features(shown, keys, side, cache=cache, read_image=read_image, server=server)
    if space.data_type in TYPES:
        texts, keys = texts_of(shown, space.data_type), content_keys(tasks, space)
        return sentence_features(texts, keys, cache) if text == "sentences" else word_features(texts, keys, dimensions)
    return field_features(tasks)
