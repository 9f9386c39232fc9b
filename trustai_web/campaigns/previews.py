"""What is shown of a task: a small picture, a piece of text, or nothing."""

from collections.abc import Mapping
from typing import Any

from al_core.types import LabelSpace

TEXT_LENGTH = 300
IMAGE_LENGTH = 64_000
"""Characters of a picture inside a task that are still kept on a row."""

RASTER = ("data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/webp;")
"""Pictures only: an SVG can hold scripts."""


def preview(data: Mapping[str, Any], space: LabelSpace) -> dict[str, str]:
    """``{"kind": "image" | "text" | "none", "content": …}``; content is text from a user, never markup."""
    content = data.get(space.data_key)
    if content is None:
        return {"kind": "none", "content": ""}
    text = str(content).replace("\0", "")  # PostgreSQL keeps no NUL
    if space.data_type != "image":
        return {"kind": "text", "content": text[:TEXT_LENGTH]}
    is_picture = text.startswith(RASTER) and len(text) <= IMAGE_LENGTH
    if is_picture or text.startswith(("https://", "http://")):
        return {"kind": "image", "content": text}
    return {"kind": "none", "content": ""}
