"""Words of other servers, fit to be shown and kept: without what is secret, on one line, and short."""

import re
from collections.abc import Iterable

LONGEST = 300
"""Characters that are kept."""

_SHORTEST_SECRET = 4
"""A shorter one would take ordinary words apart, and hides nothing."""

_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")


class Redaction:
    """Takes secrets out of texts.

    Parameters
    ----------
    secrets : iterable of str
        What must not be read: passwords, tokens, addresses that only one server should know.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one may be a part of another.
        self._secrets = sorted({each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, text: str, longest: int = LONGEST) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        text = " ".join(_USER_IN_URL.sub("", text).split())
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    def and_of(self, *secrets: str) -> "Redaction":
        """The same, for more secrets."""
        return Redaction([*self._secrets, *secrets])
