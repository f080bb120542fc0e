"""Who changed what. Entries are written in the transaction of the change and chained: each digest covers the entry and the one before.

Entries are collected during the use case and written by the last hook before the commit. So the chain is locked only for that moment, after
all other locks: a use case that audits early cannot deadlock with one that audits late.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from stallkeeper.core import audit_queries
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase, before_commit

KIND = "audit"
LAST = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: ``action`` as verb.noun, the subject, and details that JSON can hold (dates and decimals are kept as text)."""

    action: str
    subject_type: str
    subject_id: int | str
    detail: Mapping[str, object]


def record(uc: UseCase, action: str, subject_type: str, subject_id: int | str, **detail: object) -> None:
    """Note one change. It is written when the use case commits, and only then."""
    record_many(uc, [Entry(action, subject_type, subject_id, detail)])


def record_many(uc: UseCase, entries: Iterable[Entry]) -> None:
    """Note many changes; one statement writes them all."""
    uc.leave(KIND, entries)


@before_commit(LAST)
def write_entries(uc: UseCase) -> None:
    """Append what was noted to the organisation's chain. Takes the chain's lock, so nothing may be locked after it."""
    entries = [entry for entry in uc.take_left(KIND) if isinstance(entry, Entry)]
    if not entries:
        return
    with connection.cursor() as cursor:
        audit_queries.lock_chain(cursor, uc.organisation_id)
        digest = audit_queries.last_digest(cursor, uc.organisation_id)
        rows = []
        for entry in entries:
            row = _row(uc, entry)
            digest = _digest(digest, uc.organisation_id, row)
            rows.append(row._replace(digest=digest))
        audit_queries.add(cursor, uc.organisation_id, rows)


def verify_chain(organisation_id: int) -> list[str]:
    """Recompute the chain; one sentence for each entry that was changed, or that follows one that was removed. Empty if all is well."""
    problems, before = [], b""
    with organisation_scope(organisation_id), connection.cursor() as cursor:
        for number, row in audit_queries.entries(cursor, organisation_id):
            if row.digest != _digest(before, organisation_id, row):
                problems.append(
                    f"Audit entry {number} ({row.at:%Y-%m-%d %H:%M:%S} {row.action}) was changed, or an entry before it is missing."
                )
            before = row.digest
    return problems


def _row(uc: UseCase, entry: Entry) -> audit_queries.Row:
    detail = json.dumps(_plain(entry.detail), ensure_ascii=False)
    return audit_queries.Row(
        uc.at,
        _text(uc.actor)[:60],
        _text(entry.action)[:60],
        _text(entry.subject_type)[:40],
        _text(str(entry.subject_id))[:60],
        detail,
        b"",
    )


def _digest(before: bytes, organisation_id: int, row: audit_queries.Row) -> bytes:
    body = [
        organisation_id, _instant(row.at), row.actor, row.action, row.subject_type, row.subject_id, json.loads(row.detail)
    ]  # fmt: skip
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(before + canonical.encode()).digest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(value: object) -> object:
    """What JSON can hold and PostgreSQL gives back unchanged: floats, decimals and dates become text."""
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    return _text(str(value))


def _text(value: str) -> str:
    """PostgreSQL's text holds no NUL and no lone surrogates."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
