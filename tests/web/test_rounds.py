"""The page of a round: what it says in each status, what can be done, and how it keeps itself up to date."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.servers import URL
from trustai_web.campaigns.models import Job, Round
from trustai_web.dashboard.templatetags import trustai as templatetags

TAB = f"{URL}/projects/7/data?tab=41"


def page_of(client, round_):
    return client.get(f"/rounds/{round_.pk}/").text


def primary(text):
    """The words on the page's one primary button."""
    head = text[text.index("page-head-actions") : text.index('id="messages"')]
    found = re.findall(r'class="btn btn-primary"[^>]*>(.*?)(?:<svg|</a>|</button>)', head, re.S)
    assert len(found) <= 1, "one thing to do next"
    return re.sub("<.*?>", "", found[0]).replace("\u202f", " ").strip() if found else None


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, make_round):
    round_ = make_round("open")
    page = f"/rounds/{round_.pk}/"
    assert_refusals(page, takes=("get", "head"), bob=200, charlie=404)
    assert_refusals(f"{page}next/", takes=("get", "head"), bob=302, charlie=404)
    for action in ("resume/", "cancel/", "train/", "retract/", "score/", "publish/"):
        assert_refusals(page + action, takes=("post",), bob=403, charlie=403)
    round_.refresh_from_db()
    assert round_.status == "open"
    assert not round_.jobs.exists()


def test_what_is_not_there_is_not_found(as_alice, make_round):
    assert as_alice.get("/rounds/99/").status_code == 404
    assert as_alice.get("/rounds/99/next/").status_code == 404
    assert as_alice.post("/rounds/99/train/").status_code == 404
    round_ = make_round()
    for kind in ("dance", "doctor"):
        assert as_alice.post(f"/rounds/{round_.pk}/{kind}/").status_code == 404


# --------------------------------------------------------------------- each status


@pytest.mark.parametrize(
    ("status", "columns", "lead_does", "word"),
    [
        ("pending", {"tasks": 0}, "Score the pool", "Waiting to be scored"),
        ("scoring", {"tasks": 0}, None, "Scoring"),
        ("ready", {}, "Publish 3 tasks", "Ready to publish"),
        ("open", {}, "Open next (1 of 3)", "Open for labelling"),
        ("training", {}, None, "Training"),
        ("done", {}, "See the learning curve", "Done"),
        ("failed", {"failed_from": "pending", "failure": "No answer.", "tasks": 0}, None, "Failed"),
        ("cancelled", {}, None, "Cancelled"),
    ],
)
def test_each_status_has_its_word_and_its_next_step(
    as_alice, as_bob, make_round, make_job, status, columns, lead_does, word
):
    round_ = make_round(status, **columns)
    if status in ("scoring", "training"):
        make_job(round_, "score" if status == "scoring" else "train", "running", heartbeat_at=timezone.now())
    text = page_of(as_alice, round_)
    assert primary(text) == lead_does
    assert re.search(rf"</svg>\s*{word}</span>", text)
    read = page_of(as_bob, round_)
    assert primary(read) == (lead_does if status == "open" else None)
    # Logging out is the one thing that a reader may post.
    assert re.findall(r'<form method="post" action="([^"]+)"', read) == ["/logout/"]


def test_with_some_labels_training_is_offered_beside_labelling(as_alice, make_round):
    round_ = make_round()
    round_.batch_tasks.filter(rank=1).update(status="labelled", label="good")
    text = page_of(as_alice, round_)
    assert primary(text) == "Open next (2 of 3)"
    assert '<span id="train-count">1 new label</span>' in text
    assert "2 tasks of this batch are not answered yet" in text


def test_with_every_task_answered_training_is_what_comes_next(as_alice, as_bob, make_round):
    round_ = make_round()
    round_.batch_tasks.filter(rank__gt=1).update(status="labelled", label="good")
    round_.batch_tasks.filter(rank=1).update(status="skipped")
    text = page_of(as_alice, round_)
    assert primary(text) == "Train on 2 new labels"
    assert "data-confirm=" not in text[text.index("Train on") - 300 : text.index("Train on")]
    assert "2 labelled, 0 open, 1 skipped" in text
    assert primary(page_of(as_bob, round_)) is None


def test_a_failure_is_told_with_what_is_safe_and_two_ways_on(as_alice, as_bob, make_round):
    round_ = make_round("failed", failed_from="open", failure="The training failed.", view_id=41)
    text = page_of(as_alice, round_)
    assert "The training failed." in text
    assert "All labels are safe in Label Studio" in text
    assert "Try again" in text
    assert "Back to labelling" in text
    assert re.search(r'class="is-failed"[^>]*>\s*<span.*?</span>\s*Train', text, re.S)
    assert "Try again" not in page_of(as_bob, round_)


def test_a_job_under_way_is_shown_and_nothing_else_is_offered(as_alice, make_round, make_job):
    round_ = make_round("ready")
    job = make_job(round_, "publish", "running", done=40, total=100, heartbeat_at=timezone.now())
    text = page_of(as_alice, round_)
    assert primary(text) is None
    assert '<progress value="40" max="100"' in text
    assert "40 of 100" in text
    assert f"/jobs/{job.pk}/cancel/" in text
    assert "hurry" not in text
    assert "no sign of life" not in text


def test_pace_and_time_left_are_told_once_they_are_known(as_alice, make_round, make_job):
    round_ = make_round("ready")
    job = make_job(round_, "publish", "running", done=1234, total=100_000, rate=849.6, heartbeat_at=timezone.now())
    text = page_of(as_alice, round_)
    assert "<span>1,234 of 100,000</span>" in text
    assert "<span>850 a second · about 2 min left</span>" in text
    Job.objects.filter(pk=job.pk).update(rate=None)
    text = page_of(as_alice, round_)
    assert "a second" not in text
    assert "left</span>" not in text


@pytest.mark.parametrize(
    ("rate", "done", "total", "pace", "left"),
    [
        (12.34, 0, 100, "12 a second", "a few seconds left"),
        (3.21, 0, 100, "3.2 a second", "about 30 s left"),
        (1.0, 0, 58, "1 a second", "about 1 min left"),
        (12_345.0, 0, 10**8, "12,000 a second", "about 2 h 15 min left"),
        (0.2, 0, 100, "12 a minute", "about 8 min left"),
        (0.001, 0, 100, "", ""),
        (5.0, 100, 100, "5 a second", ""),
        (5.0, 7, None, "5 a second", ""),
        (None, 7, 100, "", ""),
        (0.0, 7, 100, "", ""),
    ],
)
def test_pace_and_time_left_in_words(rate, done, total, pace, left):
    job = Job(status="running", rate=rate, done=done, total=total)
    assert (templatetags.rate(job), templatetags.time_left(job)) == (pace, left)


@pytest.mark.parametrize("status", ["scoring", "training"])
def test_a_page_that_was_read_while_its_job_ended_looks_once_more(as_alice, make_round, status):
    round_ = make_round(status)
    assert 'hx-trigger="every 2s"' in page_of(as_alice, round_)
    answer = as_alice.get(f"/rounds/{round_.pk}/", {"state": "another"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"


def test_a_job_that_waits_has_no_pace():
    job = Job(status="queued", rate=5.0, done=1, total=100)
    assert (templatetags.rate(job), templatetags.time_left(job)) == ("", "")


@pytest.mark.parametrize(
    ("source", "write_back", "words"),
    [
        ("stored_then_direct", True, "Stored, then ask the backend; new ones are stored in Label Studio"),
        ("stored", False, "Stored only"),
        ("direct", False, "Ask the backend always"),
    ],
)
def test_a_round_tells_where_its_predictions_come_from(as_alice, make_round, source, write_back, words):
    assert f"<dt>Predictions</dt><dd>{words}</dd>" in page_of(
        as_alice, make_round("ready", source=source, write_back=write_back)
    )


def test_a_round_that_asks_no_model_tells_of_no_predictions(as_alice, make_round):
    assert "<dt>Predictions</dt>" not in page_of(as_alice, make_round("ready", strategy="random"))


def test_without_a_backend_there_are_stored_predictions_alone(as_alice, campaign, make_round):
    campaign.backend_url = ""
    campaign.save()
    text = page_of(as_alice, make_round("ready"))
    assert "<dt>Predictions</dt><dd>Stored only: there is no ML backend to ask</dd>" in text


def test_a_silent_worker_is_pointed_out(as_alice, make_round, make_job, settings):
    long_ago = timezone.now() - timedelta(seconds=10 * settings.JOB_HEARTBEAT_SECONDS)
    round_ = make_round("ready")
    make_job(round_, "publish", "running", heartbeat_at=long_ago)
    assert "no sign of life" in page_of(as_alice, round_)


def test_a_postponed_job_can_be_hurried(as_alice, as_bob, make_round, make_job):
    round_ = make_round("ready")
    job = make_job(round_, "publish", "queued", tries=1)
    assert f"/jobs/{job.pk}/hurry/" in page_of(as_alice, round_)
    assert "hurry" not in page_of(as_bob, round_)


def test_an_evaluated_round_tells_what_the_model_can_do(as_alice, make_round, evaluate):
    round_ = make_round("done")
    evaluation = evaluate(round_, correct=3, total=5)
    evaluation.unanswered = 2
    evaluation.save()
    text = page_of(as_alice, round_).replace("\u202f", " ")
    assert "60.0 %" in text
    assert "3 of 5" in text
    assert "gave no answer for 2 test tasks" in text


def test_a_batch_is_shown_in_rank_order_with_its_test_set_apart(as_alice, make_round):
    round_ = make_round("open", tasks=3, test_tasks=2, note="Wanted 9 tasks; only 5 could be picked.")
    text = page_of(as_alice, round_)
    assert re.findall(r'data-task-id="(\d+)"', text) == ["101", "102", "103", "104", "105"]
    assert text.index("103</a>") < text.index("Test set, 2 tasks") < text.index("104</a>")
    assert "letter 1" in text
    assert "Wanted 9 tasks; only 5 could be picked." in text
    assert "2 × no prediction" in text
    assert f"{TAB}&amp;task=101" in text


# --------------------------------------------------------------------- what scoring found


def test_the_page_counts_what_is_exact_bounded_and_unknown(as_alice, as_bob, make_round, campaign):
    round_ = make_round("ready", pool_size=5000, known_count=4990, bounded_count=1204, unknown={"no prediction": 10})
    text = page_of(as_alice, round_).replace("\u202f", " ")
    assert "1 204 of 5 000 tasks have only bounds; they are ranked by the least they can be." in text
    assert "10 have no score and cannot be asked for by the strategy." in text
    assert "3 786 exact, 1 204 within bounds, 10 unknown" in text
    assert f'<a href="/campaigns/{campaign.pk}/doctor/">See why</a>' in text
    read = page_of(as_bob, round_)
    assert "See why" not in read
    assert "only bounds" in read


def test_the_sentence_names_the_bound_that_ranks(as_alice, make_round):
    text = page_of(as_alice, make_round("ready", bounded_count=1, known_count=30, rank_by="high"))
    assert "1 of 30 tasks has only bounds; it is ranked by the most it can be." in text


@pytest.mark.parametrize(("rank_by", "marks"), [("low", [0.42, 0.98]), ("high", [0.91, 0.98])])
def test_the_picture_marks_what_the_strategy_picked_where_it_was_ranked(as_alice, make_round, rank_by, marks):
    round_ = make_round("ready", tasks=3, rank_by=rank_by, control_share=30)
    round_.batch_tasks.filter(rank=1).update(score=0.42, score_high=0.91)
    round_.batch_tasks.filter(rank=3).update(lane="control")
    drawn = as_alice.get(f"/rounds/{round_.pk}/").context["histogram"].figure["data"]
    assert [list(trace["x"]) for trace in drawn if trace["meta"]["role"] == "selected"] == [marks]


def test_what_is_all_exact_needs_no_sentence(as_alice, make_round):
    text = page_of(as_alice, make_round("ready", known_count=30, bounded_count=0, unknown={}))
    assert "only bounds" not in text
    assert "See why" not in text
    assert "30 exact, 0 within bounds, 0 unknown" in text


def test_a_round_that_asked_no_model_has_no_scores_to_count(as_alice, make_round):
    text = page_of(as_alice, make_round("ready", strategy="random", known_count=None, unknown={}, histogram={}))
    assert "exact," not in text
    assert "See why" not in text


def test_a_score_within_bounds_is_shown_as_what_it_is_at_least(as_alice, make_round):
    round_ = make_round("ready", tasks=2)
    round_.batch_tasks.filter(rank=1).update(score=0.42, score_high=0.91, probabilities={"good": 0.58})
    text = page_of(as_alice, round_)
    first, second = re.findall(r'<td data-label="Score"[^>]*>(.*?)</td>', text, re.S)
    assert re.sub("<.*?>", " ", first).split() == ["≥", "0.420", "at", "most", "0.910"]
    assert second.strip() == "0.980"
    probabilities = re.findall(r'<td data-label="Probabilities">(.*?)</td>', text, re.S)[0]
    assert re.findall(r'<dt title="(\w+)">|<span>([\d.]+)</span>', probabilities) == [("good", ""), ("", "0.58")]
    assert '<td data-label="Predicted">good</td>' in text


def test_a_long_answer_is_shortened_and_an_empty_one_said(as_alice, make_round):
    round_ = make_round("open", tasks=2)
    round_.batch_tasks.filter(rank=1).update(status="labelled", label="x" * 400)
    round_.batch_tasks.filter(rank=2).update(status="labelled", label="")
    text = page_of(as_alice, round_)
    assert f"{'x' * 59}…</span>" in text
    assert "empty answer</span>" in text


def test_what_the_model_predicts_is_its_likeliest_class_in_whatever_order_it_was_kept(as_alice, make_round):
    round_ = make_round("ready", tasks=1)
    round_.batch_tasks.update(probabilities={"bad": 0.1, "good": 0.7, "mixed": 0.2})
    text = page_of(as_alice, round_)
    assert '<td data-label="Predicted">good</td>' in text
    assert re.findall(r'<dt title="(\w+)">', text) == ["good", "mixed", "bad"]


def test_leads_see_what_was_drawn_at_random_and_annotators_cannot_tell(as_alice, as_bob, make_round):
    """Not from the lane, and not from how sure the model is of a task."""
    round_ = make_round("open", tasks=3, control_share=30)
    round_.batch_tasks.filter(rank=2).update(lane="control", score=0.01)
    text = page_of(as_alice, round_)
    assert re.findall(r'data-label="Chosen"[^>]*>(.*?)</td>', text) == ["by strategy", "at random", "by strategy"]
    read = page_of(as_bob, round_)
    rows = re.findall(r"<tr data-task-id.*?</tr>", read, re.S)
    assert len(rows) == 3
    for hint in ("Chosen", "at random", "Score", "Predicted", "Probabilities", "<meter"):
        assert hint not in "".join(rows)


def test_without_a_random_share_annotators_see_what_the_model_thinks_and_nobody_a_lane(as_alice, as_bob, make_round):
    round_ = make_round("open")
    assert 'data-label="Score"' in page_of(as_bob, round_)
    for client in (as_alice, as_bob):
        assert 'data-label="Chosen"' not in page_of(client, round_)


def test_a_model_that_was_not_measured_says_why(as_alice, campaign, make_round, make_job):
    round_ = make_round("done")
    page = f"/rounds/{round_.pk}/"
    assert "was not measured" not in as_alice.get(page).text, "nothing was trained"
    round_.training_runs.create(verdict="new_model", version_after="v2", label_count=12)
    assert "was not measured: no task of a test set has a label." in as_alice.get(page).text
    campaign.controls = [{"name": "names", "tag": "PolygonLabels", "form": "regions", "classes": 2}]
    campaign.save()
    assert "was not measured: there is no measure for regions yet." in as_alice.get(page).text
    text = as_alice.get(f"/campaigns/{campaign.pk}/").text
    assert "No learning curve for such regions yet" in text
    assert '<td data-label="Labels" class="num muted">12</td>' in text


def test_the_settings_of_a_round_are_told(as_alice, make_round):
    asked = {"control": "*", "control_share": 20, "class_balance": True, "candidate_factor": 7, "batch_size": 25}
    text = page_of(as_alice, make_round("ready", **asked))
    for words in ("all controls together", "20 % of the batch", "classes balanced", "among 7 × 25 candidates"):
        assert words in text
    Round.objects.update(control="mood", candidate_factor=None, diversity="kmeans", strategy="random")
    text = page_of(as_alice, Round.objects.get())
    assert "<dd>mood</dd>" in text
    assert "candidates" not in text
    assert "k-means" not in text, "it has no say where no model is asked"


# --------------------------------------------------------------------- text from strangers

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def test_hostile_words_are_text(as_alice, make_round):
    round_ = make_round("open", note=HOSTILE, model_version=HOSTILE, sync_error=HOSTILE, unknown={HOSTILE: 1})
    round_.batch_tasks.update(
        preview={"kind": "text", "content": HOSTILE},
        probabilities={HOSTILE: 1.0},
        status="labelled",
        label=HOSTILE,
        annotator=HOSTILE,
    )
    round_.training_runs.create(verdict="failed", message=HOSTILE, version_after=HOSTILE)
    Job.objects.create(campaign=round_.campaign, round=round_, kind="score", status="failed", message=HOSTILE)
    text = page_of(as_alice, round_)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(1)") > 10


def test_a_hostile_failure_is_text(as_alice, make_round):
    text = page_of(as_alice, make_round("failed", failed_from="open", failure=HOSTILE))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_a_hostile_name_is_text_also_inside_a_chart(as_alice, campaign, make_round, evaluate):
    campaign.name = campaign.project_title = HOSTILE
    campaign.save()
    round_ = make_round("done")
    evaluate(round_)
    for url in (f"/rounds/{round_.pk}/", f"/campaigns/{campaign.pk}/", "/", "/jobs/"):
        text = as_alice.get(url).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


@pytest.mark.parametrize("kind", ["none", "html", "javascript"])
def test_a_task_is_never_a_link_or_a_picture_of_its_own_making(as_alice, make_round, kind):
    round_ = make_round("open", tasks=1)
    round_.batch_tasks.update(preview={"kind": kind, "content": "javascript:alert(1)"})
    text = page_of(as_alice, round_)
    assert "javascript:" not in text
    assert 'class="thumb"' not in text


def test_words_that_look_like_an_address_stay_words(as_alice, make_round):
    round_ = make_round("open", tasks=1)
    round_.batch_tasks.update(preview={"kind": "text", "content": "javascript:alert(1) https://evil.test/"})
    text = page_of(as_alice, round_)
    assert "javascript:alert(1) https://evil.test/" in text
    assert not re.search(r'(href|src)="(javascript:|https://evil)', text)


def test_a_picture_cannot_break_out_of_its_attribute(as_alice, make_round):
    round_ = make_round("open", tasks=1)
    round_.batch_tasks.update(preview={"kind": "image", "content": 'https://pics.test/"onerror="alert(1)'})
    text = page_of(as_alice, round_)
    assert 'src="https://pics.test/&quot;onerror=&quot;alert(1)"' in text
    assert 'referrerpolicy="no-referrer"' in text


# --------------------------------------------------------------------- actions


def test_starting_a_round_queues_its_scoring(as_alice, alice, campaign):
    answer = as_alice.post(f"/campaigns/{campaign.pk}/rounds/")
    round_ = Round.objects.get()
    assert answer.url == f"/rounds/{round_.pk}/"
    assert (round_.number, round_.status, round_.strategy) == (0, "pending", "random")
    job = round_.jobs.get()
    assert (job.kind, job.status, job.created_by) == ("score", "queued", alice)


def test_a_second_round_beside_an_unfinished_one_is_refused(as_alice, campaign, make_round):
    make_round("open")
    answer = as_alice.post(f"/campaigns/{campaign.pk}/rounds/", follow=True)
    assert answer.redirect_chain == [(f"/campaigns/{campaign.pk}/", 302)]
    assert "has an unfinished round. Finish or cancel that one first." in answer.text
    assert Round.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "kind"), [("pending", "score"), ("ready", "publish"), ("open", "train"), ("open", "retract")]
)
def test_an_action_at_its_moment_queues_a_job(as_alice, make_round, status, kind):
    round_ = make_round(status)
    answer = as_alice.post(f"/rounds/{round_.pk}/{kind}/")
    assert answer.url == f"/rounds/{round_.pk}/"
    assert [(job.kind, job.status) for job in round_.jobs.all()] == [(kind, "queued")]


@pytest.mark.parametrize(
    ("status", "kind"), [("ready", "score"), ("open", "publish"), ("ready", "train"), ("done", "retract")]
)
def test_an_action_at_a_wrong_moment_says_what_is_the_matter(as_alice, make_round, status, kind):
    round_ = make_round(status)
    answer = as_alice.post(f"/rounds/{round_.pk}/{kind}/", follow=True)
    assert f"is “{round_.get_status_display()}” by now, so this does not fit." in answer.text
    assert not round_.jobs.exists()


def test_a_second_click_is_told_that_work_is_under_way(as_alice, make_round):
    round_ = make_round("open")
    as_alice.post(f"/rounds/{round_.pk}/train/")
    answer = as_alice.post(f"/rounds/{round_.pk}/train/", follow=True)
    assert "The round has work under way already." in answer.text
    assert round_.jobs.count() == 1


@pytest.mark.parametrize(("again", "jobs"), [("1", ["queued", "failed"]), ("", ["failed"])])
def test_a_failed_round_goes_back_a_step_and_on_where_wanted(as_alice, make_round, make_job, again, jobs):
    round_ = make_round("failed", failed_from="pending", failure="No answer.", tasks=0)
    make_job(round_, "score", "failed")
    as_alice.post(f"/rounds/{round_.pk}/resume/", {"again": again})
    round_.refresh_from_db()
    assert (round_.status, round_.failed_from, round_.failure) == ("pending", "", "")
    assert [job.status for job in round_.jobs.order_by("-pk")] == jobs
    assert {job.kind for job in round_.jobs.all()} == {"score"}


def test_a_round_can_be_given_up(as_alice, make_round):
    round_ = make_round("ready")
    as_alice.post(f"/rounds/{round_.pk}/cancel/")
    round_.refresh_from_db()
    assert round_.status == "cancelled"


def test_without_a_backend_a_round_is_finished_without_a_training(as_alice, campaign, make_round):
    round_ = make_round("open")
    refused = as_alice.post(f"/rounds/{round_.pk}/finish/", follow=True)
    assert "The campaign has an ML backend." in refused.text
    campaign.backend_url = ""
    campaign.save()
    round_.batch_tasks.update(status="labelled", label="good")
    assert primary(page_of(as_alice, round_)) == "Finish the round"
    as_alice.post(f"/rounds/{round_.pk}/finish/")
    round_.refresh_from_db()
    assert round_.status == "done"


def test_an_open_round_is_taken_back_first(as_alice, make_round):
    round_ = make_round("open")
    answer = as_alice.post(f"/rounds/{round_.pk}/cancel/", follow=True)
    assert "still open in Label Studio. Take it back first." in answer.text
    round_.refresh_from_db()
    assert round_.status == "open"


# --------------------------------------------------------------------- on to Label Studio


def test_open_next_follows_the_ranks(as_bob, make_round):
    round_ = make_round("open")
    where = f"/rounds/{round_.pk}/next/"
    assert as_bob.get(where).url == f"{TAB}&task=101"
    round_.batch_tasks.filter(rank=2).update(status="labelled")
    assert as_bob.get(where).url == f"{TAB}&task=101"
    round_.batch_tasks.filter(rank=1).update(status="skipped")
    assert as_bob.get(where).url == f"{TAB}&task=103"


def test_with_nothing_open_next_leads_back(as_bob, make_round):
    round_ = make_round("open")
    round_.batch_tasks.update(status="labelled")
    answer = as_bob.get(f"/rounds/{round_.pk}/next/", follow=True)
    assert answer.redirect_chain == [(f"/rounds/{round_.pk}/", 302)]
    assert "No task of this batch is waiting for a label." in answer.text


def test_an_unpublished_batch_has_no_next(as_bob, make_round):
    round_ = make_round("ready")
    assert as_bob.get(f"/rounds/{round_.pk}/next/").url == f"/rounds/{round_.pk}/"


def test_labels_outside_the_batch_are_pointed_out(as_alice, make_round):
    text = page_of(as_alice, make_round("open", outside_task_ids=[7]))
    assert "1 task outside this batch got a label while it was open." in text
    assert f'href="{TAB}&amp;task=7"' in text
    many = Round.objects.get()
    many.outside_task_ids = list(range(1000, 1030))
    many.save()
    text = page_of(as_alice, many)
    assert "30 tasks outside this batch" in text
    assert ">1019</a> and more" in text
    assert "1020</a>" not in text


# --------------------------------------------------------------------- keeping up to date


def poll(client, text):
    """Ask as the page's own htmx would."""
    url = re.search(r'id="live" hx-get="([^"]+)"', text)[1].replace("&amp;", "&")
    return client.get(url, headers={"HX-Request": "true"})


def test_the_page_asks_for_its_living_part_alone(as_bob, make_round):
    round_ = make_round("open")
    answer = poll(as_bob, page_of(as_bob, round_))
    assert answer.status_code == 200
    assert '<div id="live" hx-get=' in answer.text
    assert "<html" not in answer.text
    assert "HX-Refresh" not in answer.headers


@pytest.mark.parametrize("labelled", [0, 1, 2, 3])
@pytest.mark.parametrize("backend_url", ["", "http://backend.test"])
def test_what_comes_out_of_band_has_its_place_on_the_page(as_alice, campaign, make_round, labelled, backend_url):
    campaign.backend_url = backend_url
    campaign.save()
    round_ = make_round("open")
    round_.batch_tasks.filter(rank__lte=labelled).update(status="labelled", label="good")
    text = page_of(as_alice, round_)
    places = re.findall(r'<span id="([^"]+)" hx-swap-oob', poll(as_alice, text).text)
    assert len(places) >= 3
    assert [place for place in places if f'id="{place}"' not in text] == []


def test_progress_comes_without_a_new_page(as_bob, make_round):
    round_ = make_round("open")
    round_.batch_tasks.filter(rank=1).update(status="labelled")
    text = page_of(as_bob, round_)
    round_.batch_tasks.filter(rank=2).update(status="labelled")
    answer = poll(as_bob, text)
    assert "2 labelled, 1 open, 0 skipped" in answer.text
    assert '<span id="next-count" hx-swap-oob="true">Open next (3 of 3)</span>' in answer.text
    assert "train-count" not in answer.text, "a place that an annotator's page does not have"
    assert "HX-Refresh" not in answer.headers


@pytest.mark.parametrize(
    "happening",
    [
        lambda round_: Round.objects.update(status="training"),
        lambda round_: Round.objects.update(outside_task_ids=[7]),
        lambda round_: Job.objects.create(campaign=round_.campaign, round=round_, kind="train"),
        lambda round_: round_.batch_tasks.update(status="labelled"),
        lambda round_: round_.batch_tasks.filter(rank=1).update(status="labelled"),
    ],
    ids=["status", "outside", "job", "all answered", "first label"],
)
def test_what_changes_the_whole_page_reloads_it(as_alice, make_round, happening):
    round_ = make_round("open")
    text = page_of(as_alice, round_)
    happening(round_)
    assert poll(as_alice, text).headers["HX-Refresh"] == "true"


def test_a_page_where_nothing_happens_does_not_ask(as_alice, make_round):
    text = page_of(as_alice, make_round("ready"))
    assert '<div id="live" >' in text
    assert "hx-get" not in text


def test_the_end_stops_the_asking(as_alice, make_round):
    """As a page would that was loaded in a state that is an end, and yet asks."""
    round_ = make_round("ready")
    state = as_alice.get(f"/rounds/{round_.pk}/").context["live_state"]
    answer = as_alice.get(f"/rounds/{round_.pk}/", {"state": state}, headers={"HX-Request": "true"})
    assert answer.status_code == 286


def test_a_stranger_gets_no_living_part(as_charlie, make_round):
    answer = as_charlie.get(f"/rounds/{make_round().pk}/", headers={"HX-Request": "true"})
    assert answer.status_code == 404
