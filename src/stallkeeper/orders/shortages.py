"""Shortages: what was sold and is not there, and for how long a channel could sell it (D4).

The exposure window runs from the sale to the moment when its channel showed what we meant it to show: our cut was accepted, or the channel
had lowered its figure itself.
"""

from __future__ import annotations

from django.db import connection

from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import queries
from stallkeeper.orders.models import Shortage


def has_open_windows(channel_id: int) -> bool:
    """Whether a shortage of this channel still waits for the end of its window."""
    return Shortage.objects.filter(line__order__channel_id=channel_id, cut_accepted_at=None).exists()


def close_windows(uc: UseCase, channel_id: int) -> int:
    """End the windows of shortages whose offer shows what we mean it to show by now; returns how many."""
    with connection.cursor() as cursor:
        return queries.close_windows(cursor, uc.organisation_id, channel_id)
