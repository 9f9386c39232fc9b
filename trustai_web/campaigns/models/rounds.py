"""Rounds, the tasks they recommend, and what their trainings came to."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from trustai_web.campaigns.controls import label_control
from trustai_web.campaigns.models.campaigns import Asking, Campaign
from trustai_web.common.models import TimestampedModel


class Round(TimestampedModel, Asking):
    """One turn of the loop: score, recommend, publish, annotate, train, evaluate."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting to be scored"
        SCORING = "scoring", "Scoring"
        READY = "ready", "Ready to publish"
        OPEN = "open", "Open for labelling"
        TRAINING = "training", "Training"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    FINISHED = (Status.DONE, Status.CANCELLED)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    failed_from = models.CharField(max_length=16, choices=Status, blank=True)
    failure = models.TextField(blank=True)

    test_size = models.PositiveIntegerField(default=0)

    # What scoring found.
    model_version = models.CharField(max_length=255, blank=True)
    pool_size = models.PositiveIntegerField(null=True)
    pool_digest = models.CharField(max_length=64, blank=True)
    known_count = models.PositiveIntegerField(null=True, help_text="Tasks with a score, exact or within bounds.")
    bounded_count = models.PositiveIntegerField(null=True, help_text="Those of them that have only bounds.")
    unknown = models.JSONField(default=dict, help_text="Reason → how many tasks have no score.")
    histogram = models.JSONField(default=dict, help_text="Counts and edges of the pool's scores.")
    uncertainty = models.JSONField(
        default=dict, help_text="How unsure the model is of the pool: mean and max of 1 − the likeliest class's share."
    )
    agreement = models.JSONField(
        default=dict,
        help_text="How far the model answers as the one before did: kappa, low, high, tasks, and the round of before.",
    )
    scores_file = models.FileField(upload_to="rounds/", blank=True)
    note = models.TextField(blank=True)
    scored_at = models.DateTimeField(null=True)

    # The tab in Label Studio.
    view_id = models.PositiveBigIntegerField(null=True)
    published_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)
    sync_error = models.TextField(blank=True)
    outside_task_ids = models.JSONField(default=list, help_text="Labelled while the batch was open, but not in it.")

    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["campaign", "number"]
        constraints: ClassVar = [
            # A cancelled round gives its number back.
            models.UniqueConstraint(
                fields=["campaign", "number"], condition=~Q(status="cancelled"), name="round_number_once"
            ),
            models.UniqueConstraint(
                fields=["campaign"],
                condition=~Q(status__in=["done", "cancelled"]),
                name="one_unfinished_round_per_campaign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · round {self.number}"

    @property
    def is_finished(self) -> bool:
        return self.status in self.FINISHED

    @property
    def exact_count(self) -> int:
        return (self.known_count or 0) - (self.bounded_count or 0)

    @property
    def unknown_count(self) -> int:
        return (self.pool_size or 0) - (self.known_count or 0)

    @property
    def can_be_measured(self) -> bool:
        """Whether a test set can tell how good the model is: not yet where answers are regions."""
        control = label_control(self.campaign.known_controls(), self.control)
        return control is None or control.can_be_measured

    @property
    def tab_title(self) -> str:
        """The title of the tab in Label Studio; says the same for the same round, so that it can be found."""
        return f"TrustAI round {self.number} (#{self.pk})"


class BatchTask(models.Model):
    """One of the tasks that a round recommends."""

    class Lane(models.TextChoices):
        STRATEGY = "strategy", "Strategy"
        CONTROL = "control", "Control"
        TEST = "test", "Test set"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        LABELLED = "labelled", "Labelled"
        SKIPPED = "skipped", "Skipped"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="batch_tasks")
    rank = models.PositiveIntegerField()
    task_id = models.PositiveBigIntegerField()
    lane = models.CharField(max_length=16, choices=Lane)
    score = models.FloatField(null=True, help_text="The least it can be, where it is not exact.")
    score_high = models.FloatField(null=True, help_text="The most it can be, where it is not exact.")
    cluster = models.PositiveIntegerField(null=True)
    probabilities = models.JSONField(default=dict, help_text="Label → probability.")
    preview = models.JSONField(default=dict, help_text="What is shown of the task: kind and content.")

    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    label = models.TextField(blank=True)
    annotator = models.CharField(max_length=254, blank=True)
    labelled_at = models.DateTimeField(null=True)
    lead_time = models.FloatField(null=True, help_text="Seconds.")
    seen_updated_at = models.DateTimeField(null=True, help_text="The task's state that the columns above show.")

    class Meta:
        ordering = ["round", "rank"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["round", "task_id"], name="task_once_per_batch"),
            models.UniqueConstraint(fields=["round", "rank"], name="rank_once_per_batch"),
        ]

    @property
    def likeliest(self) -> list[tuple[str, float]]:
        """(label, probability), highest first; sorted here, as PostgreSQL keeps no order of keys."""
        return sorted(self.probabilities.items(), key=lambda said: -said[1])

    @property
    def predicted_label(self) -> str:
        return self.likeliest[0][0] if self.probabilities else ""


class TrainingRun(TimestampedModel):
    """One attempt to make a new model, and all that is known of it; Label Studio forgets what a backend said."""

    class Verdict(models.TextChoices):
        RUNNING = "running", "Running"
        NEW_MODEL = "new_model", "New model"
        SAME_MODEL = "same_model", "Same model as before"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Route(models.TextChoices):
        TRAIN = "train", "POST /train of the backend"
        WEBHOOK = "webhook", "START_TRAINING on the backend's /webhook"
        LABEL_STUDIO = "label_studio", "through Label Studio"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="training_runs")
    backend_url = models.URLField(max_length=500, blank=True, help_text="Who was asked.")
    verdict = models.CharField(max_length=16, choices=Verdict, default=Verdict.RUNNING)
    route = models.CharField(max_length=16, choices=Route, blank=True, help_text="How it was started.")
    label_count = models.PositiveIntegerField(null=True, help_text="Tasks that it was to learn from.")
    lead_seconds = models.FloatField(null=True, help_text="What people spent on those labels.")
    lead_known = models.PositiveIntegerField(null=True, help_text="Labels that Label Studio knows a time of.")
    version_before = models.CharField(max_length=255, blank=True)
    version_after = models.CharField(max_length=255, blank=True)
    message = models.TextField(blank=True, help_text="How the verdict was found, in a sentence.")
    said = models.JSONField(default=list, help_text="The backend's own words, in order.")
    reported = models.JSONField(default=dict, help_text="Numbers that the backend says of its model; not checked.")
    before = models.JSONField(default=dict, help_text="What the backend was like before it was asked.")
    probed = models.PositiveIntegerField(null=True, help_text="Probe tasks that were predicted before and after.")
    probe_changed = models.PositiveIntegerField(null=True, help_text="Those of them with another prediction.")
    call_back_token = models.CharField(max_length=64, blank=True, db_index=True, help_text="The secret of its address.")
    call_back = models.JSONField(default=dict, help_text="What the backend sent to the call-back address.")
    not_measured = models.TextField(
        blank=True, help_text="Why its new model has no evaluation; empty where it has one."
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["round", "created_at"]
        constraints: ClassVar = [
            # Whatever the campaign: a backend that trains two models at once may answer with either.
            models.UniqueConstraint(
                fields=["backend_url"],
                condition=Q(verdict="running") & ~Q(backend_url=""),
                name="one_training_per_backend",
            ),
        ]


class Evaluation(TimestampedModel):
    """The model of a round, measured on the campaign's test set."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="evaluation")
    model_version = models.CharField(max_length=255)
    metric = models.CharField(max_length=32, help_text="The one that stands for the model; so do the columns below.")
    value = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    correct = models.PositiveIntegerField(null=True)
    total = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField()
    label_count = models.PositiveIntegerField(help_text="Labels the model was trained on.")
    metrics = models.JSONField(default=list, help_text="Every metric, as al_core.evaluation.Metric.")
    classes = models.JSONField(default=list, help_text="As al_core.evaluation.ClassRow.")
    confusion = models.JSONField(default=dict, help_text="As al_core.evaluation.Confusion; empty where there is none.")
    answers = models.JSONField(default=list, help_text="As al_core.evaluation.TestAnswer. Long: defer it in lists.")
