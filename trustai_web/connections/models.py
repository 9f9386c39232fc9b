"""Label Studio servers."""

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
