"""Invariants 9 and 10 for prices: what each offer should cost, that differences are sent, and that the channel shows it in the end.

The steps are those of the architecture, in its order: base price, pack factor, mark-up, tax inside or outside, currency, rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Price, Tariff
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.manifest import Quirks

ENDINGS = {"ending_99": Decimal("0.99"), "ending_95": Decimal("0.95")}


@dataclass
class Prices:
    """Remembers since when a channel does not send prices."""

    off: dict[int, datetime] = field(default_factory=dict)

    def check(self, shop: Shop, stalls: Mapping[int, StallView], at: datetime, *, in_step: bool) -> Iterator[Breach]:
        tariffs = {row.channel_id: row for row in shop.now.tariffs}
        for tariff in tariffs.values():
            if tariff.sends:
                self.off.pop(tariff.channel_id, None)
            else:
                self.off.setdefault(tariff.channel_id, at)
        yield from _worked_out(shop, stalls, tariffs)
        yield from _listed(shop, tariffs)
        for price in shop.prices.values() if in_step else ():
            yield from self._may_go(shop, price)

    def _may_go(self, shop: Shop, price: Price) -> Iterator[Breach]:
        was, off = shop.prices_before.get(price.id), self.off.get(price.channel_id)
        if was is None or price.sent_at is None or price.sent_at == was.sent_at or (was.sent_at and price.sent_at < was.sent_at):
            return
        if off is not None and price.sent_at > off:
            yield Breach("10", f"{shop.offer(price)}: the price {price.sent} goes out at {price.sent_at}, sending is off since {off}")
        if was.refused is not None and was.refused == price.sent == price.refused:
            yield Breach("10", f"{shop.offer(price)}: the price {price.sent} goes out again, which the channel refused at {was.refused_at}")


def _worked_out(shop: Shop, stalls: Mapping[int, StallView], tariffs: Mapping[int, Tariff]) -> Iterator[Breach]:
    """Every offer is meant to cost what its channel's rules make of the base price."""
    base = {(row.price_list_id, row.stock_unit_id): row.amount for row in shop.now.base_prices}
    for price in shop.prices.values():
        tariff, stall = tariffs[price.channel_id], stalls.get(price.channel_id)
        if stall is None:
            continue
        amount = None if price.excluded else base.get((tariff.price_list_id, price.stock_unit_id))
        right = None if amount is None else cost(amount * price.pack_factor, tariff, stall.quirks)
        if price.intended != right:
            yield Breach("10", f"{shop.offer(price)} is meant to cost {price.intended}, by the rules it is {right}")


def cost(amount: Decimal, tariff: Tariff, quirks: Quirks) -> Decimal:
    """Mark-up, tax, currency, rounding."""
    price = amount + amount * tariff.mark_up / 100
    if quirks.prices_include_tax != tariff.list_includes_tax:
        tax = 1 + (tariff.tax_rate or Decimal(0)) / 100
        price = price * tax if quirks.prices_include_tax else price / tax
    if tariff.currency != tariff.list_currency:
        price *= tariff.exchange_rate or Decimal(0)
    if ending := ENDINGS.get(tariff.rounding):
        return (price - ending).to_integral_value(ROUND_CEILING) + ending
    decimals = 0 if tariff.rounding == "whole" else quirks.price_decimals
    return price.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _listed(shop: Shop, tariffs: Mapping[int, Tariff]) -> Iterator[Breach]:
    """What a channel is not believed to show is listed to be sent, on its way, or refused; a no stands there with its words."""
    todo = {row.offer_id for row in shop.now.todo if row.kind == "price"}
    todo |= {row.offer_id for row in shop.now.tickets if row.kind == "price"}
    for price in shop.prices.values():
        wanted = price.intended is not None and price.intended not in (price.believed, price.refused)
        if wanted and tariffs[price.channel_id].sends and price.id not in todo:
            told = f"should cost {price.intended}, is believed to cost {price.believed}"
            yield Breach("10", f"{shop.offer(price)} {told}, and nobody is going to send it")
        if price.refused is not None and not price.refused_why.strip():
            yield Breach("10", f"{shop.offer(price)}: the channel refused the price {price.refused}, and nobody can see why")


# --- once everything is quiet -------------------------------------------------------------------------------------------------------------


def shown(shop: Shop, stalls: Mapping[int, StallView]) -> Iterator[Breach]:
    """10 at the end: the price that is meant, the one that is believed and the platform's own are one, wherever prices are sent."""
    sends = {row.channel_id for row in shop.now.tariffs if row.sends}
    for price in shop.prices.values():
        stall = stalls.get(price.channel_id)
        if stall is None or price.channel_id not in sends or price.intended in (None, price.refused):
            continue
        there = stall.emulator.price_of(price.sku) if price.sku in stall.emulator.offers else None
        if not price.intended == price.believed == there:
            told = f"meant to cost {price.intended}, believed {price.believed}, there it is {there}"
            yield Breach("10", f"{shop.offer(price)} on {stall.name}: {told}")
