"""Monthly partitions of append-only tables: made ahead of time by migrations and by the daily housekeeping.

A default partition catches what no month was made for, so a forgotten housekeeping never refuses a row.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from stallkeeper.core import walls
from stallkeeper.core.queries import create_partition
from stallkeeper.core.tenancy import Passage, across_organisations

TABLES = ("stock_reservation_event", "channels_sent_log", "orders_raw_payload")


def month_after(day: date) -> date:
    """First day of the following month."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def make_ahead(at: datetime, months: int = 3) -> list[str]:
    """Make the partitions of this month and the next ones for all tables; returns the names that are new."""
    made = []
    with across_organisations(Passage.HOUSEKEEPING), connection.cursor() as cursor:
        for table in TABLES:
            first = date(at.year, at.month, 1)
            for _ in range(months):
                after = month_after(first)
                new = create_partition(cursor, table, first, after)
                for name in new:
                    walls.enclose(cursor, name)
                made += new
                first = after
    return made
