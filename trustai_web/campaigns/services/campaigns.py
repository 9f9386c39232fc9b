"""Writes about campaigns, and the manager that runs one."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings as site
from django.db import IntegrityError, transaction
from django.utils import timezone

from al_core.active_learning import ActiveLearningManager
from al_core.doctor import Diagnosis
from al_core.errors import InvalidInput
from al_core.features import FileCache
from al_core.flights import Tick, awaited
from al_core.label_studio import LabelStudio, label_spaces, scored_spaces
from al_core.ml_backend import MLBackend
from al_core.predictions import Spread, here
from al_core.storage import FolderStore
from al_core.strategies import STRATEGIES
from al_core.types import Aggregation, Backend, Project
from trustai_web.accounts.models import User
from trustai_web.campaigns import selectors
from trustai_web.campaigns.controls import remembered
from trustai_web.campaigns.models import Asking, Campaign, Job, Round
from trustai_web.campaigns.services.jobs import job_create
from trustai_web.connections.models import Connection
from trustai_web.connections.services import label_studio, ml_backend


def campaign_create(
    *,
    connection: Connection,
    project: Project,
    backend: Backend | None,
    user: User,
    settings: Mapping[str, Any],
    annotators: list[User],
) -> Campaign:
    """Put a project under active learning.

    Raises
    ------
    UnsupportedProject
        Its labelling configuration has nothing that can be scored, or not the control that was chosen.
    InvalidInput
        The project has a campaign already.
    """
    spaces = label_spaces(project.label_config)
    scored_spaces(project.label_config, str(settings.get("control", "")))  # which says what is missing
    if settings.get("test_size") and settings.get("start_size") == 0 and not project.labeled_count:
        raise InvalidInput(
            "The project has no labels, so there would be nothing to train on beside the test set.",
            "Give round 0 a start set.",
        )
    try:
        with transaction.atomic():
            campaign = Campaign.objects.create(
                connection=connection,
                project_id=project.id,
                project_title=project.title,
                controls=remembered(spaces),
                backend_url=backend.url if backend else "",
                backend_title=backend.title if backend else "",
                created_by=user,
                **settings,
            )
            campaign.annotators.set(annotators)
    except IntegrityError:
        raise InvalidInput(
            f"The project “{project.title}” or the name is taken by another campaign.",
            "Open that one, or choose another name.",
        ) from None
    return campaign


@transaction.atomic
def campaign_update(campaign: Campaign, settings: Mapping[str, Any]) -> None:
    """Change the settings; rounds that have begun keep theirs."""
    columns = {name: value for name, value in settings.items() if name != "annotators"}
    for name, value in columns.items():
        setattr(campaign, name, value)
    campaign.save(update_fields=[*columns, "updated_at"])
    campaign.annotators.set(settings["annotators"])


def campaign_project_seen(campaign: Campaign, project: Project) -> None:
    """Remember the controls that the project has by now, so that the settings can offer them."""
    Campaign.objects.filter(pk=campaign.pk).update(controls=remembered(label_spaces(project.label_config)))


def campaign_examine(*, campaign: Campaign, user: User) -> Job:
    """Ask the probability doctor.

    Raises
    ------
    Busy
        It is at it already.
    """
    return job_create(kind=Job.Kind.DOCTOR, campaign=campaign, user=user)


def campaign_diagnosed(*, campaign: Campaign, diagnosis: Diagnosis) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(diagnosis=diagnosis.as_dict(), diagnosed_at=timezone.now())


# --------------------------------------------------------------------- the manager


PATIENCE = 60.0
"""Seconds that work of minutes asks Label Studio again before it gives up; what is quick fails quickly, and waits."""


def campaign_store(campaign: Campaign) -> FolderStore:
    """Where the workers of a campaign keep what they have read and predicted."""
    return FolderStore(Path(site.MEDIA_ROOT) / "work" / f"campaign-{campaign.pk}")


@contextmanager
def round_manager(round_: Round, *, patience: float = 0.0) -> Iterator[ActiveLearningManager]:
    """The manager of a round, with the settings that the round began with."""
    with _manager(round_.campaign, round_, patience=patience) as manager:
        yield manager


@contextmanager
def scoring_manager(round_: Round, *, spread: Spread, tick: Tick) -> Iterator[ActiveLearningManager]:
    """The manager of a round for the one verb that predicts the whole pool.

    It gathers a committee where the strategy wants one, knows whom earlier rounds asked, scores with the older model
    that a lead may have chosen, and shares out the work.
    """

    def members(client: LabelStudio) -> list[Backend]:
        return awaited(lambda: _other_backends(client, round_.campaign), tick) if _asks_a_committee(round_) else []

    with _manager(
        round_.campaign,
        round_,
        patience=PATIENCE,
        members=members,
        version=round_.campaign.score_version,
        asked=selectors.asked_task_ids(round_),
        # The tasks of a chosen test set are in the pool until a batch has asked for them.
        in_pool=selectors.test_ids_to_ask(round_),
        spread=spread,
    ) as manager:
        yield manager


@contextmanager
def campaign_manager(campaign: Campaign) -> Iterator[ActiveLearningManager]:
    """The manager of a campaign outside of any round, with the settings of today."""
    with _manager(campaign, campaign) as manager:
        yield manager


@contextmanager
def _manager(
    campaign: Campaign,
    asking: Asking,
    *,
    patience: float = 0.0,
    members: Callable[[LabelStudio], list[Backend]] = lambda _: [],
    version: str = "",
    asked: Collection[int] = (),
    in_pool: Collection[int] = (),
    spread: Spread = here,
) -> Iterator[ActiveLearningManager]:
    with ExitStack() as opened:
        client = opened.enter_context(closing(label_studio(campaign.connection, patience=patience)))

        def backend_at(url: str) -> MLBackend:
            return opened.enter_context(closing(ml_backend(campaign.connection, url)))

        yield ActiveLearningManager(
            client,
            campaign.project_id,
            backend_at(campaign.backend_url) if campaign.backend_url else None,
            strategy_name=asking.strategy,
            diversity=asking.diversity,
            candidate_factor=asking.candidate_factor,
            seed=asking.seed,
            held_out=set(selectors.test_task_ids(campaign)).difference(in_pool),
            control=asking.control,
            aggregation=Aggregation(asking.aggregation, asking.no_region),  # type: ignore[arg-type]
            rank_by=asking.rank_by,  # type: ignore[arg-type]
            control_share=asking.control_share / 100,
            class_balance=asking.class_balance,
            committee=[backend_at(member.url) for member in members(client)],
            version=version,
            feature_cache=FileCache(site.VAR_DIR / "features"),
            asked=asked,
            store=campaign_store(campaign),
            source=asking.source,  # type: ignore[arg-type]
            write_back=asking.write_back,
            spread=spread,
        )


def _asks_a_committee(asking: Asking) -> bool:
    return STRATEGIES.named(asking.strategy).needs == "committee"


def _other_backends(client: LabelStudio, campaign: Campaign) -> list[Backend]:
    return [backend for backend in client.backends(campaign.project_id) if backend.url != campaign.backend_url]
