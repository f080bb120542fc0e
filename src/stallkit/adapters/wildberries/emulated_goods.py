"""Cards, figures and prices of the emulated account (02)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from stallkit.adapters.wildberries.emulated_wire import (
    Json,
    SaidNo,
    answer,
    as_list,
    as_numbers,
    instant,
    nothing,
    number,
    priced,
    read_json,
)
from stallkit.testing.emulator import WireReply, WireRequest

if TYPE_CHECKING:
    from stallkit.adapters.wildberries.emulator import Emulator

Route = Callable[["Emulator", WireRequest, str], WireReply]
WORK = timedelta(seconds=8)
"""How long an upload of prices is worked on. No document says; public clients wait some seconds."""
QUARANTINE = "The new price is several times lower than the current price. Item has been moved to Price Quarantine"
ALREADY = "All item Nos. are specified incorrectly, or the specified prices and discounts are already set"


@dataclass
class Card:
    """``sizes``: name by number. ``list_price`` is the price before the discount, None while it is what buyers pay."""

    nm: int
    vendor_code: str
    changed_at: datetime
    sizes: dict[int, str] = field(default_factory=dict)
    discount: int = 0


@dataclass
class Upload:
    id: int
    at: datetime
    done_at: datetime
    items: list[dict[str, object]]
    worked: bool = False
    errors: dict[int, str] = field(default_factory=dict)


def new_card(shop: Emulator, vendor_code: str) -> Card:
    card = Card(123_000_001 + len(shop.cards), vendor_code, shop.clock())
    shop.cards[card.nm] = card
    return card


# --- cards --------------------------------------------------------------------------------------------------------------------------------


def list_cards(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """Oldest change first, from the cursor on."""
    settings = read_json(request).get("settings")
    cursor = settings.get("cursor") if isinstance(settings, dict) else None
    asked = cursor if isinstance(cursor, dict) else {}
    limit = asked.get("limit", 10)
    if not isinstance(limit, int) or limit > shop.offers_per_page:
        return priced(None, "Invalid request format", 400)
    after = (str(asked.get("updatedAt") or ""), asked.get("nmID") or 0)
    rows = sorted((instant(card.changed_at), card.nm) for card in shop.cards.values() if _live_sizes(shop, card))
    page = [row for row in rows if row > after][:limit]
    last = page[-1] if page else after
    cards = [_show_card(shop, shop.cards[nm]) for _, nm in page]
    return answer({"cards": cards, "cursor": {"updatedAt": last[0], "nmID": last[1], "total": len(page)}})


def _live_sizes(shop: Emulator, card: Card) -> list[tuple[int, str]]:
    return [(size, name) for size, name in card.sizes.items() if shop.sku_of(size)]


def _show_card(shop: Emulator, card: Card) -> Json:
    sizes = _live_sizes(shop, card)
    offers = [shop.offers[shop.sizes[size]] for size, _ in sizes]
    return {
        "nmID": card.nm,
        "imtID": card.nm + 1,
        "nmUUID": f"01bda0b1-5c0b-736c-b2be-{card.nm:012d}",
        "subjectID": 105,
        "subjectName": "Кружки",
        "vendorCode": card.vendor_code,
        "brand": "Toy",
        "title": offers[0].title if len(offers) == 1 else card.vendor_code,
        "sizes": [
            {"chrtID": size, "techSize": name, "wbSize": "", "skus": [offer.gtin] if offer.gtin else []}
            for (size, name), offer in zip(sizes, offers, strict=True)
        ],
        "createdAt": instant(card.changed_at),
        "updatedAt": instant(card.changed_at),
    }


# --- warehouses and stock -----------------------------------------------------------------------------------------------------------------


def list_warehouses(shop: Emulator, _request: WireRequest, _: str) -> WireReply:
    return answer(
        [
            {
                "name": one.name,
                "officeId": 15,
                "id": one.id,
                "cargoType": one.cargo_type,
                "deliveryType": one.delivery_type,
                "isDeleting": one.deleting,
                "isProcessing": one.processing,
            }
            for one in shop.warehouses.values()
        ]
    )


def _is_main(warehouse: str) -> bool:
    return warehouse == "507"


def _warehouse(shop: Emulator, text: str) -> int:
    if not text.isdigit() or int(text) not in shop.warehouses:
        raise SaidNo(404, "NotFound", "Not found")
    return int(text)


def read_stock(shop: Emulator, request: WireRequest, warehouse: str) -> WireReply:
    known = _warehouse(shop, warehouse)
    wanted = as_numbers(read_json(request).get("chrtIds"))
    if len(wanted) > 1_000:
        raise SaidNo(400, "IncorrectRequest", "Incorrect request")
    rows = []
    for size in wanted:
        sku = shop.sku_of(size)
        figure = None if sku is None else shop.offers[sku].quantity if _is_main(warehouse) else shop.elsewhere.get((known, sku))
        if figure is not None:
            rows.append({"chrtId": size, "amount": figure})
    return answer({"stocks": rows})


def write_stock(shop: Emulator, request: WireRequest, warehouse: str) -> WireReply:
    """All or nothing. Names of fields are not looked at: an item without ``chrtId`` is passed over."""
    known = _warehouse(shop, warehouse)
    items = [item for item in as_list(read_json(request).get("stocks")) if isinstance(item, dict)]
    if not 1 <= len(items) <= 1_000 or any(isinstance(item.get("amount"), int) and not 0 <= item["amount"] <= 100_000 for item in items):
        raise SaidNo(400, "IncorrectRequest", "Incorrect request")
    if any("sku" in item and "chrtId" not in item for item in items):
        raise SaidNo(400, "SKUUploadDisabled", "Uploading stock is not allowed by 'sku'. Please use the 'chrtId' key")
    if shop.warehouses[known].processing:
        return answer([{"code": "StoreIsProcessing", "message": "The store is processing"}], 409)
    figures = {item["chrtId"]: item["amount"] for item in items if isinstance(item.get("chrtId"), int) and "amount" in item}
    refused = [told for size, amount in figures.items() if (told := _refusal(shop, size, amount))]
    if refused:
        return answer(refused, 409)
    for size, amount in figures.items():
        _put(shop, known, shop.sizes[size], amount)
    return nothing()


def _put(shop: Emulator, warehouse: int, sku: str, amount: int) -> None:
    if _is_main(str(warehouse)):
        shop.push_quantity(sku, amount)
    else:
        shop.elsewhere[warehouse, sku] = amount


def _refusal(shop: Emulator, size: object, amount: object) -> Json | None:
    sku = shop.sku_of(size)
    about = [{"sku": "", "chrtId": size, "amount": amount}]
    if sku is None:
        return {"code": "NotFound", "message": "Not found", "data": about}
    words = shop.refusal(sku)
    return {"code": "CargoWarehouseRestrictionMGT", "message": words, "data": about} if words else None


def delete_stock(shop: Emulator, request: WireRequest, warehouse: str) -> WireReply:
    known = _warehouse(shop, warehouse)
    for size in as_numbers(read_json(request).get("chrtIds")):
        if (sku := shop.sku_of(size)) is not None:
            _put(shop, known, sku, 0)
    return nothing()


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def upload(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    items = [item for item in as_list(read_json(request).get("data")) if isinstance(item, dict)]
    wrong = _wrong(items)
    if wrong:
        return priced(None, wrong, 400)
    newest = max(shop.uploads.values(), key=lambda one: one.id, default=None)
    if newest is not None and newest.items == items and not newest.worked:
        return priced({"id": newest.id, "alreadyExists": True}, "", 208)
    if all(_same(shop, item) for item in items):
        return priced(None, ALREADY, 400)
    made = Upload(395_000_001 + len(shop.uploads), shop.clock(), shop.clock() + WORK * shop.limits_scale, items)
    shop.uploads[made.id] = made
    return priced({"id": made.id, "alreadyExists": False})


def _wrong(items: list[dict[str, object]]) -> str:
    if not items:
        return "Empty data"
    if len(items) > 1_000:
        return "Upload limit exceeded: You can upload a maximum of 1 000 items"
    if len({item.get("nmID") for item in items}) != len(items):
        return "Duplicate item Nos."
    if any(not isinstance(item.get("price", 0), int) for item in items):
        return "Price should be a whole number"
    return ""


def _same(shop: Emulator, item: dict[str, object]) -> bool:
    card = _card(shop, item)
    return card is None or all(shop.offers[sku].price == _price_of(card, item) for sku in _skus(shop, card))


def _card(shop: Emulator, item: dict[str, object]) -> Card | None:
    nm = item.get("nmID")
    card = shop.cards.get(nm) if isinstance(nm, int) else None
    return card if card is not None and _live_sizes(shop, card) else None


def _skus(shop: Emulator, card: Card) -> list[str]:
    return [shop.sizes[size] for size, _ in _live_sizes(shop, card)]


def _price_of(card: Card, item: dict[str, object]) -> Decimal:
    """What buyers pay: the price less the discount, the card's own where the upload names none."""
    return Decimal(str(item["price"])) * (100 - Decimal(str(item.get("discount", card.discount)))) / 100


def work_off(shop: Emulator) -> None:
    for one in shop.uploads.values():
        if not one.worked and one.done_at <= shop.clock():
            one.worked = True
            for item in one.items:
                _apply(shop, one, item)


def _apply(shop: Emulator, one: Upload, item: dict[str, object]) -> None:
    card = _card(shop, item)
    if card is None:
        one.errors[int(str(item.get("nmID")))] = "Invalid item No."
        return
    price = _price_of(card, item)
    skus = _skus(shop, card)
    refused = next((shop.offers[sku].refuse_price for sku in skus if shop.offers[sku].refuse_price), "")
    if not refused and any(price * 3 <= shop.offers[sku].price for sku in skus):
        refused = QUARANTINE
    if refused:
        one.errors[card.nm] = refused
        return
    card.discount = int(str(item.get("discount", card.discount)))
    for sku in skus:
        shop.offers[sku].price = price


def upload_state(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """Worked-off uploads only."""
    one = shop.uploads.get(number(request, "uploadID"))
    if one is None or not one.worked:
        return priced(None)
    status = 3 if not one.errors else 6 if len(one.errors) == len(one.items) else 5
    data = {
        "uploadID": one.id,
        "status": status,
        "uploadDate": instant(one.at),
        "activationDate": instant(one.at),
        "overAllGoodsNumber": len(one.items),
        "successGoodsNumber": len(one.items) - len(one.errors),
    }
    return priced(data)


def upload_goods(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    one = shop.uploads.get(number(request, "uploadID"))
    limit, offset = number(request, "limit"), number(request, "offset", 0)
    if limit > 1_000:
        return priced(None, "Invalid request parameters", 400)
    if one is None or not one.worked:
        return priced({"uploadID": None, "historyGoods": None})
    return priced({"uploadID": one.id, "historyGoods": [_show_good(shop, one, item) for item in one.items[offset : offset + limit]]})


def _show_good(shop: Emulator, one: Upload, item: dict[str, object]) -> Json:
    card = _card(shop, item)
    nm = int(str(item.get("nmID")))
    return {
        "nmID": nm,
        "vendorCode": card.vendor_code if card else "",
        "sizeID": None,
        "techSizeName": "",
        "price": item.get("price"),
        "currencyIsoCode4217": "RUB",
        "discount": item.get("discount", 0),
        "clubDiscount": None,
        "status": 3 if nm in one.errors else 2,
        "errorText": one.errors.get(nm),
    }


def list_goods(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    limit, offset = number(request, "limit"), number(request, "offset", 0)
    if limit > 1_000:
        return priced(None, "Invalid request parameters", 400)
    cards = [card for card in shop.cards.values() if _live_sizes(shop, card)]
    return _goods(shop, cards[offset : offset + limit])


def find_goods(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    wanted = as_numbers(read_json(request).get("nmList"))
    if not 1 <= len(wanted) <= 1_000:
        return priced(None, "Invalid request parameters", 400)
    return _goods(shop, [shop.cards[nm] for nm in wanted if nm in shop.cards and _live_sizes(shop, shop.cards[nm])])


def _goods(shop: Emulator, cards: Iterable[Card]) -> WireReply:
    return priced({"listGoods": [_show_priced(shop, card) for card in cards]})


def _show_priced(shop: Emulator, card: Card) -> Json:
    sizes = []
    for size, name in _live_sizes(shop, card):
        paid = shop.offers[shop.sizes[size]].price
        listed = int(paid * 100 / (100 - card.discount)) if card.discount < 100 else 0
        told = msgspec.Raw(str(paid).encode())
        sizes.append({"sizeID": size, "price": listed, "discountedPrice": told, "clubDiscountedPrice": told, "techSizeName": name})
    return {
        "nmID": card.nm,
        "vendorCode": card.vendor_code,
        "sizes": sizes,
        "currencyIsoCode4217": "RUB",
        "discount": card.discount,
        "clubDiscount": 0,
        "editableSizePrice": False,
        "isBadTurnover": False,
    }


ROUTES: tuple[tuple[str, re.Pattern[str], Route], ...] = (
    ("POST", re.compile(r"/content/v2/get/cards/list"), list_cards),
    ("GET", re.compile(r"/api/v3/warehouses"), list_warehouses),
    ("POST", re.compile(r"/api/v3/stocks/([^/]+)"), read_stock),
    ("PUT", re.compile(r"/api/v3/stocks/([^/]+)"), write_stock),
    ("DELETE", re.compile(r"/api/v3/stocks/([^/]+)"), delete_stock),
    ("POST", re.compile(r"/api/v2/upload/task"), upload),
    ("GET", re.compile(r"/api/v2/history/tasks"), upload_state),
    ("GET", re.compile(r"/api/v2/history/goods/task"), upload_goods),
    ("GET", re.compile(r"/api/v2/list/goods/filter"), list_goods),
    ("POST", re.compile(r"/api/v2/list/goods/filter"), find_goods),
)
