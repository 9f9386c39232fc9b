"""The work that is done for campaigns and their rounds."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from trustai_web.campaigns.models.campaigns import Campaign
from trustai_web.campaigns.models.rounds import Round
from trustai_web.common.models import TimestampedModel


class Job(TimestampedModel):
    """One long piece of work with progress; the truth about it, while Celery only carries it."""

    class Kind(models.TextChoices):
        SCORE = "score", "Score the pool"
        PUBLISH = "publish", "Publish the batch"
        RETRACT = "retract", "Take the batch back"
        TRAIN = "train", "Train and evaluate"
        EVALUATE = "evaluate", "Measure again"
        DOCTOR = "doctor", "Examine the numbers"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        ERRORED = "errored", "Stopped by a bug"
        CANCELLED = "cancelled", "Cancelled"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    kind = models.CharField(max_length=16, choices=Kind)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="jobs")
    round = models.ForeignKey(Round, null=True, on_delete=models.CASCADE, related_name="jobs")
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    rate = models.FloatField(null=True, help_text="Done in a second, lately; none while there is nothing to tell.")
    message = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    tries = models.PositiveIntegerField(default=0, help_text="How often a worker took it; names the taker.")
    run_after = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["round"],
                condition=Q(status__in=["queued", "running"]),
                name="one_active_job_per_round",
            ),
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(kind="doctor", status__in=["queued", "running"]),
                name="one_active_examination_per_campaign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.round or self.campaign}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_silent(self) -> bool:
        """A worker took it and has given no sign of life for a while."""
        if self.status != self.Status.RUNNING or self.heartbeat_at is None:
            return False
        return (timezone.now() - self.heartbeat_at).total_seconds() > 3 * settings.JOB_HEARTBEAT_SECONDS


class JobPart(TimestampedModel):
    """A share of a job's tasks to predict: whichever worker is free takes it, and one that went silent loses it."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    job_tries = models.PositiveIntegerField(help_text="The try of the job that cut it; nobody works for an older one.")
    number = models.PositiveIntegerField()
    backend_url = models.URLField(max_length=500)
    model_version = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    tries = models.PositiveIntegerField(default=0, help_text="How often a worker took it; names the taker.")
    heartbeat_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    message = models.TextField(blank=True, help_text="Why it failed.")
    error = models.CharField(max_length=32, blank=True, help_text="The code of the error that it failed with.")

    class Meta:
        ordering = ["job", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="part_number_once_per_job")]

    def __str__(self) -> str:
        return f"part {self.number} of job {self.job_id}"

    @property
    def file_name(self) -> str:
        """Where the ids of its tasks are kept."""
        return f"parts/{self.job_id}-{self.job_tries}-{self.number}.npy"
