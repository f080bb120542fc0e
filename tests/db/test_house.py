"""The databases that tests/conftest.py hands out."""

import psycopg
import pytest
from django.db import connection, transaction


def test_tests_run_as_an_ordinary_role():
    """Row-level security can only be tested by a role that it binds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        database, superuser, bypass = cursor.fetchone()
    assert database.startswith("test_")
    assert (superuser, bypass) == (False, False)


@pytest.mark.parametrize("turn", [1, 2])
def test_every_race_gets_a_fresh_migrated_database(race_db, turn):
    """The second turn would fail on the table of the first if they shared a database."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE race_marker (id int)")
        cursor.execute("SELECT count(*) FROM django_migrations")
        assert cursor.fetchone()[0] > 0
    with race_db.connect() as other:
        assert other.execute("SELECT count(*) FROM race_marker").fetchone() == (0,)


def test_transactions_of_a_race_are_real(race_db):
    """What is not committed is not seen by others; what is committed is."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE race_marker (id int)")
    with race_db.connect(autocommit=True) as other:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO race_marker VALUES (1)")
            assert other.execute("SELECT count(*) FROM race_marker").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM race_marker").fetchone() == (1,)


def test_calls_run_together_on_connections_of_their_own(race_db):
    def backend():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_database(), pg_sleep(0.05)")
            return cursor.fetchone()[:2]

    answers = race_db.together(backend, backend, backend)
    assert len({pid for pid, _ in answers}) == 3
    assert {name for _, name in answers} == {connection.settings_dict["NAME"]}


def test_a_failing_call_is_not_swallowed(race_db):
    def fail():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    with pytest.raises(Exception, match="division by zero"):
        race_db.together(fail, lambda: None)


def test_broken_connections_are_seen(race_db):
    with race_db.connect(autocommit=True) as other:
        race_db.break_connections()
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
