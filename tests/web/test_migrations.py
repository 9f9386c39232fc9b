"""A database of an older version comes along, and may go back."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.timeout(180)  # each goes through every migration, some twice

BEFORE = [("campaigns", "0001_initial"), ("connections", "0001_initial")]
AFTER = [("campaigns", "0004_measured_training"), ("connections", "0002_measured_training")]
LARGE_POOLS = [("campaigns", "0003_large_pools"), ("connections", "0001_initial")]


def migrate(targets):
    """Go there, and give the models as they are there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps.get_model


@pytest.fixture
def old(transactional_db):
    """The tables of the first version; those of today come back after the test."""
    yield migrate(BEFORE)
    migrate(AFTER)


def lab(models):
    """A server, and whose it is."""
    user = models("accounts", "User").objects.create(username="alice")
    server = models("connections", "Connection").objects.create(
        name="Lab", url="http://labels.test", token="t", created_by=user, tested_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    return user, server


@pytest.fixture
def rows(old):
    """Two campaigns, each with a round and a job; the second one's job belongs to the second campaign alone."""
    user, server = lab(old)
    made = []
    for number in (1, 2):
        campaign = old("campaigns", "Campaign").objects.create(
            name=f"Campaign {number}", connection=server, project_id=number, created_by=user, candidate_factor=7
        )
        round_ = old("campaigns", "Round").objects.create(
            campaign=campaign, number=0, strategy="entropy", diversity="none", batch_size=3, candidate_factor=9, seed=4
        )
        made.append((campaign.pk, old("campaigns", "Job").objects.create(round=round_, kind="score").pk))
    return made


def test_a_job_of_an_older_version_gets_the_campaign_of_its_round(rows):
    new = migrate(AFTER)
    assert [(job.campaign_id, job.pk) for job in new("campaigns", "Job").objects.order_by("pk")] == rows
    assert not new("campaigns", "Job")._meta.get_field("campaign").null


def test_settings_of_an_older_version_stay_and_new_ones_change_nothing(rows):
    new = migrate(AFTER)
    campaign = new("campaigns", "Campaign").objects.first()
    round_ = new("campaigns", "Round").objects.first()
    assert (campaign.candidate_factor, round_.candidate_factor) == (7, 9)
    assert (round_.strategy, round_.diversity, round_.seed) == ("entropy", "none", 4)
    for row in (campaign, round_):
        assert (row.control, row.aggregation, row.no_region, row.rank_by) == ("", "mean", "unknown", "low")
        assert (row.control_share, row.class_balance) == (0, False)
        assert (row.source, row.write_back) == ("stored_then_direct", False)
    assert (campaign.controls, campaign.diagnosis, round_.bounded_count) == ([], {}, None)
    assert new("campaigns", "Campaign")().control_share == 10, "of new campaigns alone"


def test_the_way_back_drops_what_the_older_tables_cannot_hold(rows):
    new = migrate(AFTER)
    campaign = new("campaigns", "Campaign").objects.first()
    new("campaigns", "Job").objects.create(campaign=campaign, kind="doctor")
    new("campaigns", "Campaign").objects.update(candidate_factor=None)
    old = migrate(BEFORE)
    assert sorted(old("campaigns", "Job").objects.values_list("pk", flat=True)) == [job for _, job in rows]
    assert set(old("campaigns", "Campaign").objects.values_list("candidate_factor", flat=True)) == {20}


@pytest.fixture
def large_pools(transactional_db):
    """The tables before trainings were watched; those of today come back after the test."""
    yield migrate(LARGE_POOLS)
    migrate(AFTER)


def test_trainings_and_evaluations_of_an_older_version_come_along(large_pools):
    """What is not known of them stays unknown, and two that never ended are no reason to stop."""
    user, server = lab(large_pools)
    campaign = large_pools("campaigns", "Campaign").objects.create(
        name="Old", connection=server, project_id=1, created_by=user, backend_url="http://backend.test"
    )
    round_ = large_pools("campaigns", "Round").objects.create(campaign=campaign, number=0, batch_size=3)
    for verdict in ("running", "running", "new_model"):
        large_pools("campaigns", "TrainingRun").objects.create(
            round=round_, verdict=verdict, method="train", label_count=9, version_after="v2"
        )
    counts = {"correct": 2, "total": 4, "unanswered": 0, "label_count": 9}
    interval = {"metric": "accuracy", "value": 0.5, "low": 0.2, "high": 0.8}
    large_pools("campaigns", "Evaluation").objects.create(round=round_, model_version="v2", **interval, **counts)
    new = migrate(AFTER)
    run = new("campaigns", "TrainingRun").objects.last()
    assert (run.route, run.label_count, run.backend_url, run.lead_seconds, run.probed) == ("train", 9, "", None, None)
    assert (run.said, run.reported, run.before, run.call_back_token) == ([], {}, {}, "")
    evaluation = new("campaigns", "Evaluation").objects.get()
    assert (evaluation.correct, evaluation.total, evaluation.metrics, evaluation.answers) == (2, 4, [], [])
