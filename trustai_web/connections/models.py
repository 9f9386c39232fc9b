"""Label Studio servers."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from trustai_web.common.fields import EncryptedTextField
from trustai_web.common.models import TimestampedModel


class Connection(TimestampedModel):
    """A Label Studio server and the token we speak to it with."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField(max_length=500)
    token = EncryptedTextField()
    server_version = models.CharField(max_length=50, blank=True)
    server_user = models.CharField(max_length=254, blank=True)
    token_kind = models.CharField(max_length=30, blank=True)
    tested_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="Why the last test failed; empty when it did not.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class BackendSettings(TimestampedModel):
    """How we speak to one ML backend of a server; a backend without a row has none of these."""

    class Route(models.TextChoices):
        AUTOMATIC = "", "Automatic"
        TRAIN = "train", "POST /train of the backend"
        WEBHOOK = "webhook", "START_TRAINING on the backend's /webhook"
        LABEL_STUDIO = "label_studio", "Through Label Studio"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="backend_settings")
    url = models.URLField(max_length=500)
    username = models.CharField(max_length=255, blank=True)
    password = EncryptedTextField(blank=True)
    train_route = models.CharField(max_length=16, choices=Route, default=Route.AUTOMATIC, blank=True)
    train_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long a training may take. Empty: as the site says."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "url"], name="settings_once_per_backend"),
        ]

    def __str__(self) -> str:
        return self.url
