"""SQL of plans: what offers of channels show and should show, with and without their locks. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence

from stallkeeper.channels.plan_items import PARTS_OF_A_UNIT
from stallkeeper.channels.queries import OFFER_COLUMNS, OFFERS
from stallkeeper.core.copy import Ints, array, read_columns
from stallkeeper.core.sql import Cursor, rows


def read_offers(channels: Sequence[int]) -> dict[str, Ints]:
    """All offers of channels, by id, unlocked. Index: offer_sku_once."""
    query = f"{OFFERS} WHERE offer.channel_id = ANY(%(channels)s::bigint[]) ORDER BY offer.id"
    return read_columns(query, {"channels": array(channels)}, OFFER_COLUMNS)


def lock_offers(cursor: Cursor, channels: Sequence[int]) -> int:
    """Nobody works these offers out anew until the commit; how many they are. What they rest on is read by later statements (ADR 0008).

    Locks: the offers, by id. Index: offer_sku_once.
    """
    cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT offer.id FROM channels_offer AS offer WHERE offer.channel_id = ANY(%s::bigint[])
            ORDER BY offer.id
            FOR NO KEY UPDATE OF offer) AS locked
        """,
        [array(channels)],
    )
    return int(rows(cursor)[0][0])


PRICE_COLUMNS = ("id", "channel", "excluded", "intended", "believed", "observed", "refused")


def read_prices(channels: Sequence[int]) -> dict[str, Ints]:
    """Prices of the offers of channels, by offer, in ten-thousandths (-1 = none). Offers that never had a price are not among them."""
    figures = ", ".join(f"coalesce((price.{name} * {PARTS_OF_A_UNIT})::bigint, -1)" for name in PRICE_COLUMNS[3:])
    query = f"""
        SELECT offer.id, offer.channel_id, offer.prices_excluded::int::bigint, {figures}
        FROM channels_offer AS offer JOIN channels_offerprice AS price ON price.offer_id = offer.id
        WHERE offer.channel_id = ANY(%(channels)s::bigint[]) ORDER BY offer.id
    """  # noqa: S608 - constants of this module
    return read_columns(query, {"channels": array(channels)}, PRICE_COLUMNS)


def skus(cursor: Cursor, offers: Sequence[int]) -> dict[int, str]:
    """Offers by their SKU on the channel. Index: primary key."""
    cursor.execute("SELECT id, sku FROM channels_offer WHERE id = ANY(%s::bigint[]) ORDER BY id", [array(offers)])
    return dict(rows(cursor))


def units_of(cursor: Cursor, offers: Ints, most: int) -> list[int]:
    """The stock units of these offers, by SKU, so many at most. Index: primary keys."""
    cursor.execute(
        """
        SELECT unit.id FROM catalog_stockunit AS unit
        WHERE unit.id IN (SELECT stock_unit_id FROM channels_offer WHERE id = ANY(%s::bigint[]))
        ORDER BY unit.sku LIMIT %s
        """,
        [array(offers), most],
    )
    return [row[0] for row in rows(cursor)]
