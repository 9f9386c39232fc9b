"""Putting a project under active learning, its settings, and how it does."""

import httpx
import pytest

from tests.servers import BACKEND_URL, BOXES, PROJECT_ID
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.rounds import round_create

FORM = {
    "name": "Moods",
    "strategy": "entropy",
    "diversity": "none",
    "batch_size": 10,
    "candidate_factor": 5,
    "start_size": 8,
    "test_size": 20,
    "seed": 3,
}


@pytest.fixture
def add_url(connection):
    return f"/connections/{connection.pk}/projects/{PROJECT_ID}/"


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, campaign, server):
    page = f"/campaigns/{campaign.pk}/"
    add = f"/connections/{campaign.connection_id}/projects/{PROJECT_ID}/"
    assert_refusals("/campaigns/", takes=("get", "head"), bob=200, charlie=200)
    assert_refusals(page, takes=("get", "head"), bob=200, charlie=404)
    assert_refusals(f"{page}settings/", takes=("get", "post"), bob=403, charlie=403)
    assert_refusals(f"{page}rounds/", takes=("post",), bob=403, charlie=403)
    assert_refusals(add, takes=("get", "post"), bob=403, charlie=403)


def test_what_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/campaigns/99/").status_code == 404
    assert as_alice.get("/campaigns/99/settings/").status_code == 404
    assert as_alice.get(f"/connections/99/projects/{PROJECT_ID}/").status_code == 404


# --------------------------------------------------------------------- adding one


def test_the_page_tells_what_the_project_has(as_alice, add_url, server, backend):
    server.annotate(1, "good")
    server.predict(2, 0.5, "v1")
    text = as_alice.get(add_url).text
    assert "30, 1 of them labelled" in text
    assert "One of 2 classes for each text: good, bad" in text
    assert f"Reference at {BACKEND_URL}: connected" in text
    assert "1 of v1" in text
    assert 'value="Moods"' in text
    assert "callout-attention" not in text


def test_a_campaign_starts_with_what_was_chosen(as_alice, add_url, server, backend, bob):
    answer = as_alice.post(add_url, {**FORM, "annotators": [bob.pk]}, follow=True)
    campaign = Campaign.objects.get()
    assert answer.redirect_chain == [(f"/campaigns/{campaign.pk}/", 302)]
    assert "Start its first round." in answer.text
    assert {name: getattr(campaign, name) for name in FORM} == FORM
    assert (campaign.project_id, campaign.project_title) == (PROJECT_ID, "Moods")
    assert (campaign.backend_url, campaign.backend_title) == (BACKEND_URL, "Reference")
    assert campaign.created_by.username == "alice"
    assert list(campaign.annotators.all()) == [bob]


def test_a_project_without_single_choices_cannot_be_taken(as_alice, add_url, server, backend):
    server.label_config = BOXES
    for answer in (as_alice.get(add_url), as_alice.post(add_url, FORM)):
        assert "one single-choice Choices control; this one has none" in answer.text
        assert "Pick another project" in answer.text
        assert "Start the campaign" not in answer.text
    assert not Campaign.objects.exists()


def test_an_empty_project_is_pointed_out(as_alice, add_url, server, backend):
    server.tasks.clear()
    assert "The project has no tasks." in as_alice.get(add_url).text


def test_a_missing_backend_is_pointed_out_and_no_obstacle(as_alice, add_url, server):
    answer = as_alice.get(add_url)
    assert "No ML backend is connected." in answer.text
    as_alice.post(add_url, FORM)
    assert Campaign.objects.get().backend_url == ""


def test_a_project_has_one_campaign(as_alice, add_url, campaign, server, backend):
    answer = as_alice.post(add_url, FORM)
    assert "taken by another campaign" in answer.context["form"].non_field_errors()[0]
    assert "Open that one, or choose another name." in answer.text
    assert 'value="Moods"' in answer.text
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Moods of letters"),
        ("batch_size", "0"),
        ("batch_size", "501"),
        ("batch_size", "many"),
        ("candidate_factor", "0"),
        ("start_size", "501"),
        ("test_size", "-1"),
        ("seed", "-1"),
        ("strategy", "best"),
        ("diversity", "circles"),
        ("annotators", "99"),
    ],
)
def test_bad_input_is_told_beside_its_field_and_the_rest_is_kept(as_alice, campaign, server, backend, field, value):
    add_url = f"/connections/{campaign.connection_id}/projects/{PROJECT_ID}/"
    answer = as_alice.post(add_url, {**FORM, "name": "Typed", field: value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    (error,) = answer.context["form"][field].errors.as_data()[0].messages
    assert error.replace('"', "&quot;").replace("'", "&#x27;") in answer.text
    typed = {"name": "Typed", "batch_size": "10", "seed": "3", field: value}
    assert ('value="Typed"' in answer.text) == (typed["name"] == "Typed")
    if field in ("batch_size", "seed"):
        assert f'name="{field}" value="{value}"' in answer.text
    assert Campaign.objects.count() == 1


def test_a_test_set_alone_needs_a_project_with_labels(as_alice, add_url, server, backend):
    answer = as_alice.post(add_url, {**FORM, "start_size": 0})
    assert "nothing to train on beside the test set" in answer.text
    assert not Campaign.objects.exists()


def test_leads_are_not_offered_as_annotators(as_alice, add_url, server, bob):
    assert [user.username for user in as_alice.get(add_url).context["form"].fields["annotators"].queryset] == ["bob"]


def test_a_server_that_is_down_leads_back_with_the_reason(as_alice, add_url, connection, server):
    server.faults["."] = httpx.ConnectError("refused")
    answer = as_alice.get(add_url, follow=True)
    assert answer.redirect_chain == [(f"/connections/{connection.pk}/", 302)]
    assert "No Label Studio answers" in answer.text


def test_a_project_that_is_gone_leads_back_with_the_reason(as_alice, connection, server):
    answer = as_alice.get(f"/connections/{connection.pk}/projects/99/", follow=True)
    assert "Label Studio has no project 99" in answer.text


# --------------------------------------------------------------------- settings


@pytest.fixture
def edit_url(campaign):
    return f"/campaigns/{campaign.pk}/settings/"


def test_settings_hold_from_the_next_round_only(as_alice, alice, campaign, edit_url, make_round):
    before = make_round("done", number=0)
    answer = as_alice.post(edit_url, FORM, follow=True)
    assert "The settings hold from the next round on." in answer.text
    before.refresh_from_db()
    assert (before.strategy, before.diversity, before.batch_size) == ("margin", "kmeans", 3)
    campaign.refresh_from_db()
    after = round_create(campaign=campaign, user=alice)
    assert (after.strategy, after.diversity, after.batch_size, after.seed) == ("entropy", "none", 10, 3)


def test_the_form_shows_what_is_set(as_alice, campaign, edit_url):
    text = as_alice.get(edit_url).text
    assert 'value="Moods of letters"' in text
    assert 'name="batch_size" value="4"' in text


def test_annotators_can_be_taken_off(as_alice, as_bob, campaign, edit_url):
    assert as_bob.get(f"/campaigns/{campaign.pk}/").status_code == 200
    as_alice.post(edit_url, FORM)
    assert as_bob.get(f"/campaigns/{campaign.pk}/").status_code == 404


def test_bad_settings_change_nothing(as_alice, campaign, edit_url):
    answer = as_alice.post(edit_url, {**FORM, "batch_size": 0})
    assert list(answer.context["form"].errors) == ["batch_size"]
    assert 'name="batch_size" value="0"' in answer.text
    campaign.refresh_from_db()
    assert (campaign.name, campaign.batch_size) == ("Moods of letters", 4)


def test_a_campaign_cannot_be_its_own_baseline(as_alice, campaign, edit_url):
    answer = as_alice.post(edit_url, {**FORM, "baseline": campaign.pk})
    assert list(answer.context["form"].errors) == ["baseline"]


# --------------------------------------------------------------------- the page


def test_before_the_first_round(as_alice, as_bob, campaign):
    text = as_alice.get(f"/campaigns/{campaign.pk}/").text
    assert "No round yet" in text
    assert "Start round 0" in text
    assert "data-chart" not in text
    assert "Start round 0" not in as_bob.get(f"/campaigns/{campaign.pk}/").text


def test_with_a_model_of_its_own_the_first_round_is_round_1(as_alice, campaign):
    Campaign.objects.update(start_size=0, test_size=0)
    text = as_alice.get(f"/campaigns/{campaign.pk}/").text
    assert "Start round 1<" in text
    assert "scores the pool with the model that the backend has" in text


def test_with_evaluated_rounds(as_alice, campaign, make_round, evaluate):
    evaluate(make_round("done", number=0), correct=3, total=5, label_count=10)
    evaluate(make_round("done", number=1), correct=4, total=5, label_count=14)
    open_ = make_round("open", number=2)
    text = as_alice.get(f"/campaigns/{campaign.pk}/").text.replace("\u202f", " ")
    for chart in ("learning-curve", "histogram", "ridges"):
        assert f'data-chart="{chart}"' in text
    assert "60.0 % (20.0 % to 90.0 %)" in text
    assert "80.0 %" in text
    assert "not measured" in text
    assert f'class="btn btn-primary" href="/rounds/{open_.pk}/"' in text
    assert text.index("Round 2") < text.index("Round 0</a>")


def test_the_curve_of_a_baseline_is_drawn_beside(as_alice, alice, connection, campaign, make_round, evaluate):
    evaluate(make_round("done", number=0))
    page = as_alice.get(f"/campaigns/{campaign.pk}/")
    alone = len(page.context["curve"].figure["data"])
    baseline = Campaign.objects.create(name="Random", connection=connection, project_id=9, created_by=alice)
    evaluate(make_round("done", number=0, campaign=baseline), correct=2)
    Campaign.objects.filter(pk=campaign.pk).update(baseline=baseline)
    page = as_alice.get(f"/campaigns/{campaign.pk}/")
    assert len(page.context["curve"].figure["data"]) == alone, "what does not ask at random is not called random"
    Campaign.objects.filter(pk=baseline.pk).update(strategy="random")
    page = as_alice.get(f"/campaigns/{campaign.pk}/")
    assert len(page.context["curve"].figure["data"]) > alone


def test_after_a_finished_round_the_next_can_start(as_alice, campaign, make_round):
    make_round("done", number=0)
    assert "Start round 1<" in as_alice.get(f"/campaigns/{campaign.pk}/").text


# --------------------------------------------------------------------- the list


def test_everybody_sees_their_own_campaigns(as_alice, as_bob, as_charlie, campaign):
    assert "Moods of letters" in as_alice.get("/campaigns/").text
    assert "Moods of letters" in as_bob.get("/campaigns/").text
    assert "Moods of letters" not in as_charlie.get("/campaigns/").text


def test_an_annotator_is_offered_nothing_that_only_a_lead_may_do(as_charlie, campaign):
    text = as_charlie.get("/campaigns/").text
    assert "A campaign that a lead shares with you shows up here." in text
    assert "/connections/" not in text


def test_an_empty_list_offers_the_next_step(as_alice):
    assert 'href="/connections/new/"' in as_alice.get("/campaigns/").text


def test_with_a_connection_an_empty_list_offers_its_projects(as_alice, connection):
    assert f'href="/connections/{connection.pk}/"' in as_alice.get("/campaigns/").text
