"""Invariant 9 and the definition of belief: what an offer's figures may have become from one commit to the next.

Belief is the last accepted value, less own units sold there since; a read replaces it; NULL when nobody can tell. Forgetting is always
allowed. Anything else that becomes belief must come from what the channel has accepted or shown, or from what held before a call that did
not happen, and may differ from that by no more than the units of the lines that moved in the same commit. ``faithful`` then compares belief
with the platform's own figure wherever nothing is under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Offer, Price
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.manifest import OwnSale

Figures = Offer | Price
"""What was sent, accepted, read and is believed: of a quantity, or of a price."""
Value = int | Decimal
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Flight:
    """A value of which nobody knows yet whether it arrived, and what was believed before it was sent."""

    value: Value | None
    at: datetime
    believed: Value | None
    before: datetime | None
    """When the value before it was sent: a call that is given back leaves that moment."""


@dataclass
class Beliefs:
    """Remembers, per offer, the send that is open. ``kind``: "quantity" or "price"."""

    kind: str = "quantity"
    flights: dict[int, Flight] = field(default_factory=dict)
    submitted: dict[int, set[Value]] = field(default_factory=dict)
    """Values that stood in a bulk submission, by offer: their answers come later, and cuts do not wait for them."""
    in_step: bool = True
    """Whether all clocks have gone right so far. Machines must keep them so: with wrong ones, belief is no better than the next read."""

    def check(self, shop: Shop) -> Iterator[Breach]:
        moved, answered = _moved(shop) if self.kind == "quantity" else Counter[int](), self._answered(shop)
        postponed = {row.offer_id for row in shop.now.sent if row.kind == self.kind and row.outcome == "postponed"}
        for row in shop.now.tickets:
            if row.kind == self.kind:
                self.submitted.setdefault(row.offer_id, set()).add(row.value)
        earlier, now = self._figures(shop)
        for offer in now.values():
            was = earlier.get(offer.id)
            if was is None or was == offer:
                continue
            before = self.flights.get(offer.id)
            yield from self._sent(shop, was, offer, offer.id in answered)
            yield from self._accepted(shop, was, offer)
            if self.in_step:
                yield from _believed(shop, was, offer, before, moved[offer.id], postponed=offer.id in postponed)
        for offer_id in answered:
            self.flights.pop(offer_id, None)
        yield from self._log_is_true(shop)

    def _figures(self, shop: Shop) -> tuple[Mapping[int, Figures], Mapping[int, Figures]]:
        """At the last look, and now."""
        return (shop.offers_before, shop.offers) if self.kind == "quantity" else (shop.prices_before, shop.prices)

    def _answered(self, shop: Shop) -> set[int]:
        """Offers of which this commit has logged what came of a figure that was sent."""
        return {row.offer_id for row in shop.now.sent if row.kind == self.kind}

    def _accepted(self, shop: Shop, was: Figures, offer: Figures) -> Iterator[Breach]:
        """What counts as accepted is in the log of what was sent, and it was sent: by the last call, or in a ticket."""
        if offer.accepted_at == was.accepted_at:
            return
        logged = (row for row in shop.now.sent if row.offer_id == offer.id and row.kind == self.kind and row.outcome == "accepted")
        if not any(row.value == offer.accepted for row in logged):
            yield Breach("9", f"{shop.offer(offer)}: {offer.accepted} counts as accepted, and the log of what was sent does not say so")
        if offer.accepted != was.sent and offer.accepted not in self.submitted.get(offer.id, set()):
            yield Breach("9", f"{shop.offer(offer)}: {offer.accepted} counts as accepted, sent was {was.sent}")

    def _sent(self, shop: Shop, was: Figures, offer: Figures, answered: bool) -> Iterator[Breach]:
        """One push in flight: a new one only once the last has an answer, was given back, or the channel was read since.

        A bulk submission may be overtaken: its items are read once it has ended.
        """
        if offer.sent_at == was.sent_at:
            return
        flight = self.flights.pop(offer.id, None)
        if offer.sent_at is None or (flight is not None and offer.sent_at == flight.before):
            return  # given back: it is as if it had never been sent (a worker's clock may be behind, so earlier says nothing)
        read_since = flight is not None and offer.observed_at is not None and offer.observed_at >= flight.at
        submitted = flight is not None and flight.value in self.submitted.get(offer.id, set())
        if flight is not None and not answered and not read_since and not submitted:
            yield Breach("9", f"{shop.offer(offer)}: {offer.sent} is sent while {flight.value}, sent at {flight.at}, has no answer")
        self.flights[offer.id] = Flight(offer.sent, offer.sent_at, was.believed, was.sent_at)

    def _log_is_true(self, shop: Shop) -> Iterator[Breach]:
        for row in shop.now.sent:
            if row.offer_id not in shop.offers:
                yield Breach("9", f"the log of what was sent names offer {row.offer_id}, which does not exist")

    # --- against the platform's own figure ------------------------------------------------------------------------------------------------

    def faithful(self, shop: Shop, stalls: Mapping[int, StallView]) -> Iterator[Breach]:
        """9: where nothing is under way, a belief that is not NULL is the platform's own figure: no older push has landed over it, no own
        sale was taken off twice or not at all. Figures that a hand has edited, or that the platform itself mislaid, are left out."""
        if not self.in_step:
            return
        tickets = {row.offer_id for row in shop.now.tickets}
        shifted = {channel: stall.shifted() for channel, stall in stalls.items()}
        moving = _moving(shop, stalls)
        for offer in shop.offers.values():
            known = _known_since(offer)
            quiet = offer.id not in self.flights and offer.id not in tickets and (offer.channel_id, offer.sku) not in moving
            if offer.believed is None or known is None or not quiet or offer.channel_id not in stalls:
                continue
            there, moment = stalls[offer.channel_id].kept(offer.sku), shifted[offer.channel_id].get(offer.sku)
            if there not in (None, offer.believed) and (moment is None or moment < known):
                told = f"is believed to be {offer.believed} on {stalls[offer.channel_id].name}, there it is {there}"
                rests = f"accepted {offer.accepted} at {offer.accepted_at}, read {offer.observed} at {offer.observed_at}"
                yield Breach("9", f"{shop.offer(offer)} {told} ({rests})")


def _known_since(offer: Offer) -> datetime | None:
    """When the call or the read began that belief rests on. A call that was refused, or given back, is not the one that was accepted; a
    read that told no figure says nothing, nor one that began during a call whose yes was written down after it: that yes is believed. When
    that call began is no longer known where a later one was refused: it may have been before all that the platform did by itself."""
    sent = offer.sent_at if offer.sent_at and offer.accepted_at and offer.accepted_at >= offer.sent_at else None
    read = offer.observed_at if offer.observed is not None else None
    if read and offer.accepted_at and read < offer.accepted_at and (sent is None or sent <= read):
        return sent or LONG_AGO
    return max(filter(None, (sent, read)), default=None)


def _moved(shop: Shop) -> Counter[int]:
    """At most so many own units moved on the channel, by offer: those of lines that were written, or whose order or command went on."""
    orders = {order.id for order in shop.now.orders} | {command.subject_id for command in shop.now.commands}
    units: Counter[int] = Counter()
    written = {line.id for line in shop.now.lines}
    for line in shop.lines.values():
        if line.offer_id is not None and (line.id in written or line.order_id in orders):
            units[line.offer_id] += line.ordered
    return units


def _believed(shop: Shop, was: Figures, offer: Figures, flight: Flight | None, moved: int, *, postponed: bool = False) -> Iterator[Breach]:
    if offer.believed is None or offer.believed == was.believed:
        return
    if not any(abs(Decimal(offer.believed) - base) <= moved for base in _bases(was, offer, flight, postponed=postponed)):
        told = f"{was.believed} was believed, now {offer.believed} (sent {offer.sent}, accepted {offer.accepted}, read {offer.observed})"
        yield Breach("9", f"{shop.offer(offer)}: {told}; at most {moved} own units have moved")


def _bases(was: Figures, offer: Figures, flight: Flight | None, *, postponed: bool) -> Iterator[Value]:
    """From where belief may come in one commit. ``postponed``: the platform said that it has changed nothing, not now."""
    if was.believed is not None:
        yield was.believed
    if offer.accepted_at != was.accepted_at and offer.accepted is not None:
        yield offer.accepted
    rests_on = (was.sent_at,) if was.believed is None else (was.sent_at, was.accepted_at)  # a ticket may have ended during the read
    written = max(filter(None, rests_on), default=None)
    read_at = None if offer.observed_at == was.observed_at else offer.observed_at
    if offer.observed is not None and read_at is not None and (written is None or read_at >= written):
        yield offer.observed
    if offer.refused_at != was.refused_at and offer.observed is not None:
        yield offer.observed  # a no leaves what is shown, and a read during the call has shown it
    undone = offer.sent_at != was.sent_at or offer.refused_at != was.refused_at or postponed
    if flight is not None and flight.believed is not None and undone:
        yield flight.believed


def _moves_figures(stall: StallView) -> Iterator[str]:
    """The commands that may change the platform's figure: where the order has lowered it, only a cancellation may."""
    yield from ("cancel",) if stall.quirks.own_sale_lowers is OwnSale.AT_ORDER else ("acknowledge", "ship", "cancel")


def _moving(shop: Shop, stalls: Mapping[int, StallView]) -> set[tuple[int, str]]:
    """(channel, SKU) of orders that are not the same there and here, or that we are about to change there: their figure may move."""
    ours = {(order.channel_id, order.external_id): order for order in shop.orders.values()}
    busy = {(command.subject_id, command.kind) for command in shop.commands.values() if command.state in {"queued", "sent"}}
    lines: dict[int, list[tuple[str, int, int, int]]] = {}
    for line in shop.lines.values():
        lines.setdefault(line.order_id, []).append((line.line_id, line.ordered, line.cancelled, line.shipped))
    found: set[tuple[int, str]] = set()
    for channel, stall in stalls.items():
        for remote in stall.emulator.orders.values():
            order = ours.get((channel, remote.order_id))
            theirs = sorted((line.line_id, line.ordered, line.cancelled, line.shipped) for line in remote.lines)
            quiet = order is not None and order.state == remote.state.value
            quiet = quiet and order is not None and not any((order.id, kind) in busy for kind in _moves_figures(stall))
            if order is None or not quiet or sorted(lines.get(order.id, [])) != theirs:
                found |= {(channel, line.sku) for line in remote.lines}
    return found
