"""What a round keeps of its scoring beside the batch: how unsure the model is, and how far it is the one before."""

import numpy as np
import pytest

from al_core.round_file import write_round_file
from al_core.types import Batch, ClassProbabilities
from tests.al_core.test_batches import model_of, scored
from trustai_web.campaigns.services import scoring
from trustai_web.campaigns.services.rounds import round_create
from trustai_web.campaigns.services.scoring import agreement_with_before

NAN = float("nan")
HALF = np.tile([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], (50, 1))
"""Of a hundred tasks: what a model says of three classes."""


def said(rows, *, version="v2", ids=None, **model):
    """Scores of a pool whose tasks a model says these rows of."""
    rows = np.asarray(rows)
    ids = np.arange(1, len(rows) + 1) if ids is None else np.asarray(ids)
    found = model_of(rows)
    columns = {**vars(found), "task_ids": ids, "model_version": version, **model}
    scores = scored(len(rows), ids=ids)
    return type(scores)(scores.pool, "margin", 3, scores.bounds, models=(ClassProbabilities(**columns),))


@pytest.fixture
def before(make_round, tmp_path, settings):
    """A round that was scored before, with what its model had said."""

    def before(scores, **columns):
        round_ = make_round("done", **{"number": 1, "tasks": 0, "model_version": "v1", **columns})
        round_.scores_file.name = f"{round_.pk}.npz"
        path = settings.MEDIA_ROOT / round_.scores_file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_round_file(file, scores, Batch((), 0))
        round_.save()
        return round_

    return before


@pytest.fixture
def now(make_round):
    return lambda **columns: make_round("scoring", **{"number": 2, "tasks": 0, **columns})


# --------------------------------------------------------------------- how unsure it is


def test_a_round_keeps_how_unsure_its_model_is(start, work, later_round):
    round_ = work(start()).round
    round_.refresh_from_db()
    tops = [max(p, 1 - p) for p in (0.5 + (task_id - 50) / 200 for task_id in range(1, 31))]
    assert round_.uncertainty == {
        "mean": pytest.approx(1 - np.mean(tops), abs=1e-6),
        "max": pytest.approx(1 - min(tops), abs=1e-6),
        "tasks": 30,
    }
    assert round_.agreement == {}, "nothing was scored before"


def test_what_is_unknown_does_not_count_and_other_forms_have_no_such_number():
    known = model_of([[0.6, 0.3, 0.1], [NAN, NAN, NAN], [1.0000001, 0, 0]])
    assert scoring._uncertainty(known) == {"mean": pytest.approx(0.2), "max": pytest.approx(0.4), "tasks": 2}
    assert scoring._uncertainty(model_of([[NAN] * 3])) == {}
    assert scoring._uncertainty(ClassProbabilities(**{**vars(known), "form": "multi"})) == {}
    assert scoring._uncertainty(None) == {}


# --------------------------------------------------------------------- beside the one before


def test_a_model_that_answers_as_the_one_before_agrees_with_it(before, now):
    before(said(HALF))
    same = agreement_with_before(now(), said(HALF))
    assert (same["kappa"], same["tasks"], same["round"]) == (1.0, 100, 1)
    assert same["low"] < 1.0


def test_agreement_counts_what_both_have_answered(before, now):
    """Half of the answers turn round; of the tasks of before some are gone, some new, some unknown."""
    earlier = HALF.copy()
    earlier[:10] = NAN
    before(said(earlier))
    later = HALF.copy()
    later[50:100:2] = [0.1, 0.8, 0.1]
    later[90:] = NAN
    found = agreement_with_before(now(), said(later, ids=[*range(1, 91), *range(201, 211)]))
    assert found["tasks"] == 80
    assert found["kappa"] == pytest.approx(0.5, abs=0.02)


def test_of_a_large_pool_a_part_is_compared_the_same_each_time(before, now, monkeypatch):
    monkeypatch.setattr(scoring, "MOST_COMPARED", 30)
    monkeypatch.setattr(scoring, "_CHUNK", 16)
    turned = HALF.copy()
    turned[::3] = [0.1, 0.1, 0.8]
    before(said(HALF))
    round_ = now()
    found = agreement_with_before(round_, said(turned))
    assert found["tasks"] == 30
    assert agreement_with_before(round_, said(turned)) == found


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"model_version": "v2"}, {}),
        ({"control": "mood"}, {}),
        ({"status": "cancelled"}, {}),
        ({"number": 3}, {}),
        ({}, {"labels": ("cat", "dog", "cow ")}),
        ({}, {"form": "multi"}),
        ({}, {"task_ids": np.arange(501, 601)}),
    ],
    ids=["same model", "another question", "given up", "later", "other classes", "any classes", "other tasks"],
)
def test_where_it_would_say_nothing_there_is_no_agreement(before, now, earlier, later):
    status = earlier.pop("status", None)
    round_ = before(said(HALF), **earlier)
    if status:
        round_.status = status
        round_.save()
    assert agreement_with_before(now(), said(HALF, **later)) == {}


def test_a_file_that_is_gone_or_damaged_stops_no_scoring(before, now, settings):
    round_ = before(said(HALF))
    path = settings.MEDIA_ROOT / round_.scores_file.name
    path.write_bytes(b"no zip")
    current = now()
    assert agreement_with_before(current, said(HALF)) == {}
    path.unlink()
    assert agreement_with_before(current, said(HALF)) == {}


def test_the_next_scoring_keeps_how_far_a_new_model_is_the_old_one(start, work, later_round, backend, campaign, alice):
    first = work(start()).round
    type(first).objects.filter(pk=first.pk).update(status="done")
    backend.version, backend.good = "v2", lambda task_id: 0.9 if task_id <= 15 else 0.1
    job = work(round_create(campaign=campaign, user=alice).jobs.get())
    assert job.status == "succeeded", job.message
    job.round.refresh_from_db()
    found = job.round.agreement
    assert (found["kappa"], found["tasks"], found["round"]) == (0.0, 26, first.number), "the old one always said bad"
