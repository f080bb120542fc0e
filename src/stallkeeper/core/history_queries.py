"""SQL of the history of facts. One function per statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stallkeeper.core.copy import array, columns, texts
from stallkeeper.core.sql import Cursor, rows


def append(cursor: Cursor, organisation: int, at: datetime, actor: str, kind: str, changes: Sequence[tuple[int, str, str, str]]) -> None:
    """Append changes: subject, part, before and after as JSON (``null``: there is none). Locks: the new rows."""
    cursor.execute(
        """
        INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)
        SELECT %s, %s, %s, %s, row.subject, row.part, nullif(row.before, 'null')::jsonb, nullif(row.after, 'null')::jsonb
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS row(subject, part, before, after)
        """,
        [organisation, at, actor, kind, *columns(changes, array, texts, texts, texts)],
    )


def first_after(cursor: Cursor, organisation: int, kind: str, subjects: Sequence[int], at: datetime) -> list[tuple[int, str, Any]]:
    """The first change of each (subject, part) after a moment: (subject, part, what it was until then). Index: fact_change_subject.

    The first that was written: of two that overlapped, the one that began first may have waited for the other.
    """
    cursor.execute(
        """
        SELECT DISTINCT ON (subject_id, part) subject_id, part, before::text FROM core_factchange
        WHERE organisation_id = %s AND kind = %s AND subject_id = ANY(%s::bigint[]) AND at > %s
        ORDER BY subject_id, part, id
        """,
        [organisation, kind, array(subjects), at],
    )
    return [(subject, part, None if before is None else json.loads(before)) for subject, part, before in rows(cursor)]
