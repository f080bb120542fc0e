"""The Market's JSON about the account, warehouses, offers, stock and prices, and our words for it. Pure.

Field names are those of the vendor's OpenAPI file of August 2026. A field without which an object means nothing has no default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Struct, field

from stallkit.types import Money, OfferRef, OfferState, OfferStatus, PriceIntent, Rejected, RemoteOffer, StockIntent

Count = Annotated[int, msgspec.Meta(ge=0)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

CURRENCY = {"RUR": "RUB", "BYN": "BYN", "KZT": "KZT", "UZS": "UZS"}
"""Their code to ISO 4217: roubles go by the code of before 1998."""
THEIR_CURRENCY = {ours: theirs for theirs, ours in CURRENCY.items()}
GTIN_LENGTHS = {8, 12, 13, 14}


class UnknownWord(ValueError):
    """The Market used a word that its contract does not list, in a place where guessing would move stock."""


def ref_of(sku: str) -> OfferRef:
    """Offers have no number of their own: the seller's SKU is the key everywhere. Blanks around it are cut by the Market."""
    return OfferRef(sku.strip(), sku.strip())


# --- what every answer has ----------------------------------------------------------------------------------------------------------------


class Problem(Struct):
    code: str
    message: str = ""


class Failure(Struct):
    """Body of every reply outside 2xx."""

    status: str
    errors: tuple[Problem, ...] | None = None

    @property
    def code(self) -> str:
        return self.errors[0].code if self.errors else self.status

    @property
    def words(self) -> str:
        return "; ".join(f"{problem.code}: {problem.message}".rstrip(": ") for problem in self.errors or ()) or "no reason was given"

    def rejected(self) -> Rejected:
        return Rejected(self.code, self.words)


class Done(Struct):
    """Answer to a write: a yes to the whole call, with nothing about its items."""

    status: Literal["OK"]


class Paging(Struct, rename="camel"):
    next_page_token: str = ""


class Price(Struct, rename="camel"):
    value: Decimal
    currency_id: str

    def __post_init__(self) -> None:
        if not self.value >= 0:
            raise ValueError(f"{self.value} is not an amount")

    def money(self) -> Money | None:
        """None for a currency that the manifest does not know."""
        ours = CURRENCY.get(self.currency_id)
        return Money(self.value, ours) if ours else None


# --- the account --------------------------------------------------------------------------------------------------------------------------


class Key(Struct, rename="camel"):
    name: str
    auth_scopes: tuple[str, ...]


class KeyHolder(Struct, rename="camel"):
    api_key: Key


class KeyAnswer(Struct):
    result: KeyHolder


class Business(Struct):
    id: int
    name: str = ""


class Campaign(Struct, rename="camel"):
    """One shop of the cabinet: one way of working."""

    id: int
    business: Business
    domain: str = ""
    placement_type: str = ""
    api_availability: str = "AVAILABLE"


class CampaignPage(Struct):
    campaigns: tuple[Campaign, ...]
    paging: Paging = field(default_factory=Paging)


NEEDED_RIGHTS = {
    "INVENTORY_AND_ORDER_PROCESSING": "orders cannot be processed",
    "OFFERS_AND_CARDS_MANAGEMENT": "quantities cannot be sent",
    "PRICING": "prices cannot be set",
}
ALL_RIGHTS = "ALL_METHODS"


def warnings_of(key: Key, campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """What will not work with this key, and which shops the API is shut for."""
    missing = () if ALL_RIGHTS in key.auth_scopes else NEEDED_RIGHTS.keys() - set(key.auth_scopes)
    rights = [f"The key lacks the right {right}, so {NEEDED_RIGHTS[right]}: give it in the cabinet." for right in sorted(missing)]
    shut = [one for one in campaigns if one.api_availability != "AVAILABLE"]
    return (*rights, *(f"The API is shut for shop {one.id} {one.domain}: {one.api_availability}." for one in shut))


# --- offers -------------------------------------------------------------------------------------------------------------------------------

OFFER_STATUS = {
    "PUBLISHED": OfferStatus.LIVE,
    "NO_STOCKS": OfferStatus.LIVE,
    "CHECKING": OfferStatus.PENDING,
    "CREATING_CARD": OfferStatus.PENDING,
    "READY_FOR_PUBLICATION": OfferStatus.PENDING,
    "DISABLED_BY_PARTNER": OfferStatus.INACTIVE,
    "ARCHIVED": OfferStatus.INACTIVE,
    "DISABLED_AUTOMATICALLY": OfferStatus.BLOCKED,
    "REJECTED_BY_MARKET": OfferStatus.BLOCKED,
    "NO_CARD": OfferStatus.BLOCKED,
}
"""Status of an offer in a shop. One that only lacks stock is on sale as soon as it has some."""
BEST_FIRST = (OfferStatus.LIVE, OfferStatus.PENDING, OfferStatus.INACTIVE, OfferStatus.BLOCKED)


class InCampaign(Struct, rename="camel"):
    campaign_id: int
    status: str


class Offer(Struct, rename="camel"):
    offer_id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    barcodes: tuple[str, ...] | None = None
    vendor_code: str = ""
    basic_price: Price | None = None
    campaigns: tuple[InCampaign, ...] | None = None
    archived: bool = False


class Card(Struct, rename="camel"):
    market_sku: int | None = None


class OfferMapping(Struct):
    offer: Offer
    mapping: Card | None = None


class OfferMappings(Struct, rename="camel"):
    offer_mappings: tuple[msgspec.Raw, ...]
    paging: Paging = field(default_factory=Paging)


class OfferAnswer(Struct):
    result: OfferMappings


class _OfferName(Struct, rename="camel"):
    offer_id: str = ""


class _OfferIdentity(Struct):
    offer: _OfferName


def parse_offer(raw: bytes) -> RemoteOffer:
    """One offer of the catalogue. msgspec.DecodeError (a ValueError) when it must be parked."""
    told = msgspec.json.decode(raw, type=OfferMapping)
    offer, codes = told.offer, told.offer.barcodes or ()
    gtins = tuple(code for code in codes if code.isdigit() and len(code) in GTIN_LENGTHS)
    card = told.mapping.market_sku if told.mapping else None
    return RemoteOffer(
        ref_of(offer.offer_id),
        offer.name,
        status_of(offer),
        gtins=gtins,
        codes=tuple(code for code in (*codes, offer.vendor_code) if code and code not in gtins),
        channel_ids={"market_sku": str(card)} if card else {},
        price=offer.basic_price.money() if offer.basic_price else None,
    )


def status_of(offer: Offer) -> OfferStatus:
    """The best status that the offer has in any shop; UNKNOWN where no shop tells one that we know."""
    if offer.archived:
        return OfferStatus.INACTIVE
    told = {OFFER_STATUS.get(one.status, OfferStatus.UNKNOWN) for one in offer.campaigns or ()}
    return next((status for status in BEST_FIRST if status in told), OfferStatus.UNKNOWN)


def offer_id_of(raw: bytes) -> str:
    """The SKU if at least that can be read, else ""."""
    try:
        return msgspec.json.decode(raw, type=_OfferIdentity).offer.offer_id
    except ValueError:
        return ""


# --- stock --------------------------------------------------------------------------------------------------------------------------------


class Stock(Struct):
    type: str
    count: int


class OfferStock(Struct, rename="camel"):
    offer_id: str
    stocks: tuple[Stock, ...]


class WarehouseStock(Struct, rename="camel"):
    partner_warehouse_id: int
    offers: tuple[OfferStock, ...]


class StockAnswer(Struct):
    result: WarehouseStock


class GroupWarehouseStock(Struct, rename="camel"):
    warehouse_id: int
    offers: tuple[OfferStock, ...]


class GroupStock(Struct):
    warehouses: tuple[GroupWarehouseStock, ...]


class GroupStockAnswer(Struct):
    result: GroupStock


def parse_state(ref: OfferRef, told: OfferStock) -> OfferState:
    """``quantity`` is AVAILABLE, what a pushed ``count`` sets; ``reserved`` is FREEZE. FIT is both together, so the third follows from two.
    A figure that does not follow from what is told is None."""
    figures = {stock.type: stock.count for stock in told.stocks}
    fit, free, frozen = figures.get("FIT"), figures.get("AVAILABLE"), figures.get("FREEZE")
    if free is None and fit is not None and frozen is not None:
        free = max(fit - frozen, 0)
    if frozen is None and fit is not None and free is not None:
        frozen = max(fit - free, 0)
    return OfferState(ref, free, reserved=frozen)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def build_stock(intents: Sequence[StockIntent], warehouse: int, now: datetime) -> Mapping[str, object]:
    """Body for cabinets without warehouse groups. ``updatedAt`` is the moment at which the figure was true."""
    items = [
        {
            "sku": intent.ref.sku.strip(),
            "partnerWarehouseId": warehouse,
            "count": intent.quantity,
            "updatedAt": moment(intent.as_of or now),
        }
        for intent in intents
    ]
    return {"skuItems": items}


def build_group_stock(intents: Sequence[StockIntent], now: datetime) -> Mapping[str, object]:
    """Body for cabinets with warehouse groups: the shop in the address stands for the warehouse."""
    items = [
        {"sku": intent.ref.sku.strip(), "items": [{"count": intent.quantity, "updatedAt": moment(intent.as_of or now)}]}
        for intent in intents
    ]
    return {"skus": items}


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def build_prices(intents: Sequence[PriceIntent]) -> Mapping[str, object]:
    """The same body for the cabinet and for one shop. Amounts leave as exact numbers."""
    offers = [
        {
            "offerId": intent.ref.sku.strip(),
            "price": {"value": msgspec.Raw(format(intent.price.amount, "f").encode()), "currencyId": THEIR_CURRENCY[intent.price.currency]},
        }
        for intent in intents
    ]
    return {"offers": offers}


def named_in(words: str, refs: Sequence[OfferRef]) -> list[OfferRef]:
    """The refs whose SKU stands in a refusal as a word of its own, for one bad SKU refuses a whole batch."""
    parts = {part.strip(".,:;!?\"'()[]«»") for part in words.split()}
    return [ref for ref in refs if ref.sku in parts or (" " in ref.sku and ref.sku in words)]
