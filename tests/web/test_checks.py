"""Misconfiguration is said at start."""

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

KEY = Fernet.generate_key().decode()


def found(*, deploy=False):
    return {message.id: message for message in run_checks(include_deployment_checks=deploy)}


def test_the_settings_of_the_tests_are_in_order():
    assert found() == {}


@pytest.mark.parametrize("bad", ["", "short", KEY[:-4], KEY + "é"])
def test_a_key_that_is_none_is_named_by_its_place_and_not_repeated(settings, bad):
    settings.ENCRYPTION_KEYS = [KEY, bad]
    error = found()["trustai.E001"]
    assert "Key 2 of ENCRYPTION_KEYS" in error.msg
    assert "make secrets" in error.hint
    assert not bad or bad not in f"{error.msg} {error.hint}"


@pytest.mark.parametrize(("https", "warned"), [(False, True), (True, False)])
def test_a_deployment_without_https_is_warned(settings, https, warned):
    settings.HTTPS = https
    assert ("trustai.W001" in found(deploy=True)) is warned
    assert "trustai.W001" not in found()
