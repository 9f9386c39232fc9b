"""Putting a project under active learning, its settings, and how it does."""

import html

import httpx
import pytest

from tests.servers import BACKEND_URL, PROJECT_ID
from trustai_web.campaigns.models import Campaign
from trustai_web.campaigns.services.rounds import round_create
from trustai_web.dashboard.forms import CampaignForm

FORM = {
    "name": "Moods",
    "strategy": "entropy",
    "diversity": "none",
    "batch_size": 10,
    "candidate_factor": 5,
    "start_size": 8,
    "test_size": 20,
    "seed": 3,
    "rank_by": "high",
    "control_share": 20,
    "class_balance": True,
    "source": "stored_then_direct",
}
TEXT = '<Text name="words" value="$text"/>'
TOPICS = (
    '<Choices name="topics" toName="words" choice="multiple">'
    '<Choice value="sport"/><Choice value="art"/><Choice value="law"/></Choices>'
)
MOOD = '<Choices name="mood" toName="words"><Choice value="good"/><Choice value="bad"/></Choices>'
SPANS = '<Labels name="names" toName="words"><Label value="person"/><Label value="place"/></Labels>'
PICTURE = '<Image name="picture" value="$image"/>'
OUTLINES = '<PolygonLabels name="outlines" toName="picture"><Label value="cat"/></PolygonLabels>'


def config(*controls):
    return f"<View>{TEXT}{''.join(controls)}</View>"


def choices(answer, name):
    return [value for value, _ in answer.context["form"].fields[name].choices]


def fields(answer):
    return list(answer.context["form"].fields)


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
    assert "<b>mood</b> (Choices): one of 2 for each text: good, bad" in text
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


@pytest.mark.parametrize("label_config", [config(), "<View"], ids=["nothing to answer", "not XML"])
def test_a_project_where_nothing_can_be_scored_cannot_be_taken(as_alice, add_url, server, backend, label_config):
    server.label_config = label_config
    for answer in (as_alice.get(add_url), as_alice.post(add_url, FORM)):
        assert "callout-failed" in answer.text
        assert answer.context["unsupported"].message in html.unescape(answer.text)
        assert answer.context["unsupported"].hint in html.unescape(answer.text)
        assert "Start the campaign" not in answer.text
    assert not Campaign.objects.exists()


# --------------------------------------------------------------------- what only some projects need


def test_a_simple_project_gets_a_simple_form(as_alice, add_url, server, backend):
    answer = as_alice.get(add_url)
    assert {"control", "aggregation", "no_region"}.isdisjoint(fields(answer))
    first, more = answer.text.split("<summary>More settings</summary>")
    for name in CampaignForm.MORE:
        assert f'name="{name}"' not in first
        assert f'name="{name}"' in more
    assert '<details class="more" >' in first


def test_an_error_in_the_folded_part_unfolds_it(as_alice, add_url, server, backend):
    assert '<details class="more" open>' in as_alice.post(add_url, {**FORM, "seed": -1}).text


def test_strategies_are_grouped_by_what_they_need(as_alice, add_url, server, backend):
    text = as_alice.get(add_url).text
    order = ["By one model", 'value="margin"', "By several models", 'value="vote_entropy"', "Without a model"]
    assert sorted(order, key=text.index) == order


def test_several_controls_are_all_shown_and_one_is_chosen(as_alice, add_url, server, backend):
    server.label_config = config(MOOD, TOPICS, SPANS)
    answer = as_alice.get(add_url)
    assert "<b>topics</b> (Choices): any of 3 for each text: sport, art, law" in answer.text
    assert "<b>names</b> (Labels): regions of 2 classes for each text: person, place" in answer.text
    assert choices(answer, "control") == ["mood", "topics", "names", "*"]
    for words in ("mood (Choices, one of 2)", "topics (Choices, any of 3)", "names (Labels, regions of 2 classes)"):
        assert words in answer.text
    as_alice.post(add_url, {**FORM, "control": "topics", "aggregation": "max", "no_region": "certain"})
    campaign = Campaign.objects.get()
    assert (campaign.control, campaign.aggregation, campaign.no_region) == ("topics", "max", "certain")
    assert [control["name"] for control in campaign.controls] == ["mood", "topics", "names"]


def test_all_controls_may_count_together(as_alice, add_url, server, backend):
    server.label_config = config(MOOD, TOPICS)
    as_alice.post(add_url, {**FORM, "control": "*", "aggregation": "mean"})
    assert Campaign.objects.get().control == "*"


def test_a_control_that_the_project_does_not_have_is_refused(as_alice, add_url, server, backend):
    server.label_config = config(MOOD, TOPICS)
    for chosen in ({"control": "names"}, {}):
        answer = as_alice.post(add_url, {**FORM, "aggregation": "mean", **chosen})
        assert list(answer.context["form"].errors) == ["control"]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("controls", "shown"), [((MOOD,), []), ((TOPICS,), ["aggregation"]), ((SPANS,), ["aggregation", "no_region"])]
)
def test_what_a_single_class_needs_not_is_not_asked(as_alice, add_url, server, backend, controls, shown):
    server.label_config = config(*controls)
    assert [name for name in fields(as_alice.get(add_url)) if name in ("aggregation", "no_region")] == shown


def test_what_is_not_measured_begins_without_a_test_set_and_the_form_says_why(as_alice, add_url, server, backend):
    server.label_config = config(PICTURE, OUTLINES)
    answer = as_alice.get(add_url)
    assert 'name="test_size" value="0"' in answer.text
    assert "How good a model is at PolygonLabels is not measured yet" in answer.text
    regions = {**FORM, "aggregation": "mean", "no_region": "unknown"}
    refused = as_alice.post(add_url, regions)
    assert list(refused.context["form"].errors) == ["test_size"]
    assert "Set it to 0." in refused.text
    assert 'name="test_size" value="20"' in refused.text
    as_alice.post(add_url, {**regions, "test_size": 0})
    assert Campaign.objects.get().test_size == 0


@pytest.mark.parametrize(("control", "is_refused"), [("mood", False), ("outlines", True), ("*", False)])
def test_a_test_set_is_refused_where_what_counts_is_not_measured(
    as_alice, add_url, server, backend, control, is_refused
):
    server.label_config = config(MOOD, PICTURE, OUTLINES)
    chosen = {**FORM, "control": control, "aggregation": "mean", "no_region": "unknown"}
    as_alice.post(add_url, chosen)
    assert Campaign.objects.exists() != is_refused


def test_the_form_says_how_many_test_tasks_make_how_sure(as_alice, add_url, server, backend):
    text = as_alice.get(add_url).text
    assert "141 make its accuracy sure to ± 5 points, 388 to ± 3." in text
    assert "is not measured yet" not in text
    assert text.index('name="control_share"') < text.index("<summary>More settings</summary>")


def test_an_empty_project_is_pointed_out(as_alice, add_url, server, backend):
    server.tasks.clear()
    assert "The project has no tasks." in as_alice.get(add_url).text


def test_a_missing_backend_is_pointed_out_and_no_obstacle(as_alice, add_url, server):
    answer = as_alice.get(add_url)
    assert "No ML backend is connected." in answer.text
    assert {"source", "write_back"}.isdisjoint(fields(answer)), "there is nothing to choose from"
    as_alice.post(add_url, FORM)
    campaign = Campaign.objects.get()
    assert (campaign.backend_url, campaign.source, campaign.write_back) == ("", "stored_then_direct", False)


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
        ("rank_by", "middle"),
        ("control_share", "51"),
        ("control_share", ""),
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
    assert (after.rank_by, after.control_share, after.class_balance, after.candidate_factor) == ("high", 20, True, 5)


def test_where_predictions_come_from_is_a_setting(as_alice, alice, campaign, edit_url):
    as_alice.post(edit_url, {**FORM, "write_back": True})
    campaign.refresh_from_db()
    assert (campaign.source, campaign.write_back) == ("stored_then_direct", True)
    as_alice.post(edit_url, {**FORM, "source": "direct"})
    campaign.refresh_from_db()
    round_ = round_create(campaign=campaign, user=alice)
    assert (round_.source, round_.write_back) == ("direct", False)


@pytest.mark.parametrize("source", ["stored", "direct"])
def test_storing_new_predictions_needs_a_source_that_has_and_uses_them(as_alice, campaign, edit_url, source):
    answer = as_alice.post(edit_url, {**FORM, "source": source, "write_back": True})
    (error,) = answer.context["form"].errors["write_back"]
    assert "Only with “Stored, then ask the backend”" in error
    assert '<details class="more" open>' in answer.text
    campaign.refresh_from_db()
    assert (campaign.source, campaign.write_back) == ("stored_then_direct", False)


def test_an_empty_candidate_factor_leaves_the_number_to_the_scores(as_alice, campaign, edit_url):
    as_alice.post(edit_url, {**FORM, "candidate_factor": ""})
    campaign.refresh_from_db()
    assert campaign.candidate_factor is None


def test_the_settings_offer_the_controls_that_were_read_last(as_alice, campaign, edit_url):
    campaign.controls = [
        {"name": "mood", "tag": "Choices", "form": "single", "classes": 2},
        {"name": "topics", "tag": "Taxonomy", "form": "multi", "classes": 7},
    ]
    campaign.control = "topics"
    campaign.save()
    answer = as_alice.get(edit_url)
    assert choices(answer, "control") == ["mood", "topics", "*"]
    assert '<option value="topics" selected>topics (Taxonomy, any of 7)</option>' in answer.text
    as_alice.post(edit_url, {**FORM, "control": "mood", "aggregation": "sum"})
    campaign.refresh_from_db()
    assert (campaign.control, campaign.aggregation) == ("mood", "sum")


def test_a_choice_between_controls_ends_with_the_last_but_one(as_alice, campaign, edit_url):
    """A control that was renamed in Label Studio must not stay chosen where nobody can see it."""
    campaign.controls = [{"name": "mood", "tag": "Choices", "form": "single", "classes": 2}]
    campaign.control = "topics"
    campaign.save()
    as_alice.post(edit_url, FORM)
    campaign.refresh_from_db()
    assert campaign.control == ""


def test_saving_settings_leaves_what_a_worker_wrote_meanwhile(as_alice, campaign, edit_url, monkeypatch):
    from trustai_web.dashboard.views import campaigns as views

    real = views.campaign_update

    def overtaken(*args):
        Campaign.objects.filter(pk=campaign.pk).update(diagnosis={"sampled": 50})
        real(*args)

    monkeypatch.setattr(views, "campaign_update", overtaken)
    as_alice.post(edit_url, FORM)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.diagnosis) == ("Moods", {"sampled": 50})


def test_the_form_shows_what_is_set(as_alice, campaign, edit_url):
    text = as_alice.get(edit_url).text
    assert 'value="Moods of letters"' in text
    assert 'name="batch_size" value="4"' in text


def test_the_settings_lead_to_the_pages_of_the_test_set_and_the_backend(as_alice, campaign, edit_url):
    answer = as_alice.get(edit_url)
    assert "test_size" not in fields(answer)
    assert f'href="/campaigns/{campaign.pk}/test-set/"' in answer.text
    assert f'href="/campaigns/{campaign.pk}/backend/"' in answer.text
    as_alice.post(edit_url, FORM)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.test_size) == ("Moods", 5)


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
    assert "60.0 %</a> (20.0 % to 90.0 %)" in text
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
