"""Telling whoever asked for a training how it ended."""

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from .errors import Refused

log = logging.getLogger(__name__)
# It writes every address to the log, and this one is a secret: whoever knows it can say that a training is over.
logging.getLogger("httpx").setLevel(logging.WARNING)

WAITS = (0.0, 1.0, 5.0)
SECONDS = 10.0
MAX_CHARACTERS = 2000


def checked(address: object) -> str:
    """The address to call, as the request named it; empty for none."""
    if address in (None, ""):
        return ""
    try:
        parts = urlsplit(address) if isinstance(address, str) and len(address) <= MAX_CHARACTERS else urlsplit("")
        known = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        known = None
    if not known:
        raise Refused("'callback_url' must be a web address that begins with http:// or https://.")
    return str(address)


def call_back(address: str, ended: Mapping[str, Any]) -> None:
    """Tell it there, and nowhere else; one that cannot be reached will ask /is_training by itself."""
    status = "no answer"
    for wait in WAITS:
        time.sleep(wait)
        try:
            answer = httpx.post(address, json=dict(ended), timeout=SECONDS, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            status = type(error).__name__
            continue
        if answer.status_code < 500:
            # Refused, moved or taken: the same again would bring the same.
            log.info("called back about job %s: %d", ended.get("job"), answer.status_code)
            return
        status = str(answer.status_code)
    log.warning("could not call back about job %s: %s", ended.get("job"), status)
