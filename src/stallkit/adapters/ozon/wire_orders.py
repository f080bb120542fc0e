"""Postings: Ozon's JSON as types, and pure functions from it. A posting is the hub's order; its products are the lines.

``/v4/posting/fbs/list`` and ``/v4/posting/fbs/unfulfilled/list`` tell a price as ``{amount, currency}``, ``/v3/posting/fbs/get`` as a text
with ``currency_code`` beside it. No posting says when it changed last, so the time of the fetch orders snapshots.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from stallkit.adapters.ozon.wire import Instant, Number, money
from stallkit.types import Buyer, Charge, ChargeKind, Money, OfferRef, OrderState, OwedBy, RemoteOrder, RemoteOrderLine

CUT_UP = "cancelled_from_split_pending"
STATE = {
    "awaiting_approve": OrderState.PENDING,
    "awaiting_verification": OrderState.PENDING,
    "acceptance_in_progress": OrderState.NEW,
    "awaiting_packaging": OrderState.NEW,
    "awaiting_registration": OrderState.ACKNOWLEDGED,
    "awaiting_deliver": OrderState.ACKNOWLEDGED,
    "arbitration": OrderState.ACKNOWLEDGED,
    "not_accepted": OrderState.ACKNOWLEDGED,
    "driver_pickup": OrderState.SHIPPED,
    "sent_by_seller": OrderState.SHIPPED,
    "delivering": OrderState.SHIPPED,
    "client_arbitration": OrderState.SHIPPED,
    "delivered": OrderState.SHIPPED,
    "cancelled": OrderState.CANCELLED,
    CUT_UP: OrderState.CANCELLED,
}
"""Seller API, posting status. ``not_accepted`` (by the sorting centre) and ``arbitration`` (before the hand-over): not gone."""
OZON, BY_SELLER = "ozon", "non_integrated"
INTEGRATIONS = {OZON, BY_SELLER, "aggregator", "3pl_tracking", "hybryd"}
"""Seller API, tpl_integration_type, the last one spelled as Ozon spells it. All but the first are rFBS."""
SHIP_FAILED = "ship_failed"


class UnknownWord(ValueError):
    """Ozon used a word that its description does not list."""


class Amount(msgspec.Struct):
    amount: str
    currency: str


class Product(msgspec.Struct):
    """``sku`` is Ozon's number of the goods, which calls about postings want in a field named ``product_id``."""

    sku: Number
    offer_id: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    price: Amount | str
    name: str = ""
    currency_code: str = ""

    def unit_price(self) -> Money:
        if isinstance(self.price, Amount):
            return money(self.price.amount, self.price.currency)
        if not self.currency_code:
            raise ValueError(f"product {self.sku} has a price without a currency")
        return money(self.price, self.currency_code)


class DeliveryMethod(msgspec.Struct):
    warehouse_id: Number


class Address(msgspec.Struct):
    address_tail: str | None = None
    city: str | None = None
    country: str | None = None
    region: str | None = None
    zip_code: str | None = None
    pvz_code: Number | None = None
    provider_pvz_code: str | None = None


class Customer(msgspec.Struct):
    name: str | None = None
    phone: str | None = None
    customer_email: str | None = None
    address: Address | None = None


class Addressee(msgspec.Struct):
    name: str | None = None
    phone: str | None = None


class LegalInfo(msgspec.Struct):
    company_name: str | None = None
    inn: str | None = None


class Cancellation(msgspec.Struct):
    cancelled_after_ship: bool = False


class Posting(msgspec.Struct):
    posting_number: str
    status: str
    in_process_at: Instant
    products: Annotated[tuple[Product, ...], msgspec.Meta(min_length=1)]
    delivery_method: DeliveryMethod
    tpl_integration_type: str
    substatus: str | None = None
    parent_posting_number: str | None = None
    shipment_date: Instant | None = None
    shipment_date_without_delay: Instant | None = None
    delivering_date: Instant | None = None
    tracking_number: str | None = None
    available_actions: tuple[str, ...] | None = None
    customer: Customer | None = None
    addressee: Addressee | None = None
    legal_info: LegalInfo | None = None
    cancellation: Cancellation | None = None
    requirements: Mapping[str, tuple[Number, ...] | None] | None = None

    @property
    def state(self) -> OrderState:
        """A posting that was cancelled on its way has left all the same: its goods come back as a return."""
        state = STATE[self.status]
        cancelled_late = self.cancellation is not None and self.cancellation.cancelled_after_ship and self.delivering_date is not None
        return OrderState.SHIPPED if state is OrderState.CANCELLED and cancelled_late else state

    @property
    def by_seller(self) -> bool:
        """Whether the seller tells that the goods have left; elsewhere Ozon or its partner scans them."""
        return self.tpl_integration_type == BY_SELLER

    def may(self, *actions: str) -> bool:
        """Whether Ozon offers one of these actions now."""
        return bool(set(actions) & set(self.available_actions or ()))

    def units(self) -> dict[str, int]:
        """Units by line (SKU)."""
        found: dict[str, int] = {}
        for product in self.products:
            found[str(product.sku)] = found.get(str(product.sku), 0) + product.quantity
        return found


class PostingPage(msgspec.Struct):
    postings: tuple[msgspec.Raw, ...]
    has_next: bool
    cursor: str = ""


class PostingAnswer(msgspec.Struct):
    result: msgspec.Raw


class Request(msgspec.Struct):
    """A buyer's wish to cancel, on which the seller decides (rFBS)."""

    cancellation_id: int
    posting_number: str


class Requests(msgspec.Struct):
    result: tuple[Request, ...]


class ShipAnswer(msgspec.Struct):
    result: tuple[str, ...]


class CancelAnswer(msgspec.Struct):
    """Of a whole posting: whether it was done. Of some units: the number of a posting."""

    result: bool | str


class PostingResult(msgspec.Struct):
    posting_number: str
    result: bool
    error: str | tuple[str, ...] | None = None

    def words(self) -> str:
        told = self.error if isinstance(self.error, str) else ", ".join(self.error or ())
        return told or "Ozon gave no reason"


class PostingResults(msgspec.Struct):
    result: tuple[PostingResult, ...]


def read_posting(raw: bytes) -> Posting:
    """One posting. UnknownWord or msgspec.DecodeError (both ValueError) when it must be parked."""
    posting = msgspec.json.decode(raw, type=Posting)
    if posting.status not in STATE:
        raise UnknownWord(f"posting status {posting.status!r} is not known")
    if posting.tpl_integration_type not in INTEGRATIONS:
        raise UnknownWord(f"integration type {posting.tpl_integration_type!r} is not known")
    return posting


def parse_posting(raw: bytes, asked: Collection[str] = ()) -> RemoteOrder:
    """One posting as an order; ``asked``: the postings whose buyers ask to cancel. ValueError when it must be parked."""
    posting = read_posting(raw)
    lines = parse_lines(posting, asked=posting.posting_number in asked)
    parent = posting.parent_posting_number or ""
    return RemoteOrder(
        order_id=posting.posting_number,
        number=posting.posting_number,
        state=posting.state,
        remote_state=posting.status,
        ordered_at=posting.in_process_at.astimezone(UTC),
        currency=lines[0].charges[0].money.currency,
        lines=lines,
        acknowledge_by=_utc(posting.shipment_date),
        dispatch_by=_utc(posting.shipment_date_without_delay or posting.shipment_date),
        buyer=parse_buyer(posting),
        warehouse=str(posting.delivery_method.warehouse_id),
        split_from="" if parent == posting.posting_number else parent,
        cut_up=posting.status == CUT_UP,
        scanned=not posting.by_seller,
        raw=bytes(raw),
    )


def parse_lines(posting: Posting, *, asked: bool) -> tuple[RemoteOrderLine, ...]:
    """A line per SKU, named by it: products have no number of their own. Units that were cancelled are not in the posting any more."""
    units, state = posting.units(), posting.state
    return tuple(_line([one for one in posting.products if str(one.sku) == sku], state, asked=asked) for sku in units)


def _line(products: list[Product], state: OrderState, *, asked: bool) -> RemoteOrderLine:
    first, ordered = products[0], sum(product.quantity for product in products)
    prices = [(product.unit_price(), product.quantity) for product in products]
    total = Money(sum((price.amount * quantity for price, quantity in prices), Decimal(0)), prices[0][0].currency)
    return RemoteOrderLine(
        line_id=str(first.sku),
        ref=OfferRef(first.offer_id, str(first.sku)),
        title=first.name,
        ordered=ordered,
        cancelled=ordered if state is OrderState.CANCELLED else 0,
        shipped=ordered if state is OrderState.SHIPPED else 0,
        cancel_requested=ordered if asked and state in UNDECIDED else 0,
        charges=(Charge(ChargeKind.PRODUCT, total, tax_included=True, owed_by=OwedBy.SELLER),),
    )


UNDECIDED = {OrderState.PENDING, OrderState.NEW, OrderState.ACKNOWLEDGED}
"""States in which goods have not left: a wish to cancel can be heard."""


def parse_buyer(posting: Posting) -> Buyer | None:
    """What Ozon tells of the buyer: next to nothing for FBS, name and address for rFBS, the company where one buys."""
    customer, addressee = posting.customer or Customer(), posting.addressee or Addressee()
    legal, address = posting.legal_info or LegalInfo(), (posting.customer.address if posting.customer else None) or Address()
    pickup = address.provider_pvz_code or (str(address.pvz_code) if address.pvz_code else "")
    buyer = Buyer(
        name=addressee.name or customer.name or "",
        email=customer.customer_email or "",
        phone=addressee.phone or customer.phone or "",
        company=legal.company_name or "",
        tax_number=legal.inn or "",
        address=(address.address_tail,) if address.address_tail else (),
        postal_code=address.zip_code or "",
        city=address.city or "",
        region=address.region or "",
        country=address.country or "",
        pickup_point=pickup,
    )
    return None if buyer == Buyer() else buyer


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
