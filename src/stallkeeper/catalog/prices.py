"""Price lists and base prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import connection

from stallkeeper.catalog import queries
from stallkeeper.catalog.amounts import AmountError, checked, known_currencies
from stallkeeper.catalog.models import Price, PriceList
from stallkeeper.catalog.texts import CatalogueError
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

PRICED = "priced_unit"
"""Mark: units whose base price changed; the prices of their offers must be worked out again."""


def price_list(uc: UseCase, code: str, currency: str, *, tax_included: bool = True) -> PriceList:
    """The price list with this code, made if missing. CatalogueError if it has another currency or the currency is unknown."""
    code, currency = code.strip(), currency.strip().upper()
    if currency not in known_currencies():
        raise CatalogueError("currency", _("{currency} is not a currency code; write it like EUR.", currency=currency or _("nothing")))
    if not 1 <= len(code) <= 30:
        raise CatalogueError("code", _("must have 1 to 30 characters."))
    found, new = PriceList.objects.get_or_create(
        organisation_id=uc.organisation_id, code=code, defaults={"currency": currency, "tax_included": tax_included}
    )
    if found.currency != currency:
        raise CatalogueError(
            "currency",
            _(
                "price list {code} is in {known}; use another code for prices in {currency}.",
                code=code,
                known=found.currency,
                currency=currency,
            ),
        )
    if new:
        audit.record(uc, "create.price_list", "price_list", found.pk, code=code, currency=currency, tax_included=tax_included)
    return found


def set_prices(uc: UseCase, price_list_id: int, prices: Mapping[int, Decimal]) -> list[int]:
    """Set base prices {unit: amount} of a list; the units whose price changed. Their offers' prices are worked out again."""
    if not PriceList.objects.filter(organisation_id=uc.organisation_id, pk=price_list_id).exists():
        raise CatalogueError("price_list", _("there is no price list with number {price_list_id}.", price_list_id=price_list_id))
    units = sorted(prices)
    amounts = [_checked(prices[unit]) for unit in units]
    with connection.cursor() as cursor:
        known = queries.lock_units(cursor, uc.organisation_id, units)
        if missing := [unit for unit in units if unit not in known]:
            raise CatalogueError("sku", _("there is no stock unit with number {missing}.", missing=missing[0]))
        changed = queries.set_prices(cursor, uc.organisation_id, price_list_id, units, amounts)
    uc.mark(PRICED, changed)
    audit.record_many(
        uc, [audit.Entry("set.price", "stock_unit", unit, {"price_list": price_list_id, "amount": prices[unit]}) for unit in changed]
    )
    return changed


def remove_price(uc: UseCase, price_list_id: int, unit_id: int) -> bool:
    """Take a unit off a price list; whether it was on it."""
    gone, _ = Price.objects.filter(organisation_id=uc.organisation_id, price_list_id=price_list_id, stock_unit_id=unit_id).delete()
    if gone:
        uc.mark(PRICED, [unit_id])
        audit.record(uc, "remove.price", "stock_unit", unit_id, price_list=price_list_id)
    return bool(gone)


def _checked(amount: Decimal) -> Decimal:
    try:
        return checked(amount)
    except AmountError as error:
        raise CatalogueError("price", str(error)) from None
