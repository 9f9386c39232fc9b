"""A database of an older version comes along, and may go back."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE, AFTER = [("campaigns", "0001_initial")], [("campaigns", "0003_large_pools")]


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


@pytest.fixture
def rows(old):
    """Two campaigns, each with a round and a job; the second one's job belongs to the second campaign alone."""
    user = old("accounts", "User").objects.create(username="alice")
    server = old("connections", "Connection").objects.create(
        name="Lab", url="http://labels.test", token="t", created_by=user, tested_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
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


def test_the_way_back_drops_what_the_older_tables_cannot_hold(rows):
    new = migrate(AFTER)
    campaign = new("campaigns", "Campaign").objects.first()
    new("campaigns", "Job").objects.create(campaign=campaign, kind="doctor")
    new("campaigns", "Campaign").objects.update(candidate_factor=None)
    old = migrate(BEFORE)
    assert sorted(old("campaigns", "Job").objects.values_list("pk", flat=True)) == [job for _, job in rows]
    assert set(old("campaigns", "Campaign").objects.values_list("candidate_factor", flat=True)) == {20}
