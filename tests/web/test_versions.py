"""An older model that scores the pool: chosen, refused, and told."""

import httpx
import pytest

from al_core.errors import ServerUnreachable
from al_core.predictions.history import History
from al_core.predictions.shelf import Shelf
from tests.servers import BACKEND_URL, PROJECT_ID, URL
from trustai_web.campaigns.models import Campaign, Job, TrainingRun
from trustai_web.campaigns.services.campaigns import campaign_store
from trustai_web.campaigns.services.rounds import round_create
from trustai_web.campaigns.services.versions import score_version_choose, score_versions


@pytest.fixture
def keep(campaign):
    """Let the workers have kept predictions of versions, the newest last."""

    def keep(*versions):
        store, where = campaign_store(campaign), (URL, str(PROJECT_ID), BACKEND_URL)
        for version in versions:
            shelf = Shelf(store, where, (), version)
            store.write(f"{shelf.stem}whole-0.npz", b"something")
            History(store, where).note(shelf)

    return keep


@pytest.fixture
def url(campaign):
    return f"/campaigns/{campaign.pk}/score-with/"


@pytest.fixture
def scored(campaign, alice, work, server, backend):
    """Begin a round and score it."""
    Campaign.objects.update(start_size=0, test_size=0)
    campaign.refresh_from_db()

    def scored(**settings):
        Campaign.objects.update(**settings)
        campaign.refresh_from_db()
        campaign.rounds.exclude(status="done").update(status="done", view_id=None)
        round_ = round_create(campaign=campaign, user=alice)
        job = work(round_.jobs.get())
        round_.refresh_from_db()
        return round_, job

    return scored


def test_the_refusals(assert_refusals, url):
    assert_refusals(url, takes=("post",), bob=403, charlie=403)


def test_nothing_is_kept_before_anything_was_scored(campaign):
    assert score_versions(campaign) == []


def test_a_kept_version_is_chosen_and_let_go_again(as_alice, url, keep, campaign):
    keep("v1", "v2")
    assert score_versions(campaign) == ["v2", "v1"]
    text = as_alice.post(url, {"version": "v1"}, follow=True).text
    assert "The next pool is scored with v1." in text
    campaign.refresh_from_db()
    assert campaign.score_version == "v1"
    assert "Go back to the newest" in text
    text = as_alice.post(url, follow=True).text
    assert "The next pool is scored with the newest model." in text
    campaign.refresh_from_db()
    assert campaign.score_version == ""


def test_the_settings_offer_what_is_kept(as_alice, keep, campaign):
    settings = f"/campaigns/{campaign.pk}/settings/"
    assert "score-with" not in as_alice.get(settings).text, "there is nothing to choose"
    keep("v1", "v2")
    text = as_alice.get(settings).text
    assert '<option value="v1">v1</option>' in text
    assert '<option value="" selected>The newest model</option>' in text


def test_a_stored_version_may_be_chosen_too(campaign, server):
    server.predict(1, 0.5, "imported")
    score_version_choose(campaign=campaign, version="imported")
    campaign.refresh_from_db()
    assert campaign.score_version == "imported"


def test_a_version_that_nothing_is_kept_of_is_refused(as_alice, url, keep, server, campaign):
    keep("v2")
    text = as_alice.post(url, {"version": "v1"}, follow=True).text
    assert "No predictions of v1 are there" in text
    assert "The setting is unchanged." in text
    campaign.refresh_from_db()
    assert campaign.score_version == ""


def test_a_label_studio_that_is_away_says_so_only_where_it_is_needed(campaign, server, keep):
    keep("v1")
    server.faults["."] = httpx.ConnectError("down")
    score_version_choose(campaign=campaign, version="v1")
    with pytest.raises(ServerUnreachable):
        score_version_choose(campaign=campaign, version="v0")
    campaign.refresh_from_db()
    assert campaign.score_version == "v1"


def test_a_round_is_scored_with_the_chosen_model_and_says_so(as_alice, scored, backend, campaign):
    first, _ = scored()
    TrainingRun.objects.create(round=first, verdict="new_model", version_before="v1", version_after="v2")
    backend.version = "v2"
    asked = len(backend.bodies("/predict"))
    second, job = scored(score_version="v1")
    assert job.status == Job.Status.SUCCEEDED, job.message
    assert (first.model_version, second.model_version) == ("v1", "v1")
    assert len(backend.bodies("/predict")) == asked
    older = "v1: an older one, by what it had predicted. The newest was v2"
    assert older in as_alice.get(f"/rounds/{second.pk}/").text
    third, _ = scored(score_version="")
    assert third.model_version == "v2"
    assert [older in as_alice.get(f"/rounds/{pk}/").text for pk in (first.pk, second.pk, third.pk)] == [
        False,
        True,
        False,
    ]


def test_a_committee_of_one_backend_after_two_trainings(scored, backend, campaign):
    scored()
    backend.version, backend.good = "v2", lambda task_id: 0.9 - task_id / 100
    round_, job = scored(strategy="vote_entropy")
    assert job.status == Job.Status.SUCCEEDED, job.message
    assert round_.model_version == "v2, v1"


def test_a_committee_of_one_model_says_how_it_gets_a_second(scored):
    round_, job = scored(strategy="vote_entropy")
    assert round_.status == "failed"
    assert "A committee needs two models or more" in job.message
    assert "after the next training" in job.message
