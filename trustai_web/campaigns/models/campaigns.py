"""Campaigns, and how they ask."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from al_core.diversity import DEFAULT_DIVERSITY, DIVERSITIES
from al_core.strategies import DEFAULT_STRATEGY, STRATEGIES
from trustai_web.campaigns.controls import Control
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

    class Source(models.TextChoices):
        STORED_THEN_DIRECT = "stored_then_direct", "Stored, then ask the backend"
        STORED = "stored", "Stored only"
        DIRECT = "direct", "Ask the backend always"

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
        # Not 0: predicted before anybody labels them, these tasks show whether the test set can be believed.
        default=10,
        validators=[MaxValueValidator(50)],
        help_text="Percent of each batch drawn at random beside the strategy, to check the test set with. "
        "Annotators do not see which tasks these are.",
    )
    class_balance = models.BooleanField(
        default=False,
        help_text="Each class that the model predicts gets its share of the batch.",
    )
    source = models.CharField(
        max_length=32,
        choices=Source,
        default=Source.STORED_THEN_DIRECT,
        help_text="Label Studio stores predictions. Those of the model's current version can be used as they are.",
    )
    write_back = models.BooleanField(
        default=False,
        help_text="What the ML backend is asked for is stored in Label Studio too, where annotators see it and any "
        "later round finds it.",
    )

    class Meta:
        abstract = True

    @property
    def asks_a_model(self) -> bool:
        """Whether predictions count; a strategy that is not installed any more did ask one."""
        strategy = STRATEGIES.get(self.strategy)
        return strategy is None or strategy.needs != "nothing"

    @property
    def is_diverse(self) -> bool:
        """Whether the way of diversity has a say: one that looks at scores has none where no model is asked."""
        way = DIVERSITIES.get(self.diversity)
        return self.asks_a_model or way is None or not way.ranks

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

    class TestSource(models.TextChoices):
        RANDOM = "random", "Drawn at random"
        GROUND_TRUTH = "ground_truth", "Ground truth of the project"
        UPLOAD = "upload", "A list of task ids"

    test_source = models.CharField(
        max_length=16,
        choices=TestSource,
        default=TestSource.RANDOM,
        help_text="What the model is measured on, and never learns from.",
    )
    test_ids = models.JSONField(default=list, help_text="The tasks of a test set that was not drawn at random.")

    score_version = models.CharField(
        max_length=255, blank=True, help_text="An older model that the pool is scored with. Empty: the newest."
    )

    relabel_ids = models.JSONField(default=list, help_text="Tasks with labels in doubt that are published as a tab.")
    relabel_view_id = models.PositiveBigIntegerField(null=True)

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
