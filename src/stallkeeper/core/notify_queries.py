"""SQL of notifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.backends.utils import CursorWrapper

Row = tuple[str, str, str, str | None, str, str | None, str, int]
"""key, severity, title, its words, detail, its words, link, times"""


def upsert_open(cursor: CursorWrapper, organisation_id: int, at: datetime, rows: Sequence[Row]) -> None:
    """Open or count up; no key twice. Locks: the rows, by key. Index: notification_open_once.

    A notification that was seen and now gets worse becomes unseen.
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(
        "INSERT INTO core_notification AS n"
        " (organisation_id, key, severity, title, title_words, detail, detail_words, link, count, first_at, last_at)"
        " SELECT %s, key, severity, title, title_words, detail, detail_words, link, times, %s, %s FROM unnest(%s::text[], %s::text[],"
        " %s::text[], %s::jsonb[], %s::text[], %s::jsonb[], %s::text[], %s::int[])"
        " AS given (key, severity, title, title_words, detail, detail_words, link, times) ORDER BY key"
        " ON CONFLICT (organisation_id, key) WHERE resolved_at IS NULL DO UPDATE SET severity = excluded.severity, title = excluded.title,"
        " title_words = excluded.title_words, detail = excluded.detail, detail_words = excluded.detail_words, link = excluded.link,"
        " count = n.count + excluded.count, last_at = excluded.last_at,"
        " seen_at = CASE WHEN array_position('{info,warning,error}', excluded.severity::text)"
        " > array_position('{info,warning,error}', n.severity::text) THEN NULL ELSE n.seen_at END",
        [organisation_id, at, at, *columns],
    )


def resolve(cursor: CursorWrapper, organisation_id: int, at: datetime, keys: Sequence[str]) -> int:
    """Close the open notifications with these keys; how many there were. Locks: the rows, by key. Index: notification_open_once."""
    cursor.execute(
        "UPDATE core_notification SET resolved_at = %s WHERE id IN (SELECT id FROM core_notification"
        " WHERE organisation_id = %s AND key = ANY(%s) AND resolved_at IS NULL ORDER BY key FOR UPDATE)",
        [at, organisation_id, list(keys)],
    )
    return int(cursor.rowcount)
