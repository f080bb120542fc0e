"""SQL of people and their sign-in links."""

from __future__ import annotations

from datetime import datetime

from django.db.backends.utils import CursorWrapper


def next_organisation_id(cursor: CursorWrapper) -> int:
    """The id the next organisation gets: its use case must name it before the row exists."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence('core_organisation', 'id'))")
    return int(cursor.fetchone()[0])


def use_link(cursor: CursorWrapper, token_hash: str, at: datetime) -> int | None:
    """Use up a sign-in link; its user's id if it was unused and has not expired. Of two at once, one gets it. Locks: its row."""
    cursor.execute(
        "UPDATE core_signinlink SET used_at = %s WHERE token_hash = %s AND used_at IS NULL AND expires_at > %s RETURNING user_id",
        [at, token_hash, at],
    )
    row = cursor.fetchone()
    return int(row[0]) if row else None


def delete_links(cursor: CursorWrapper, expired_before: datetime) -> int:
    """Delete sign-in links that expired before then; how many."""
    cursor.execute("DELETE FROM core_signinlink WHERE expires_at < %s", [expired_before])
    return int(cursor.rowcount)


def delete_invitations(cursor: CursorWrapper, expired_before: datetime) -> int:
    """Delete invitations, used or not, whose links would have expired before then; how many. They hold addresses of people."""
    cursor.execute("DELETE FROM core_invitation WHERE expires_at < %s", [expired_before])
    return int(cursor.rowcount)
