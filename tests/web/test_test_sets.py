"""The page of a campaign's test set: where it stands, how large it should be, and how it is changed."""

import html
import re

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from trustai_web.dashboard.task_ids import ids_in

FORM = {"source": "random", "size": "20", "ids": ""}


@pytest.fixture
def url(campaign):
    return f"/campaigns/{campaign.pk}/test-set/"


def read(answer):
    """A page on one line, as it is read."""
    return re.sub(r"\s+", " ", html.unescape(answer.text.replace("\u202f", " ")))


def fact(text, name):
    return re.sub("<.*?>", "", re.search(rf"<dt>{re.escape(name)}</dt><dd>(.*?)</dd>", text)[1]).strip()


def typed(answer):
    """What stands in the field of ids."""
    return re.search(r'<textarea name="ids".*?>\n?(.*?)</textarea>', html.unescape(answer.text), re.S)[1].strip()


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, server, url):
    assert_refusals(url, takes=("get", "post"), bob=403, charlie=403)


def test_a_campaign_that_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/campaigns/99/test-set/").status_code == 404
    assert as_alice.post("/campaigns/99/test-set/", FORM).status_code == 404


# --------------------------------------------------------------------- where it stands


def test_before_round_0_it_says_what_will_be_drawn(as_alice, url):
    text = read(as_alice.get(url))
    assert fact(text, "Measured on") == "Drawn at random"
    assert fact(text, "Held out") == "none yet"
    assert fact(text, "To be drawn") == "5 in the next round"
    assert fact(text, "Measured last") == "not yet"
    assert "<dt>Labelled</dt>" not in text


def test_what_was_drawn_and_labelled_is_counted(as_alice, url, make_round, evaluate):
    round_ = make_round("done", number=0, tasks=2, test_tasks=4)
    round_.batch_tasks.filter(lane="test", rank__lte=5).update(status="labelled", label="good")
    evaluate(round_, correct=2, total=3)
    text = read(as_alice.get(url))
    assert fact(text, "Held out") == "4 tasks"
    assert fact(text, "Labelled") == "3 of 4 that were asked for"
    assert fact(text, "To be drawn") == "1 in the next round"
    assert fact(text, "Measured last") == "in round 0: 66.7 % (20.0 % to 90.0 %) on 3 tasks"


def test_what_a_cancelled_round_drew_does_not_count(as_alice, url, make_round):
    make_round("cancelled", number=0, tasks=2, test_tasks=4)
    assert fact(read(as_alice.get(url)), "Held out") == "none yet"


def test_without_a_test_set_the_page_says_so(as_alice, campaign, url):
    campaign.test_size = 0
    campaign.save()
    assert re.search(r"state-attention.*?</svg> ?None</span>", read(as_alice.get(url)))


def test_a_listed_test_set_says_how_many_were_asked_for(as_alice, campaign, url, make_round):
    make_round("done", number=0, tasks=2, test_tasks=1)
    campaign.test_source, campaign.test_ids = "upload", [1, 2, 103]
    campaign.save()
    answer = as_alice.get(url)
    text = read(answer)
    assert fact(text, "Held out") == "3 tasks, 1 of them asked for in a round"
    assert "<dt>To be drawn</dt>" not in text
    assert typed(answer) == "1, 2, 103"


# --------------------------------------------------------------------- how large


def sizes(text):
    return re.findall(r'<td class="text-nowrap">± (\d) points</td><td class="num">([\d ]+)</td>', text)


def test_sizes_are_suggested_for_the_interval_that_one_wants(as_alice, url):
    text = read(as_alice.get(url))
    assert sizes(text) == [("2", "868"), ("3", "388"), ("5", "141")]
    assert text.count("more than can be drawn") == 1
    assert "right nine times in ten" in text


def test_sizes_follow_the_last_model(as_alice, url, make_round, evaluate):
    evaluate(make_round("done", number=0), correct=3, total=5)
    text = read(as_alice.get(url))
    assert "as often as the last one, 60.0 %" in text
    assert sizes(text)[0] == ("2", "2 302")


# --------------------------------------------------------------------- was it learned?


@pytest.fixture
def judge(campaign, make_round, evaluate):
    """Let one model answer a test set and a control lane, so many rightly."""
    campaign.controls = [{"name": "mood", "tag": "Choices", "form": "single", "classes": 2}]
    campaign.save()

    def judge(test_correct, control_correct, total=40):
        evaluate(make_round("done", number=0), correct=test_correct, total=total)  # of v1
        scored = make_round("open", number=1, tasks=total, control_share=50)
        scored.batch_tasks.update(lane="control", status="labelled", label="good")
        wrong = scored.batch_tasks.filter(rank__gt=control_correct)
        wrong.update(label="bad")

    return judge


def test_a_test_set_that_is_answered_much_better_than_a_fair_draw_raises_the_alarm(as_alice, url, judge):
    judge(40, 20)
    text = read(as_alice.get(url))
    assert "Too good to be true</span>" in text
    assert "may have learned" in text
    assert "holdout_task_ids" in text


def test_one_that_is_answered_alike_does_not(as_alice, url, judge):
    judge(36, 35)
    text = read(as_alice.get(url))
    assert "Too good to be true" not in text
    assert fact(text, "Leak check")


# --------------------------------------------------------------------- another size


def test_the_size_can_be_changed_and_the_next_round_draws_what_is_missing(as_alice, campaign, url, make_round):
    make_round("done", number=0, tasks=2, test_tasks=4)
    answer = as_alice.post(url, FORM, follow=True)
    assert answer.redirect_chain == [(url, 302)]
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_size) == ("random", 20)
    assert "The test set is saved" in answer.text
    assert fact(read(answer), "To be drawn") == "16 in the next round"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"size": ""}, "size"),
        ({"size": "-1"}, "size"),
        ({"size": "501"}, "size"),
        ({"size": "many"}, "size"),
        ({"source": "guessing"}, "source"),
        ({"source": "upload"}, "ids"),
        ({"source": "upload", "ids": " ,; "}, "ids"),
    ],
)
def test_bad_input_is_told_beside_its_field_and_changes_nothing(as_alice, campaign, url, values, field):
    answer = as_alice.post(url, {**FORM, **values})
    assert list(answer.context["form"].errors) == [field]
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_size, campaign.test_ids) == ("random", 5, [])


def test_while_a_training_goes_on_nothing_is_changed(as_alice, campaign, url, make_round):
    make_round("training")
    answer = as_alice.post(url, FORM)
    assert "A training is under way" in answer.text
    campaign.refresh_from_db()
    assert campaign.test_size == 5


# --------------------------------------------------------------------- a list of ids


def upload(text, name="ids.csv"):
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def test_ids_are_taken_however_they_are_separated(as_alice, campaign, url, server):
    answer = as_alice.post(url, {"source": "upload", "ids": '[3, 1];\t2\r\n"4" 1'}, follow=True)
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_ids) == ("upload", [1, 2, 3, 4])
    assert fact(read(answer), "Measured on") == "A list of task ids"


def test_a_file_is_added_to_what_was_typed(as_alice, campaign, url, server):
    as_alice.post(url, {"source": "upload", "ids": "7", "file": upload("\ufeff8,9\r\n10")})
    campaign.refresh_from_db()
    assert campaign.test_ids == [7, 8, 9, 10]


def test_words_that_are_no_ids_are_named_and_nothing_is_lost(as_alice, campaign, url, server):
    values = {"source": "upload", "size": "30", "ids": "7, seven", "file": upload("id\n8\n1.5\n3-5\n-2\n")}
    answer = as_alice.post(url, values)
    (error,) = answer.context["form"].errors["ids"]
    assert error == "No ids: “seven”, “id”, “1.5”, “3-5”, “-2”. Take them out; the others are kept below."
    assert typed(answer).split() == ["7,", "seven", "id", "8", "1.5", "3-5", "-2"], "what the file held is there too"
    assert 'name="size" value="30"' in answer.text
    assert re.search(r'value="upload"[^>]*checked', answer.text)
    campaign.refresh_from_db()
    assert campaign.test_ids == []


def test_of_many_bad_words_some_are_named(as_alice, url, server):
    answer = as_alice.post(url, {"source": "upload", "ids": " ".join(f"x{n}" for n in range(30))})
    (error,) = answer.context["form"].errors["ids"]
    assert "“x19” and 10 more" in error


def test_ids_that_are_no_tasks_are_refused_and_what_was_typed_stays(as_alice, campaign, url, server):
    answer = as_alice.post(url, {"source": "upload", "ids": "1 2 9000"})
    assert "9000" in answer.context["form"].non_field_errors()[0]
    assert typed(answer) == "1 2 9000"
    campaign.refresh_from_db()
    assert campaign.test_ids == []


def test_what_was_typed_is_shown_as_text(as_alice, url, server):
    answer = as_alice.post(url, {"source": "upload", "ids": "</textarea><script>alert(1)</script>"})
    assert "<script>alert(1)" not in answer.text


@pytest.mark.parametrize(
    ("file", "words"),
    [(upload(b"\xff\xfe\x00"), "The file is no text."), (upload(b"1," * 500_001), "The file has more than 1000 kB.")],
    ids=["binary", "long"],
)
def test_a_file_that_cannot_be_taken_says_why(as_alice, campaign, url, server, file, words):
    file.seek(0)
    answer = as_alice.post(url, {"source": "upload", "ids": "1", "file": file})
    assert words in answer.context["form"].errors["file"][0]
    assert typed(answer) == "1"
    campaign.refresh_from_db()
    assert campaign.test_ids == []


def test_a_label_studio_that_is_down_is_told_and_what_was_typed_stays(as_alice, url, server):
    server.faults["."] = httpx.ConnectError("refused")
    answer = as_alice.post(url, {"source": "upload", "ids": "1 2"})
    assert "No Label Studio answers" in answer.text
    assert typed(answer) == "1 2"


@pytest.mark.parametrize(
    ("text", "ids", "bad"),
    [
        ("", [], []),
        ("1,2;3|4\n5", [1, 2, 3, 4, 5], []),
        ("007 7 0 00", [7], ["0", "00"]),
        ("Tasks: 12, 13.", [12, 13], ["Tasks"]),
        ("9" * 19, [], ["9" * 19]),
        ("٣ 1e3 +4", [], ["٣", "1e3", "+4"]),
        ("... --", [], ["--"]),
    ],
)
def test_ids_in_a_text(text, ids, bad):
    assert ids_in(text) == (ids, bad)


# --------------------------------------------------------------------- ground truth


def test_the_tasks_with_a_ground_truth_are_counted_when_asked_for(as_alice, url, server):
    server.annotate(1, "good")
    server.annotate(2, "bad")
    server.tasks[2]["annotations"][0]["ground_truth"] = True
    assert 'href="?count=ground-truth"' in as_alice.get(url).text
    assert not server.requests, "every labelled task is read for it"
    text = read(as_alice.get(f"{url}?count=ground-truth"))
    assert fact(text, "Ground truth") == "1 task of the project has an answer that is marked as true"


def test_a_count_that_failed_is_unknown(as_alice, url, server):
    server.faults["."] = httpx.ConnectError("refused")
    text = read(as_alice.get(f"{url}?count=ground-truth"))
    assert fact(text, "Ground truth").startswith("unknown: No Label Studio answers")


def test_the_ground_truth_can_be_the_test_set(as_alice, campaign, url, server):
    for task_id in (1, 2, 3):
        server.annotate(task_id, "good")
    for task_id in (2, 3):
        server.tasks[task_id]["annotations"][0]["ground_truth"] = True
    answer = as_alice.post(url, {"source": "ground_truth"}, follow=True)
    campaign.refresh_from_db()
    assert (campaign.test_source, campaign.test_ids) == ("ground_truth", [2, 3])
    assert fact(read(answer), "Held out").startswith("2 tasks")


def test_without_a_ground_truth_nothing_changes(as_alice, campaign, url, server):
    answer = as_alice.post(url, {"source": "ground_truth"})
    assert "No task of the project has a ground truth." in answer.text
    campaign.refresh_from_db()
    assert campaign.test_source == "random"
