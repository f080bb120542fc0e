"""What a person should know. A key names the condition: while it lasts there is one row, counted up; when it ends, resolve it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from stallkeeper.core import notify_queries, words
from stallkeeper.core.severity import GRAVITY, Severity
from stallkeeper.core.use_case import UseCase
from stallkit.words import plain


@dataclass(frozen=True, slots=True)
class Notice:
    """One condition. ``key`` identifies it in the organisation, for instance ``connection:12:needs_reconnect``. Words made with
    ``stallkit.words.said`` reach each reader in a language of their own (ADR 0062)."""

    key: str
    severity: Severity
    title: str
    detail: str = ""
    link: str = ""


def raise_(uc: UseCase, key: str, severity: Severity, title: str, detail: str = "", link: str = "") -> None:
    """Open a notification, or count up the open one with this key and renew its words."""
    raise_many(uc, [Notice(key, severity, title, detail, link)])


def raise_many(uc: UseCase, notices: Iterable[Notice]) -> None:
    """The same for many, in one statement. A key that comes twice counts twice; its last words stay, with the gravest severity."""
    merged: dict[str, tuple[Notice, int]] = {}
    for notice in notices:
        before, times = merged.get(notice.key, (notice, 0))
        merged[notice.key] = (_graver(notice, before), times + 1)
    rows = [
        (key, notice.severity.value, *_columns(notice.title, 200), *_columns(notice.detail), _cut(notice.link, 200), times)
        for key, (notice, times) in sorted(merged.items())
    ]
    if rows:
        with connection.cursor() as cursor:
            notify_queries.upsert_open(cursor, uc.organisation_id, uc.at, rows)


def resolve(uc: UseCase, *keys: str) -> int:
    """The conditions have ended: close their notifications. Returns how many were open."""
    with connection.cursor() as cursor:
        return notify_queries.resolve(cursor, uc.organisation_id, uc.at, keys)


def _graver(new: Notice, old: Notice) -> Notice:
    severity = max(new.severity, old.severity, key=lambda severity: GRAVITY[severity.value])
    return Notice(new.key, Severity(severity), new.title, new.detail, new.link)


def _columns(text: str, most: int | None = None) -> tuple[str, str | None]:
    """A text, and what it was made of unless it had to be cut."""
    stored = words.storable(text)
    return (stored, words.kept_json(text)) if most is None or len(stored) <= most else (_cut(stored, most), None)


def _cut(text: str, length: int) -> str:
    return plain(text) if len(text) <= length else text[: length - 1] + "…"
