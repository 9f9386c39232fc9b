"""``python -m examples.digits``: seed the demo, or find where it stands, then wait for Ctrl-C."""

import os
import signal
import sys

import django

from stack import config as configuration
from stack import processes
from stack.__main__ import DEMO_EMAIL, DEMO_PASSWORD
from stack.config import Config
from stack.supervise import NotReady, wait_until_ready

LAST_ROUND = 3
TITLE = "Digits"
BASELINE_TITLE = "Digits, at random"


def main() -> int:
    config = configuration.load()
    token = os.environ["DEMO_LABEL_STUDIO_TOKEN"]
    print("Waiting for Label Studio; its first start takes about half a minute.", flush=True)
    label_studio = processes.label_studio(config, username=DEMO_EMAIL, password=DEMO_PASSWORD, token=token)
    try:
        for process in (label_studio, processes.ml_backend(config), processes.web(config)):
            wait_until_ready(process, 300)
    except NotReady as error:
        print(error, file=sys.stderr)
        return 1
    django.setup()
    from examples.digits.loop import DemoFailed

    try:
        seed(config, token)
    except DemoFailed as error:
        print(f"The demo stopped. {error}", file=sys.stderr)
        return 1
    signal.pause()
    return 0


def seed(config: Config, token: str) -> None:
    """Make what is missing, run the rounds that are missing, and say where everything is."""
    from examples.digits.loop import publish_next, run_rounds, say
    from examples.digits.server import DemoServer

    server = DemoServer(config.label_studio_url, token)
    lead, annotator = _people()
    campaign, baseline = _campaigns(config, server, token, lead, annotator)
    say("Three rounds at random, to compare with.")
    run_rounds(baseline, LAST_ROUND, server, lead)
    say("Three rounds with margin and k-means.")
    run_rounds(campaign, LAST_ROUND, server, lead)
    waiting = publish_next(campaign, lead)
    _report(config, campaign, baseline, waiting)


def _people():  # type: ignore[no-untyped-def]
    from trustai_web.accounts.models import User
    from trustai_web.accounts.services import user_create

    roles = {"lead": User.Role.LEAD, "annotator": User.Role.ANNOTATOR}
    return [
        User.objects.filter(username=name).first()
        or user_create(username=name, password=DEMO_PASSWORD, role=role)
        for name, role in roles.items()
    ]


def _campaigns(config: Config, server, token: str, lead, annotator):  # type: ignore[no-untyped-def]
    from trustai_web.campaigns.models import Campaign
    from trustai_web.connections.models import Connection
    from trustai_web.connections.services import connection_create, connection_test

    connection = Connection.objects.filter(name="Demo Label Studio").first()
    if connection is None:
        connection = connection_create(
            name="Demo Label Studio", url=config.label_studio_url, token=token, user=lead
        )
    elif connection.url != config.label_studio_url:
        connection.url = config.label_studio_url
        connection_test(connection)
    found = {c.name: c for c in Campaign.objects.filter(name__in=[TITLE, BASELINE_TITLE])}
    for title, settings in ((BASELINE_TITLE, {"strategy": "random"}), (TITLE, {"strategy": "margin"})):
        if title not in found:
            found[title] = _campaign(config, server, connection, title, settings, lead, annotator)
        elif found[title].backend_url != config.backend_url:
            found[title].backend_url = config.backend_url
            found[title].save()
    found[TITLE].baseline = found[BASELINE_TITLE]
    found[TITLE].save()
    return found[TITLE], found[BASELINE_TITLE]


def _campaign(config: Config, server, connection, title: str, settings, lead, annotator):  # type: ignore[no-untyped-def]
    from examples.digits.data import LABEL_CONFIG, tasks
    from examples.digits.loop import say
    from trustai_web.campaigns.services.campaigns import campaign_create
    from trustai_web.connections.services import label_studio

    project_id = server.find_project(title)
    if project_id is None:
        say(f"Importing 1,797 digits into the Label Studio project “{title}”.")
        project_id = server.create_project(title, LABEL_CONFIG, tasks())
    server.connect_backend(project_id, config.backend_url, "Reference backend")
    with label_studio(connection) as client:
        return campaign_create(
            connection=connection,
            project=client.project(project_id),
            backend=client.backends(project_id)[0],
            user=lead,
            settings={"name": title, **settings},
            annotators=[annotator],
        )


def _report(config: Config, campaign, baseline, waiting) -> None:  # type: ignore[no-untyped-def]
    from trustai_web.campaigns import selectors

    print("\nAccuracy on the test set (95 % interval)\n", flush=True)
    print(f"  {'round':>5}  {'labels':>6}  {'margin + k-means':>22}  {'random':>22}")
    pairs = zip(selectors.learning_curve(campaign), selectors.learning_curve(baseline), strict=False)
    for ours, theirs in pairs:
        print(
            f"  {ours.round_number:>5}  {ours.label_count:>6}  {_figure(ours):>22}  {_figure(theirs):>22}",
        )
    print(
        f"\nTrustAI       {config.web_url}   log in as lead or annotator, password {DEMO_PASSWORD}"
        f"\nLabel Studio  {config.label_studio_url}   log in as {DEMO_EMAIL}, password {DEMO_PASSWORD}"
        f"\n\nRound {waiting.number} is published and waits for you. Ctrl-C ends everything; `make demo` continues.\n",
        flush=True,
    )


def _figure(point) -> str:  # type: ignore[no-untyped-def]
    return f"{point.value:.1%} ({point.low:.1%}–{point.high:.1%})"


if __name__ == "__main__":
    sys.exit(main())
