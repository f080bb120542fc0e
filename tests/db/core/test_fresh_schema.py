"""A new database gets its schema in one go (ADR 0063): the very one that the migrations make, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from stallkeeper import embedded_host
from stallkeeper.ops import boot, fresh, queries


@pytest.fixture
def cursor(race_db) -> Iterator[object]:
    with connection.cursor() as cursor:
        if f"-- PostgreSQL {queries.major_version(cursor)}\n" not in fresh.FILE.read_text():
            pytest.skip("schema.sql is for another version of PostgreSQL; here a new database takes the migrations")
        yield cursor


def as_file(race_db) -> str:
    """What ``make schema`` would write of this database."""
    with connection.cursor() as cursor:
        return fresh.written(embedded_host.find_programs(None) / "pg_dump", race_db.url, queries.major_version(cursor))


def empty(cursor) -> None:
    cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'standard public schema'")


def test_it_is_what_the_migrations_make(race_db, cursor) -> None:
    assert as_file(race_db) == fresh.FILE.read_text(), "the schema has changed: run make schema"


def test_an_empty_database_gets_all_of_it_and_nothing_is_left_to_migrate(race_db, cursor) -> None:
    empty(cursor)
    assert queries.is_empty(cursor)
    boot.apply_migrations()
    assert as_file(race_db) == fresh.FILE.read_text()
    call_command("migrate", check=True, verbosity=0)


def test_a_database_that_holds_anything_is_left_as_it_is(race_db, cursor) -> None:
    empty(cursor)
    cursor.execute("CREATE TABLE mine (id int)")
    before = as_its_tables(cursor)
    assert not fresh.lay(cursor)
    assert as_its_tables(cursor) == before == ["mine"]


def test_cut_short_it_leaves_nothing(race_db, cursor, tmp_path, monkeypatch) -> None:
    empty(cursor)
    (tmp_path / "schema.sql").write_text(fresh.FILE.read_text() + "SELECT 1 / 0;\n")
    monkeypatch.setattr(fresh, "FILE", tmp_path / "schema.sql")
    with pytest.raises(DatabaseError):
        fresh.lay(cursor)
    assert queries.is_empty(cursor)


def test_a_server_of_another_version_takes_the_migrations(race_db, cursor, monkeypatch) -> None:
    empty(cursor)
    monkeypatch.setattr(queries, "major_version", lambda _cursor: 15)
    assert not fresh.lay(cursor)
    assert queries.is_empty(cursor)


def as_its_tables(cursor) -> list[str]:
    return sorted(connection.introspection.table_names(cursor))
