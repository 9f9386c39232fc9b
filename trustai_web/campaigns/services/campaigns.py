"""Writes about campaigns, and the manager that runs one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from al_core.active_learning import ActiveLearningManager
from al_core.errors import InvalidInput
from al_core.label_studio import label_space
from al_core.ml_backend import MLBackend
from al_core.types import Backend, Project
from trustai_web.accounts.models import User
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Round
from trustai_web.connections.models import Connection
from trustai_web.connections.services import label_studio


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
        Its labelling configuration has nothing that can be scored.
    InvalidInput
        The project has a campaign already.
    """
    label_space(project.label_config)
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
    for name, value in settings.items():
        if name != "annotators":
            setattr(campaign, name, value)
    campaign.save()
    campaign.annotators.set(settings["annotators"])


@contextmanager
def round_manager(round_: Round) -> Iterator[ActiveLearningManager]:
    """The manager of a round, with the settings that the round began with."""
    campaign = round_.campaign
    client = label_studio(campaign.connection)
    backend = MLBackend(campaign.backend_url) if campaign.backend_url else None
    try:
        yield ActiveLearningManager(
            client,
            campaign.project_id,
            backend,
            strategy_name=round_.strategy,
            diversity=round_.diversity,
            candidate_factor=round_.candidate_factor,
            seed=round_.seed,
            held_out=selectors.test_task_ids(campaign),
        )
    finally:
        client.close()
        if backend:
            backend.close()
