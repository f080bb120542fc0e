"""New orders come in: the everyday page, of which nothing was here before and nothing has left the house.

Since no order changes and no goods move, all that is locked and read can be named beforehand: it is asked for in one go (orders, then
levels, then offers), and so is all that is written. Other pages take the longer way, see ``intake``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from stallkeeper.channels import commands, refresh, sales
from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels.belief_queries import Belief
from stallkeeper.core import crash, personal
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Answer
from stallkeeper.orders import acknowledging, entry_queries, lines, records
from stallkeeper.orders.entry_queries import Entered, NewLineRow
from stallkeeper.orders.page import Page
from stallkeeper.orders.queries import WrittenLine
from stallkeeper.stock import queries as stock_queries
from stallkeeper.stock.queries import LevelRow
from stallkit.types import RemoteOrder


@dataclass(frozen=True, slots=True)
class Asked:
    """What is on its way."""

    entered: Answer[Entered]
    levels: Answer[LevelRow] | None
    offers: Callable[[], dict[str, Ints]] | None
    beliefs: Answer[Belief] | None


def can(page: Page) -> list[int] | None:
    """Units whose offers the page touches, if it can be taken in this way; else None."""
    if page.news or any(line.shipped for order in page.orders.values() for line in order.lines):
        return None
    found = [mapped for order in page.orders.values() for mapped in page.mapped(order) if mapped]
    parts = {unit for mapped in found for unit, _number in mapped.parts}
    return refresh.ahead(page.facts, {mapped.unit_id for mapped in found}, parts)


def enter(page: Page, units: list[int]) -> tuple[list[WrittenLine], dict[int, int]]:
    """Take the page; returns its lines, and what each is short of. Fills ``page.ids``; ``units`` are those of ``can``."""
    crash.point("within:entering:lock")
    asked = _ask(page, units)
    crash.point("within:entering:asked")
    entered = asked.entered()
    page.ids = {row.external_id: row.id for row in entered}
    page.fresh = set(page.ids)
    orders = page.by_id()
    rows, written = _lines(page, {row.id: row.line_ids for row in entered}, orders)
    entry_queries.insert_lines(page.cursor, page.uc.organisation_id, rows)
    levels = asked.levels() if asked.levels else []
    short = lines.reserve_lines(page.uc, page.claims(written, orders), page.index.parts(), cause="order", levels=levels)
    offers = asked.offers() if asked.offers else None
    places = channel_queries.ask_places(np.unique(offers["unit"])) if offers else None
    channels = channel_queries.ask_channels(page.uc.organisation_id) if offers else None
    owed = commands.rows(page.uc, acknowledging.wanted(page.owed(orders)))
    records.write(page, written, orders, personal.sealed(records.buyers(orders), page.sealer), owed)
    if owed:
        page.uc.mark(refresh.WAKE, [page.connection_id])
    if offers and places and channels:
        rules = {channel.id: channel for channel in channels()}
        refresh.conclude(page.uc, rules, units, offers, places(), page.sold(written, orders, {}, {}), asked.beliefs)
    return written, short


def _ask(page: Page, units: list[int]) -> Asked:
    """Enter the orders, lock levels, then offers. What the offers rest on is asked for in later statements than their lock (ADR 0008)."""
    uc = page.uc
    entered = entry_queries.ask_insert(uc.organisation_id, page.connection_id, uc.at, page.new_rows())
    served = [order for order in page.orders.values() if page.is_served(order)]
    stocked = sorted({unit for order in served for mapped in page.mapped(order) if mapped for unit, _number in mapped.parts})
    places = sorted({place for order in served for place in page.channel_of(order).locations})
    levels = stock_queries.ask_levels(stocked, places) if stocked else None
    if not units:
        return Asked(entered, levels, None, None)
    offers = channel_queries.ask_offers_of_units(units)
    sold = sorted({mapped.offer_id for order in page.orders.values() for mapped in page.mapped(order) if mapped})
    return Asked(entered, levels, offers, sales.ask_beliefs(page.channels[0].platform, sold))


def _lines(page: Page, line_ids: Mapping[int, list[int]], orders: Mapping[int, RemoteOrder]) -> tuple[list[NewLineRow], list[WrittenLine]]:
    rows: list[NewLineRow] = []
    written: list[WrittenLine] = []
    for order_id, order in orders.items():
        for new_id, row in zip(line_ids[order_id], page.line_rows(order_id, order, {}), strict=True):
            rows.append((new_id, *row))
            written.append(WrittenLine(new_id, order_id, row[1], *row[5:8], row[8], row[9], 0, 0, -1))
    return rows, written
