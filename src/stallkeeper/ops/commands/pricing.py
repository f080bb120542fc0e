"""The command for base prices: price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.commands.stocktaking import unit_of
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.catalog.models import PriceList, StockUnit
    from stallkeeper.core.models import Organisation

COLUMNS = {"sku": "SKU", "list": "Price list", "amount": "Price", "currency": "Currency", "tax_included": "With tax"}
SHOWN = 200


@click.command()
@click.argument("sku", required=False)
@click.argument("amount", required=False)
@click.option("--list", "code", metavar="CODE", help="The price list; needed where there are several.")
@click.option("--remove", is_flag=True, help="Take the SKU off the list: no channel that follows it is sent a price.")
@json_option
@boot.for_organisation
def price(organisation: Organisation, sku: str | None, amount: str | None, code: str | None, remove: bool, as_json: bool) -> None:
    """Set the base price of SKU to AMOUNT; without AMOUNT, show what it is.

    Channels work their own price out from it (mark-up, rounding, currency) and are told if sending prices is on.

    \b
    Examples:
      stallkeeper price MUG-RED
      stallkeeper price MUG-RED 12.50
      stallkeeper price MUG-RED 9.90 --list outlet
      stallkeeper price MUG-RED --remove
    """
    if amount is not None and remove:
        raise Refusal("Give an amount or --remove, not both.")
    if (amount is not None or remove) and not sku:
        raise Refusal("Say which SKU; see 'stallkeeper price --help'.")
    if sku and (amount is not None or remove):
        _change(organisation, unit_of(sku), _list(code), amount)
    empty = f"There is no price of {sku}." if sku else "There are no prices yet: stallkeeper import products."
    terminal.show(_prices(sku, code), COLUMNS, as_json=as_json, empty=empty)


def _change(organisation: Organisation, unit: StockUnit, price_list: PriceList, amount: str | None) -> None:
    from stallkeeper.catalog import prices
    from stallkeeper.core.use_case import use_case

    with use_case("set.price", organisation_id=organisation.pk, actor=boot.actor()) as uc:
        if amount is None:
            prices.remove_price(uc, price_list.pk, unit.pk)
        else:
            prices.set_prices(uc, price_list.pk, {unit.pk: _amount(amount, price_list)})


def _amount(text: str, price_list: PriceList) -> Decimal:
    from stallkeeper.catalog.amounts import parse_amount

    amount, currency = parse_amount(text)
    if currency and currency != price_list.currency:
        raise Refusal(f"amount: price list {price_list.code} is in {price_list.currency}, not in {currency}.")
    return amount


def _list(code: str | None) -> PriceList:
    """The price list with this code in any case, or the only one; Refusal lists those there are."""
    from stallkeeper.catalog.models import PriceList

    lists = list(PriceList.objects.order_by("code"))
    found = [one for one in lists if code is None or one.code.lower() == code.lower()]
    if len(found) == 1:
        return found[0]
    if not lists:
        raise Refusal("There is no price list yet: the first import of products with prices makes one.")
    raise Refusal(f"Say which price list with --list: {', '.join(one.code for one in lists)}.")


def _prices(sku: str | None, code: str | None) -> list[dict[str, object]]:
    from stallkeeper.catalog.models import Price

    found = Price.objects.select_related("price_list", "stock_unit").order_by("stock_unit__sku", "price_list__code")
    if sku:
        found = found.filter(stock_unit=unit_of(sku))
    if code:
        found = found.filter(price_list__code__iexact=code)
    return [
        {"sku": one.stock_unit.sku, "list": one.price_list.code, "amount": one.amount, "currency": one.price_list.currency,
         "tax_included": one.price_list.tax_included}
        for one in found[:SHOWN]
    ]  # fmt: skip
