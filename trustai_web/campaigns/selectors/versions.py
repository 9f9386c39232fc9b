"""Reads about which model a pool was scored with."""

from trustai_web.campaigns.models import Round, TrainingRun


def newer_model(round_: Round) -> str:
    """The newest model that there was when a round was scored with an older one; empty where it was with the newest."""
    made = TrainingRun.objects.filter(
        round__campaign=round_.campaign_id, round__number__lt=round_.number, verdict=TrainingRun.Verdict.NEW_MODEL
    )
    versions = list(made.order_by("round__number", "pk").values_list("version_before", "version_after"))
    if not versions:
        return ""
    newest = versions[-1][1]
    earlier = {version for pair in versions for version in pair} - {newest, ""}
    # Of a committee the first is the one that counts. One that no training tells of is not known to be older.
    return newest if round_.model_version.partition(", ")[0] in earlier else ""
