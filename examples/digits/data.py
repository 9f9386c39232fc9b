"""scikit-learn's 1,797 digits as tasks of Label Studio, and the truth about them."""

import base64
import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

LABEL_CONFIG = """<View>
  <Image name="image" value="$image" maxWidth="320px"/>
  <Choices name="digit" toName="image" choice="single" showInLine="true">
{choices}
  </Choices>
</View>""".format(choices="\n".join(f'    <Choice value="{digit}" hotkey="{digit}"/>' for digit in range(10)))

SIDE = 96
"""Pixels of a side: 8 × 8 digits are too small to read on a page."""


def tasks(count: int | None = None) -> list[dict[str, Any]]:
    """The first ``count`` digits, or all; the class is not in the task."""
    images = load_digits().images[:count]
    return [{"data": {"image": _png(pixels), "index": index}} for index, pixels in enumerate(images)]


def true_label(data: Mapping[str, Any]) -> str:
    """What a person would answer to a task."""
    return str(_targets()[int(data["index"])])


def seconds_to_answer(data: Mapping[str, Any]) -> float:
    """How long the simulated annotator takes for a task: half of them under 4 seconds, and some far longer."""
    drawn = np.random.default_rng(int(data["index"])).lognormal(np.log(4), 0.5)
    return round(float(drawn), 1)


@cache
def _targets() -> np.ndarray:
    targets: np.ndarray = load_digits().target
    return targets


def _png(pixels: np.ndarray) -> str:
    """An 8 × 8 array of 0 to 16 as a data URI, dark on light."""
    grey = (255 - pixels * 255 / 16).astype(np.uint8)
    image = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
