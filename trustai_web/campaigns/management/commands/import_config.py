"""``manage.py import_config FILE --user NAME``: a campaign of a project configuration."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from al_core.config import read_config
from al_core.errors import ActiveLearningError
from trustai_web.accounts.models import User
from trustai_web.campaigns.services.configs import campaign_from_config


class Command(BaseCommand):
    help = "Make a campaign of a configuration, or change the one that its project has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", required=True, help="the lead whose campaign it is")

    def handle(self, *args: Any, **options: Any) -> None:
        lead = User.objects.filter(username=options["user"], role=User.Role.LEAD).first()
        if lead is None:
            raise CommandError(f"There is no lead “{options['user']}”.")
        try:
            campaign, is_new = campaign_from_config(read_config(options["file"]), user=lead)
        except ActiveLearningError as error:
            raise CommandError(str(error)) from None
        did = "Made" if is_new else "Changed"
        self.stdout.write(f"{did} the campaign “{campaign}”; its settings hold from the next round on.")
