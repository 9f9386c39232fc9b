"""A campaign as a project configuration, and back: the terminal and the web run the same rounds from one file."""

from typing import Any

from al_core.config import ProjectConfig, config_of, secret_of
from al_core.errors import InvalidInput
from al_core.types import Backend
from trustai_web.accounts.models import User
from trustai_web.campaigns.models import Asking, Campaign
from trustai_web.campaigns.services.campaigns import campaign_create, campaign_update
from trustai_web.connections.models import BackendSettings, Connection
from trustai_web.connections.services import connection_create, label_studio

_SOURCES = {"random": "random", "ground_truth": "ground_truth", "upload": "ids"}
"""What the web calls the origin of a test set, and what the file does."""

PASSWORD = "env:ML_BACKEND_PASSWORD"  # noqa: S105  where it is to be put, not what it is


def campaign_config(campaign: Campaign) -> ProjectConfig:
    """The configuration of a campaign. Tokens and passwords stay behind: it says where the terminal looks for them."""
    asking = campaign.asking()
    asking["candidate_factor"] = asking["candidate_factor"] or 0
    raw: dict[str, Any] = {
        "name": campaign.name,
        "label_studio": {"url": campaign.connection.url, "project": campaign.project_id},
        "backend": _backend(campaign),
        "asking": asking,
        "start": {"size": campaign.start_size},
        "test_set": {
            "source": _SOURCES[campaign.test_source],
            "size": campaign.test_size,
            "ids": campaign.test_ids if campaign.test_source == Campaign.TestSource.UPLOAD else [],
        },
    }
    return config_of(raw, f"the campaign “{campaign}”")


def _backend(campaign: Campaign) -> dict[str, Any]:
    known = BackendSettings.objects.filter(connection=campaign.connection, url=campaign.backend_url).first()
    if known is None:
        return {"url": campaign.backend_url}
    more = {"train_minutes": known.train_minutes} if known.train_minutes else {}
    user = {"user": known.username, "password": PASSWORD} if known.username else {}
    return {"url": campaign.backend_url, "train_route": known.train_route, **user, **more}


def campaign_from_config(config: ProjectConfig, *, user: User) -> tuple[Campaign, bool]:
    """Make the campaign of a configuration, or change the one that the project has; say whether it is new.

    Raises
    ------
    InvalidInput
        A secret is not where the configuration says, or the project has other things than it needs.
    """
    connection = _connection(config, user)
    with label_studio(connection) as client:
        project = client.project(config.label_studio.project)
        backend = _chosen(config, client.backends(project.id))
    settings = _settings(config)
    known = Campaign.objects.filter(connection=connection, project_id=project.id).first()
    if known:
        people = list(known.annotators.all())
        campaign_update(known, {**settings, "name": config.name or known.name, "annotators": people})
        return known, False
    made = campaign_create(
        connection=connection,
        project=project,
        backend=backend,
        user=user,
        settings={**settings, "name": config.name or project.title},
        annotators=[],
    )
    return made, True


def _connection(config: ProjectConfig, user: User) -> Connection:
    part = config.label_studio
    known = Connection.objects.filter(url=part.url.rstrip("/")).first()
    return known or connection_create(name=part.url, url=part.url, token=secret_of(part.token), user=user)


def _chosen(config: ProjectConfig, connected: list[Backend]) -> Backend | None:
    if config.backend is None:
        return connected[0] if connected else None
    if not config.backend.url:
        return None
    found = next((each for each in connected if each.url == config.backend.url), None)
    if found is None:
        raise InvalidInput(
            f"The ML backend at {config.backend.url} is not connected to the project.", "Connect it in Label Studio."
        )
    return found


def _settings(config: ProjectConfig) -> dict[str, Any]:
    asked = config.asking.model_dump()
    known = {field.name for field in Asking._meta.local_fields}
    settings = {name: value for name, value in asked.items() if name in known}
    settings["candidate_factor"] = settings["candidate_factor"] or None
    sources = {ours: theirs for theirs, ours in _SOURCES.items()}
    return {
        **settings,
        "start_size": config.start.size,
        "test_size": config.test_set.size,
        "test_source": sources[config.test_set.source],
        "test_ids": list(config.test_set.ids),
    }
