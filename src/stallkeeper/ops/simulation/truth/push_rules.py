"""Invariants 9 and 10 at the moment of sending: what may go out now, and what the channel's no must leave behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from stallkeeper.ops.simulation.truth.belief import Value
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Offer
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView


@dataclass
class Pushes:
    """Remembers since when a channel does not send, and since when it shows what it shows."""

    off: dict[int, datetime] = field(default_factory=dict)
    shut: dict[int, datetime] = field(default_factory=dict)
    """The same of accounts: nothing may be written there."""
    seen: dict[int, tuple[tuple[int | None, datetime | None], datetime | None]] = field(default_factory=dict)
    """By offer: what was last read after which acceptance, and when that was read first; looking again tells nothing new."""

    def check(
        self, shop: Shop, stalls: Mapping[int, StallView], at: datetime, submitted: Mapping[int, Set[Value]], *, in_step: bool
    ) -> Iterator[Breach]:
        _note_closed(self.off, {channel.id: channel.sends for channel in shop.channels.values()}, at)
        _note_closed(self.shut, {account.id: account.writes for account in shop.accounts.values()}, at)
        if in_step:
            yield from self._commands(shop)
        for offer in shop.offers.values():
            was = shop.offers_before.get(offer.id)
            if in_step and was is not None and _sent_anew(was, offer):
                yield from self._may_go(shop, was, offer, stalls.get(offer.channel_id))
            if offer.id not in self.seen or self.seen[offer.id][0] != (offer.observed, offer.accepted_at):
                self.seen[offer.id] = (offer.observed, offer.accepted_at), offer.observed_at
        yield from refusals(shop, submitted)
        yield from lost_accounts(shop)

    def _may_go(self, shop: Shop, was: Offer, offer: Offer, stall: StallView | None) -> Iterator[Breach]:
        off = self.off.get(offer.channel_id)
        if off is not None and offer.sent_at is not None and offer.sent_at > off:
            yield Breach("10", f"{shop.offer(offer)}: {offer.sent} goes out at {offer.sent_at}, sending is off since {off}")
        if was.refused is not None and was.refused == offer.sent and was.refused == offer.refused:
            yield Breach("10", f"{shop.offer(offer)}: {offer.sent} goes out again, which the channel refused at {was.refused_at}")
        if stall is not None and shop.channels[offer.channel_id].orders_enabled:
            yield from _after_the_pull(shop, was, offer, stall, self.seen.get(offer.id, (None, None))[1])

    def _commands(self, shop: Shop) -> Iterator[Breach]:
        """10: nobody is told of an order either while nothing may be written to the account."""
        for command in shop.now.commands:
            was, shut = shop.commands_before.get(command.id), self.shut.get(command.connection_id)
            anew = command.sent_at is not None and (was is None or was.sent_at != command.sent_at)
            if anew and shut is not None and command.sent_at is not None and command.sent_at > shut:
                told = f"{command.kind} ({command.key}) goes out at {command.sent_at}"
                yield Breach("10", f"{told}, nothing may be written to account {command.connection_id} since {shut}")


def _note_closed(closed: dict[int, datetime], open_now: Mapping[int, bool], at: datetime) -> None:
    """Since when what is closed now was closed."""
    for one, is_open in open_now.items():
        if is_open:
            closed.pop(one, None)
        else:
            closed.setdefault(one, at)


def _sent_anew(was: Offer, offer: Offer) -> bool:
    return offer.sent_at is not None and offer.sent_at != was.sent_at and (was.sent_at is None or offer.sent_at > was.sent_at)


def _after_the_pull(shop: Shop, was: Offer, offer: Offer, stall: StallView, first_seen: datetime | None) -> Iterator[Breach]:
    """9: nothing is raised on old orders, nor over a fall (``first_seen`` then) that may be a sale which was not pulled yet."""
    watermark = shop.accounts[stall.connection_id].watermark
    if offer.sent is None or offer.sent_at is None:
        return
    read = offer.observed_at != was.observed_at  # in a commit that was not looked at by itself
    known = [value for value in ((offer.observed,) if read else (was.believed, was.observed)) if value is not None]
    if (watermark is None or offer.sent_at - watermark > stall.order_freshness) and known and offer.sent > min(known):
        told = f"the orders are as of {watermark}, and {min(known)} is shown"
        yield Breach("9", f"{shop.offer(offer)}: {offer.sent} goes out at {offer.sent_at}, but {told}")
    if watermark is None or was.observed is None or was.accepted is None or first_seen is None or was.believed != was.observed:
        return
    if was.observed < was.accepted and offer.sent > was.observed and first_seen > watermark:
        told = f"the figure fell from {was.accepted} to {was.observed}, and the orders are as of {watermark}"
        yield Breach("9", f"{shop.offer(offer)}: {offer.sent} goes out, but {told}")


def refusals(shop: Shop, submitted: Mapping[int, Set[Value]]) -> Iterator[Breach]:
    """10: a no of the channel stands on the offer, with its words; unless another value has gone out since the one that was submitted."""
    for row in shop.now.sent:
        offer = shop.offers.get(row.offer_id)
        if offer is not None and row.kind == "quantity" and row.outcome == "rejected" and shop.looks > 1 and offer.refused != row.value:
            if row.value in submitted.get(row.offer_id, ()):
                continue
            yield Breach("10", f"{shop.offer(offer)}: the channel refused {row.value}, and the offer says it refused {offer.refused}")
    for offer in shop.offers.values():
        if offer.refused is not None and not offer.refused_why.strip():
            yield Breach("10", f"{shop.offer(offer)}: the channel refused {offer.refused}, and nobody can see why")


def lost_accounts(shop: Shop) -> Iterator[Breach]:
    """10: whoever must connect an account again is told so."""
    for account in shop.accounts.values():
        if account.state == "needs_reconnect" and f"connection:{account.id}:needs_reconnect" not in shop.now.notices:
            yield Breach("10", f"account {account.id} must be connected again, and nobody is told")
