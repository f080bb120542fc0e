"""What the first run reads. Nothing is counted beyond MOST, so that it costs the same in a shop of any size."""

from __future__ import annotations

from stallkeeper.backoffice.paging import COUNT_LIMIT
from stallkeeper.core.sql import Cursor, rows

MOST = COUNT_LIMIT + 1


def goods(cursor: Cursor, organisation_id: int) -> tuple[int, int]:
    """(stock units, units at real places of which there are some), each counted up to MOST. Indexes stock_unit_sku_once, level_once."""
    cursor.execute(
        """
        SELECT (SELECT count(*) FROM (SELECT 1 FROM catalog_stockunit WHERE organisation_id = %(organisation)s LIMIT %(most)s) AS few),
               (SELECT count(*) FROM (
                   SELECT 1 FROM catalog_stockunit AS unit WHERE unit.organisation_id = %(organisation)s AND EXISTS (
                       SELECT 1 FROM stock_level AS level
                       JOIN stock_location AS place ON place.id = level.location_id AND place.owner <> 'virtual'
                       WHERE level.stock_unit_id = unit.id AND level.on_hand > 0)
                   LIMIT %(most)s) AS few)
        """,
        {"organisation": organisation_id, "most": MOST},
    )
    ((units, stocked),) = rows(cursor)
    return units, stocked


def orders(cursor: Cursor, channel_id: int) -> int:
    """Orders of a channel that came in, up to MOST. Index of the orders' channel."""
    cursor.execute(
        "SELECT count(*) FROM (SELECT 1 FROM orders_order WHERE channel_id = %(channel)s LIMIT %(most)s) AS few",
        {"channel": channel_id, "most": MOST},
    )
    ((count,),) = rows(cursor)
    return int(count)


def fresh(cursor: Cursor, organisation_id: int) -> bool:
    """Whether no channel of the organisation sends stock, or ever did. Looks at its channels; no locks."""
    cursor.execute(
        """
        SELECT NOT EXISTS (SELECT 1 FROM channels_channel
                           WHERE organisation_id = %s AND (stock_enabled OR first_send_at IS NOT NULL))
        """,
        [organisation_id],
    )
    ((found,),) = rows(cursor)
    return bool(found)
