"""The dummy market's wire format: what its JSON looks like, and pure functions between it and our words.

Everything is decoded strictly. Orders are decoded one by one, so that a single strange one can be parked (rule 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from stallkit.types import (
    Accepted,
    Buyer,
    CancelNotice,
    CancelReason,
    Charge,
    ChargeKind,
    Differs,
    Label,
    LabelAnswer,
    Money,
    NotNow,
    OfferRef,
    OfferState,
    OfferStatus,
    OrderState,
    Outcome,
    OwedBy,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    RemoteOrderLine,
    RemoteReturn,
    RemoteWarehouse,
    ReturnLine,
    ReturnState,
    ShipmentNotice,
    StockIntent,
)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0)]

OFFER_STATUS = {"on_sale": OfferStatus.LIVE, "paused": OfferStatus.INACTIVE, "blocked": OfferStatus.BLOCKED}
ORDER_STATE = {
    "waiting": OrderState.PENDING,
    "new": OrderState.NEW,
    "accepted": OrderState.ACKNOWLEDGED,
    "part_sent": OrderState.PART_SHIPPED,
    "sent": OrderState.SHIPPED,
    "cancelled": OrderState.CANCELLED,
}
REASON = {
    CancelReason.OUT_OF_STOCK: "no_stock",
    CancelReason.BUYER_ASKED: "buyer",
    CancelReason.PRICING_ERROR: "price",
    CancelReason.FRAUD: "fraud",
    CancelReason.ADDRESS: "address",
}
CARRIERS = {"dhl": "dhl", "dpd": "dpd", "gls": "gls", "ups": "ups", "fan courier": "fan", "sameday": "sameday"}


RETURN_STATE = {
    "asked": ReturnState.ASKED,
    "on_the_way": ReturnState.COMING,
    "back": ReturnState.ARRIVED,
    "closed": ReturnState.CLOSED,
}


class UnknownWord(ValueError):
    """The market used a word that its README does not list."""


class Problem(msgspec.Struct):
    code: str
    message: str


class Failure(msgspec.Struct):
    """Body of every reply that is not 2xx."""

    error: Problem


class Token(msgspec.Struct):
    access_token: str
    expires_in: int


class Account(msgspec.Struct):
    id: str
    name: str
    currency: str
    rights: tuple[str, ...]


class Amount(msgspec.Struct):
    amount: Decimal
    currency: str

    def money(self) -> Money:
        return Money(self.amount, self.currency)


class Offer(msgspec.Struct):
    sku: str
    id: str
    title: str
    status: str
    quantity: Count
    price: Amount
    gtins: tuple[str, ...]


class OfferPage(msgspec.Struct):
    offers: tuple[msgspec.Raw, ...]
    next: str | None


class OfferAnswer(msgspec.Struct):
    offers: tuple[Offer, ...]
    unknown: tuple[str, ...]


class OrderPage(msgspec.Struct):
    orders: tuple[msgspec.Raw, ...]
    next: str | None
    as_of: Instant


class Person(msgspec.Struct):
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None


class Line(msgspec.Struct):
    id: str
    sku: str
    offer_id: str
    title: str
    ordered: Annotated[int, msgspec.Meta(ge=1)]
    cancelled: Count
    sent: Count
    cancel_asked: Count
    unit_price: Amount
    tax_rate: Decimal


class Order(msgspec.Struct):
    id: str
    number: str
    status: str
    placed_at: Instant
    changed_at: Instant
    accept_by: Instant
    send_by: Instant
    currency: str
    shipping: Amount
    lines: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1)]
    buyer: Person


class Identity(msgspec.Struct):
    """As much of an offer or order as is needed to park it under its number."""

    id: str = ""


class ItemResult(msgspec.Struct):
    sku: str
    offer_id: str
    ok: bool
    error: Problem | None = None
    shown: Count | None = None
    """The figure that stands there, where it is not the one that was expected."""

    def outcome(self) -> Outcome:
        if self.ok:
            return Accepted()
        if self.shown is not None:
            return Differs(self.shown)
        return Rejected(self.error.code, self.error.message) if self.error else Rejected("refused", "the market gave no reason")


class BatchAnswer(msgspec.Struct):
    results: tuple[ItemResult, ...]


class TaskCreated(msgspec.Struct):
    task: str


class Task(msgspec.Struct):
    id: str
    state: str
    results: tuple[ItemResult, ...]


class TaskList(msgspec.Struct):
    tasks: tuple[TaskCreated, ...]


class Callback(msgspec.Struct):
    topic: str
    order_id: str


class Warehouse(msgspec.Struct):
    id: str
    name: str
    open: bool


class WarehouseList(msgspec.Struct):
    warehouses: tuple[Warehouse, ...]


class Paper(msgspec.Struct):
    type: str
    content: bytes
    """Base64 on the wire."""


class Papers(msgspec.Struct):
    order_id: str
    labels: tuple[Paper, ...] | None = None
    wait: float | None = None
    error: Problem | None = None

    def answer(self) -> LabelAnswer:
        if self.labels is not None:
            return tuple(Label(paper.type, paper.content) for paper in self.labels)
        if self.wait is not None:
            return NotNow(self.wait)
        return Rejected(self.error.code, self.error.message) if self.error else Rejected("refused", "the market gave no reason")


class PapersAnswer(msgspec.Struct):
    orders: tuple[Papers, ...]


class ReturnedLine(msgspec.Struct):
    sku: str
    offer_id: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class Return(msgspec.Struct):
    id: str
    order_id: str
    status: str
    reason: str
    lines: Annotated[tuple[ReturnedLine, ...], msgspec.Meta(min_length=1)]
    opened_at: Instant
    changed_at: Instant


class ReturnPage(msgspec.Struct):
    returns: tuple[msgspec.Raw, ...]
    next: str | None
    as_of: Instant


class Cursor(msgspec.Struct):
    """Where a pull of orders stands: the window's start, and the market's page token while the window is being read."""

    since: Instant | None = None
    after: str = ""


# --- from the market ----------------------------------------------------------------------------------------------------------------------


def parse_offer(raw: bytes) -> RemoteOffer:
    """One offer. msgspec.DecodeError (a ValueError) when it must be parked."""
    offer = msgspec.json.decode(raw, type=Offer)
    return RemoteOffer(
        OfferRef(offer.sku, offer.id),
        offer.title,
        OFFER_STATUS.get(offer.status, OfferStatus.UNKNOWN),
        gtins=offer.gtins,
        quantity=offer.quantity,
        price=offer.price.money(),
    )


def parse_state(ref: OfferRef, offer: Offer) -> OfferState:
    return OfferState(ref, offer.quantity, offer.price.money(), status=OFFER_STATUS.get(offer.status, OfferStatus.UNKNOWN))


def parse_order(raw: bytes) -> RemoteOrder:
    """One order. UnknownWord or msgspec.DecodeError (both ValueError) when it must be parked."""
    order = msgspec.json.decode(raw, type=Order)
    state = ORDER_STATE.get(order.status)
    if state is None:
        raise UnknownWord(f"order status {order.status!r} is not known")
    return RemoteOrder(
        order_id=order.id,
        number=order.number,
        state=state,
        remote_state=order.status,
        ordered_at=order.placed_at.astimezone(UTC),
        currency=order.currency,
        lines=tuple(parse_line(line) for line in order.lines),
        modified_at=order.changed_at.astimezone(UTC),
        acknowledge_by=order.accept_by.astimezone(UTC),
        dispatch_by=order.send_by.astimezone(UTC),
        charges=(Charge(ChargeKind.SHIPPING, order.shipping.money(), tax_included=True),),
        buyer=parse_buyer(order.buyer),
        raw=bytes(raw),
    )


def parse_line(line: Line) -> RemoteOrderLine:
    total = Money(line.unit_price.amount * line.ordered, line.unit_price.currency)
    return RemoteOrderLine(
        line_id=line.id,
        ref=OfferRef(line.sku, line.offer_id),
        title=line.title,
        ordered=line.ordered,
        cancelled=line.cancelled,
        shipped=line.sent,
        cancel_requested=line.cancel_asked,
        charges=(Charge(ChargeKind.PRODUCT, total, tax_included=True, rate=line.tax_rate, owed_by=OwedBy.SELLER),),
    )


def parse_return(raw: bytes) -> RemoteReturn:
    """One return. msgspec.DecodeError (a ValueError) when it must be parked; an unknown status changes no stock, so it is UNKNOWN."""
    told = msgspec.json.decode(raw, type=Return)
    return RemoteReturn(
        return_id=told.id,
        order_id=told.order_id,
        state=RETURN_STATE.get(told.status, ReturnState.UNKNOWN),
        remote_state=told.status,
        lines=tuple(ReturnLine(OfferRef(line.sku, line.offer_id), line.quantity, told.reason) for line in told.lines),
        opened_at=told.opened_at.astimezone(UTC),
        modified_at=told.changed_at.astimezone(UTC),
        raw=bytes(raw),
    )


def parse_warehouse(told: Warehouse) -> RemoteWarehouse:
    return RemoteWarehouse(told.id, told.name, usable=told.open, note="" if told.open else "closed")


def parse_buyer(person: Person) -> Buyer:
    return Buyer(
        name=person.name or "",
        email=person.email or "",
        phone=person.phone or "",
        address=(person.street,) if person.street else (),
        postal_code=person.postal_code or "",
        city=person.city or "",
        country=person.country or "",
    )


def id_of(raw: bytes) -> str:
    """The object's id if at least that can be read, else ""."""
    try:
        return msgspec.json.decode(raw, type=Identity).id
    except ValueError:
        return ""


def parse_results(results: Sequence[ItemResult], asked: Sequence[OfferRef]) -> tuple[dict[OfferRef, Outcome], list[str]]:
    """(outcome for each ref that was asked, SKUs that the market forgot)."""
    told = {(result.sku, result.offer_id): result.outcome() for result in results}
    outcomes = {ref: told[ref.sku, ref.external_id] for ref in asked if (ref.sku, ref.external_id) in told}
    return outcomes, [ref.sku for ref in asked if ref not in outcomes]


# --- to the market ------------------------------------------------------------------------------------------------------------------------


def build_stock(intents: Sequence[StockIntent]) -> list[Mapping[str, object]]:
    return [
        {"sku": intent.ref.sku, "offer_id": intent.ref.external_id, "quantity": intent.quantity}
        | ({} if intent.expected is None else {"expected": intent.expected})
        for intent in intents
    ]


def build_prices(intents: Sequence[PriceIntent]) -> list[Mapping[str, object]]:
    return [
        {
            "sku": intent.ref.sku,
            "offer_id": intent.ref.external_id,
            "price": {"amount": str(intent.price.amount), "currency": intent.price.currency},
        }
        for intent in intents
    ]


def build_shipment(notice: ShipmentNotice) -> Mapping[str, object]:
    code = CARRIERS.get(notice.carrier.strip().lower())
    return {
        "lines": [{"id": line.line_id, "quantity": line.quantity} for line in notice.lines],
        "carrier": {"code": code} if code else {"other": notice.carrier},
        "tracking_number": notice.tracking_number,
        "tracking_url": notice.tracking_url,
        "sent_at": notice.shipped_at.astimezone(UTC).isoformat(),
    }


def build_cancellation(notice: CancelNotice) -> Mapping[str, object]:
    return {
        "lines": [{"id": line.line_id, "quantity": line.quantity} for line in notice.lines],
        "reason": REASON[notice.reason],
    }
