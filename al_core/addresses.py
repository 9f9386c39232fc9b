"""What people type as the address of a server."""

import httpx

from al_core.errors import InvalidInput


def checked_url(url: str) -> str:
    """The address without a slash at its end, if it is one of http or https.

    Raises
    ------
    InvalidInput
        It has another scheme, no host, or a user name or password in it.
    """
    url = url.strip().rstrip("/")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InvalidInput(f"{url!r} is not an address.", "Enter one as https://labels.example.com.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput(f"{url!r} is not an address.", "Enter one as https://labels.example.com.")
    if parsed.userinfo:
        raise InvalidInput("An address must not hold a user name or password.")
    return url
