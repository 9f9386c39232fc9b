"""``python -m trustai``: the command ``trustai`` without an installation."""

from trustai.cli import app

app()
