"""SQL of the verification: running the rules, and looking at references, constraints and the snapshot. Reading only.

All of it runs in one snapshot, so that trade may go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stallkeeper.core.sql import Cursor, rows
from stallkeeper.ops.check_rules import Rule


def verify(cursor: Cursor, rule: Rule, organisation_id: int, at: datetime, most: int) -> tuple[int, int, list[str]]:
    """(looked at, wrong, the first problems). Reads only."""
    cursor.execute(
        f"""
        WITH looked AS ({rule.body})
        SELECT count(*), count(*) FILTER (WHERE wrong),
               coalesce((array_agg(problem ORDER BY problem) FILTER (WHERE wrong))[:{most:d}], '{{}}')
        FROM looked ORDER BY 1
        """,  # noqa: S608 - bodies are constants of check_rules
        {"organisation": organisation_id, "at": at},
    )
    ((looked, wrong, problems),) = rows(cursor)
    return looked, wrong, problems


def strangers(cursor: Cursor, organisation_id: int, child: str, column: str, parent: str, key: str) -> tuple[int, int]:
    """(rows looked at, rows that refer to another organisation's row or to none) of one foreign key. Reads only."""
    cursor.execute(
        f"""
        SELECT count(*), count(*) FILTER (WHERE parent.organisation_id IS DISTINCT FROM child.organisation_id)
        FROM {child} AS child LEFT JOIN {parent} AS parent ON parent.{key} = child.{column}
        WHERE child.organisation_id = %s AND child.{column} IS NOT NULL
        """,  # noqa: S608 - names come from Django's models
        [organisation_id],
    )
    ((looked, wrong),) = rows(cursor)
    return looked, wrong


def unvalidated(cursor: Cursor, wanted: Sequence[str]) -> list[str]:
    """Of these constraints and unique indexes, those that the database lacks or does not hold for all rows. Reads the catalogue."""
    cursor.execute(
        """
        SELECT wanted.name FROM unnest(%s::text[]) AS wanted(name)
        WHERE NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = wanted.name AND convalidated)
          AND NOT EXISTS (SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid
                          WHERE relname = wanted.name AND indisunique AND indisvalid)
        ORDER BY 1
        """,
        [list(wanted)],
    )
    return [row[0] for row in rows(cursor)]


def take_turn(cursor: Cursor) -> None:
    """Let the server know whose rows come next, before the transaction: in it, the snapshot must be asked for first. Reads nothing."""
    cursor.execute("SELECT 1")


def begin_snapshot(cursor: Cursor) -> None:
    """First statement of the verification's transaction: everything is read as of one moment."""
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
