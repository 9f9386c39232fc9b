"""Pictures for the tests of features."""

import base64
from io import BytesIO

from PIL import Image


def encoded(image, kind="png", **more):
    """The bytes of a picture's file."""
    stored = BytesIO()
    image.save(stored, kind, **more)
    return stored.getvalue()


def uri(image, kind="png", **more):
    """A picture inside a task."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded(image, kind, **more)).decode()}"


def plain(grey, size=(40, 30), mode="L"):
    """A picture of one grey."""
    return Image.new(mode, size, grey)
