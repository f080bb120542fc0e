"""Which postings and returns to ask for next: the cursors of ``pull_orders`` and ``read_returns``, pure.

One walk over postings reads two lists. First those that wait (``unfulfilled``): every time what is to be packed, every few minutes all of
them, since units that are cancelled of a posting and buyers' wishes do not change its status. Then those whose status changed
(``last_changed_status_date``) since the last walk, ten minutes of them again and again. Both are paged by Ozon's own cursor, which names a
place by the posting's time and number, so a posting that changes between two pages moves no other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import msgspec

from stallkit.errors import Refused, Unintelligible

C = TypeVar("C", bound=msgspec.Struct)
PAGE = 100
RETURNS_PAGE = 500
OVERLAP = timedelta(minutes=10)
FIRST_LOOK = timedelta(days=30)
FIRST_RETURNS = timedelta(days=90)
SWEEP = timedelta(minutes=5)
"""How often all postings that are not delivered are read, whatever their status."""
AHEAD = timedelta(days=1)
AGE = timedelta(days=300)
CUTOFFS = timedelta(days=180)
"""Half of a window of cutoffs: the whole may be one year (Seller API)."""
TO_PACK = ("awaiting_approve", "awaiting_packaging")


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk stands. Between walks only ``after`` (what changed before it has been read) and ``swept`` are set."""

    after: datetime
    swept: datetime | None = None
    started: datetime | None = None
    sweep: bool = False
    stage: Literal["open", "changed"] = "open"
    at: str = ""


class ReturnCursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk over returns stands; between walks only ``after`` is set."""

    after: datetime
    started: datetime | None = None
    last_id: int = 0


def cursor_of(text: str, now: datetime) -> Cursor:
    """The cursor in ``text`` ("" at the very start), ready for its next call. Refused if it is none of ours."""
    cursor = _read(text, Cursor) if text else Cursor(now - FIRST_LOOK)
    if cursor.started is not None:
        return cursor
    sweep = cursor.swept is None or now - cursor.swept >= SWEEP
    return msgspec.structs.replace(cursor, started=now, sweep=sweep)


def return_cursor_of(text: str, now: datetime) -> ReturnCursor:
    cursor = _read(text, ReturnCursor) if text else ReturnCursor(now - FIRST_RETURNS)
    return cursor if cursor.started is not None else msgspec.structs.replace(cursor, started=now)


def _read(text: str, kind: type[C]) -> C:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Refused(f"cursor {text[:80]!r} is not one of ours: {error}; start again with an empty one", code="cursor") from error


def build_call(cursor: Cursor) -> tuple[str, dict[str, object]]:
    """(path, body) of the call that the cursor asks for."""
    started = cursor.started or cursor.after
    body: dict[str, object] = {"limit": PAGE, "sort_dir": "ASC", "with": {"legal_info": True}}
    if cursor.at:
        body["cursor"] = cursor.at
    if cursor.stage == "open":
        window = {"cutoff_from": text_of(started - CUTOFFS), "cutoff_to": text_of(started + CUTOFFS)}
        body["filter"] = window if cursor.sweep else {**window, "statuses": list(TO_PACK)}
        return "/v4/posting/fbs/unfulfilled/list", body
    changed = {"from": text_of(cursor.after - OVERLAP), "to": text_of(started + AHEAD)}
    body["filter"] = {"since": text_of(started - AGE), "to": text_of(started + AHEAD), "last_changed_status_date": changed}
    return "/v4/posting/fbs/list", body


def next_cursor(cursor: Cursor, at: str, *, has_next: bool) -> tuple[str, bool]:
    """(the cursor after a page, whether the walk is done). Unintelligible if Ozon names no new place for the page that is to come."""
    if has_next:
        if not at or at == cursor.at:
            raise Unintelligible("Ozon says that there is another page of postings, and names no new place for it")
        return _text(msgspec.structs.replace(cursor, at=at)), False
    if cursor.stage == "open":
        return _text(msgspec.structs.replace(cursor, stage="changed", at="")), False
    started = cursor.started or cursor.after
    return _text(Cursor(started, swept=started if cursor.sweep else cursor.swept)), True


def build_returns_call(cursor: ReturnCursor) -> dict[str, object]:
    """The body of ``/v1/returns/list``: one date filter only, and the scheme whose goods come back to the seller."""
    started = cursor.started or cursor.after
    window = {"time_from": text_of(cursor.after - OVERLAP), "time_to": text_of(started + AHEAD)}
    body: dict[str, object] = {"filter": {"visual_status_change_moment": window, "return_schema": "FBS"}, "limit": RETURNS_PAGE}
    return body | ({"last_id": cursor.last_id} if cursor.last_id else {})


def next_return_cursor(cursor: ReturnCursor, last_id: int, *, has_next: bool) -> tuple[str, bool]:
    if not has_next:
        return _text(ReturnCursor(cursor.started or cursor.after)), True
    if last_id in {0, cursor.last_id}:
        raise Unintelligible("Ozon says that there is another page of returns, and names no return to go on from")
    return _text(msgspec.structs.replace(cursor, last_id=last_id)), False


def _text(cursor: Cursor | ReturnCursor) -> str:
    return msgspec.json.encode(cursor).decode()


def text_of(moment: datetime) -> str:
    """RFC 3339 in UTC, as Ozon writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
