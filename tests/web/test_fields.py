"""Text that only the holder of a key can read."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database

from tests.servers import TOKEN
from trustai_web.connections.models import Connection


def ciphertext(connection):
    with database.cursor() as cursor:
        cursor.execute("SELECT token FROM connections_connection WHERE id = %s", [connection.pk])
        return cursor.fetchone()[0]


def test_what_is_kept_is_not_what_was_said(connection, settings):
    kept = ciphertext(connection)
    assert TOKEN not in kept
    assert Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(kept).decode() == TOKEN


def test_the_same_text_is_kept_differently_each_time(connection):
    before = ciphertext(connection)
    connection.save()
    assert ciphertext(connection) != before


def test_a_wrong_key_raises_and_never_gives_the_ciphertext(connection, settings):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(
        ImproperlyConfigured, match=r"Connection\.token was encrypted with a key that is not in"
    ) as caught:
        Connection.objects.get()
    assert "Add the old key to the end of the list." in str(caught.value)
    assert caught.value.__suppress_context__


def test_rows_that_were_tampered_with_raise(connection):
    with database.cursor() as cursor:
        cursor.execute("UPDATE connections_connection SET token = %s", [TOKEN])
    with pytest.raises(ImproperlyConfigured):
        Connection.objects.get()


def test_keys_can_be_rotated(connection, settings):
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    saved = Connection.objects.get()
    assert saved.token == TOKEN
    saved.save()
    settings.ENCRYPTION_KEYS = [new]
    assert Connection.objects.get().token == TOKEN
    settings.ENCRYPTION_KEYS = [old]
    with pytest.raises(ImproperlyConfigured):
        Connection.objects.get()
