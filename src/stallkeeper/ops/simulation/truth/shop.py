"""The shop as the model has it in mind: every row that it has seen, by key, brought up to date at each look."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby

from msgspec import structs

from stallkeeper.ops.simulation.truth.queries import Seen, look
from stallkeeper.ops.simulation.truth.rows import (
    Account,
    Amount,
    Audit,
    Channel,
    Command,
    Kept,
    Level,
    Line,
    Movement,
    Offer,
    Order,
    Place,
    Price,
    Reading,
    Sent,
    Shortage,
    Story,
    Ticket,
    Unit,
)

Spot = tuple[int, int]
"""(stock unit, place)"""


@dataclass
class Shop:
    """What is known of an organisation. ``before`` and ``now``: offers at the last look and at this one."""

    organisation_id: int
    seen: Seen = field(default_factory=Seen)
    now: Reading = field(init=False)
    tickets_before: list[Ticket] = field(default_factory=list)
    shortages_before: list[Shortage] = field(default_factory=list)
    looks: int = 0
    places: dict[int, Place] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)
    recipes: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    levels: dict[Spot, Level] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    channels_before: dict[int, Channel] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    offers: dict[int, Offer] = field(default_factory=dict)
    offers_before: dict[int, Offer] = field(default_factory=dict)
    prices: dict[int, Price] = field(default_factory=dict)
    prices_before: dict[int, Price] = field(default_factory=dict)
    """By offer."""
    orders: dict[int, Order] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    lines_before: dict[int, Line] = field(default_factory=dict)
    """Lines that this look found written, as they were before; missing where the line is new."""
    orders_before: dict[int, Order] = field(default_factory=dict)
    amounts: dict[int, list[Amount]] = field(default_factory=dict)
    charged: set[int] = field(default_factory=set)
    """Orders that this look found with other amounts than before."""
    commands: dict[int, Command] = field(default_factory=dict)
    commands_before: dict[int, Command] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)

    def look(self) -> Reading:
        """Read what is there and new. What was written since the last look is in ``now``."""
        self.tickets_before = self.now.tickets if self.looks else []
        self.shortages_before = self.now.shortages if self.looks else []
        read = look(self.organisation_id, self.seen)
        self.now = now = self._only_news(read)
        self.looks += 1
        self.places = {row.id: row for row in now.places}
        self.units = {row.id: row for row in now.units}
        self.recipes = self._recipes(now)
        self.levels = {(row.stock_unit_id, row.location_id): row for row in now.levels}
        self.channels_before, self.channels = self.channels, {row.id: row for row in now.channels}
        self.accounts = {row.id: row for row in now.accounts}
        self.offers_before, self.offers = self.offers, {row.id: row for row in now.offers}
        self.prices_before, self.prices = self.prices, {row.id: row for row in now.prices}
        self._orders(now)
        self._money(read)
        self._histories(now)
        return now

    def _only_news(self, now: Reading) -> Reading:
        fresh = self.seen.fresh
        return structs.replace(
            now,
            orders=[row for row in now.orders if self.orders.get(row.id) != row],
            lines=[row for row in now.lines if self.lines.get(row.id) != row],
            commands=[row for row in now.commands if self.commands.get(row.id) != row],
            movements=fresh("stock_movement", now.movements),
            kept=fresh("stock_reservation_event", now.kept),
            sent=fresh("channels_sent_log", now.sent),
            stories=fresh("orders_orderevent", now.stories),
            audit=fresh("core_auditentry", now.audit),
            runs=fresh("channels_run", now.runs),
        )

    def _recipes(self, now: Reading) -> dict[int, tuple[tuple[int, int], ...]]:
        """What one of each unit takes from the shelf: (component, number). A unit that is not counted takes nothing."""
        counted = {row.id for row in now.units if row.stocked}
        parts: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for part in now.parts:
            if part.component_id in counted:
                parts[part.kit_id].append((part.component_id, part.quantity))
        alone = {row.id: ((row.id, 1),) if row.stocked else () for row in now.units if row.kind != "kit"}
        return alone | {row.id: tuple(sorted(parts[row.id])) for row in now.units if row.kind == "kit"}

    def _orders(self, now: Reading) -> None:
        self.orders_before = {row.id: self.orders[row.id] for row in now.orders if row.id in self.orders}
        self.orders |= {row.id: row for row in now.orders}
        self.lines_before = {row.id: self.lines[row.id] for row in now.lines if row.id in self.lines}
        self.lines |= {row.id: row for row in now.lines}
        self.commands_before = {row.id: self.commands[row.id] for row in now.commands if row.id in self.commands}
        self.commands |= {row.id: row for row in now.commands}

    def _money(self, read: Reading) -> None:
        told = {order: list(rows) for order, rows in groupby(read.amounts, key=lambda row: row.order_id)}
        self.charged = {row.id for row in read.orders if self.amounts.get(row.id) != told.get(row.id, [])}
        self.amounts |= {row.id: told.get(row.id, []) for row in read.orders}

    def _histories(self, now: Reading) -> None:
        self.movements += now.movements
        self.kept += now.kept
        self.sent += now.sent
        self.stories += now.stories
        self.audit += now.audit

    # --- names for people ---------------------------------------------------------------------------------------------------------------

    def sku(self, unit: int) -> str:
        return self.units[unit].sku if unit in self.units else f"unit {unit}"

    def spot(self, spot: Spot) -> str:
        place = self.places.get(spot[1])
        return f"{self.sku(spot[0])} at {place.code if place else f'place {spot[1]}'}"

    def line(self, line: Line) -> str:
        order = self.orders.get(line.order_id)
        return f"order {order.external_id if order else line.order_id}, line {line.line_id} ({line.sku})"

    def offer(self, offer: Offer | Price) -> str:
        return f"offer {offer.sku} of channel {offer.channel_id}"
