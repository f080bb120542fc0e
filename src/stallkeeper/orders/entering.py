"""New orders come in: the everyday page, of which nothing was here before and nothing has left the house.

Since no order changes and no goods move, all that is locked and read can be named beforehand: orders, with all that is written of them
alone, then in one go levels, offers and what these rest on, then what was decided. Other pages take the longer way, see ``intake``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stallkeeper.channels import commands, refresh, sales, velocity
from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels.belief_queries import Belief
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.core import crash, personal
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Answer
from stallkeeper.orders import acknowledging, entry_queries, lines, records
from stallkeeper.orders.entry_queries import NewLineRow
from stallkeeper.orders.page import Page
from stallkeeper.orders.queries import WrittenLine
from stallkeeper.stock import queries as stock_queries
from stallkeeper.stock import reserve
from stallkeeper.stock.queries import LevelRow
from stallkit.types import RemoteOrder

QUEUED = 8
"""For so many units a page waits in line (``stock.queries.queue_up``); more would fill the server's table of locks."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is on its way: locked levels, then locked offers, then what the offers rest on (before what the page itself reserves)."""

    levels: Answer[LevelRow] | None
    offers: Callable[[], dict[str, Ints]] | None = None
    beliefs: Answer[Belief] | None = None
    channels: Answer[ChannelFacts] | None = None
    places: Callable[[], dict[str, Ints]] | None = None


def can(page: Page) -> list[int] | None:
    """Units whose offers the page touches, if it can be taken in this way; else None."""
    if page.news or page.holds or any(order.split_from for order in page.orders.values()):
        return None
    if any(line.shipped for order in page.orders.values() for line in order.lines):
        return None
    found = [mapped for order in page.orders.values() for mapped in page.mapped(order) if mapped]
    parts = {unit for mapped in found for unit, _number in mapped.parts}
    return refresh.ahead(page.facts, {mapped.unit_id for mapped in found}, parts)


def enter(page: Page, units: list[int]) -> tuple[list[WrittenLine], dict[int, int]]:
    """Take the page; returns its lines, and what each is short of. Fills ``page.ids``; ``units`` are those of ``can``.

    Whatever needs no lock is written before the first one is taken: sales of one unit wait for each other from there to the commit.
    """
    entered = entry_queries.ask_insert(page.uc.organisation_id, page.connection_id, page.uc.at, page.new_rows())()
    page.ids = {row.external_id: row.id for row in entered}
    page.fresh = set(page.ids)
    if not entered:
        return [], {}
    orders = page.by_id()
    written = _write(page, {row.id: row.line_ids for row in entered}, orders)
    claims, sold = page.claims(written, orders), page.sold(written, orders, {}, {}, {})
    crash.point("within:entering:lock")
    asked = _ask(page, units)
    crash.point("within:entering:asked")
    levels = asked.levels() if asked.levels else []
    short = lines.reserve_lines(page.uc, claims, page.index.parts(), cause="order", levels=levels)
    if asked.offers and asked.channels and asked.places:
        offers, rules = asked.offers(), {channel.id: channel for channel in asked.channels()}
        refresh.conclude(page.uc, rules, units, offers, asked.places(), sold, asked.beliefs)
    return written, short


def _write(page: Page, line_ids: Mapping[int, list[int]], orders: Mapping[int, RemoteOrder]) -> list[WrittenLine]:
    """Lines of the orders just entered, and all that is kept of them beside stock; returns the lines."""
    rows, written = _lines(page, line_ids, orders)
    entry_queries.insert_lines(page.cursor, page.uc.organisation_id, rows)
    velocity.record(page.uc, page.facts, page.taken(written, orders, page.index.parts(), {}))
    owed = commands.rows(page.uc, acknowledging.wanted(page.owed(orders)))
    records.write(page, written, orders, personal.sealed(records.buyers(orders), page.sealer), owed)
    if owed:
        page.uc.mark(refresh.WAKE, [page.connection_id])
    return written


def _ask(page: Page, units: list[int]) -> Asked:
    """Lock levels, then offers. What the offers rest on is asked for in later statements than their lock (ADR 0008)."""
    reserve.take_moved(page.uc)  # what the use case reserved before is in what is gathered now
    served = [order for order in page.orders.values() if page.is_served(order)]
    stocked = sorted({unit for order in served for mapped in page.mapped(order) if mapped for unit, _number in mapped.parts})
    places = sorted({place for order in served for place in page.channel_of(order).locations})
    sold = sorted({mapped.offer_id for order in page.orders.values() for mapped in page.mapped(order) if mapped})
    if stocked:
        stock_queries.queue_up(page.cursor, stocked[:QUEUED])
    levels = stock_queries.ask_levels(stocked, places) if stocked else None
    if not units:
        return Asked(levels)
    return Asked(
        levels,
        channel_queries.ask_offers_of_units(units),
        sales.ask_beliefs(page.channels[0].platform, sold),
        channel_queries.ask_channels(page.uc.organisation_id),
        channel_queries.ask_places_of_units(units),
    )


def _lines(page: Page, line_ids: Mapping[int, list[int]], orders: Mapping[int, RemoteOrder]) -> tuple[list[NewLineRow], list[WrittenLine]]:
    rows: list[NewLineRow] = []
    written: list[WrittenLine] = []
    for order_id, order in orders.items():
        for new_id, row in zip(line_ids[order_id], page.line_rows(order_id, order, {}), strict=True):
            rows.append((new_id, *row))
            written.append(WrittenLine(new_id, order_id, row[1], *row[5:8], row[8], row[9], 0, 0, -1))
    return rows, written
