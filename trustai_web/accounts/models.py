"""People and their roles."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Somebody who logs in.

    A lead runs connections and campaigns; an annotator sees the campaigns that were shared with them.
    """

    class Role(models.TextChoices):
        LEAD = "lead", "Lead"
        ANNOTATOR = "annotator", "Annotator"

    role = models.CharField(max_length=16, choices=Role, default=Role.ANNOTATOR)

    @property
    def is_lead(self) -> bool:
        return self.role == self.Role.LEAD
