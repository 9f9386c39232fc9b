"""``manage.py export_config NAME``: a campaign as a project configuration."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from al_core.errors import ActiveLearningError
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.configs import campaign_config


class Command(BaseCommand):
    help = "Print the configuration of a campaign, for the terminal. It holds no secret."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="its name")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.select_related("connection").filter(name=options["campaign"]).first()
        if campaign is None:
            names = ", ".join(Campaign.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no campaign “{options['campaign']}”. There are: {names}.")
        try:
            self.stdout.write(campaign_config(campaign).to_toml())
        except ActiveLearningError as error:
            raise CommandError(str(error)) from None
