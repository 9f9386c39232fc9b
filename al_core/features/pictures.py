"""Pictures as small grey ones."""

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from al_core.errors import Cancelled
from al_core.features.cache import FeatureCache, remembered
from al_core.features.result import Features, gathered

logger = logging.getLogger(__name__)

ReadImage = Callable[[str], bytes]
"""Address of a picture → the bytes of its file; raises anything if it cannot be had."""

MAX_URI_LENGTH = 10_000_000
"""Characters of a data URI, and bytes of a file; a longer one is not decoded."""
MAX_PIXELS = 50_000_000
"""Width × height of an image; a larger one is not decoded, for a few bytes can unpack to gigabytes."""

_IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")  # no EPS: Pillow would start Ghostscript
_EXTRACTOR = "pictures:1"  # another number where the same picture comes out as another vector

_NO_PICTURE = "no picture"
_TOO_LONG = f"a picture of more than {MAX_URI_LENGTH // 1_000_000} million bytes"
_TOO_LARGE = f"a picture of more than {MAX_PIXELS // 1_000_000} million pixels"
_UNDECODABLE = "the picture could not be decoded"
_UNREADABLE = "the picture could not be read from its address"
_AN_ADDRESS = "a web address; pictures are read only when they are inside the task or a reader is given"


class _NoFeature(Exception):
    """Carries the reason why a task has no features."""


def picture_features(
    shown: Sequence[object],
    keys: Sequence[str],
    side: int,
    *,
    cache: FeatureCache | None = None,
    read_image: ReadImage | None = None,
    server: str = "",
) -> Features:
    """Grey values from 0 to 1 of a thumbnail of ``side`` × ``side`` pixels.

    One picture is unpacked at a time. The largest allowed takes up to 0.4 GB for that moment, as WebP 0.8 GB, as
    JPEG next to nothing. Equal pictures are decoded once.
    """
    reasons: dict[str, str] = {}

    def make(contents: Mapping[str, object]) -> dict[str, NDArray[np.float32]]:
        made = {}
        for key, content in contents.items():
            try:
                made[key] = thumbnail(_bytes_of(content, read_image), side)
            except _NoFeature as reason:
                reasons[key] = str(reason)
        return made

    contents = dict(zip(keys, shown, strict=True))
    # Two servers may have different pictures at one address that names no host.
    local = {key: content for key, content in contents.items() if _names_no_host(content)}
    elsewhere = {key: content for key, content in contents.items() if key not in local}
    vectors = remembered(cache, _EXTRACTOR, side * side, elsewhere, make)
    vectors |= remembered(cache if server else None, f"{_EXTRACTOR}:{server}", side * side, local, make)
    found = {index: vectors[key] for index, key in enumerate(keys) if key in vectors}
    missing = {index: reasons[key] for index, key in enumerate(keys) if key in reasons}
    return gathered(found, missing, len(shown), "pictures")


def _names_no_host(content: object) -> bool:
    return isinstance(content, str) and not content.startswith("data:") and "://" not in content


def _bytes_of(content: object, read_image: ReadImage | None) -> bytes:
    if not isinstance(content, str) or not content.strip():
        raise _NoFeature(_NO_PICTURE)
    if len(content) > MAX_URI_LENGTH:
        raise _NoFeature(_TOO_LONG)
    return _unpacked(content) if content.startswith("data:") else _fetched(content, read_image)


def _unpacked(uri: str) -> bytes:
    header, _, payload = uri.partition(",")
    if not (header.startswith("data:image/") and header.endswith(";base64")):
        raise _NoFeature(_UNDECODABLE)
    try:
        return base64.b64decode(payload)
    except ValueError as error:
        raise _NoFeature(_UNDECODABLE) from error


def _fetched(address: str, read_image: ReadImage | None) -> bytes:
    if read_image is None:
        raise _NoFeature(_AN_ADDRESS)
    try:
        content = read_image(address)
    except Cancelled:
        raise
    except Exception as error:  # whatever happens on the way to a picture, the others can still be had
        logger.info("A picture could not be read: %s", type(error).__name__)
        raise _NoFeature(_UNREADABLE) from error
    if not isinstance(content, bytes):
        raise _NoFeature(_UNREADABLE)
    if len(content) > MAX_URI_LENGTH:
        raise _NoFeature(_TOO_LONG)
    return content


def thumbnail(content: bytes, side: int) -> NDArray[np.float32]:
    """(side²,) grey values from 0 to 1; raises ``_NoFeature`` if it cannot be decoded."""
    try:
        with Image.open(BytesIO(content), formats=_IMAGE_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:  # known from the header, nothing is unpacked yet
                raise _NoFeature(_TOO_LARGE)
            image.draft("L", (side, side))  # JPEG alone: decodes at a fraction of the size
            return _grey_values(image, side)
    except _NoFeature:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _NoFeature(_TOO_LARGE) from error
    except Exception as error:  # decoders fail on foreign bytes in dozens of ways
        raise _NoFeature(_UNDECODABLE) from error


def _grey_values(image: Image.Image, side: int) -> NDArray[np.float32]:
    size, box = (side, side), Image.Resampling.BOX
    if image.mode.startswith("I"):  # 16 bits a pixel; Pillow would cut all that is above 255
        deep = np.asarray(image.convert("I").resize(size, box), dtype=np.float32).ravel()
        return np.clip(deep / np.float32(65535), 0, 1)
    return np.asarray(_on_white(image).resize(size, box), dtype=np.float32).ravel() / np.float32(255)


def _on_white(image: Image.Image) -> Image.Image:
    """In grey, as it looks on a white page: what is drawn may be in the transparency alone."""
    if not image.has_transparency_data:
        return image.convert("L")
    layered = image if image.mode == "RGBA" else image.convert("RGBA")  # which would copy it
    page = Image.new("L", image.size, 255)
    page.paste(layered.convert("L"), mask=layered.getchannel("A"))
    return page
