"""Which model a campaign's pool is scored with: the newest, or an older one whose predictions are there."""

from al_core.errors import InvalidInput
from al_core.predictions import kept_versions
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.campaigns import campaign_store
from trustai_web.connections.services import label_studio


def score_versions(campaign: Campaign) -> list[str]:
    """Models whose predictions the workers have kept, newest first. Others may be stored in Label Studio."""
    return kept_versions(campaign_store(campaign), campaign.connection.url, campaign.project_id, campaign.backend_url)


def score_version_choose(*, campaign: Campaign, version: str) -> None:
    """Score with one model from the next scoring on; nobody is asked for predictions then.

    Parameters
    ----------
    version : str
        Empty: the newest model, whichever that is by then.

    Raises
    ------
    InvalidInput
        Nothing is kept of the model, and nothing stored.
    ServerUnreachable, AccessRefused
        Nothing is kept of it, and Label Studio cannot say what is stored.
    """
    version = version.strip()
    if version and version not in score_versions(campaign) and version not in _stored(campaign):
        raise InvalidInput(
            f"No predictions of {version} are there, so the pool cannot be scored with it.",
            "Predictions are kept of the models that the last pools were scored with, and what Label Studio has "
            "stored can be used too. The setting is unchanged.",
        )
    campaign.score_version = version
    campaign.save(update_fields=["score_version", "updated_at"])


def _stored(campaign: Campaign) -> dict[str, int]:
    with label_studio(campaign.connection) as client:
        return client.model_versions(campaign.project_id)
