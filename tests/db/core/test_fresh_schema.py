"""A new database gets its schema in one go (ADR 0063): the very one that the migrations make, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from stallkeeper import embedded_host
from stallkeeper.ops import boot, fresh, queries

INVENTORY = """
SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull::text, attidentity::text,
       coalesce(pg_get_expr(adbin, adrelid), '')
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
UNION ALL SELECT 'table', oid::regclass::text, relkind::text, relrowsecurity::text, relforcerowsecurity::text,
       coalesce(reloptions::text, ''), ''
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text, condeferrable::text, convalidated::text, ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'policy', polrelid::regclass::text, polname, polcmd::text, polpermissive::text, pg_get_expr(polqual, polrelid), ''
  FROM pg_policy
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', '' FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', oid::regprocedure::text, prosrc, '', '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'applied', app, name, '', '', '', '' FROM django_migrations
"""


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


@pytest.mark.long(15)
def test_it_is_what_the_migrations_make_all_of_it_and_nothing_is_left_to_migrate(race_db, cursor) -> None:
    empty(cursor)
    call_command("migrate", verbosity=0, interactive=False)
    assert as_file(race_db) == fresh.FILE.read_text(), "the schema has changed: run make schema"
    of_migrations = inventory(cursor)
    empty(cursor)
    assert queries.is_empty(cursor)
    boot.apply_migrations()
    assert inventory(cursor) == of_migrations
    assert len(of_migrations) > 1000
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


def inventory(cursor) -> set[tuple[str, ...]]:
    """Columns with their types and defaults, constraints, indexes, triggers, functions, policies, applied migrations: by name, because
    PostgreSQL writes an expression that it has read back in other words."""
    cursor.execute(INVENTORY)
    return set(cursor.fetchall())


def as_its_tables(cursor) -> list[str]:
    return sorted(connection.introspection.table_names(cursor))
