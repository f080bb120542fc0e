"""SQL of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

AUDIT_LOCK = 5_300_002


class Row(NamedTuple):
    """One entry without its id: the order of the columns below."""

    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: str
    digest: bytes


def lock_chain(cursor: CursorWrapper, organisation_id: int) -> None:
    """Be the only one who adds to this organisation's chain. Locks: an advisory lock, until the transaction ends; always taken last.

    What the commit would check (foreign keys) is checked before, so that nobody waits for that with the chain in hand.
    """
    cursor.execute(
        "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::int)",
        [AUDIT_LOCK, organisation_id],
    )


def last_digest(cursor: CursorWrapper, organisation_id: int) -> bytes:
    """Digest of the newest entry; empty before the first. Index: audit_recent."""
    cursor.execute("SELECT digest FROM core_auditentry WHERE organisation_id = %s ORDER BY id DESC LIMIT 1", [organisation_id])
    row = cursor.fetchone()
    return bytes(row[0]) if row else b""


def add(cursor: CursorWrapper, organisation_id: int, rows: Sequence[Row]) -> None:
    """Append entries; ids rise in the order given. The caller holds the chain."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(
        "INSERT INTO core_auditentry (organisation_id, at, actor, action, subject_type, subject_id, detail, digest)"
        " SELECT %s, at, actor, action, subject_type, subject_id, detail, digest FROM unnest(%s::timestamptz[], %s::text[], %s::text[],"
        " %s::text[], %s::text[], %s::jsonb[], %s::bytea[]) WITH ORDINALITY"
        " AS n (at, actor, action, subject_type, subject_id, detail, digest, position) ORDER BY position",
        [organisation_id, *columns],
    )


def entries(cursor: CursorWrapper, organisation_id: int, page: int = 5_000) -> Iterator[tuple[int, Row]]:
    """(id, entry) of the whole chain, oldest first. Index: audit_recent."""
    last = 0
    while True:
        cursor.execute(
            "SELECT id, at, actor, action, subject_type, subject_id, detail::text, digest FROM core_auditentry"
            " WHERE organisation_id = %s AND id > %s ORDER BY id LIMIT %s",
            [organisation_id, last, page],
        )
        rows = cursor.fetchall()
        for row in rows:
            yield row[0], Row._make(row[1:])
        if len(rows) < page:
            return
        last = rows[-1][0]
