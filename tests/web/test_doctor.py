"""The probability doctor's page: asking for a report, waiting for it, reading it."""

import html
import re

import pytest
from django.utils import timezone

from al_core.doctor import ControlReport, Diagnosis, Gives, Verdict
from trustai_web.campaigns.models import Job

HOSTILE = '</code></pre><script>alert(1)</script>" onclick="alert(2)'


@pytest.fixture
def url(campaign):
    return f"/campaigns/{campaign.pk}/doctor/"


def report(**columns):
    """What the doctor finds where three classes come with their top probability alone."""
    values = {
        "control": "mood",
        "tag": "Choices",
        "form": "single",
        "labels": ("good", "bad", "mixed"),
        "gives": Gives.TOP,
        "sampled": 50,
        "known": 48,
        "reasons": {"no prediction": 2},
        "lowest": 0.341,
        "highest": 0.998,
        "in_range": 0.96,
        "strategies": {
            "random": Verdict("exact", "asks no model"),
            "margin": Verdict("bounded", "the second class is not known"),
            "least_confidence": Verdict("exact", "the top probability is all it needs"),
            "vote_entropy": Verdict("impossible", "there is one model"),
        },
        "sentence": "The backend sends the probability of its answer and of no other class.",
        "snippet": 'region["probabilities"] = dict(zip(labels, row))\nreturn region',
    }
    return ControlReport(**{**values, **columns})


@pytest.fixture
def keep(campaign):
    """Let the campaign have a report."""

    def keep(*reports):
        diagnosis = Diagnosis(sampled=50, model_version="v3", controls=reports or (report(),))
        campaign.diagnosis, campaign.diagnosed_at = diagnosis.as_dict(), timezone.now()
        campaign.save()

    return keep


# --------------------------------------------------------------------- who may, and what is not there


def test_the_refusals(assert_refusals, url):
    assert_refusals(url, takes=("get", "post"), bob=403, charlie=403)
    assert not Job.objects.exists()


def test_a_campaign_that_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/campaigns/99/doctor/").status_code == 404
    assert as_alice.post("/campaigns/99/doctor/").status_code == 404


def test_leads_find_the_page_from_the_campaign_and_annotators_no_link(as_alice, as_bob, campaign, url):
    assert f'href="{url}"' in as_alice.get(f"/campaigns/{campaign.pk}/").text
    assert url not in as_bob.get(f"/campaigns/{campaign.pk}/").text


# --------------------------------------------------------------------- before, during and after


def test_an_empty_page_says_what_it_is_for_and_offers_to_begin(as_alice, url):
    text = as_alice.get(url).text
    assert "A strategy needs the probability of every class." in text
    assert "Examine 50 tasks</button>" in text
    assert "hx-get" not in text


def test_asking_queues_one_job_of_the_campaign(as_alice, alice, campaign, url):
    assert as_alice.post(url).url == url
    again = as_alice.post(url, follow=True)
    assert "The campaign has such work under way already." in again.text
    job = Job.objects.get()
    assert (job.kind, job.status, job.campaign, job.round, job.created_by) == (
        "doctor",
        "queued",
        campaign,
        None,
        alice,
    )


def test_a_round_at_work_is_no_obstacle(as_alice, url, make_round, make_job):
    make_job(make_round("open"), "train", "running")
    as_alice.post(url)
    assert Job.objects.filter(kind="doctor").count() == 1


def test_an_examination_under_way_is_shown_and_can_be_cancelled(as_alice, url, make_examination):
    job = make_examination("running", done=20, total=50, heartbeat_at=timezone.now())
    text = as_alice.get(url).text
    assert '<progress value="20" max="50"' in text
    assert f'action="/jobs/{job.pk}/cancel/"' in text
    assert f'hx-get="{url}"' in text
    assert "Examine 50 tasks" not in text
    assert "Examine again" not in text


def test_while_it_goes_on_htmx_gets_the_living_part_and_at_its_end_the_page_anew(as_alice, url, make_examination):
    job = make_examination("running", done=20, total=50, heartbeat_at=timezone.now())
    answer = as_alice.get(url, headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<div id="live"')
    assert "<html" not in answer.text
    Job.objects.filter(pk=job.pk).update(status="succeeded")
    assert as_alice.get(url, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


@pytest.mark.parametrize("status", ["failed", "errored"])
def test_a_failure_is_told_and_the_last_report_stays(as_alice, url, keep, make_examination, status):
    keep()
    make_examination(status, message="The backend does not answer.")
    text = as_alice.get(url).text
    assert "The backend does not answer." in text
    assert "The backend sends the probability of its answer" in text
    assert "Examine again" in text


def test_a_failure_of_the_past_is_not_told_after_a_success(as_alice, url, keep, make_examination):
    keep()
    make_examination("failed", message="The backend does not answer.")
    make_examination("succeeded")
    assert "does not answer" not in as_alice.get(url).text


# --------------------------------------------------------------------- the report


def states(text):
    """The badges, in the order of the page."""
    return re.findall(r'<span class="state state-(\w+)"><svg.*?</svg>\s*([^<]+?)</span>', text, re.S)


def test_the_report_tells_what_the_backend_gives(as_alice, url, keep):
    keep()
    text = as_alice.get(url).text.replace("\u202f", " ")
    assert "50 tasks drawn at random, asked of v3" in text
    assert "Choices, one of 3" in text
    assert "<dd>top probability only</dd>" in text
    assert "48 of 50 tasks" in text
    assert "2 × no prediction" in text
    assert "0.341 to 0.998, 96.0 % of them from 0 to 1" in text


def test_each_strategy_has_its_verdict_as_icon_and_word_with_the_reason(as_alice, url, keep):
    keep()
    text = as_alice.get(url).text
    assert states(text) == [
        ("attention", "Bounds only"),  # the control
        ("attention", "Bounds only"),  # margin, least confidence, vote entropy, random: as the forms have them
        ("done", "Exact"),
        ("failed", "Impossible"),
        ("done", "Exact"),
    ]
    assert "the second class is not known" in text
    assert '<td data-label="Strategies">Least confidence</td>' in text


@pytest.mark.parametrize(
    ("margin", "least_confidence", "badge"),
    [
        ("exact", "exact", ("done", "Exact")),
        ("bounded", "exact", ("attention", "Bounds only")),
        ("impossible", "exact", ("attention", "Bounds only")),
        ("impossible", "bounded", ("attention", "Bounds only")),
        ("impossible", "impossible", ("failed", "Unknown")),
    ],
)
def test_the_badge_of_a_control_follows_the_strategies_of_one_model(
    as_alice, url, keep, margin, least_confidence, badge
):
    """What asks no model is always exact, and what asks several never with one: neither says anything."""
    verdicts = {
        "random": Verdict("exact", "."),
        "margin": Verdict(margin, "."),
        "least_confidence": Verdict(least_confidence, "."),
        "vote_entropy": Verdict("impossible", "."),
    }
    keep(report(strategies=verdicts))
    assert states(as_alice.get(url).text)[0] == badge


def test_strategies_of_one_verdict_share_a_row(as_alice, url, keep):
    bounded = Verdict("bounded", "the second class is not known")
    verdicts = {"ratio": bounded, "least_confidence": Verdict("exact", "."), "margin": bounded}
    keep(report(strategies=verdicts))
    rows = re.findall(r'<td data-label="Strategies">(.*?)</td>', as_alice.get(url).text)
    assert rows == ["Margin, Ratio", "Least confidence"]


def test_a_strategy_that_is_not_installed_any_more_is_shown_by_its_name(as_alice, url, keep):
    keep(report(strategies={"of_a_plug_in": Verdict("exact", "says so itself")}))
    assert '<td data-label="Strategies">of_a_plug_in</td>' in as_alice.get(url).text


def test_the_snippet_is_text_with_a_button_that_copies_it_to_the_letter(as_alice, url, keep):
    keep()
    text = as_alice.get(url).text
    snippet = report().snippet
    assert html.unescape(re.search(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.S)[1]) == snippet
    assert html.unescape(re.search(r'data-copy="([^"]*)"', text)[1]) == snippet


def test_what_is_exact_needs_no_snippet(as_alice, url, keep):
    keep(report(snippet=""))
    text = as_alice.get(url).text
    assert "data-copy" not in text
    assert "<pre" not in text


def test_where_no_number_was_read_there_is_no_range(as_alice, url, keep):
    keep(report(gives=Gives.MISSING, known=0, lowest=None, highest=None, in_range=None))
    text = as_alice.get(url).text
    assert "<dd>nothing</dd>" in text
    assert "<dt>Numbers</dt>" not in text


def test_every_control_has_its_part(as_alice, url, keep):
    keep(report(), report(control="boxes", tag="RectangleLabels", form="regions", labels=("cat",)))
    text = as_alice.get(url).text
    assert "RectangleLabels, regions of 1 class" in text
    assert 'aria-label="Strategies for mood"' in text
    assert 'aria-label="Strategies for boxes"' in text


def test_hostile_words_are_text(as_alice, url, keep):
    keep(report(control=HOSTILE, sentence=HOSTILE, snippet=HOSTILE, reasons={HOSTILE: 1}))
    text = as_alice.get(url).text
    assert "<script>alert" not in text
    assert '" onclick="' not in text
    assert text.count("&lt;script&gt;alert(1)") >= 5
