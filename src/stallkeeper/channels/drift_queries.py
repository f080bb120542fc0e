"""SQL of drift. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.core.sql import Cursor, rows


def resolve(cursor: Cursor, kind: str, offers: Sequence[int], at: datetime) -> None:
    """The channel shows what it should again. Locks: the open drifts of the offers. Index: drift.offer."""
    cursor.execute(
        "UPDATE channels_drift SET resolved_at = %s WHERE offer_id = ANY(%s) AND kind = %s AND resolved_at IS NULL",
        [at, list(offers), kind],
    )


class Sent(NamedTuple):
    """A value that went out: accepted, or nobody knows."""

    value: Decimal
    accepted: bool


def sent_values(cursor: Cursor, kind: str, offers: Sequence[int], since: datetime) -> dict[int, list[Sent]]:
    """What was sent for each offer and may have arrived, newest first. Index: sent_log_offer."""
    cursor.execute(
        """
        SELECT offer_id, value, outcome = 'accepted' FROM channels_sent_log
        WHERE offer_id = ANY(%s) AND at >= %s AND kind = %s AND outcome IN ('accepted', 'unknown') ORDER BY offer_id, at DESC, id DESC
        """,
        [list(offers), since, kind],
    )
    found: dict[int, list[Sent]] = {}
    for offer, value, accepted in rows(cursor):
        found.setdefault(offer, []).append(Sent(value, accepted))
    return found


def write_verdicts(cursor: Cursor, verdicts: Sequence[tuple[int, str]]) -> None:
    """Store verdicts; a sale that has been pulled is over. Locks: the drifts."""
    cursor.execute(
        """
        UPDATE channels_drift AS drift SET verdict = row.verdict
        FROM unnest(%s::bigint[], %s::text[]) AS row(id, verdict) WHERE drift.id = row.id
        """,
        [[drift for drift, _ in verdicts], [verdict for _, verdict in verdicts]],
    )


def often(cursor: Cursor, connection: int, verdict: str, since: datetime, times: int) -> list[tuple[int, str]]:
    """Offers with so many drifts of a verdict: (offer, sku). Index: drift_recent."""
    cursor.execute(
        """
        SELECT offer.id, offer.sku FROM channels_drift AS drift
        JOIN channels_offer AS offer ON offer.id = drift.offer_id
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        WHERE channel.connection_id = %s AND drift.verdict = %s AND drift.at >= %s
        GROUP BY offer.id, offer.sku HAVING count(*) >= %s ORDER BY offer.id
        """,
        [connection, verdict, since, times],
    )
    return rows(cursor)
