"""Account, warehouses, products, stock and prices: Ozon's JSON as types, and pure functions from it and to it.

Numbers of Ozon come as numbers or as texts, often both ways for one field in Ozon's own examples. Here they are texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec

from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown
from stallkit.http import Reply, retry_after
from stallkit.types import (
    Accepted,
    AccountInfo,
    Money,
    NotNow,
    OfferRef,
    OfferState,
    OfferStatus,
    Outcome,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteWarehouse,
    StockIntent,
)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Number = int | str

PAIR_PAUSE = 30.0
"""Seconds between two writes of one product-warehouse pair (/v2/products/stocks)."""
PRICE_PAUSE = 120.0
"""Seconds after which a product's price is tried again; ten changes an hour are allowed (/v1/product/import/prices)."""
CIRCLE_PAUSE = 180.0
"""Seconds for which a method is left alone whose circle is open: "a few minutes" (Errors)."""
RATE_PAUSE = 2.0
"""Seconds after a 429; Ozon counts by the second and names no waiting time."""
EXPIRY_WARNING = timedelta(days=30)

NEEDED = (
    ("/v2/products/stocks", "write stock"),
    ("/v2/product/info/stocks-by-warehouse/fbs", "read stock"),
    ("/v3/product/list", "list products"),
    ("/v3/product/info/list", "read products"),
    ("/v1/product/import/prices", "write prices"),
    ("/v2/warehouse/list", "list warehouses"),
    ("/v4/posting/fbs/list", "list orders"),
    ("/v4/posting/fbs/unfulfilled/list", "list open orders"),
    ("/v3/posting/fbs/get", "read an order"),
    ("/v4/posting/fbs/ship", "pack orders"),
    ("/v2/posting/fbs/cancel", "cancel orders"),
    ("/v2/posting/fbs/product/cancel", "cancel part of an order"),
    ("/v2/posting/fbs/package-label", "print labels"),
    ("/v1/returns/list", "read returns"),
)
"""The methods that this adapter calls on every account, and what for."""
WAREHOUSE_NOTES = {
    "new": "it is being activated",
    "disabled": "it is in the archive",
    "blocked": "it is blocked",
    "disabled_due_to_limit": "it is paused",
    "error": "Ozon reports an error with it",
}
"""Seller API, warehouse status; ``created`` is the active one."""
WORD = re.compile(r"\b[A-Z][A-Z]+(?:_[A-Z]+)+\b")


class Failure(msgspec.Struct):
    """Body of every reply that is not 2xx."""

    code: int = 0
    message: str = ""


class Role(msgspec.Struct):
    name: str
    methods: tuple[str, ...] = ()


class Roles(msgspec.Struct):
    roles: tuple[Role, ...]
    expires_at: Instant | None = None

    def allows(self, method: str) -> bool:
        """Whether a role names the method, or a beginning of its path."""
        named = {one.rstrip("/") for role in self.roles for one in role.methods}
        return any(method == one or method.startswith(f"{one}/") for one in named)


class Company(msgspec.Struct):
    name: str = ""
    legal_name: str = ""
    currency: str = ""


class Seller(msgspec.Struct):
    company: Company


class Warehouse(msgspec.Struct):
    warehouse_id: Number
    name: str
    status: str
    is_rfbs: bool = False
    is_express: bool = False


class WarehousePage(msgspec.Struct):
    warehouses: tuple[Warehouse, ...]
    has_next: bool
    cursor: str = ""


class Listed(msgspec.Struct):
    product_id: Number
    offer_id: str = ""


class ProductList(msgspec.Struct):
    items: tuple[Listed, ...]
    last_id: str


class ProductPage(msgspec.Struct):
    result: ProductList


class Statuses(msgspec.Struct):
    status: str = ""
    status_failed: str = ""
    is_created: bool = True


class Card(msgspec.Struct):
    id: Number
    offer_id: str
    sku: Number
    name: str
    statuses: Statuses
    barcodes: tuple[str, ...] = ()
    price: str | None = None
    currency_code: str | None = None
    is_archived: bool = False
    is_autoarchived: bool = False


class Cards(msgspec.Struct):
    items: tuple[msgspec.Raw, ...]


class StockRow(msgspec.Struct):
    """Figures of one product in one warehouse. ``present`` = ``free_stock`` + ``reserved``."""

    offer_id: str
    warehouse_id: Number
    free_stock: Count
    reserved: Count
    present: Count


class StockPage(msgspec.Struct):
    products: tuple[StockRow, ...]
    has_next: bool
    cursor: str = ""


class ItemError(msgspec.Struct):
    code: str = ""
    message: str = ""


class ItemResult(msgspec.Struct):
    offer_id: str
    updated: bool
    errors: tuple[ItemError, ...] = ()


class StockResult(ItemResult, kw_only=True):
    warehouse_id: Number


class StockAnswer(msgspec.Struct):
    result: tuple[StockResult, ...]


class PriceAnswer(msgspec.Struct):
    result: tuple[ItemResult, ...]


class Identity(msgspec.Struct):
    """As much of an object as is needed to park it under its number."""

    posting_number: str = ""
    offer_id: str = ""
    id: Number = ""
    product_id: Number = ""


# --- from Ozon ----------------------------------------------------------------------------------------------------------------------------


def parse_account(client_id: str, roles: Roles, seller: Company | None, now: datetime) -> AccountInfo:
    """The account with what its key may do, and warnings for what it may not and for how long."""
    lacking = [what for method, what in NEEDED if not roles.allows(method)]
    warnings = [f"This API key may not: {', '.join(lacking)}. Give it those roles in the seller account."] if lacking else []
    if roles.expires_at is not None and roles.expires_at - now < EXPIRY_WARNING:
        warnings.append(f"This API key ends on {roles.expires_at:%Y-%m-%d}: make a new one in the seller account before that day.")
    name = (seller.name or seller.legal_name) if seller else ""
    return AccountInfo(
        client_id,
        name or f"Ozon {client_id}",
        rights=tuple(role.name for role in roles.roles),
        warnings=tuple(warnings),
        currency=(seller.currency or None) if seller else None,
        credentials_expire_at=roles.expires_at.astimezone(UTC) if roles.expires_at else None,
    )


def parse_warehouse(told: Warehouse) -> RemoteWarehouse:
    scheme = "express" if told.is_express else "rfbs" if told.is_rfbs else "fbs"
    usable = told.status == "created"
    note = "" if usable else WAREHOUSE_NOTES.get(told.status, f"Ozon calls its status {told.status!r}")
    return RemoteWarehouse(str(told.warehouse_id), told.name, scheme, usable, note)


def parse_card(raw: bytes) -> RemoteOffer:
    """One product. ValueError when it must be parked. Figures are kept per warehouse, so none is told here."""
    card = msgspec.json.decode(raw, type=Card)
    sku = "" if str(card.sku) == "0" else str(card.sku)
    gtins = tuple(code for code in card.barcodes if is_gtin(code))
    others = tuple(code for code in card.barcodes if not is_gtin(code))
    return RemoteOffer(
        OfferRef(card.offer_id, sku),
        card.name,
        status_of(card),
        gtins=gtins,
        codes=tuple(dict.fromkeys(filter(None, (sku, str(card.id), *others)))),
        channel_ids={"product_id": str(card.id)} | ({"sku": sku} if sku else {}),
        price=money(card.price, card.currency_code) if card.price and card.currency_code else None,
    )


def status_of(card: Card) -> OfferStatus:
    """Seller API: in the archive; a step of its creation failed; ``price_sent`` is on sale; not created yet; else unknown to us."""
    if card.is_archived or card.is_autoarchived:
        return OfferStatus.INACTIVE
    if card.statuses.status_failed:
        return OfferStatus.BLOCKED
    if card.statuses.status == "price_sent":
        return OfferStatus.LIVE
    return OfferStatus.UNKNOWN if card.statuses.is_created else OfferStatus.PENDING


def is_gtin(code: str) -> bool:
    return code.isascii() and code.isdigit() and len(code) in {8, 12, 13, 14}


def money(amount: str, currency: str) -> Money:
    """ValueError if the amount is not a number."""
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not an amount") from error
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not an amount")
    return Money(value, currency)


def parse_state(ref: OfferRef, row: StockRow | None) -> OfferState:
    """``quantity`` is what a write sets: free for sale, without what Ozon has reserved. No row: nothing was ever put into the warehouse."""
    return OfferState(ref, row.free_stock, reserved=row.reserved) if row else OfferState(ref, 0, reserved=0)


def id_of(raw: bytes) -> str:
    """The object's number if at least that can be read, else ""."""
    try:
        told = msgspec.json.decode(raw, type=Identity)
    except ValueError:
        return ""
    return told.posting_number or told.offer_id or str(told.id or told.product_id)


def outcome_of(result: ItemResult, pauses: Mapping[str, float]) -> Outcome:
    """What became of an item. ``pauses``: beginnings of codes or messages that only mean "too soon", with the seconds to wait."""
    if result.updated and not result.errors:
        return Accepted()
    error = result.errors[0] if result.errors else ItemError("refused", "Ozon did not take it and gave no reason")
    for told, seconds in pauses.items():
        if told in error.code or told in error.message:
            return NotNow(seconds, error.message or error.code)
    return Rejected(error.code or "refused", error.message or error.code)


STOCK_PAUSES = {"TOO_MANY_REQUESTS": PAIR_PAUSE, "Stock is updated too frequently": PAIR_PAUSE}
PRICE_PAUSES = {"limit exceeded": PRICE_PAUSE}


def read_error(reply: Reply, now: datetime) -> AdapterError | None:
    """Ozon's own words for refusals (Seller API, Errors); anything else is left to the door."""
    try:
        failure = msgspec.json.decode(reply.body, type=Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return _too_fast(failure.message, reply, now) or _refusal(failure, reply.status)


def _too_fast(message: str, reply: Reply, now: datetime) -> AdapterError | None:
    told = message.lower()
    if "circle is open" in told:
        return SlowDown("Ozon has blocked this method for some minutes: Circle is open", retry_after=CIRCLE_PAUSE, status=reply.status)
    if reply.status != 429 and "request rate limit" not in told:
        return None
    wait = retry_after(reply.headers, now) if "retry-after" in reply.headers else RATE_PAUSE
    return SlowDown(f"Ozon asks us to slow down: {message}", retry_after=wait, status=reply.status)


def _refusal(failure: Failure, status: int) -> AdapterError | None:
    told = failure.message.lower()
    if "missing a required role" in told:
        return Refused(f"Ozon refused the call: the API key has no role for it ({failure.message})", code="missing_role", status=status)
    if status in {401, 403} or "api-key" in told or "client-id" in told:
        return NeedsReconnect(f"Ozon refuses the key: {failure.message}", status=status)
    if 400 <= status < 500:
        word = WORD.search(failure.message)
        return Refused(f"Ozon refused the call: {failure.message}", code=word[0] if word else str(failure.code), status=status)
    return None


# --- to Ozon ------------------------------------------------------------------------------------------------------------------------------


def build_stock(intent: StockIntent) -> dict[str, object] | Rejected:
    """One product-warehouse pair. ``offer_id`` alone: with ``product_id`` beside it the text warns of ambiguity."""
    if not intent.warehouse.isdigit():
        return Rejected("warehouse", f"{intent.warehouse!r} is no warehouse of Ozon's: choose one for the channel")
    if not intent.ref.sku:
        return Rejected("offer_id", "the offer has no article code (offer_id)")
    return {"offer_id": intent.ref.sku, "stock": intent.quantity, "warehouse_id": int(intent.warehouse)}


def build_price(intent: PriceIntent) -> dict[str, object]:
    """``old_price`` is left out, so that a discount shown to buyers stays as the seller set it."""
    row: dict[str, object] = {
        "offer_id": intent.ref.sku,
        "price": str(intent.price.amount),
        "currency_code": intent.price.currency,
    }
    return row | ({"min_price": str(intent.minimum.amount)} if intent.minimum is not None else {})
