"""A small honest classifier: logistic regression on the pixels of an image or the words of a text."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import Pipeline, make_pipeline

from .errors import Refused
from .label_config import LabelConfig
from .label_studio import LabelStudio

SIDE = 16
MAX_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
READERS = 8

Input = NDArray[np.float32] | str
"""What the classifier sees of a task: (SIDE * SIDE,) grey values in 0..1, or the text itself."""


@dataclass(frozen=True)
class Model:
    """What one training brought; it predicts and is written to disk as a whole."""

    number: int
    version: str
    data_type: str
    trained_on: int
    pipeline: Pipeline

    @property
    def classes(self) -> list[str]:
        return [str(label) for label in self.pipeline.classes_]

    def probabilities(self, inputs: Sequence[Input], labels: Sequence[str]) -> list[dict[str, float]]:
        """Give every label of the configuration its probability; a label never seen in training gets 0."""
        if not inputs:
            return []
        rows = self.pipeline.predict_proba(list(inputs))
        answers = []
        for row in rows:
            learned = dict(zip(self.classes, row.tolist(), strict=True))
            known = {label: learned.get(label, 0.0) for label in labels}
            total = sum(known.values())
            # Labels may have been taken out of the configuration since the training.
            answers.append({label: value / total for label, value in known.items()} if total > 0 else {})
        return answers


def fit(data_type: str, inputs: Sequence[Input], labels: Sequence[str]) -> Pipeline:
    """Train on examples of at least two classes."""
    classes = sorted(set(labels))
    if len(classes) < 2:
        seen = f"all {len(labels)} are {classes[0]!r}" if classes else "there is none"
        raise Refused(f"Training needs labelled tasks of at least two classes; {seen}.")
    if data_type == "image":
        # Grey values share one scale: standardising them made every size of training set worse on digits.
        pipeline = make_pipeline(LogisticRegression(max_iter=1000))
    else:
        words = TfidfVectorizer(sublinear_tf=True, max_features=50_000)
        pipeline = make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000))
    return pipeline.fit(list(inputs), list(labels))


def measured(pipeline: Pipeline, inputs: Sequence[Input], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy and log loss on what the model has learned from: how well it fits, not how well it does elsewhere."""
    rows = pipeline.predict_proba(list(inputs))
    return {
        "training_accuracy": float(accuracy_score(labels, pipeline.classes_[rows.argmax(axis=1)])),
        "training_log_loss": float(log_loss(labels, rows, labels=pipeline.classes_)),
    }


def read_inputs(tasks: Sequence[Mapping[str, Any]], config: LabelConfig, source: LabelStudio) -> list[Input | None]:
    """Read each task; None for one that cannot be read, so that the order of the tasks is kept."""

    def read(task: Mapping[str, Any]) -> Input | None:
        data = task.get("data")
        value = data.get(config.data_key) if isinstance(data, dict) else None
        if not isinstance(value, str) or not value.strip():
            return None
        try:
            return _pixels(value, source) if config.data_type == "image" else value
        except Refused:
            return None

    # Several at once because images behind an address are slow; these threads never keep the process alive.
    with ThreadPool(READERS) as readers:
        return readers.map(read, tasks)


def chosen_label(task: Mapping[str, Any], config: LabelConfig) -> str | None:
    """Find the choice of the newest annotation that was not skipped."""
    annotations = [each for each in _dicts(task.get("annotations")) if not each.get("was_cancelled")]
    for annotation in sorted(annotations, key=_id, reverse=True):
        for region in _dicts(annotation.get("result")):
            value = region.get("value")
            choices = value.get("choices") if isinstance(value, dict) else None
            if region.get("from_name") == config.from_name and isinstance(choices, list) and choices:
                return choices[0] if choices[0] in config.labels else None
    return None


def _pixels(address: str, source: LabelStudio) -> NDArray[np.float32]:
    """Turn a data URI or an address into grey values."""
    try:
        if address.startswith("data:"):
            content = base64.b64decode(address.partition(",")[2])
        else:
            content = source.read_file(address)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Refused("The image is too large.")
            small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    except Exception as error:  # decoders raise errors of every kind on broken bytes
        raise Refused("This is not an image that can be read.") from error
    return np.asarray(small, dtype=np.float32).ravel() / 255.0


def _dicts(value: object) -> Iterable[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _id(annotation: Mapping[str, Any]) -> int:
    number = annotation.get("id")
    return number if isinstance(number, int) else 0
