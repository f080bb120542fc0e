"""SQL of secrets, data keys and the PII vault."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

from stallkeeper.core.copy import array, blobs, columns, moments, texts
from stallkeeper.core.sql import Answer, ask

KEYS_LOCK = 5_300_001


class WrappedKey(NamedTuple):
    id: int
    organisation_id: int
    version: int
    wrapped: bytes
    wrapped_by: str
    retired: bool


class SealedRow(NamedTuple):
    """A row whose ciphertext can be replaced: what it is bound to and what it holds."""

    id: int
    context: str
    key_version: int
    ciphertext: bytes


def lock_keys(cursor: CursorWrapper) -> None:
    """Be the only one who makes data keys or changes the keyring. Locks: one advisory lock, until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEYS_LOCK])


DATA_KEYS = (
    "SELECT id, organisation_id, version, wrapped, wrapped_by, retired_at IS NOT NULL FROM core_datakey"
    " WHERE organisation_id = %s ORDER BY version"
)


def data_keys(cursor: CursorWrapper, organisation_id: int, for_update: bool = False) -> list[WrappedKey]:
    """Data keys of an organisation, oldest first. Locks: the rows if ``for_update``. Index: data_key_once."""
    cursor.execute(DATA_KEYS + " FOR UPDATE" if for_update else DATA_KEYS, [organisation_id])
    return [WrappedKey._make(row) for row in cursor.fetchall()]


def ask_data_keys(organisation_id: int) -> Answer[WrappedKey]:
    """The same without locks, sent now and awaited when what it returns is called."""
    return ask(DATA_KEYS, [organisation_id], WrappedKey._make)


def add_data_key(cursor: CursorWrapper, organisation_id: int, version: int, wrapped: bytes, wrapped_by: str, at: datetime) -> None:
    """Add a data key; older ones are retired (they still open what they sealed). Locks: the organisation's data keys."""
    cursor.execute("UPDATE core_datakey SET retired_at = %s WHERE organisation_id = %s AND retired_at IS NULL", [at, organisation_id])
    cursor.execute(
        "INSERT INTO core_datakey (organisation_id, version, wrapped, wrapped_by, created_at) VALUES (%s, %s, %s, %s, %s)",
        [organisation_id, version, wrapped, wrapped_by, at],
    )


def rewrap(cursor: CursorWrapper, key_id: int, wrapped: bytes, wrapped_by: str) -> None:
    """Replace the wrapping of one data key. Locks: its row."""
    cursor.execute("UPDATE core_datakey SET wrapped = %s, wrapped_by = %s WHERE id = %s", [wrapped, wrapped_by, key_id])


def organisations_with_keys(cursor: CursorWrapper) -> list[int]:
    """Organisations that have data keys, in key order."""
    cursor.execute("SELECT DISTINCT organisation_id FROM core_datakey ORDER BY 1")
    return [row[0] for row in cursor.fetchall()]


def wrapping_keys_in_use(cursor: CursorWrapper) -> set[str]:
    """Numbers of the keys outside the database that some data key, or some person's second factor, is wrapped by."""
    cursor.execute("SELECT wrapped_by FROM core_datakey UNION SELECT wrapped_by FROM core_secondfactor ORDER BY 1")
    return {row[0] for row in cursor.fetchall()}


def upsert_secret(cursor: CursorWrapper, organisation_id: int, purpose: str, key_version: int, ciphertext: bytes, at: datetime) -> int:
    """Write a secret; its id. Locks: its row. Index: secret_once."""
    cursor.execute(
        "INSERT INTO core_secret (organisation_id, purpose, key_version, ciphertext, updated_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (organisation_id, purpose) DO UPDATE SET key_version = excluded.key_version, ciphertext = excluded.ciphertext,"
        " updated_at = excluded.updated_at RETURNING id",
        [organisation_id, purpose, key_version, ciphertext, at],
    )
    return int(cursor.fetchone()[0])


def secrets_under_old_keys(cursor: CursorWrapper, organisation_id: int, version: int, limit: int) -> list[SealedRow]:
    """Secrets sealed by a data key before ``version``. Locks: the rows, in key order."""
    cursor.execute(
        "SELECT id, 'core_secret:' || purpose, key_version, ciphertext FROM core_secret"
        " WHERE organisation_id = %s AND key_version < %s ORDER BY id LIMIT %s FOR UPDATE",
        [organisation_id, version, limit],
    )
    return [SealedRow._make(row) for row in cursor.fetchall()]


def personal_under_old_keys(cursor: CursorWrapper, organisation_id: int, version: int, limit: int) -> list[SealedRow]:
    """Personal data sealed by a data key before ``version``. Locks: the rows, in key order."""
    cursor.execute(
        "SELECT id, 'core_personaldata:' || subject_type || ':' || subject_id || ':' || purpose, key_version, ciphertext"
        " FROM core_personaldata WHERE organisation_id = %s AND key_version < %s ORDER BY id LIMIT %s FOR UPDATE",
        [organisation_id, version, limit],
    )
    return [SealedRow._make(row) for row in cursor.fetchall()]


def replace_secrets(cursor: CursorWrapper, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Replace (id, key version, ciphertext) of secrets. Locks: the rows."""
    cursor.execute(
        "UPDATE core_secret s SET key_version = n.version, ciphertext = n.sealed"
        " FROM unnest(%s::bigint[], %s::int[], %s::bytea[]) AS n (id, version, sealed) WHERE s.id = n.id",
        _columns(rows),
    )


def replace_personal(cursor: CursorWrapper, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Replace (id, key version, ciphertext) of personal data. Locks: the rows."""
    cursor.execute(
        "UPDATE core_personaldata p SET key_version = n.version, ciphertext = n.sealed"
        " FROM unnest(%s::bigint[], %s::int[], %s::bytea[]) AS n (id, version, sealed) WHERE p.id = n.id",
        _columns(rows),
    )


PersonalRow = tuple[str, int, str, int, bytes, datetime, str]
"""subject type, subject id, purpose, key version, ciphertext, delete after, words as an array literal"""


def upsert_personal(cursor: CursorWrapper, organisation_id: int, rows: Sequence[PersonalRow]) -> None:
    """Write personal data in one statement, all but its words. Index: personal_data_once.

    Locks: the rows, in the order given; no key twice.
    """
    cursor.execute(
        "INSERT INTO core_personaldata (organisation_id, subject_type, subject_id, purpose, key_version, ciphertext, delete_after)"
        " SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::int[], %s::bytea[], %s::timestamptz[])"
        " ON CONFLICT (organisation_id, subject_type, subject_id, purpose) DO UPDATE SET key_version = excluded.key_version,"
        " ciphertext = excluded.ciphertext, delete_after = excluded.delete_after",
        [organisation_id, *columns([row[:-1] for row in rows], texts, array, texts, array, blobs, moments)],
    )


def set_personal_words(cursor: CursorWrapper, organisation_id: int, rows: Sequence[PersonalRow]) -> None:
    """Make the words that rows are found by those given. Index: personal_data_once, that of the words.

    A statement of its own, after the one that took the rows (``upsert_personal``): it must see the words of whoever had them before.
    """
    wanted = [(*row[:3], row[-1]) for row in rows]
    cursor.execute(
        """
        WITH given AS (
            SELECT p.id, p.words AS old, row.words::bigint[] AS new
            FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[]) AS row(subject_type, subject_id, purpose, words)
            JOIN core_personaldata AS p USING (subject_type, subject_id, purpose)
            WHERE p.organisation_id = %s AND p.words <> row.words::bigint[]
        ), changed AS (
            UPDATE core_personaldata AS p SET words = given.new FROM given WHERE p.id = given.id
        ), gone AS (
            DELETE FROM core_personalword AS w USING given CROSS JOIN unnest(given.old) AS was
            WHERE w.organisation_id = %s AND w.word = was AND w.row = given.id AND was <> ALL (given.new)
        )
        INSERT INTO core_personalword (organisation_id, word, row)
        SELECT %s, word, given.id FROM given CROSS JOIN unnest(given.new) AS word WHERE word <> ALL (given.old)
        """,
        [*columns(wanted, texts, array, texts, texts), organisation_id, organisation_id, organisation_id],
    )


def find_personal(cursor: CursorWrapper, organisation_id: int, subject_type: str, asked: Sequence[Sequence[int]], limit: int) -> list[int]:
    """Subjects whose personal data holds, of each of the ``asked``, one number; the newest first. No locks. Index: that of the words."""
    numbers = [(number, place) for place, spellings in enumerate(asked) for number in spellings]
    cursor.execute(
        """
        SELECT p.subject_id FROM core_personaldata AS p JOIN (
            SELECT w.row FROM core_personalword AS w JOIN unnest(%s::bigint[], %s::int[]) AS asked(word, place) USING (word)
            WHERE w.organisation_id = %s GROUP BY w.row HAVING count(DISTINCT asked.place) = %s ORDER BY w.row DESC LIMIT %s
        ) AS found ON found.row = p.id
        WHERE p.organisation_id = %s AND p.subject_type = %s ORDER BY p.id DESC
        """,
        [*columns(numbers, array, array), organisation_id, len(asked), limit, organisation_id, subject_type],
    )
    return [row[0] for row in cursor.fetchall()]


FORGET = """
    WITH gone AS (
        DELETE FROM core_personaldata WHERE {} RETURNING organisation_id, id, words
    ), words AS (
        DELETE FROM core_personalword AS w USING gone CROSS JOIN unnest(gone.words) AS was
        WHERE w.organisation_id = gone.organisation_id AND w.word = was AND w.row = gone.id
    )
    SELECT count(*) FROM gone
"""
"""The words that a row was found by go with it."""


def forget_personal(cursor: CursorWrapper, at: datetime, limit: int) -> int:
    """Delete up to ``limit`` rows of all organisations that are due, with their words; how many rows. Index: personal_data_due."""
    due = "SELECT id FROM core_personaldata WHERE delete_after <= %s ORDER BY delete_after, id LIMIT %s FOR UPDATE SKIP LOCKED"
    cursor.execute(FORGET.format(f"id IN ({due})"), [at, limit])
    return int(cursor.fetchone()[0])


def forget_subjects(cursor: CursorWrapper, organisation_id: int, subject_type: str, subject_ids: Collection[int]) -> int:
    """Delete all of these subjects, with their words; how many rows. Locks: the rows. Index: personal_data_once."""
    of_them = "organisation_id = %s AND subject_type = %s AND subject_id = ANY (%s::bigint[])"
    cursor.execute(FORGET.format(of_them), [organisation_id, subject_type, array(subject_ids)])
    return int(cursor.fetchone()[0])


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
