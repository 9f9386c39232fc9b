"""Misconfiguration, said at start with an id and a hint."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def encryption_keys_are_usable(**kwargs: Any) -> list[CheckMessage]:
    """Every key of ENCRYPTION_KEYS must be one that Fernet takes."""
    for position, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            return [
                Error(
                    f"Key {position} of ENCRYPTION_KEYS is not a Fernet key.",
                    hint="`make secrets` prints how to make one: 32 bytes in URL-safe base64.",
                    id="trustai.E001",
                )
            ]
    return []


@register(Tags.security, deploy=True)
def https_is_on(**kwargs: Any) -> list[CheckMessage]:
    """A deployment without https sends passwords and Label Studio tokens in the clear."""
    if settings.HTTPS:
        return []
    return [Warning("HTTPS is off.", hint="Set HTTPS=true behind a TLS proxy.", id="trustai.W001")]
