"""The first page: what to do next, or how each campaign does."""

from trustai_web.campaigns.models import Campaign


def test_the_refusals(assert_refusals):
    # An annotator's first page is the list of batches.
    assert_refusals("/", takes=("get", "head"), bob=302, charlie=302)


def test_a_new_site_names_the_three_steps_and_offers_the_first(as_alice):
    text = as_alice.get("/").text
    assert "Three steps to the first round." in text
    for step in ("Connect your Label Studio", "Pick a project", "Start a round"):
        assert f"<h2>{step}</h2>" in text
    assert 'href="/connections/new/"' in text
    assert "is-done" not in text


def test_with_a_connection_the_second_step_is_offered(as_alice, connection):
    text = as_alice.get("/").text
    assert 'class="is-done"' in text
    assert f'class="btn btn-primary" href="/connections/{connection.pk}/"' in text
    assert 'href="/connections/new/"' not in text


def test_a_campaign_without_a_round_is_a_card(as_alice, campaign):
    text = as_alice.get("/").text
    assert f'<a href="/campaigns/{campaign.pk}/">Moods of letters</a>' in text
    assert "Not started" in text
    assert "Three steps" not in text


def test_a_card_tells_round_progress_and_accuracy(as_alice, make_round, evaluate):
    evaluate(make_round("done", number=0, tasks=0), correct=4, total=5, label_count=1234)
    open_ = make_round("open", number=1)
    open_.batch_tasks.filter(rank=1).update(status="labelled")
    open_.batch_tasks.filter(rank=2).update(status="skipped")
    text = as_alice.get("/").text.replace("\u202f", " ")
    assert "<dt>Round</dt><dd>1</dd>" in text
    assert "2 of 3 answered" in text
    assert "80.0 %" in text
    assert "1 234" in text


def test_a_cancelled_round_is_not_on_the_card(as_alice, make_round):
    make_round("cancelled", number=1, tasks=0)
    assert "Not started" in as_alice.get("/").text


def test_what_failed_comes_first(as_alice, alice, connection, campaign, make_round):
    Campaign.objects.create(name="A first", connection=connection, project_id=9, created_by=alice)
    text = as_alice.get("/").text
    assert text.index("A first") < text.index("Moods of letters")
    make_round("failed", failed_from="pending", failure="No.", tasks=0)
    text = as_alice.get("/").text
    assert text.index("Moods of letters") < text.index("A first")


def test_an_annotator_is_sent_to_the_batches(as_bob):
    assert as_bob.get("/").url == "/batches/"
