"""A campaign as a project configuration, and back."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from al_core.config import parse_config
from al_core.errors import InvalidInput
from tests.servers import BACKEND_URL, PROJECT_ID, TOKEN, URL
from trustai.active_learning_runner import ActiveLearningRunner
from trustai.dialogue import Unattended
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.configs import campaign_config, campaign_from_config
from trustai_web.campaigns.services.rounds import round_create
from trustai_web.connections.models import BackendSettings, Connection

SECRET = "hunter2"


@pytest.fixture
def connected(server):
    """The server with the campaign's backend on its project."""
    server.backends.append({"id": 3, "title": "Reference", "url": BACKEND_URL, "state": "CO", "model_version": "v1"})
    return server


def test_a_campaign_says_all_but_its_secrets(campaign):
    BackendSettings.objects.create(
        connection=campaign.connection, url=BACKEND_URL, username="ann", password=SECRET, train_route="webhook"
    )
    found = campaign_config(campaign)
    assert (found.label_studio.url, found.label_studio.project) == (URL, PROJECT_ID)
    assert (found.asking.strategy, found.asking.batch_size, found.asking.candidate_factor) == ("margin", 4, 3)
    assert (found.start.size, found.test_set.size, found.test_set.source) == (3, 5, "random")
    assert found.backend is not None
    assert (found.backend.url, found.backend.user, found.backend.train_route) == (BACKEND_URL, "ann", "webhook")
    text = found.to_toml()
    assert SECRET not in text
    assert TOKEN not in text
    assert parse_config(text, "again") == found


def test_out_and_in_again_is_the_same_campaign(campaign, alice, connected):
    before = campaign.asking()
    again, is_new = campaign_from_config(campaign_config(campaign), user=alice)
    assert (again.pk, is_new) == (campaign.pk, False)
    assert again.asking() == before
    assert [person.username for person in again.annotators.all()] == ["bob"], "who labels is not in the file"


def test_a_file_makes_a_connection_and_a_campaign(alice, server, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    text = f'name = "Of a file"\n[label_studio]\nurl = "{URL}"\nproject = {PROJECT_ID}\n[asking]\nseed = 4\n'
    made, is_new = campaign_from_config(parse_config(text, "p"), user=alice)
    assert is_new
    assert (made.name, made.seed, made.connection.url) == ("Of a file", 4, URL)
    assert Connection.objects.get().token == TOKEN


def test_a_backend_that_is_not_connected_is_refused(campaign, alice, server):
    wanted = f'[label_studio]\nurl = "{URL}"\nproject = {PROJECT_ID}\n[backend]\nurl = "http://elsewhere.test"\n'
    with pytest.raises(InvalidInput, match=r"elsewhere\.test is not connected"):
        campaign_from_config(parse_config(wanted, "p"), user=alice)
    assert Campaign.objects.get().seed == campaign.seed


def test_the_two_commands(campaign, alice, connected, tmp_path: Path):
    out = StringIO()
    call_command("export_config", campaign.name, stdout=out)
    path = tmp_path / "moods.toml"
    path.write_text(out.getvalue().replace("batch_size = 4", "batch_size = 6"))
    call_command("import_config", str(path), "--user", "alice", stdout=out)
    assert "Changed the campaign" in out.getvalue()
    campaign.refresh_from_db()
    assert campaign.batch_size == 6


def test_the_commands_refuse_in_words(campaign, bob, tmp_path: Path):
    with pytest.raises(CommandError, match=f"There are: {campaign.name}"):
        call_command("export_config", "Other")
    with pytest.raises(CommandError, match="no lead “bob”"):
        call_command("import_config", str(tmp_path / "x.toml"), "--user", "bob")
    (tmp_path / "x.toml").write_text("[label_studio]\nurls = 1")
    with pytest.raises(CommandError, match="did you mean url"):
        call_command("import_config", str(tmp_path / "x.toml"), "--user", "alice")


@pytest.mark.parametrize("diversity", ["none", "facility"])
def test_the_terminal_picks_the_batch_that_the_web_picks(
    campaign, alice, connected, backend, work, tmp_path: Path, monkeypatch, diversity
):
    Campaign.objects.update(start_size=0, test_size=0, batch_size=6, control_share=30, seed=5, diversity=diversity)
    campaign.refresh_from_db()
    round_ = round_create(campaign=campaign, user=alice)
    assert work(round_.jobs.get()).status == "succeeded"
    batch = list(round_.batch_tasks.order_by("rank").values_list("task_id", "lane", "score"))
    assert len(batch) == 6

    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    runner = ActiveLearningRunner(campaign_config(campaign), Unattended(yes=True), tmp_path)
    record = runner.recommend()
    assert [(task["task_id"], task["lane"], task["score"]) for task in record.batch] == batch
    assert record.model_version == round_.campaign.rounds.get().model_version
