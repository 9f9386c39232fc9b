"""Makes what the demo is missing, runs the rounds it is missing, and says where everything is."""

from collections.abc import Mapping
from typing import Any

from examples.digits.data import LABEL_CONFIG, tasks
from examples.digits.loop import publish_next, run_rounds, say
from examples.digits.server import DemoServer
from stack.config import Config
from stack.processes import DEMO_EMAIL, DEMO_PASSWORD
from trustai_web.accounts.models import User
from trustai_web.accounts.services import user_create
from trustai_web.campaigns import selectors
from trustai_web.campaigns.models import Campaign, Round
from trustai_web.campaigns.services.campaigns import campaign_create
from trustai_web.connections.models import Connection
from trustai_web.connections.services import connection_create, connection_test, label_studio

LAST_ROUND = 3
TITLE = "Digits"
BASELINE_TITLE = "Digits, at random"


def seed(config: Config) -> None:
    server = DemoServer(config.label_studio_url, config.demo_token)
    lead = _user("lead", User.Role.LEAD)
    annotator = _user("annotator", User.Role.ANNOTATOR)
    connection = _connection(config, lead)

    def campaign(title: str, **settings: Any) -> Campaign:
        return _campaign(config, server, connection, title, settings, lead, annotator)

    baseline = campaign(BASELINE_TITLE, strategy="random")
    ours = campaign(TITLE, strategy="margin", baseline=baseline)
    say(f"{LAST_ROUND} rounds at random, to compare with.")
    run_rounds(baseline, LAST_ROUND, server, lead)
    say(f"{LAST_ROUND} rounds with margin and representatives.")
    run_rounds(ours, LAST_ROUND, server, lead)
    _report(config, ours, baseline, publish_next(ours, lead))


def _user(name: str, role: User.Role) -> User:
    found = User.objects.filter(username=name).first()
    return found or user_create(username=name, password=DEMO_PASSWORD, role=role)


def _connection(config: Config, lead: User) -> Connection:
    name = "Demo Label Studio"
    connection = Connection.objects.filter(name=name).first()
    if connection is None:
        return connection_create(name=name, url=config.label_studio_url, token=config.demo_token, user=lead)
    connection.url = config.label_studio_url  # another port than last time, perhaps
    return connection_test(connection)


def _campaign(
    config: Config,
    server: DemoServer,
    connection: Connection,
    title: str,
    settings: Mapping[str, Any],
    lead: User,
    annotator: User,
) -> Campaign:
    found = Campaign.objects.filter(name=title).first()
    if found:
        found.backend_url = config.backend_url
        found.save()
        return found
    project_id = server.find_project(title)
    if project_id is None:
        digits = tasks()
        say(f"Importing {len(digits):,} digits into the Label Studio project “{title}”.")
        project_id = server.create_project(title, LABEL_CONFIG, digits)
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


def _report(config: Config, ours: Campaign, baseline: Campaign, waiting: Round) -> None:
    print("\nAccuracy on the test set (95 % interval)\n")
    print(f"  {'round':>5}  {'labels':>6}  {'margin + representatives':>24}  {'random':>24}")
    curves = zip(selectors.learning_curve(ours), selectors.learning_curve(baseline), strict=False)
    for mine, theirs in curves:
        print(f"  {mine.round_number:>5}  {mine.label_count:>6}  {_figure(mine):>24}  {_figure(theirs):>24}")
    print(
        f"\nTrustAI       {config.web_url}   log in as lead or annotator, password {DEMO_PASSWORD}"
        f"\nLabel Studio  {config.label_studio_url}   log in as {DEMO_EMAIL}, password {DEMO_PASSWORD}"
        f"\n\nRound {waiting.number} is published and waits for you. Ctrl-C ends everything; `make demo` continues.\n",
        flush=True,
    )


def _figure(point: selectors.CurvePoint) -> str:
    return f"{point.value:.1%} ({point.low:.1%} to {point.high:.1%})"
