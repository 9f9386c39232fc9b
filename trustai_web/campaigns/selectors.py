"""Every read about campaigns."""

from dataclasses import dataclass

from django.db.models import Count, Max, Prefetch, Q, QuerySet, Sum

from trustai_web.accounts.models import User
from trustai_web.campaigns.models import BatchTask, Campaign, Evaluation, Job, JobPart, Round, TrainingRun

# --------------------------------------------------------------------- who may see what


def campaigns_for(user: User) -> QuerySet[Campaign]:
    """A lead sees every campaign, an annotator those that were shared with them."""
    everything = Campaign.objects.select_related("connection", "baseline")
    return everything if user.is_lead else everything.filter(annotators=user)


def rounds_for(user: User) -> QuerySet[Round]:
    return Round.objects.filter(campaign__in=campaigns_for(user)).select_related("campaign__connection")


def jobs_for(user: User) -> QuerySet[Job]:
    return Job.objects.filter(campaign__in=campaigns_for(user)).select_related("campaign", "round", "created_by")


# --------------------------------------------------------------------- campaigns


@dataclass(frozen=True)
class CampaignCard:
    """What the home page says of a campaign."""

    campaign: Campaign
    round: Round | None
    evaluation: Evaluation | None
    progress: "Progress | None"


def campaign_cards(user: User) -> list[CampaignCard]:
    """A card for each campaign, those that failed first."""
    rounds = Round.objects.exclude(status=Round.Status.CANCELLED).select_related("evaluation").order_by("number")
    campaigns = campaigns_for(user).prefetch_related(Prefetch("rounds", rounds, to_attr="live_rounds"))
    cards = [_card(campaign) for campaign in campaigns]
    return sorted(cards, key=lambda card: not (card.round and card.round.status == Round.Status.FAILED))


def _card(campaign: Campaign) -> CampaignCard:
    rounds: list[Round] = campaign.live_rounds  # type: ignore[attr-defined]
    newest = rounds[-1] if rounds else None
    measured = [r.evaluation for r in rounds if hasattr(r, "evaluation")]
    is_open = newest is not None and newest.status == Round.Status.OPEN
    return CampaignCard(
        campaign=campaign,
        round=newest,
        evaluation=measured[-1] if measured else None,
        progress=batch_progress(newest) if newest and is_open else None,
    )


def last_round(campaign: Campaign) -> Round | None:
    return campaign.rounds.exclude(status=Round.Status.CANCELLED).order_by("number").last()


def rounds_of(campaign: Campaign) -> QuerySet[Round]:
    """The rounds of a campaign, newest first, with what they came to."""
    trained = Q(training_runs__verdict=TrainingRun.Verdict.NEW_MODEL)
    trained_on = Max("training_runs__label_count", filter=trained)
    return campaign.rounds.select_related("evaluation").annotate(trained_on=trained_on).order_by("-pk")


def needs_start_round(campaign: Campaign) -> bool:
    """Whether the next round is the one that asks at random, before there is a model."""
    return last_round(campaign) is None and campaign.start_size + campaign.test_size > 0


def test_task_ids(campaign: Campaign) -> list[int]:
    """The test set: never asked again, never trained on."""
    return list(_test_tasks(campaign).values_list("task_id", flat=True))


def test_truth(campaign: Campaign) -> dict[int, str]:
    """Task id → what the annotators answered, for the test tasks that have an answer."""
    labelled = _test_tasks(campaign).filter(status=BatchTask.Status.LABELLED).exclude(label="")
    return dict(labelled.values_list("task_id", "label"))


def asked_task_ids(round_: Round) -> list[int]:
    """The tasks of the campaign's other batches, answered or not: nobody is asked twice."""
    earlier = BatchTask.objects.filter(round__campaign=round_.campaign_id).exclude(round=round_)
    asked = earlier.exclude(lane=BatchTask.Lane.TEST).exclude(round__status=Round.Status.CANCELLED)
    return list(asked.values_list("task_id", flat=True))


def _test_tasks(campaign: Campaign) -> QuerySet[BatchTask]:
    return BatchTask.objects.filter(round__campaign=campaign, lane=BatchTask.Lane.TEST).exclude(
        round__status=Round.Status.CANCELLED
    )


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    round_number: int
    label_count: int
    value: float
    low: float
    high: float


def learning_curve(campaign: Campaign) -> list[CurvePoint]:
    evaluations = Evaluation.objects.filter(round__campaign=campaign).select_related("round").order_by("round__number")
    return [CurvePoint(e.round.number, e.label_count, e.value, e.low, e.high) for e in evaluations]


@dataclass(frozen=True)
class ScoredRound:
    """How the scores of a round's pool were spread."""

    round_number: int
    counts: list[int]
    edges: list[float]


def scored_rounds(campaign: Campaign) -> list[ScoredRound]:
    rounds = campaign.rounds.exclude(status=Round.Status.CANCELLED).exclude(histogram={}).order_by("number")
    return [ScoredRound(r.number, r.histogram["counts"], r.histogram["edges"]) for r in rounds]


# --------------------------------------------------------------------- the probability doctor


def examinations(campaign: Campaign) -> QuerySet[Job]:
    """Jobs of the doctor, newest first."""
    return campaign.jobs.filter(kind=Job.Kind.DOCTOR).order_by("-pk")


# --------------------------------------------------------------------- rounds


@dataclass(frozen=True)
class Progress:
    """How far a batch is."""

    total: int
    labelled: int
    skipped: int

    @property
    def answered(self) -> int:
        return self.labelled + self.skipped

    @property
    def open(self) -> int:
        return self.total - self.answered


def batch_progress(round_: Round) -> Progress:
    counts = round_.batch_tasks.aggregate(
        total=Count("pk"),
        labelled=Count("pk", filter=Q(status=BatchTask.Status.LABELLED)),
        skipped=Count("pk", filter=Q(status=BatchTask.Status.SKIPPED)),
    )
    return Progress(**counts)


def next_open_task(round_: Round) -> BatchTask | None:
    """The open task of the best rank."""
    return round_.batch_tasks.filter(status=BatchTask.Status.OPEN).order_by("rank").first()


def open_rounds() -> QuerySet[Round]:
    """Rounds whose batch people may be labelling right now."""
    return Round.objects.filter(status=Round.Status.OPEN).select_related("campaign__connection")


def open_rounds_for(user: User) -> QuerySet[Round]:
    return rounds_for(user).filter(status=Round.Status.OPEN)


def active_job(round_: Round) -> Job | None:
    return round_.jobs.filter(status__in=Job.ACTIVE).first()


# --------------------------------------------------------------------- the parts of a job


@dataclass(frozen=True)
class Standing:
    """How far the parts of a job are, together."""

    done: int
    """Tasks."""
    workers: int
    """Parts that somebody is at."""
    parts_done: int


def standing(job: Job) -> Standing:
    """Of the parts that this try of the job cut."""
    found = job.parts.filter(job_tries=job.tries).order_by()
    return Standing(
        **found.aggregate(
            done=Sum("done", default=0),
            workers=Count("pk", filter=Q(status=JobPart.Status.RUNNING)),
            parts_done=Count("pk", filter=Q(status=JobPart.Status.DONE)),
        )
    )


def failed_part(job: Job) -> JobPart | None:
    return job.parts.filter(job_tries=job.tries, status=JobPart.Status.FAILED).first()
