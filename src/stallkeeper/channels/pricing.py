"""What an offer should cost: one pure function with its trace, and the rows that differ written.

Base price from the channel's price list, mark-up, tax inside or outside, currency, rounding: in this order, each once (C13, C14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from django.db import connection

from stallkeeper.catalog.prices import PRICED
from stallkeeper.channels import price_queries
from stallkeeper.channels.models import Channel, PriceRounding
from stallkeeper.channels.price_queries import PriceFacts, PriceRow
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase, before_commit
from stallkit.registry import manifest_of
from stallkit.words import said as _

HUNDRED = Decimal(100)


class PriceRuleError(ValueError):
    """A price cannot be worked out; the text names the setting of the channel that is missing."""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One step of the working: the price after it, and what was applied."""

    name: str
    price: Decimal
    note: str = ""


def work_out(base: Decimal, pack_factor: int, facts: PriceFacts) -> list[PriceStep]:
    """The steps from the list price to the price to show; the last one is the price. PriceRuleError names a setting that is missing."""
    steps = [PriceStep("list_price", base, facts.list_code)]
    if pack_factor != 1:
        steps.append(PriceStep("pack_factor", steps[-1].price * pack_factor, f"× {pack_factor}"))
    steps.append(PriceStep("mark_up", steps[-1].price * (HUNDRED + facts.mark_up) / HUNDRED, f"{facts.mark_up:+} %"))
    steps.append(PriceStep("tax", *_tax(steps[-1].price, facts)))
    steps.append(PriceStep("currency", *_convert(steps[-1].price, facts)))
    steps.append(PriceStep("rounding", round_price(steps[-1].price, facts), facts.rounding))
    return steps


def _tax(price: Decimal, facts: PriceFacts) -> tuple[Decimal, str]:
    inside = manifest_of(facts.platform).quirks.prices_include_tax
    if inside == facts.list_includes_tax:
        return price, "inside on both sides" if inside else "outside on both sides"
    if facts.tax_rate is None:
        raise PriceRuleError(
            _(
                "Channel {code}: the price list and the platform differ in tax inside or outside of the price; set the tax rate.",
                code=facts.code,
            )
        )
    factor = (HUNDRED + facts.tax_rate) / HUNDRED
    return (price * factor, f"+ {facts.tax_rate} %") if inside else (price / factor, f"without {facts.tax_rate} %")


def _convert(price: Decimal, facts: PriceFacts) -> tuple[Decimal, str]:
    if facts.list_currency == facts.currency:
        return price, facts.currency
    if facts.exchange_rate is None:
        raise PriceRuleError(
            _(
                "Channel {code} sells in {currency}, its price list is in {list_currency}; set an exchange rate.",
                code=facts.code,
                currency=facts.currency,
                list_currency=facts.list_currency,
            )
        )
    return price * facts.exchange_rate, f"{facts.list_currency} × {facts.exchange_rate} ({facts.rate_source})"


def round_price(price: Decimal, facts: PriceFacts) -> Decimal:
    """The price as the channel takes it: to its decimals, or up to the wanted ending."""
    if facts.rounding == PriceRounding.WHOLE:
        return price.quantize(Decimal(1), ROUND_HALF_UP)
    if facts.rounding in {PriceRounding.ENDING_99, PriceRounding.ENDING_95}:
        ending = Decimal("0.99") if facts.rounding == PriceRounding.ENDING_99 else Decimal("0.95")
        return (price - ending).to_integral_value(ROUND_CEILING) + ending
    return price.quantize(Decimal(1).scaleb(-manifest_of(facts.platform).quirks.price_decimals), ROUND_HALF_UP)


def refresh_prices(uc: UseCase, channel_id: int, unit_ids: Sequence[int] | None = None) -> int:
    """Work out the prices of a channel's offers (of some units, or all) and write what differs; returns how many differed.

    A channel without a price list has no prices to send. PriceRuleError if a setting is missing: nothing is written then.
    """
    with connection.cursor() as cursor:
        price_queries.lock_prices(cursor, uc.organisation_id, channel_id, unit_ids)
        facts = price_queries.gather_channel(cursor, uc.organisation_id, channel_id)
        if facts is None:
            return 0
        rows = price_queries.gather_prices(cursor, uc.organisation_id, channel_id, facts.list_id, unit_ids)
        changed = [(row, price) for row in rows for price in [_intended(row, facts)] if price != row.intended]
        if changed:
            price_queries.write_intended(
                cursor,
                uc.organisation_id,
                uc.at,
                channel_id,
                facts.currency,
                [(row.offer_id, price) for row, price in changed],
                facts.sends,
            )
            uc.mark("wake_connection", [facts.connection_id])
        # What was worked out while nothing could go out is listed once the whole channel is looked at: a switch was turned.
        if unit_ids is None and facts.sends and price_queries.list_unsent(cursor, uc.organisation_id, uc.at, channel_id):
            uc.mark("wake_connection", [facts.connection_id])
    return len(changed)


@before_commit(20)
def refresh_priced(uc: UseCase) -> None:
    """Base prices changed, or offers are new: what they should cost follows in the same transaction.

    A channel whose settings do not allow it keeps its prices, and says why: an import must not fail for it.
    """
    units = uc.take(PRICED)
    if not units:
        return
    for channel in Channel.objects.filter(price_list__isnull=False).order_by("pk"):
        key = f"channel:{channel.pk}:prices"
        try:
            refresh_prices(uc, channel.pk, units)
            notify.resolve(uc, key)
        except PriceRuleError as error:
            title = _("{channel}: prices cannot be worked out", channel=channel.name)
            notify.raise_(uc, key, Severity.WARNING, title, str(error))


def what_if(channel: Channel, unit_ids: Sequence[int] | None = None) -> dict[int, Decimal | None]:
    """The price of every offer of a channel (or those of some units) by rules that are not saved: the same working. PriceRuleError if a
    setting is missing."""
    price_list = channel.price_list
    if price_list is None:
        return {}
    facts = PriceFacts(
        connection_id=channel.connection_id,
        platform=channel.connection.platform,
        code=channel.code,
        currency=channel.currency,
        sends=channel.prices_enabled,
        list_id=price_list.pk,
        list_code=price_list.code,
        list_currency=price_list.currency,
        list_includes_tax=price_list.tax_included,
        mark_up=channel.mark_up,
        rounding=channel.price_rounding,
        exchange_rate=channel.exchange_rate,
        rate_source=channel.exchange_rate_source,
        tax_rate=channel.tax_rate,
    )
    with connection.cursor() as cursor:
        rows = price_queries.gather_prices(cursor, channel.organisation_id, channel.pk, price_list.pk, unit_ids)
    return {row.offer_id: _intended(row, facts) for row in rows}


def _intended(row: PriceRow, facts: PriceFacts) -> Decimal | None:
    if row.excluded or row.base is None:
        return None
    return work_out(row.base, row.pack_factor, facts)[-1].price
