"""SQL of the walls: what stands, and putting it up."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from psycopg import sql

from stallkeeper.core.sql import Cursor, rows

StandingRow = tuple[str, bool, bool, dict[str, str | None]]
"""table, row-level security enabled, forced, words of its policies by name (the comment that was left with each)"""


def standing(cursor: Cursor, besides: Sequence[str]) -> list[StandingRow]:
    """Every table of ours with a column organisation_id, partitions included, and those named besides. Reads the catalogue."""
    cursor.execute(
        """
        SELECT c.relname::text, c.relrowsecurity, c.relforcerowsecurity,
               coalesce((SELECT jsonb_object_agg(p.polname, obj_description(p.oid, 'pg_policy')) FROM pg_policy p WHERE p.polrelid = c.oid),
                        '{}')::text
        FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
          AND (c.relname = ANY(%s::name[])
               OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organisation_id' AND NOT a.attisdropped))
        ORDER BY c.relname
        """,
        [list(besides)],
    )
    return [(table, enabled, forced, _decode(found)) for table, enabled, forced, found in rows(cursor)]


def enclose(cursor: Cursor, table: str, policies: Sequence[tuple[str, str, str]]) -> None:
    """Replace all policies of a table by these (name, command, condition); enable and force them. Locks: the table, exclusively."""
    name = sql.Identifier(table)
    cursor.execute("SELECT polname::text FROM pg_policy WHERE polrelid = to_regclass(%s) ORDER BY 1", [table])
    statements = [sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(row[0]), name) for row in rows(cursor)]
    for policy, command, condition in policies:
        statements += [_policy(policy, table, command, condition)]
        words = sql.Literal(f"{command} {condition}")
        statements += [sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(sql.Identifier(policy), name, words)]
    statements += [sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY").format(name)]
    cursor.execute(sql.SQL("; ").join(statements).as_string(cursor.connection))


def let_owner_through(cursor: Cursor, table: str) -> None:
    """The policies no longer hold the table's owner. Locks: the table, exclusively."""
    cursor.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)).as_string(cursor.connection))


def bypassed(cursor: Cursor) -> bool:
    """Whether policies do not hold the role that we are. Reads the catalogue."""
    cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    return bool(rows(cursor)[0][0])


def _policy(policy: str, table: str, command: str, condition: str) -> sql.Composed:
    using = sql.SQL("" if command == "INSERT" else "USING ({0})").format(sql.SQL(condition))
    check = sql.SQL("" if command in {"SELECT", "DELETE"} else "WITH CHECK ({0})").format(sql.SQL(condition))
    statement = sql.SQL("CREATE POLICY {} ON {} FOR {} {} {}")
    return statement.format(sql.Identifier(policy), sql.Identifier(table), sql.SQL(command), using, check)


def _decode(found: str) -> dict[str, str | None]:
    policies: dict[str, str | None] = msgspec.json.decode(found, type=dict[str, str | None])
    return policies
