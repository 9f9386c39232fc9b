"""How long a server asks us to wait before we try again."""

import time
from email.utils import mktime_tz, parsedate_tz

import httpx


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of a ``Retry-After`` header, which holds seconds or a date; None without one that can be read."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    date = parsedate_tz(said)
    if date is None:
        return None
    try:
        return max(mktime_tz(date) - time.time(), 0.0)
    except (ValueError, OverflowError):  # the year 99999
        return None
