"""Once a day: partitions ahead, and what is old goes."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from stallkeeper.core import housekeeping, partitions, people, personal
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case

from .conftest import NOON


def execute(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def payload(organisation, at):
    with organisation_scope(organisation.pk):
        execute(
            "INSERT INTO orders_raw_payload (organisation_id, at, order_id, key_version, ciphertext) VALUES (%s, %s, 1, 1, '')",
            organisation.pk,
            at,
        )


def payload_days(organisation):
    with organisation_scope(organisation.pk):
        return [row[0].date().isoformat() for row in execute("SELECT at FROM orders_raw_payload ORDER BY at")]


def test_partitions_are_made_three_months_ahead(organisation):
    report = housekeeping.daily(NOON)
    assert "orders_raw_payload_2026_05" in report.partitions_made
    assert housekeeping.daily(NOON).partitions_made == []
    assert report.failures == []


def test_a_month_that_already_fell_into_the_default_partition_does_no_harm(organisation):
    """A machine that slept for months wakes up: rows are in the default partition, and housekeeping still runs."""
    payload(organisation, NOON)
    report = housekeeping.daily(NOON)
    assert report.failures == []
    assert "orders_raw_payload_2026_03" not in report.partitions_made
    assert "orders_raw_payload_2026_04" in report.partitions_made
    payload(organisation, NOON)
    assert payload_days(organisation) == ["2026-03-14"] * 2


def test_old_payloads_go_by_partition_and_by_row(organisation):
    partitions.make_ahead(datetime(2026, 1, 1, tzinfo=UTC))
    for day in (datetime(2025, 12, 5, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC), NOON - timedelta(days=31), NOON - timedelta(days=29)):
        payload(organisation, day)
    report = housekeeping.daily(NOON)
    assert report.failures == []
    assert report.raw_payload_partitions_dropped == ["orders_raw_payload_2026_01"]
    assert report.raw_payloads_deleted == 2
    assert payload_days(organisation) == ["2026-02-13"]


def test_old_runs_go(organisation):
    with organisation_scope(organisation.pk):
        execute(
            "INSERT INTO channels_lane (organisation_id, subject_type, subject_id, kind, enabled, epoch, claimed_by, not_before, wanted,"
            " failures, last_error) VALUES (%s, 'connection', 1, 'trade', true, 0, '', %s, false, 0, '')",
            organisation.pk,
            NOON,
        )
        for days in (29, 31, 400):
            execute(
                "INSERT INTO channels_run (organisation_id, lane_id, epoch, started_at, outcome, error, steps)"
                " SELECT %s, id, 1, %s, 'done', '', '[]' FROM channels_lane",
                organisation.pk,
                NOON - timedelta(days=days),
            )
    assert housekeeping.daily(NOON).runs_deleted == 2
    with organisation_scope(organisation.pk):
        assert execute("SELECT count(*) FROM channels_run") == [(1,)]


def test_personal_data_and_links_go_when_due(organisation):
    with use_case("test.personal", organisation_id=organisation.pk, at=NOON) as uc:
        personal.store_many(
            uc, [PersonalText("order", 1, "delivery", "x", NOON), PersonalText("order", 2, "delivery", "x", NOON + timedelta(1))]
        )
    people.sign_in_link(people.create_user("ana@example.com"), at=NOON - timedelta(days=40))
    report = housekeeping.daily(NOON)
    assert (report.personal_data_forgotten, report.sign_in_links_deleted) == (1, 1)


def test_a_part_that_fails_is_named_and_stops_nothing(organisation, monkeypatch, caplog):
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE channels_run RENAME TO channels_run_gone")
    report = housekeeping.daily(NOON)
    assert [failure.split(":")[0] for failure in report.failures] == ["delete runs"]
    assert "housekeeping: delete_runs failed" in caplog.text
    assert report.partitions_made


def test_a_busy_table_is_left_for_tomorrow(race_db, monkeypatch):
    monkeypatch.setattr(housekeeping, "LOCK_WAIT_MS", 100)
    partitions.make_ahead(datetime(2026, 1, 1, tzinfo=UTC))
    with race_db.connect() as other:
        other.execute("LOCK TABLE orders_raw_payload_2026_01 IN ACCESS SHARE MODE")
        report = housekeeping.daily(NOON)
        assert [failure.split(":")[0] for failure in report.failures] == ["drop raw payloads"]
    assert "orders_raw_payload_2026_01" in housekeeping.daily(NOON).raw_payload_partitions_dropped
