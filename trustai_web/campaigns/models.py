"""Campaigns, their rounds, and the work done for them."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from trustai_web.campaigns.controls import Control, label_control
from trustai_web.common.models import TimestampedModel
from trustai_web.connections.models import Connection


# Functions, so that a strategy of a plug-in package or another default needs no migration.
def strategy_choices() -> list[tuple[str, str]]:
    return [(name, strategy.label) for name, strategy in STRATEGIES.items()]


def diversity_choices() -> list[tuple[str, str]]:
    return [(name, diversity.label) for name, diversity in DIVERSITIES.items()]


def default_strategy() -> str:
    return DEFAULT_STRATEGY


def default_diversity() -> str:
    return DEFAULT_DIVERSITY


class Asking(models.Model):
    """How tasks are chosen. A round copies it when it begins, so that a later change touches no earlier round."""

    class Aggregation(models.TextChoices):
        MEAN = "mean", "The mean of all"
        MAX = "max", "The least certain one"
        SUM = "sum", "The sum of all"
        MIN = "min", "The most certain one"
        COUNT_WEIGHTED = "count_weighted", "The mean, and more where there are many"

    class NoRegion(models.TextChoices):
        UNKNOWN = "unknown", "Unknown: leave it out"
        CERTAIN = "certain", "Certain: the model found nothing to mark"
        UNCERTAIN = "uncertain", "Uncertain: the model may have missed everything"

    class RankBy(models.TextChoices):
        LOW = "low", "The least it can be"
        HIGH = "high", "The most it can be"

    strategy = models.CharField(
        max_length=32,
        choices=strategy_choices,
        default=default_strategy,
        help_text="What makes a task worth asking about.",
    )
    diversity = models.CharField(
        max_length=32,
        choices=diversity_choices,
        default=default_diversity,
        help_text="How the batch is kept from asking the same thing twice.",
    )
    batch_size = models.PositiveIntegerField(
        default=25,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text="Tasks per round.",
    )
    candidate_factor = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Different tasks are chosen among this many times the batch size of the most uncertain ones. "
        "Empty: as many as the scores suggest.",
    )
    seed = models.PositiveIntegerField(default=0, help_text="The same seed on the same data picks the same batch.")

    control = models.CharField(
        max_length=255,
        blank=True,
        help_text="Which question of the labelling page counts. Empty: the only one; * for all of them.",
    )
    aggregation = models.CharField(
        max_length=16,
        choices=Aggregation,
        default=Aggregation.MEAN,
        help_text="A task has several labels or regions, each with its own score: which one is the task's.",
    )
    no_region = models.CharField(
        max_length=16,
        choices=NoRegion,
        default=NoRegion.UNKNOWN,
        help_text="What a task counts as where the model marked nothing at all.",
    )
    rank_by = models.CharField(
        max_length=8,
        choices=RankBy,
        default=RankBy.LOW,
        help_text="Where the model tells too little for an exact score there are bounds: the task ranks by one.",
    )
    control_share = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(50)],
        help_text="Percent of each batch drawn at random beside the strategy, to compare it with. "
        "Annotators do not see which tasks these are.",
    )
    class_balance = models.BooleanField(
        default=False,
        help_text="Each class that the model predicts gets its share of the batch.",
    )

    class Meta:
        abstract = True

    @property
    def is_diverse(self) -> bool:
        """Whether the way of diversity has a say: one that looks at scores has none where no model is asked."""
        strategy, way = STRATEGIES.get(self.strategy), DIVERSITIES.get(self.diversity)
        asks_no_model = strategy is not None and strategy.needs == "nothing"
        return not (asks_no_model and way is not None and way.ranks)

    def asking(self) -> dict[str, object]:
        """Name → value of every setting above."""
        return {field.name: getattr(self, field.name) for field in Asking._meta.local_fields}


class Campaign(TimestampedModel, Asking):
    """One Label Studio project under active learning, with its settings."""

    name = models.CharField(max_length=100, unique=True)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="campaigns")
    project_id = models.PositiveBigIntegerField()
    project_title = models.CharField(max_length=255)
    controls = models.JSONField(default=list, help_text="The controls that the project had when it was last read.")
    backend_url = models.URLField(max_length=500, blank=True, help_text="Empty: stored predictions, no training.")
    backend_title = models.CharField(max_length=255, blank=True)

    start_size = models.PositiveIntegerField(
        default=25,
        validators=[MaxValueValidator(500)],
        help_text="Tasks drawn at random in round 0, so that a first model can be trained. 0 if there is one already.",
    )
    test_size = models.PositiveIntegerField(
        default=200,
        validators=[MaxValueValidator(500)],
        help_text="Tasks drawn at random in round 0 and held out from training, to measure the model with.",
    )

    diagnosis = models.JSONField(default=dict, help_text="What the probability doctor found last; empty before.")
    diagnosed_at = models.DateTimeField(null=True)

    baseline = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        help_text="A campaign whose learning curve is drawn beside this one's.",
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    annotators = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="campaigns")

    class Meta:
        ordering = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "project_id"], name="one_campaign_per_project"),
        ]

    def __str__(self) -> str:
        return self.name

    def known_controls(self) -> list[Control]:
        """The controls of the project; empty in a campaign of an older version that was not scored since."""
        return [Control(**values) for values in self.controls]


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
    """One attempt to make a new model."""

    class Verdict(models.TextChoices):
        RUNNING = "running", "Running"
        NEW_MODEL = "new_model", "New model"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="training_runs")
    verdict = models.CharField(max_length=16, choices=Verdict, default=Verdict.RUNNING)
    method = models.CharField(max_length=16, blank=True, help_text="Which endpoint started it.")
    label_count = models.PositiveIntegerField(null=True)
    version_before = models.CharField(max_length=255, blank=True)
    version_after = models.CharField(max_length=255, blank=True)
    message = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["round", "created_at"]


class Evaluation(TimestampedModel):
    """The model of a round, measured on the campaign's test set."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="evaluation")
    model_version = models.CharField(max_length=255)
    metric = models.CharField(max_length=32)
    value = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    correct = models.PositiveIntegerField()
    total = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField()
    label_count = models.PositiveIntegerField(help_text="Labels the model was trained on.")


class Job(TimestampedModel):
    """One long piece of work with progress; the truth about it, while Celery only carries it."""

    class Kind(models.TextChoices):
        SCORE = "score", "Score the pool"
        PUBLISH = "publish", "Publish the batch"
        RETRACT = "retract", "Take the batch back"
        TRAIN = "train", "Train and evaluate"
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
