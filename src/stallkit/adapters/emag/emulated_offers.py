"""Offers of the emulated account: ``product_offer/read|count``, ``offer/save``, ``PATCH offer_stock`` (2.6.2, 2.8, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import msgspec

from stallkit.adapters.emag.emulated import counted, envelope, number, page, plain
from stallkit.testing.emulator import Fault, ShopOffer, WireReply

if TYPE_CHECKING:
    from stallkit.adapters.emag.emulator import Emulator

STOCK_FORM = "The stock field is mandatory. Its value must be a whole (integer) number. Decimals are not allowed. (ex: 5)"
"""Printed in the document's example "offer update", like the message for negative stock below."""
CHANGEABLE = {
    "id",
    "sale_price",
    "recommended_price",
    "min_sale_price",
    "max_sale_price",
    "currency_type",
    "stock",
    "handling_time",
    "vat_id",
    "status",
}


def read(shop: Emulator, filters: Mapping[str, object]) -> WireReply:
    unknown = shop.fault is Fault.UNKNOWN_ENUM
    rows = page(_chosen(shop, filters), filters, lambda offer: _render(shop, offer))
    if unknown and rows:
        rows[0]["validation_status"] = [{"value": 77, "description": "Something new", "errors": []}]
    return envelope(rows)


def count(shop: Emulator, filters: Mapping[str, object]) -> WireReply:
    return counted(len(_chosen(shop, filters)), filters)


def _chosen(shop: Emulator, filters: Mapping[str, object]) -> list[ShopOffer]:
    if "id" in filters:
        sku = shop.sku_of(number(filters, "id", 0))
        offers = [shop.offers[sku]] if sku is not None else []
    else:
        offers = list(shop.offers.values())
    if "status" in filters:
        offers = [offer for offer in offers if int(offer.live) == number(filters, "status", 1)]
    wanted = filters.get("part_number")
    return offers if wanted is None else [offer for offer in offers if offer.sku == str(wanted)]


def _render(shop: Emulator, offer: ShopOffer) -> dict[str, object]:
    low, high = shop.prices[offer.sku]
    return {
        "id": int(offer.external_id),
        "part_number_key": f"D{int(offer.external_id):07d}M",
        "part_number": offer.sku,
        "brand": "Demo",
        "name": offer.title,
        "category_id": 506,
        "ownership": 1,
        "sale_price": f"{offer.price:.4f}",
        "recommended_price": "",
        "min_sale_price": None if low is None else f"{low:.4f}",
        "max_sale_price": None if high is None else f"{high:.4f}",
        "currency": "RON",
        "ean": [offer.gtin] if offer.gtin else [],
        "general_stock": None if shop.fault is Fault.UNTOLD else shop.general[offer.sku],
        "estimated_stock": shop.general[offer.sku] - shop.waiting[offer.sku],
        "status": int(offer.live),
        "vat_id": 1,
        "warranty": 24,
        "handling_time": [{"warehouse_id": 1, "value": 0}],
        "validation_status": [{"value": 9, "description": "Approved documentation", "errors": []}],
        "offer_validation_status": {"value": 1, "description": "Saleable"},
        "images": [],
        "characteristics": [],
        "family": [],
    }


# --- writes -------------------------------------------------------------------------------------------------------------------------------


def save(shop: Emulator, rows: list[dict[str, object]]) -> WireReply:
    """One result per id, under an envelope whose own ``isError`` stays false."""
    return envelope({str(row.get("id", "")): _result(row, _save_one(shop, row)) for row in rows})


def _result(row: Mapping[str, object], wrong: list[str]) -> dict[str, object]:
    return {"isError": bool(wrong), "messages": wrong or [f"Offer {row.get('id')} updated successfully"]}


def _save_one(shop: Emulator, row: Mapping[str, object]) -> list[str]:
    """Check everything, then apply everything: an entity is saved whole or not at all."""
    sku = shop.sku_of(_whole(row.get("id")) or 0)
    if sku is None:
        return ["Offer not found, offer/save cannot create offers"]
    stock, wrong = _read_stock(shop, sku, row)
    price, limits, more = _read_price(shop, sku, row)
    wrong += [f"Unknown key {name}" for name in row if name not in CHANGEABLE] + more
    if wrong:
        return wrong
    shop.prices[sku] = limits
    if price is not None:
        shop.offers[sku].price = price
    if "status" in row:
        shop.offers[sku].live = _whole(row["status"]) == 1
    if stock is not None:
        shop.push_quantity(sku, stock)
    return []


def _read_stock(shop: Emulator, sku: str, row: Mapping[str, object]) -> tuple[int | None, list[str]]:
    if "stock" not in row:
        return None, []
    try:
        places = msgspec.convert(row["stock"], list[dict[str, int]])
        total = sum(place["value"] for place in places)
        shelves = {place["warehouse_id"] for place in places}
    except (msgspec.ValidationError, KeyError):
        return None, [STOCK_FORM]
    if any(place["value"] < 0 for place in places):
        return None, ["Stock should be 0 or more", STOCK_FORM]
    if any(place["value"] > 65_535 for place in places) or not shelves:
        return None, ["Stock should be at most 65535"]
    refused = shop.refusal(sku)
    return total, [refused] if refused else []


Limits = tuple[Decimal | None, Decimal | None]


def _read_price(shop: Emulator, sku: str, row: Mapping[str, object]) -> tuple[Decimal | None, Limits, list[str]]:
    names = ("sale_price", "min_sale_price", "max_sale_price")
    numbers = {name: _decimal(row[name]) for name in names if name in row}
    wrong = [f"The {name} field must be greater than 0, with up to four decimals" for name, value in numbers.items() if value is None]
    low, high = shop.prices[sku]
    low, high = numbers.get("min_sale_price", low), numbers.get("max_sale_price", high)
    price = numbers.get("sale_price")
    if price is not None and low is not None and price < low:
        wrong.append(f"sale_price {price} is lower than min_sale_price {low}")
    if price is not None and high is not None and price > high:
        wrong.append(f"sale_price {price} is greater than max_sale_price {high}")
    if numbers and shop.offers[sku].refuse_price:
        wrong.append(shop.offers[sku].refuse_price)
    return price, (low, high), wrong


def _decimal(value: object) -> Decimal | None:
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        return None
    return read if read > 0 and read == round(read, 4) else None


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def patch_stock(shop: Emulator, key: str, body: bytes) -> WireReply:
    """Section 3 and the example ``offer_stock``: 204, or a reply without envelope."""
    sku = shop.sku_of(_whole(key) or 0)
    if sku is None:
        return plain(404, "This offer does not exist")
    try:
        value = msgspec.json.decode(body, type=dict[str, int])["stock"]
    except (msgspec.DecodeError, KeyError):
        return plain(400, "Invalid content")
    refused = shop.refusal(sku) or ("" if 0 <= value <= 65_535 else "Stock should be between 0 and 65535")
    if refused:
        return plain(400, "Validation errors in your request", [{"message": refused, "field": "stock"}])
    shop.push_quantity(sku, value)
    return WireReply(204, b"", ())
