"""All scores of a round: the page that lists them, the file to take along, and the file on disk behind both."""

import csv
import io
import itertools
import re
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.files.base import ContentFile

from al_core.round_file import write_round_file
from al_core.types import Batch, BatchItem, Bounds, ClassProbabilities, Pool, Scores
from tests.servers import URL
from trustai_web.campaigns import pool_scores
from trustai_web.campaigns.models import Job, Round
from trustai_web.campaigns.pool_scores import PoolScores, Which
from trustai_web.campaigns.services.rounds import round_create, round_work
from trustai_web.campaigns.services.scoring import round_scored
from trustai_web.campaigns.services.statuses import WrongMoment
from trustai_web.dashboard.views import scores as views

NAN = float("nan")
LABELS = ("cat", "=dog", "cow")
EMPTY_RESULT = 3
"""The code of a task whose result is empty."""


def scores_of(count, *, asks_a_model=True):
    """Task i of n has the score i / n. Of every tenth nothing is known; of every fifth of the others only bounds."""
    ids = np.arange(1, count + 1)
    low = ids / count
    if not asks_a_model:
        said = ()
    else:
        low = np.where(ids % 10 == 0, NAN, low)
        values = np.full((count, 3), NAN, dtype=np.float32)
        top = np.where(ids % 10 == 0, NAN, 0.6).astype(np.float32)
        answers = np.where(ids % 10 == 0, -1, ids % 3).astype(np.int32)
        reasons = np.where(ids % 10 == 0, np.where(ids % 20 == 0, EMPTY_RESULT, 0), 0).astype(np.uint8)
        starts = np.arange(count + 1)
        said = (ClassProbabilities(ids, LABELS, "single", starts, values, top, answers, reasons, "v1"),)
    high = np.where(ids % 5 == 0, low + 0.25, low)
    pool = Pool(ids, np.empty(0, dtype=np.int64), count, "digest", datetime.now(UTC))
    return Scores(pool, "margin", 0, Bounds(low, high if said else low), models=said)


def batch_of(**lanes):
    items = [BatchItem(0, task_id, lane) for lane, ids in lanes.items() for task_id in ids]
    return Batch(tuple(items), len(items))


@pytest.fixture
def scored(make_round):
    """A round whose file is in place: of 125 tasks three are in its batch."""

    def scored(count=125, *, asks_a_model=True, **columns):
        round_ = make_round("open", **columns)
        draft = io.BytesIO()
        batch = batch_of(strategy=[count - 1], control=[7], test=[20])
        write_round_file(draft, scores_of(count, asks_a_model=asks_a_model), batch)
        round_.scores_file.save(f"{round_.pk}.npz", ContentFile(draft.getvalue()))
        return round_

    return scored


def page_of(client, round_, **asked):
    answer = client.get(f"/rounds/{round_.pk}/scores/", asked)
    assert answer.status_code == 200
    return answer.text


def rows_of(text):
    """The cells of each row of the table, as they are read."""
    body = text[text.index("<tbody>") : text.index("</tbody>")]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in body.split("</tr>")[:-1]]
    return [[re.sub(r"\s+", " ", re.sub("<[^>]*>", "", cell)).strip() for cell in row] for row in rows]


def file_of(client, round_):
    answer = client.get(f"/rounds/{round_.pk}/scores/file/")
    assert answer.status_code == 200
    return answer, list(csv.reader(io.StringIO(answer.getvalue().decode())))


# --------------------------------------------------------------------- who may


def test_the_refusals(assert_refusals, scored):
    round_ = scored()
    assert_refusals(f"/rounds/{round_.pk}/scores/", takes=("get", "head"), bob=403, charlie=403)
    assert_refusals(f"/rounds/{round_.pk}/scores/file/", takes=("get", "head"), bob=403, charlie=403)


def test_what_is_not_there_is_not_found(as_alice):
    assert as_alice.get("/rounds/99/scores/").status_code == 404
    assert as_alice.get("/rounds/99/scores/file/").status_code == 404


def test_a_lead_gets_there_from_the_round_and_an_annotator_does_not(as_alice, as_bob, scored):
    round_ = scored()
    link = f'<a href="/rounds/{round_.pk}/scores/">All scores</a>'
    assert link in as_alice.get(f"/rounds/{round_.pk}/").text
    assert link not in as_bob.get(f"/rounds/{round_.pk}/").text


# --------------------------------------------------------------------- the list


def test_tasks_come_by_rank_the_unknown_last(as_alice, scored):
    round_ = scored()
    text = page_of(as_alice, round_)
    assert "All scores · round 1" in text
    assert "The score by Margin of every task" in text
    first = rows_of(text)[:2]
    assert first == [
        ["1", "125", "cow 0.60", "1.000 to 1.250", "no"],
        ["2", "124", "=dog 0.60", "0.992", "by strategy"],
    ]
    last = rows_of(page_of(as_alice, round_, page=3))
    assert len(last) == 25
    assert last[12] == ["113", "1", "=dog 0.60", "0.008", "no"]
    assert last[13] == ["none", "10", "nothing", "unknown: too little is known for this strategy", "no"]
    assert last[14] == ["none", "20", "nothing", "unknown: empty result", "test set"]


@pytest.mark.parametrize(
    ("which", "count", "task_ids"),
    [
        ("all", 125, [125, 124, 123]),
        ("known", 113, [125, 124, 123]),
        ("bounded", 13, [125, 115, 105]),
        ("unknown", 12, [10, 20, 30]),
        ("batch", 3, [124, 7, 20]),
    ],
)
def test_a_list_may_hold_some_of_them_only(as_alice, scored, which, count, task_ids):
    text = page_of(as_alice, scored(), which=which)
    assert [int(row[1]) for row in rows_of(text)][:3] == task_ids
    label = Which(which).label
    assert re.search(rf'aria-current="page">{label} <span class="small">{count}</span>', text)
    assert text.count('aria-current="page"') == 1


def test_every_task_is_on_one_page_of_each_list(as_alice, scored):
    round_ = scored()
    for which, count in (("all", 125), ("known", 113), ("unknown", 12)):
        pages = [page_of(as_alice, round_, which=which, page=page) for page in range(1, -(-count // 50) + 1)]
        listed = [row[1] for text in pages for row in rows_of(text)]
        assert len(listed) == len(set(listed)) == count


def test_a_page_keeps_its_list_and_says_where_it_is(as_alice, scored):
    text = page_of(as_alice, scored(), which="known", page=2)
    assert "51 to 100 of 113 tasks" in text
    assert 'rel="next" href="?which=known&amp;page=3"' in text
    assert '<a href="?which=bounded" ' in text, "another list begins at its first page"


@pytest.mark.parametrize(
    ("asked", "first"), [({"page": "999"}, "101"), ({"page": "x"}, "1"), ({"which": "nonsense"}, "1")]
)
def test_an_address_of_nothing_is_taken_for_the_nearest(as_alice, scored, asked, first):
    assert rows_of(page_of(as_alice, scored(), **asked))[0][0] == first


def test_a_rank_leads_to_its_row(as_alice, scored):
    round_ = scored()
    answer = as_alice.get(f"/rounds/{round_.pk}/scores/", {"rank": "50"})
    assert (answer.status_code, answer.url) == (302, f"/rounds/{round_.pk}/scores/?page=1#rank-50")
    answer = as_alice.get(f"/rounds/{round_.pk}/scores/", {"rank": "51"})
    assert answer.url.endswith("?page=2#rank-51")
    assert 'id="rank-51"' in as_alice.get(answer.url).text


@pytest.mark.parametrize("rank", ["0", "114", "-1", "x", "", "9" * 5000])
def test_a_rank_that_nobody_has_says_which_there_are(as_alice, scored, rank):
    answer = as_alice.get(f"/rounds/{scored().pk}/scores/", {"rank": rank}, follow=True)
    assert answer.status_code == 200
    assert "Ranks go from 1 to 113." in answer.text


def test_a_task_opens_in_label_studio_in_the_tab_if_it_is_in_there(as_alice, scored):
    text = page_of(as_alice, scored())
    assert f'<a href="{URL}/projects/7/data?tab=41&amp;task=124" target="_blank"' in text
    assert f'<a href="{URL}/projects/7/data?task=123" target="_blank"' in text


def test_a_round_that_asked_no_model_has_an_order_and_no_scores(as_alice, scored):
    round_ = scored(asks_a_model=False, number=0, strategy="random", known_count=None)
    text = page_of(as_alice, round_)
    assert "No model was asked, so there are no scores." in text
    assert rows_of(text)[:2] == [["1", "125", "no"], ["2", "124", "by strategy"]]
    assert re.findall(r'<a href="\?which=(\w+)"', text) == ["all", "batch"]
    _, lines = file_of(as_alice, round_)
    assert lines[124] == ["124", "2", "", "", "", "", "", "strategy"]


@pytest.mark.parametrize(
    ("which", "words"),
    [("bounded", "No score has bounds"), ("unknown", "No score is unknown"), ("batch", "No task is")],
)
def test_an_empty_list_says_what_that_means(as_alice, make_round, which, words):
    round_ = make_round()
    draft = io.BytesIO()
    write_round_file(draft, scores_of(4), batch_of())
    round_.scores_file.save("few.npz", ContentFile(draft.getvalue()))
    text = page_of(as_alice, round_, which=which)
    assert words in text
    assert "<tbody>" not in text


# --------------------------------------------------------------------- where there is nothing to list


def compressed():
    file = io.BytesIO()
    np.savez_compressed(file, task_ids=np.arange(3), scores=np.arange(3.0), selected=np.zeros(3, dtype=bool))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "This round has no scores yet."),
        (compressed(), "scored by an earlier version. Its scores are kept, but they cannot be listed."),
        (b"no archive", "The file of the round is damaged."),
        (b"", "The file of the round is damaged."),
    ],
)
def test_what_cannot_be_listed_says_why(as_alice, make_round, content, words):
    round_ = make_round()
    if content is not None:
        round_.scores_file.save("some.npz", ContentFile(content))
    text = page_of(as_alice, round_)
    assert words in text
    assert "Download" not in text
    answer = as_alice.get(f"/rounds/{round_.pk}/scores/file/")
    assert (answer.status_code, answer.url) == (302, f"/rounds/{round_.pk}/scores/")


def test_a_file_that_was_deleted_says_so(as_alice, scored):
    round_ = scored()
    round_.scores_file.storage.delete(round_.scores_file.name)
    assert "The file with the scores of this round is gone" in page_of(as_alice, round_)
    assert as_alice.get(f"/rounds/{round_.pk}/scores/file/").status_code == 302


# --------------------------------------------------------------------- the file to take along


def test_the_file_has_every_task_in_the_order_of_ids(as_alice, scored, monkeypatch):
    monkeypatch.setattr(pool_scores, "_CHUNK", 50)
    answer, lines = file_of(as_alice, scored())
    assert answer.headers["Content-Disposition"] == 'attachment; filename="round-1-scores.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    head = ["task", "rank", "score", "score_at_most", "predicted", "probability", "unknown_because", "lane"]
    assert lines[0] == head
    assert [int(line[0]) for line in lines[1:]] == list(range(1, 126))
    assert lines[7] == ["7", "107", "0.056", "", "'=dog", "0.6", "", "control"]
    assert lines[5] == ["5", "109", "0.04", "0.29", "cow", "0.6", "", ""]
    assert lines[10] == ["10", "", "", "", "", "", "too little is known for this strategy", ""]
    assert lines[20] == ["20", "", "", "", "", "", "empty result", "test"]


def test_it_comes_in_parts_and_is_closed_also_where_nobody_reads_on(as_alice, scored, monkeypatch):
    monkeypatch.setattr(pool_scores, "_CHUNK", 50)
    closed = []
    close = PoolScores.close
    monkeypatch.setattr(PoolScores, "close", lambda self: (close(self), closed.append(self._handle.closed)))
    round_ = scored()
    part = views._File(PoolScores(round_))
    assert [lines.count(b"\r\n") for lines in itertools.islice(part, 2)] == [1, 50]
    part.close()
    assert as_alice.head(f"/rounds/{round_.pk}/scores/file/").getvalue() == b""
    assert file_of(as_alice, round_)[1]
    assert closed == [True, True, True]


# --------------------------------------------------------------------- large pools


def test_a_page_holds_little_however_large_the_pool(scored):
    round_ = scored(300_000)
    for which in Which:
        tracemalloc.start()
        scores = PoolScores(round_)
        middle = scores.count(which) // 2
        assert scores.tasks(which, range(middle, min(middle + 50, scores.count(which))))
        scores.close()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 500_000, which


# --------------------------------------------------------------------- the file on disk


def kept_files(round_):
    return round_.scores_file.storage.listdir("rounds")[1]


def test_of_two_scorings_the_file_of_the_later_one_stays(
    campaign, alice, backend, work, make_round, django_capture_on_commit_callbacks
):
    make_round("done", number=0, tasks=0)
    round_ = work(round_create(campaign=campaign, user=alice).jobs.get()).round
    round_.refresh_from_db()
    first = round_.scores_file.name
    Round.objects.filter(pk=round_.pk).update(status="pending")
    round_.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        job = work(round_work(round_=round_, kind=Job.Kind.SCORE, user=alice))
        assert round_.scores_file.storage.exists(first), "until the later one is in place for sure"
    assert job.status == "succeeded", job.message
    round_.refresh_from_db()
    assert round_.scores_file.name != first
    assert not round_.scores_file.storage.exists(first)
    assert round_.scores_file.storage.exists(round_.scores_file.name)


def test_scores_that_come_too_late_leave_no_file(scored):
    round_ = scored()
    before, name = kept_files(round_), round_.scores_file.name
    with pytest.raises(WrongMoment):
        round_scored(round_=round_, scores=scores_of(30), batch=batch_of(strategy=[3]), previews={})
    assert kept_files(round_) == before
    assert Round.objects.get(pk=round_.pk).scores_file.name == name


def test_what_is_kept_of_a_round_agrees_with_its_file(make_round):
    round_ = make_round("scoring", tasks=0)
    scores = scores_of(125)
    round_scored(round_=round_, scores=scores, batch=batch_of(strategy=[3]), previews={})
    assert (round_.pool_size, round_.known_count, round_.bounded_count) == (125, 113, 13)
    assert round_.unknown == {"empty result": 6, "too little is known for this strategy": 6}
    known = scores.values[np.isfinite(scores.values)]
    counts, edges = np.histogram(known, bins=40)
    assert round_.histogram == {"counts": counts.tolist(), "edges": edges.tolist()}
    kept = PoolScores(round_)
    assert [kept.count(which) for which in Which] == [125, 113, 13, 12, 1]
    kept.close()
