"""Walmart's wire format for stock, prices, items, tokens and errors. Pure: bytes and structs in, structs and our words out.

Names follow Walmart's. Sources: the OpenAPI files of August 2023 (inventory, price, items, auth), and the page named at the spot
where they are silent. Numbers of money travel as JSON numbers and are read as exact decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, field

from stallkit.adapters.walmart.manifest import MANIFEST
from stallkit.http import Reply
from stallkit.types import Money, OfferRef, OfferState, OfferStatus, Parked, PriceIntent, Rejected, RemoteOffer, StockIntent

T = TypeVar("T")

ENCODER = msgspec.json.Encoder(decimal_format="number")
PRICE_FEED_VERSION = "2.0.20240126-12_25_52-api"
"""Page "Update pricing for multiple items in bulk (New)"; Walmart refuses a shortened version text."""


UNREADABLE = (msgspec.MsgspecError, ValueError, ArithmeticError)
"""What reading a body that is not what the contract says may raise."""


def ref_of(sku: str) -> OfferRef:
    """Walmart knows our offers by SKU only: both fields carry it, everywhere, so that refs of lists, orders and feeds are equal."""
    return OfferRef(sku, sku)


def many(value: T | list[T] | None) -> list[T]:
    """Walmart may send a single element as an object instead of a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def elements(raw: Raw) -> list[Raw]:
    """The elements of a list, each still unread, so that one that cannot be read does not spoil the others. Absent or null is none."""
    body = bytes(raw)
    if not body or body == b"null":
        return []
    return msgspec.json.decode(body, type=list[Raw]) if body.startswith(b"[") else [raw]


def instant(value: int | str) -> datetime:
    """Epoch milliseconds (bodies) or ISO 8601 (query strings, some pages) as an aware UTC instant; ValueError if it is neither."""
    if isinstance(value, int) or value.isdigit():
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    at = datetime.fromisoformat(value)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def iso(at: datetime) -> str:
    """As query strings want it: UTC, whole seconds, rounded down."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- token ------------------------------------------------------------------------------------------------------------------------------


class Token(Struct):
    access_token: str
    expires_in: int


class TokenDetail(Struct):
    """``scopes`` maps an area (orders, inventory …) to full_access, view_only or no_access."""

    scopes: dict[str, str]


class Partner(Struct, rename="camel"):
    partner_id: str
    partner_name: str = ""
    partner_display_name: str = ""


class PartnerProfile(Struct):
    """Page "Get partner configurations"."""

    partner: Partner


# --- stock ------------------------------------------------------------------------------------------------------------------------------


class Amount(Struct, frozen=True):
    amount: int
    unit: str = "EACH"


class Stock(Struct, frozen=True):
    """Body and echo of PUT /v3/inventory, and one entry of the inventory feed."""

    sku: str
    quantity: Amount


class FeedVersion(Struct, frozen=True):
    version: str


class StockFeed(Struct, frozen=True):
    """Feed type ``inventory``, specification 1.4. The capital letters are compulsory."""

    entries: list[Stock] = field(name="Inventory")
    header: FeedVersion = field(name="InventoryHeader", default=FeedVersion("1.4"))


def build_stock(intent: StockIntent) -> bytes:
    return ENCODER.encode(Stock(intent.ref.sku, Amount(intent.quantity)))


def build_stock_feed(intents: Iterable[StockIntent]) -> bytes:
    """The last intent for a SKU wins: Walmart leaves the effect of a repeated SKU undefined."""
    latest = {intent.ref.sku: Stock(intent.ref.sku, Amount(intent.quantity)) for intent in intents}
    return ENCODER.encode(StockFeed(list(latest.values())))


def stock_problem(intent: StockIntent) -> Rejected | None:
    """A quantity that we do not send. Walmart documents no maximum; the manifest's is ours."""
    if 0 <= intent.quantity <= MANIFEST.quirks.max_quantity:
        return None
    return Rejected("QUANTITY", f"{intent.ref.sku}: {intent.quantity} is not a quantity from 0 to {MANIFEST.quirks.max_quantity}")


class Node(Struct, rename="camel"):
    """Stock of one fulfilment centre: what the seller holds, of it promised to orders, and the rest, which buyers see."""

    ship_node: str
    input_qty: Amount
    reserved_qty: Amount | None = None
    avail_to_sell_qty: Amount | None = None


class Inventory(Struct):
    sku: str
    nodes: list[Node] | Node


def parse_state(inventory: Inventory, ref: OfferRef, ship_node: str) -> OfferState:
    """Quantity in the manifest's basis (gross: ``inputQty``) and Walmart's own reserve, of ``ship_node`` or of the only node.

    With several nodes and no ``ship_node`` nobody can say which figure our writes set: the quantity is unknown, not a sum.
    """
    nodes = [node for node in many(inventory.nodes) if not ship_node or node.ship_node == ship_node]
    if len(nodes) != 1:
        return OfferState(ref, None)
    reserved = nodes[0].reserved_qty
    return OfferState(ref, nodes[0].input_qty.amount, reserved=None if reserved is None else reserved.amount)


# --- prices -----------------------------------------------------------------------------------------------------------------------------


class CurrentPrice(Struct, frozen=True):
    currency: str
    amount: Decimal


class Pricing(Struct, frozen=True, rename="camel"):
    current_price: CurrentPrice
    current_price_type: str = "BASE"


class Price(Struct, frozen=True):
    """Body of PUT /v3/price."""

    sku: str
    pricing: list[Pricing]


class PriceReply(Struct):
    sku: str
    message: str = ""


class PriceReplyRecord(Struct):
    """The contract describes the inner object, its example and Walmart's servers wrap it."""

    record: PriceReply = field(name="ItemPriceResponse")


class FeedPrice(Struct, frozen=True):
    sku: str
    price: Decimal


class FeedPriceEntry(Struct, frozen=True):
    entry: FeedPrice = field(name="Promo&Discount")


class PriceFeedHeader(Struct, frozen=True, rename="camel"):
    business_unit: str = "WALMART_US"
    version: str = PRICE_FEED_VERSION
    locale: str = "en"


class PriceFeed(Struct, frozen=True):
    """Feed type ``PRICE_AND_PROMOTION``."""

    entries: list[FeedPriceEntry] = field(name="MPItem")
    header: PriceFeedHeader = field(name="MPItemFeedHeader", default=PriceFeedHeader())


def build_price(intent: PriceIntent) -> bytes:
    price = CurrentPrice(intent.price.currency, intent.price.amount)
    return ENCODER.encode(Price(intent.ref.sku, [Pricing(price)]))


def build_price_feed(intents: Iterable[PriceIntent]) -> bytes:
    """The last intent for a SKU wins: a SKU twice in one feed has an undefined result."""
    latest = {intent.ref.sku: FeedPriceEntry(FeedPrice(intent.ref.sku, intent.price.amount)) for intent in intents}
    return ENCODER.encode(PriceFeed(list(latest.values())))


def price_problem(intent: PriceIntent) -> Rejected | None:
    """What Walmart would refuse anyway, told before a feed is spent on it."""
    if intent.price.currency != "USD":
        return Rejected("CURRENCY", f"{intent.ref.sku}: Walmart US takes prices in USD, not {intent.price.currency}")
    if intent.price.amount != round(intent.price.amount, 2) or intent.price.amount <= 0:
        return Rejected("PRICE", f"{intent.ref.sku}: {intent.price.amount} is not a price above zero with at most two decimals")
    return None


# --- items ------------------------------------------------------------------------------------------------------------------------------


class ItemPrice(Struct):
    """The contract says that the amount is text, its example and the servers send a number."""

    amount: Decimal
    currency: str


class Item(Struct, rename="camel"):
    sku: str
    product_name: str = ""
    wpid: str = ""
    gtin: str = ""
    upc: str = ""
    price: ItemPrice | None = None
    published_status: str = ""
    lifecycle_status: str = ""


class ItemList(Struct, rename="camel"):
    total_items: int | None = None
    next_cursor: str = ""
    items: Raw = field(name="ItemResponse", default_factory=Raw)


STATUSES = {
    "PUBLISHED": OfferStatus.LIVE,
    "UNPUBLISHED": OfferStatus.INACTIVE,
    "SYSTEM_PROBLEM": OfferStatus.BLOCKED,
    "IN_PROGRESS": OfferStatus.PENDING,
    "READY_TO_PUBLISH": OfferStatus.PENDING,
    "STAGE": OfferStatus.PENDING,
}


def parse_offer(raw: Raw) -> RemoteOffer:
    """An item of the list; one of UNREADABLE tells what in it cannot be understood. A status that Walmart adds later gives UNKNOWN."""
    item = msgspec.json.decode(raw, type=Item)
    retired = item.lifecycle_status in {"RETIRED", "ARCHIVED"}
    return RemoteOffer(
        ref=ref_of(item.sku),
        title=item.product_name,
        status=OfferStatus.INACTIVE if retired else STATUSES.get(item.published_status, OfferStatus.UNKNOWN),
        gtins=tuple(dict.fromkeys(code for code in (item.gtin, item.upc) if code)),
        channel_ids={"wpid": item.wpid} if item.wpid else {},
        price=Money(item.price.amount, item.price.currency) if item.price else None,
    )


class Named(Struct, rename="camel"):
    """Just enough of an order or item to say which one could not be understood."""

    purchase_order_id: str = ""
    sku: str = ""


def park(raw: Raw, error: Exception) -> Parked:
    """An object that could not be understood, under its number if at least that can be read."""
    try:
        named = msgspec.json.decode(raw, type=Named)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Parked("", str(error), bytes(raw))
    return Parked(named.purchase_order_id or named.sku, str(error), bytes(raw))


def sort_out(raws: Iterable[Raw], parse: Callable[[Raw], T]) -> tuple[tuple[T, ...], tuple[Parked, ...]]:
    """(what ``parse`` understood, what it did not)."""
    good: list[T] = []
    parked: list[Parked] = []
    for raw in raws:
        try:
            good.append(parse(raw))
        except UNREADABLE as error:
            parked.append(park(raw, error))
    return tuple(good), tuple(parked)


# --- errors -----------------------------------------------------------------------------------------------------------------------------


class ErrorEntry(Struct):
    code: str = ""
    message: str = ""
    info: str = ""
    description: str = ""
    field: str = ""

    @property
    def text(self) -> str:
        words = self.message or self.description or self.info
        return f"{self.field}: {words}" if self.field and self.field not in words else words


class ErrorReply(Struct):
    """Applications answer ``errors``, the gateway ``error``; either may be a single object."""

    errors: list[ErrorEntry] | ErrorEntry | None = None
    error: list[ErrorEntry] | ErrorEntry | str | None = None
    error_description: str = ""

    @property
    def entries(self) -> list[ErrorEntry]:
        if isinstance(self.error, str):
            return [ErrorEntry(self.error, self.error_description)]
        return [*many(self.errors), *many(self.error)]


def parse_errors(reply: Reply) -> list[ErrorEntry]:
    """The errors of a refusal; a body in another format gives none."""
    try:
        return msgspec.json.decode(reply.body, type=ErrorReply).entries
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


EPOCH_MS = 10_000_000_000


def replenished_in(text: str, now: datetime) -> float | None:
    """Seconds until ``x-next-replenishment-time``, which Walmart writes as seconds, as epoch milliseconds or as ISO; None if it is none."""
    text = text.strip()
    try:
        if not re.fullmatch(r"\d+(\.\d+)?", text):
            return (instant(text) - now) / timedelta(seconds=1)
        number = float(text)
        return number if number < EPOCH_MS else number / 1000 - now.timestamp()
    except ValueError:
        return None
