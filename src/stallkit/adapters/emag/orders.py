"""eMAG's orders in our words (sections 5.1 to 5.3). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from stallkit.adapters.emag.times import deadline, past_instant
from stallkit.adapters.emag.wire import NO_RAW, Envelope, Many, Num, amount, id_of, parse_rows, whole
from stallkit.types import Buyer, Charge, ChargeKind, Money, OfferRef, OrderState, Parked, RemoteOrder, RemoteOrderLine

CANCELLED, NEW, IN_PROGRESS, PREPARED, FINALIZED, RETURNED = range(6)
STATES = {
    CANCELLED: (OrderState.CANCELLED, "0 canceled"),
    NEW: (OrderState.NEW, "1 new"),
    IN_PROGRESS: (OrderState.ACKNOWLEDGED, "2 in progress"),
    PREPARED: (OrderState.ACKNOWLEDGED, "3 prepared"),
    FINALIZED: (OrderState.SHIPPED, "4 finalized"),
    RETURNED: (OrderState.SHIPPED, "5 returned"),
}
ONLINE_CARD = 3
CENT = Decimal("0.0001")


class Split(msgspec.Struct):
    """Part of a voucher on a line, on the shipping tax or on a warranty. ``value`` is negative and without VAT."""

    voucher_id: Num = None
    value: Num = None
    vat_value: Num = None
    vat: Num = None
    offered_by: str | None = None
    voucher_name: str | None = None


class Voucher(msgspec.Struct):
    voucher_id: Num = None
    sale_price: Num = None
    sale_price_vat: Num = None
    vat: Num = None
    voucher_name: str | None = None


class Warranty(msgspec.Struct):
    """A packaging deposit of the line (``recycle_warranties``)."""

    quantity: Num = None
    sale_price: Num = None
    vat_rate: Num = None
    product_name: str | None = None
    recycle_warranty_voucher_split: msgspec.Raw = NO_RAW


class Line(msgspec.Struct):
    id: int | str
    status: int
    quantity: int | float | str
    sale_price: int | float | str
    product_id: Num = None
    name: str | None = None
    ext_part_number: Num = None
    initial_qty: Num = None
    storno_qty: Num = None
    vat: Num = None
    reversible_vat_charging: Num = None
    product_voucher_split: msgspec.Raw = NO_RAW
    recycle_warranties: msgspec.Raw = NO_RAW

    @property
    def left(self) -> int:
        """Units of the line that are not cancelled (nor returned)."""
        return (whole(self.quantity) or 0) if self.status else 0


class Customer(msgspec.Struct):
    name: str | None = None
    email: str | None = None
    company: str | None = None
    code: Num = None
    legal_entity: Num = None
    phone_1: Num = None
    shipping_contact: str | None = None
    shipping_phone: Num = None
    shipping_country: str | None = None
    shipping_suburb: str | None = None
    shipping_city: str | None = None
    shipping_street: str | None = None
    shipping_postal_code: Num = None


class Details(msgspec.Struct):
    locker_id: Num = None
    locker_name: str | None = None


class Order(msgspec.Struct):
    """What we read of an order; everything else stays in ``raw``."""

    id: int | str
    status: int
    products: msgspec.Raw
    type: Num = 3
    is_complete: Num = 1
    payment_mode_id: Num = None
    payment_status: Num = None
    date: str | None = None
    created: str | None = None
    modified: str | None = None
    maximum_date_for_shipment: str | None = None
    currency: str | None = None
    cancellation_request: msgspec.Raw = NO_RAW
    shipping_tax: Num = None
    shipping_tax_voucher_split: msgspec.Raw = NO_RAW
    vouchers: msgspec.Raw = NO_RAW
    customer: msgspec.Raw = NO_RAW
    details: msgspec.Raw = NO_RAW

    @property
    def by_card(self) -> bool:
        return whole(self.payment_mode_id) == ONLINE_CARD

    @property
    def by_marketplace(self) -> bool:
        return whole(self.type) == 2

    @property
    def asked_to_cancel(self) -> bool:
        """``cancellation_request`` has no documented shape: anything but an empty value counts."""
        empty = {b"", b"null", b'""', b"[]", b"{}", b"0", b'"0"', b"false"}
        return bytes(self.cancellation_request).strip() not in empty


_order = msgspec.json.Decoder(Order, strict=False)
_lines, _splits, _vouchers, _warranties = Many(Line), Many(Split), Many(Voucher), Many(Warranty)
_customers, _details = Many(Customer), Many(Details)


def read(raw: bytes) -> Order:
    """The wire struct of one order; DecodeError names the field that is not what the document says."""
    return _order.decode(raw)


def lines_of(order: Order) -> tuple[Line, ...]:
    return _lines(order.products)


def parse_order(raw: bytes, now: datetime, currency: str) -> RemoteOrder:
    """One order in our words. ValueError or DecodeError if it cannot be understood (the caller parks it)."""
    order = read(raw)
    if order.status not in STATES:
        raise ValueError(f"status {order.status} is unknown")
    ordered_at = past_instant(order.date, now) or past_instant(order.created, now)
    if ordered_at is None:
        raise ValueError("the order has no date")
    money_in = order.currency or currency
    splits = _splits(order.shipping_tax_voucher_split)
    lines = lines_of(order)
    return RemoteOrder(
        order_id=str(order.id),
        number=str(order.id),
        state=state_of(order, lines),
        remote_state=STATES[order.status][1],
        ordered_at=ordered_at,
        currency=money_in,
        lines=tuple(_line(order, line, money_in) for line in lines),
        modified_at=past_instant(order.modified, now),
        dispatch_by=deadline(order.maximum_date_for_shipment),
        charges=tuple(_order_charges(order, lines, splits, money_in)),
        buyer=_buyer(order),
        fulfilled_by="marketplace" if order.by_marketplace else "seller",
        raw=raw,
    )


def state_of(order: Order, lines: tuple[Line, ...]) -> OrderState:
    """A new order that is incomplete, or to be paid by card and not paid, is pending; one without any unit left is cancelled."""
    state = STATES[order.status][0]
    unpaid = order.by_card and whole(order.payment_status) == 0
    if state is OrderState.NEW and (whole(order.is_complete) == 0 or unpaid):
        return OrderState.PENDING
    if state in {OrderState.NEW, OrderState.ACKNOWLEDGED} and lines and not any(line.left for line in lines):
        return OrderState.CANCELLED
    return state


def _line(order: Order, line: Line, currency: str) -> RemoteOrderLine:
    quantity, returned = whole(line.quantity) or 0, whole(line.storno_qty) or 0
    ordered = max(whole(line.initial_qty) or 0, quantity + returned)
    left = line.left + returned if order.status != CANCELLED else 0
    shipped = left if order.status in {FINALIZED, RETURNED} else 0
    asked = left if order.asked_to_cancel and order.status in {NEW, IN_PROGRESS, PREPARED} else 0
    number = whole(line.product_id)
    return RemoteOrderLine(
        line_id=str(line.id),
        ref=OfferRef(str(line.ext_part_number or ""), "" if number is None else str(number)),
        title=line.name or "",
        ordered=ordered,
        cancelled=ordered - left,
        shipped=shipped,
        cancel_requested=asked,
        charges=tuple(_line_charges(line, ordered, currency)),
    )


def _line_charges(line: Line, ordered: int, currency: str) -> Iterator[Charge]:
    price, rate = amount(line.sale_price), amount(line.vat)
    if price is None:
        raise ValueError(f"line {line.id} has no price")
    yield Charge(ChargeKind.PRODUCT, Money(price * ordered, currency), rate=rate)
    if rate is not None and not whole(line.reversible_vat_charging):
        yield Charge(ChargeKind.TAX, Money(_round(price * ordered * rate), currency), rate=rate, label="VAT")
    yield from _discounts(_splits(line.product_voucher_split), currency)
    for deposit in _warranties(line.recycle_warranties):
        total = (amount(deposit.sale_price) or Decimal(0)) * (amount(deposit.quantity) or Decimal(0))
        yield Charge(ChargeKind.FEE, Money(total, currency), rate=amount(deposit.vat_rate), label=deposit.product_name or "deposit")
        yield from _discounts(_splits(deposit.recycle_warranty_voucher_split), currency)


def _discounts(splits: tuple[Split, ...], currency: str) -> Iterator[Charge]:
    for split in splits:
        label = " ".join(word for word in (split.voucher_name, f"({split.offered_by})" if split.offered_by else "") if word)
        yield from _discount(amount(split.value), amount(split.vat_value), amount(split.vat), label, currency)


def _discount(value: Decimal | None, tax: Decimal | None, rate: Decimal | None, label: str, currency: str) -> Iterator[Charge]:
    if value is not None:
        yield Charge(ChargeKind.DISCOUNT, Money(value, currency), rate=rate, label=label)
    if tax is not None:
        yield Charge(ChargeKind.TAX, Money(tax, currency), rate=rate, label=f"VAT of {label}" if label else "VAT of voucher")


def _order_charges(order: Order, lines: tuple[Line, ...], splits: tuple[Split, ...], currency: str) -> Iterator[Charge]:
    shipping = amount(order.shipping_tax)
    if shipping:
        yield Charge(ChargeKind.SHIPPING, Money(shipping, currency), tax_included=True)
    yield from _discounts(splits, currency)
    shared = {str(split.voucher_id) for split in splits} | {str(split.voucher_id) for line in lines for split in _line_splits(line)}
    for voucher in _vouchers(order.vouchers):
        # A voucher that is split over lines and shipping is listed here once more, as a whole.
        if str(voucher.voucher_id) not in shared:
            tax, rate = amount(voucher.sale_price_vat), amount(voucher.vat)
            yield from _discount(amount(voucher.sale_price), tax, rate, voucher.voucher_name or "", currency)


def _line_splits(line: Line) -> Iterator[Split]:
    yield from _splits(line.product_voucher_split)
    for deposit in _warranties(line.recycle_warranties):
        yield from _splits(deposit.recycle_warranty_voucher_split)


def _round(number: Decimal) -> Decimal:
    return number.quantize(CENT, ROUND_HALF_UP)


def _buyer(order: Order) -> Buyer | None:
    customer = next(iter(_customers(order.customer)), None)
    details = next(iter(_details(order.details)), Details())
    point = " ".join(str(part) for part in (details.locker_id, details.locker_name) if part)
    if customer is None:
        return Buyer(pickup_point=point) if point else None
    company = bool(whole(customer.legal_entity))
    return Buyer(
        name=customer.shipping_contact or customer.name or "",
        email=customer.email or "",
        phone=str(customer.shipping_phone or customer.phone_1 or ""),
        company=(customer.company or "") if company else "",
        tax_number=str(customer.code or "") if company else "",
        address=(customer.shipping_street,) if customer.shipping_street else (),
        postal_code=str(customer.shipping_postal_code or ""),
        city=customer.shipping_city or "",
        region=customer.shipping_suburb or "",
        country=customer.shipping_country or "",
        pickup_point=point,
    )


def parse_orders(envelope: Envelope, now: datetime, currency: str) -> tuple[list[RemoteOrder], list[Parked]]:
    """Orders of one page; one that cannot be understood is parked with its reason, the others go on."""
    orders: list[RemoteOrder] = []
    parked: list[Parked] = []
    for body in parse_rows(envelope):
        try:
            orders.append(parse_order(body, now, currency))
        except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
            parked.append(Parked(id_of(body), f"order not understood: {error}", body))
    return orders, parked
