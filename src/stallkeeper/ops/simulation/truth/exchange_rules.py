"""Invariant 20 for a 1C base: a place that it keeps shows what its last figures said, by both books; it has every order of ours once.

Both count the same shelf, and each knows something that the other does not know yet. What lies there is 1C's stock, with what it has booked
out for our orders, without what has left for them by our ledger. Its figure tells that stock; a free one lacks what it reserves for us.
Where 1C and the hub know the same of an order there is one right figure. Where they do not, it may be too low by what the order
takes, never too high but in the two cases that docs/invariants.md names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.one_c import ExchangeView, InBooks, Packet
from stallkeeper.ops.simulation.truth.rows import Movement, Order
from stallkeeper.ops.simulation.truth.shop import Shop, Spot
from stallkeeper.ops.simulation.truth.source_rules import WAITS, balance

RUNS = "SELECT id, state, reference, as_of, whole FROM stock_sourcerun WHERE source_id = %(source)s ORDER BY id"
SAID = "SELECT order_id, shipment <> '', cancelled FROM sync_exchangeorder WHERE exchange_id = %(exchange)s ORDER BY order_id"
LINE = {"shipment": 2, "remote": 1, "not_left": 1}
"""Where the number of the order line stands in the reference of a movement of shipped goods."""
NOTHING = InBooks({}, {}, shipped=False, cancelled=False, confirmed_at=None, told=(False, False))


class Run(NamedTuple):
    """A run of the source. Its ``reference`` holds the digest of its file."""

    id: int
    state: str
    reference: str
    as_of: datetime
    whole: bool


class Left(NamedTuple):
    """Units that left for an order line, or came back (below zero)."""

    line: int
    spot: Spot
    units: int
    at: datetime


class Range(NamedTuple):
    """Least and most that may have lain there."""

    low: int
    high: int

    def with_(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


@dataclass
class Exchange:
    """One base, followed from commit to commit."""

    view: ExchangeView
    runs: dict[int, Run] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    seen: dict[int, datetime] = field(default_factory=dict)
    """When each movement was first seen."""
    clipped: set[tuple[int, Spot]] = field(default_factory=set)
    """(run, spot) where more had left since the file than it had: nothing is left."""
    last: Run | None = None
    """The last run with a whole list that was taken in."""

    def check(self, shop: Shop, now: datetime, *, in_step: bool) -> Iterator[Breach]:
        """What 1C's figures have done since the last look. Locks: none."""
        runs = {row[0]: Run(*row) for row in ask(RUNS, source=self.view.source_id)}
        for move in shop.now.movements:
            self.seen[move.id] = now
            self.left += [] if (left := _left(move)) is None else [left]
        for move in shop.now.movements:
            if move.cause == "source":
                yield from self._moved(shop, runs, move, in_step=in_step)
        for run in runs.values():
            was = self.runs.get(run.id)
            if run.state == "done" and (was is None or was.state != "done"):
                yield from self._done(shop, run, in_step=in_step)
        self.runs = runs

    def when_quiet(self, shop: Shop, *, in_step: bool) -> Iterator[Breach]:
        """The last whole list was taken in, nothing waits, and both sides know the same of every order."""
        waiting = [f"{run.id} is {run.state}" for run in self.runs.values() if run.state in WAITS]
        if waiting:
            yield Breach("20", f"runs of 1C have not ended: {', '.join(waiting)}")
        packet = self._packet(self.last) if self.last is not None else None
        if self.last is None or packet is None or packet is not self.view.books.last:
            yield Breach("20", "the last whole list of 1C was not taken in")
        else:
            yield from self._exact(shop, self.last, packet)
        for key in ("failed", "stopped"):
            if f"source:{self.view.source_id}:{key}" in shop.now.notices:
                yield Breach("20", f"1C's figures are in, and the alarm ({key}) is left")
        yield from self._same_orders(shop, in_step=in_step)

    def _packet(self, run: Run) -> Packet | None:
        return self.view.books.packet(run.reference)

    # --- figures --------------------------------------------------------------------------------------------------------------------------

    def _moved(self, shop: Shop, runs: Mapping[int, Run], move: Movement, *, in_step: bool) -> Iterator[Breach]:
        run = runs.get(int(move.reference.split(":")[2]))
        packet = self._packet(run) if run is not None else None
        if run is None or packet is None:
            yield Breach("20", f"movement {move.reference} belongs to no file that 1C has sent")
            return
        at_ours = move.to_location_id if move.to_location_id in self.view.place_ids else move.from_location_id
        spot = (move.stock_unit_id, at_ours)
        if run.state in {"stopped", "dropped", "replaced", "failed"}:
            yield Breach("20", f"run {run.id} is {run.state} and has moved {shop.spot(spot)}")
        if self._figure(shop, run, packet, spot) is None:
            yield Breach("20", f"{shop.spot(spot)} moved, and the file of run {run.id} does not say anything about it")
        elif in_step:
            yield from self._judged(shop, run, packet, spot, move.id)

    def _done(self, shop: Shop, run: Run, *, in_step: bool) -> Iterator[Breach]:
        packet = self._packet(run)
        if packet is None:
            yield Breach("20", f"run {run.id} is done, and 1C has sent no such file")
            return
        self.last = run if packet.whole else self.last
        if not in_step:
            return
        fast = packet.formed_at > packet.read_at
        if (run.as_of < packet.read_at.replace(microsecond=0)) if fast else (run.as_of != packet.formed_at):
            yield Breach("20", f"run {run.id} is as of {run.as_of}, its file is of {packet.formed_at}, formed at {packet.read_at}")
        yield from self._exact(shop, run, packet)

    def _exact(self, shop: Shop, run: Run, packet: Packet) -> Iterator[Breach]:
        """Every figure of the file is in the ledger, whether or not it changed anything."""
        for unit in shop.units.values():
            for place in self.view.place_ids:
                spot = (unit.id, place)
                level = shop.levels.get(spot)
                listed = (unit.sku, place) in packet.figures
                if (listed or (level and level.on_hand)) and self._figure(shop, run, packet, spot) is not None:
                    yield from self._judged(shop, run, packet, spot)

    def _figure(self, shop: Shop, run: Run, packet: Packet, spot: Spot) -> int | None:
        """What the file says; None if it says nothing."""
        everything = run.whole and packet.whole and self.view.mode == "all"
        return packet.figures.get((shop.sku(spot[0]), spot[1]), 0 if everything and shop.units[spot[0]].kind != "kit" else None)

    def _judged(self, shop: Shop, run: Run, packet: Packet, spot: Spot, last: int | None = None) -> Iterator[Breach]:
        if (run.id, spot) in self.clipped or self._entered_late(shop, run, spot):
            return
        allowed = self._range(shop, run, packet, spot)
        upto, since = balance(shop, spot, run.as_of, last)
        if max(allowed.low, 0) <= upto <= max(allowed.high, 0):
            return
        if upto + since == 0 and max(allowed.low, 0) + since <= 0:
            self.clipped.add((run.id, spot))
            return
        said = packet.figures.get((shop.sku(spot[0]), spot[1]))
        shelf = f"from {allowed.low} to {allowed.high}" if allowed.low < allowed.high else str(allowed.low)
        kind = "free" if self.view.free else "gross"
        text = f"1C says {said} ({kind}) as of {run.as_of}, by both books {shelf} lay there; the ledger has {upto}, and {since} since"
        yield Breach("20", f"{shop.spot(spot)}: {text}")

    def _entered_late(self, shop: Shop, run: Run, spot: Spot) -> bool:
        """Whether somebody has entered something since the file's moment that happened before it."""
        return any(
            move.cause != "source" and move.occurred_at <= run.as_of <= self.seen[move.id] and spot in _spots(move)
            for move in shop.movements
        )

    def _range(self, shop: Shop, run: Run, packet: Packet, spot: Spot) -> Range:
        """What lay there at the moment of the file, by both books."""
        sku = shop.sku(spot[0])
        figure = packet.figures.get((sku, spot[1]))
        if figure is None:
            return Range(0, 0)
        sums = Range(figure, figure)
        left = self._left_for(shop, spot)
        for order in sorted(packet.orders.keys() | left.keys()):
            known, gone = packet.orders.get(order, NOTHING), left.get(order, ())
            then = sum(one.units for one in gone if one.at <= run.as_of)
            if order not in packet.orders:
                sums = sums.with_(Range(-then, -then))
            elif self.view.free:
                sums = sums.with_(self._free(shop, run, known, order, spot, then))
            else:
                sums = sums.with_(self._gross(packet, run, known, (sku, spot[1]), then))
        return sums

    def _free(self, shop: Shop, run: Run, known: InBooks, order: int, spot: Spot, then: int) -> Range:
        """What is to be added to a free figure for an order that 1C has."""
        sku = shop.sku(spot[0])
        wanted = self._wanted(shop, order)[spot[0]]
        true = known.reserved(sku) + known.booked.get((sku, spot[1]), 0) - then
        confirmed = known.confirmed_at is not None and known.confirmed_at <= run.as_of
        if confirmed and known.is_told and known.lines.get(sku, 0) == wanted and self._left_from_here(shop, order, spot):
            return Range(true, true)
        # 1C has let an order go that is open here, or a line of it was linked after it had gone over: the hub adds what it promises.
        too_much = (known.cancelled and not known.is_told) or wanted > known.lines.get(sku, 0)
        return Range(min(true, -then), max(true, wanted - then) if too_much else max(true, -then))

    def _gross(self, packet: Packet, run: Run, known: InBooks, spot: tuple[str, int], then: int) -> Range:
        """What is to be taken off a gross figure for an order that 1C has."""
        true = known.booked.get(spot, 0) - then
        confirmed = known.confirmed_at is not None and known.confirmed_at <= run.as_of
        if known.is_told and confirmed and packet.reports:
            return Range(min(true, 0), max(true, 0)) if known.shipped else Range(true, true)
        # Until 1C has told what became of any order, the hub believes that it books out at once.
        return Range(min(true, -then), max(true, 0) if not packet.reports else max(true, -then))

    def _wanted(self, shop: Shop, order: int) -> Counter[int]:
        """Base units that an order takes, by unit: ordered and not cancelled."""
        found = Counter[int]()
        for line in shop.lines.values():
            if line.order_id == order:
                for unit, number in shop.recipes.get(line.stock_unit_id or 0, ()):
                    found[unit] += (line.ordered - line.cancelled) * line.pack_factor * number
        return found

    def _left_from_here(self, shop: Shop, order: int, spot: Spot) -> bool:
        """Whether nothing of the unit has left for the order from another place: until 1C books that out, it keeps as much here."""
        lines = {line.id for line in shop.lines.values() if line.order_id == order}
        gone = [left.spot[1] for left in self.left if left.line in lines and left.spot[0] == spot[0]]
        return set(gone) <= {spot[1]}

    def _left_for(self, shop: Shop, spot: Spot) -> Mapping[int, list[Left]]:
        """By order, what has left from a spot for it."""
        found: dict[int, list[Left]] = defaultdict(list)
        for left in self.left:
            if left.spot == spot:
                found[shop.lines[left.line].order_id].append(left)
        return found

    # --- orders ---------------------------------------------------------------------------------------------------------------------------

    def _same_orders(self, shop: Shop, *, in_step: bool) -> Iterator[Breach]:
        """1C has every order of ours, as it is; and what it told of them stands here."""
        books = self.view.books.orders
        for order in shop.orders.values():
            known = books.get(order.id)
            wanted = {shop.sku(unit): number for unit, number in self._wanted(shop, order.id).items() if number}
            if known is None:
                if in_step and _must_be_there(shop, order):
                    yield Breach("20", f"order {order.external_id} never came to 1C")
            elif wanted != {sku: number for sku, number in known.lines.items() if number}:
                yield Breach("20", f"1C has {dict(known.lines)} of order {order.external_id}, it is {wanted}")
        for order_id, shipped, cancelled in ask(SAID, exchange=self.view.exchange_id):
            known = books.get(order_id)
            if known is not None and known.told is not None and known.told != (shipped, cancelled):
                number = shop.orders[order_id].external_id
                yield Breach("20", f"1C told (shipped, cancelled) {known.told} of order {number}, here stands {(shipped, cancelled)}")


def _must_be_there(shop: Shop, order: Order) -> bool:
    """Whether 1C must have heard of the order: it is a sale of ours, and something is left of it."""
    lines = [line for line in shop.lines.values() if line.order_id == order.id]
    left = any(line.ordered > line.cancelled for line in lines)
    return order.fulfilled_by == "seller" and order.state not in {"pending", "cancelled"} and left


def _left(move: Movement) -> Left | None:
    parts = move.reference.split(":")
    if move.cause != "ship" or parts[0] not in LINE:
        return None
    back = parts[0] == "not_left"
    spot = (move.stock_unit_id, move.to_location_id if back else move.from_location_id)
    return Left(int(parts[LINE[parts[0]]]), spot, -move.quantity if back else move.quantity, move.occurred_at)


def _spots(move: Movement) -> tuple[Spot, Spot]:
    return (move.stock_unit_id, move.from_location_id), (move.stock_unit_id, move.to_location_id)
