"""When a server wants us back."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from al_core.retry_after import retry_after


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("0", 0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 01 Foo 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 01 Jan 999999999999999999999 00:00:00 GMT", None),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 0),
    ],
)
def test_seconds_are_read_and_nonsense_is_not(said, seconds):
    assert retry_after(httpx.Response(503, headers=[(b"Retry-After", said.encode())])) == seconds


def test_a_date_is_read_as_the_seconds_until_then():
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < retry_after(httpx.Response(429, headers={"retry-after": said})) <= 30


def test_most_answers_say_nothing():
    assert retry_after(httpx.Response(503)) is None
