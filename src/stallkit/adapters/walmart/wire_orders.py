"""Walmart's wire format for purchase orders, as it sends them. Pure.

A purchase order has no status of its own: each line has statuses with quantities, and the order's state is derived from them. Sources: the
orders contract of August 2023 with its examples (where two of its links are wrong the examples hold, see ``tests/contract``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec
from msgspec import Raw, Struct, field

from stallkit.adapters.walmart.manifest import MANIFEST
from stallkit.adapters.walmart.wire import instant, many, ref_of
from stallkit.types import (
    Buyer,
    Charge,
    ChargeKind,
    Money,
    OrderState,
    OwedBy,
    RemoteOrder,
    RemoteOrderLine,
)

WITHIN = MANIFEST.quirks.acknowledge_within
PLACEHOLDER_EMAIL = "nocxemail@"
"""Start of the address that stands in until Walmart has made the relay address (page "Orders & returns"): the same as none."""


class Word(StrEnum):
    """Status of a number of units of a line. Only shipped lines can be refunded."""

    CREATED = "Created"
    ACKNOWLEDGED = "Acknowledged"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELLED = "Cancelled"
    REFUND = "Refund"


GONE = frozenset({Word.SHIPPED, Word.DELIVERED, Word.REFUND})
CHARGES = {"PRODUCT": ChargeKind.PRODUCT, "SHIPPING": ChargeKind.SHIPPING, "DISCOUNT": ChargeKind.DISCOUNT, "FEE": ChargeKind.FEE}


# --- what Walmart sends -----------------------------------------------------------------------------------------------------------------


class Quantity(Struct, rename="camel"):
    amount: str | int
    unit_of_measurement: str = "EACH"

    @property
    def units(self) -> int:
        """Whole units, none at least; ValueError for anything else."""
        units = int(self.amount)
        if units < 0:
            raise ValueError(f"a quantity of {units}")
        return units


class Carrier(Struct, rename="camel", omit_defaults=True):
    carrier: str | None = None
    other_carrier: str | None = None


class Tracking(Struct, rename="camel", omit_defaults=True):
    ship_date_time: int | str
    carrier_name: Carrier
    method_code: str
    tracking_number: str
    tracking_url: str | None = field(name="trackingURL", default=None)


class LineStatus(Struct, rename="camel"):
    status: Word
    status_quantity: Quantity
    tracking_info: Tracking | None = None


class LineStatuses(Struct, rename="camel"):
    order_line_status: list[LineStatus] | LineStatus


class Amount(Struct):
    amount: Decimal
    currency: str


class Tax(Struct, rename="camel"):
    tax_amount: Amount
    tax_name: str = ""


class LineCharge(Struct, rename="camel"):
    charge_type: str
    charge_amount: Amount
    charge_name: str = ""
    tax: Tax | None = None


class LineCharges(Struct):
    charge: list[LineCharge] | LineCharge


class LineItem(Struct, rename="camel"):
    sku: str
    product_name: str = ""


class Line(Struct, rename="camel"):
    line_number: str
    item: LineItem
    order_line_quantity: Quantity
    order_line_statuses: LineStatuses
    charges: LineCharges
    status_date: int | str | None = None
    intent_to_cancel: str | bool | None = None

    @property
    def statuses(self) -> list[LineStatus]:
        return many(self.order_line_statuses.order_line_status)

    @property
    def asked_to_cancel(self) -> bool:
        """The contract gives no list of words for ``intentToCancel``: anything but an empty or negative one counts as a request."""
        return str(self.intent_to_cancel or "").casefold() not in {"", "false", "no", "n", "0", "none", "default"}


class Lines(Struct, rename="camel"):
    order_line: list[Line] | Line


class Address(Struct):
    """Nothing here is compulsory for us: an order is valid without a name."""

    name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = field(name="postalCode", default=None)
    country: str | None = None


class Shipping(Struct, rename="camel"):
    method_code: str = "Standard"
    phone: str | None = None
    estimated_ship_date: int | str | None = None
    postal_address: Address | None = None


class ShipNode(Struct):
    type: str = "SellerFulfilled"


class Order(Struct, rename="camel"):
    purchase_order_id: str
    order_date: int | str
    order_lines: Lines
    shipping_info: Shipping
    customer_order_id: str = ""
    customer_email_id: str | None = None
    ship_node: ShipNode | list[ShipNode] | None = None

    @property
    def lines(self) -> list[Line]:
        return many(self.order_lines.order_line)


class OrderRecord(Struct):
    """GET of one order and the reply to every order action."""

    order: Raw


class Elements(Struct):
    order: Raw = field(default_factory=Raw)


class Meta(Struct, rename="camel"):
    total_count: int | None = None
    next_cursor: str | None = None


class OrderPage(Struct):
    meta: Meta
    elements: Elements


class OrderList(Struct):
    list: OrderPage


# --- what we make of it -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parsed:
    """An order in our words beside Walmart's own."""

    order: RemoteOrder
    wire: Order


def parse_order(raw: Raw | bytes) -> Parsed:
    """One order; one of ``wire.UNREADABLE`` tells what in it cannot be understood."""
    wire = msgspec.json.decode(raw, type=Order)
    lines = tuple(parse_line(line) for line in wire.lines)
    if not lines:
        raise ValueError("the order has no lines")
    ordered_at = instant(wire.order_date)
    state = state_of(wire, lines)
    changes = [instant(line.status_date) for line in wire.lines if line.status_date is not None]
    leave = wire.shipping_info.estimated_ship_date
    order = RemoteOrder(
        order_id=wire.purchase_order_id,
        number=wire.customer_order_id or wire.purchase_order_id,
        state=state,
        remote_state=", ".join(dict.fromkeys(status.status for line in wire.lines for status in line.statuses)),
        ordered_at=ordered_at,
        currency=currency_of(lines),
        lines=lines,
        modified_at=max(changes, default=None),
        acknowledge_by=ordered_at + WITHIN if WITHIN is not None and state is OrderState.NEW else None,
        dispatch_by=instant(leave) if leave is not None else None,
        buyer=parse_buyer(wire),
        fulfilled_by=fulfilled_by(wire),
        raw=bytes(raw),
    )
    return Parsed(order, wire)


def units_by_word(line: Line) -> Counter[Word]:
    """Units of the line per status."""
    counts: Counter[Word] = Counter()
    for status in line.statuses:
        counts[status.status] += status.status_quantity.units
    return counts


def parse_line(line: Line) -> RemoteOrderLine:
    counts = units_by_word(line)
    shipped = sum(counts[word] for word in GONE)
    ordered = max(line.order_line_quantity.units, counts.total())
    left = ordered - counts[Word.CANCELLED] - shipped
    return RemoteOrderLine(
        line_id=line.line_number,
        ref=ref_of(line.item.sku),
        title=line.item.product_name,
        ordered=ordered,
        cancelled=counts[Word.CANCELLED],
        shipped=shipped,
        cancel_requested=left if line.asked_to_cancel else 0,
        charges=tuple(charge for entry in many(line.charges.charge) for charge in parse_charge(entry)),
    )


def parse_charge(entry: LineCharge) -> list[Charge]:
    """The charge and its tax. In the US Walmart collects and owes the sales tax (marketplace facilitator)."""
    kind = CHARGES.get(entry.charge_type)
    if kind is None:
        raise ValueError(f"charge type {entry.charge_type!r} is not known")
    found = [Charge(kind, Money(entry.charge_amount.amount, entry.charge_amount.currency), label=entry.charge_name)]
    if entry.tax is not None:
        tax = entry.tax.tax_amount
        found.append(Charge(ChargeKind.TAX, Money(tax.amount, tax.currency), owed_by=OwedBy.MARKETPLACE, label=entry.tax.tax_name))
    return found


def state_of(wire: Order, lines: Sequence[RemoteOrderLine]) -> OrderState:
    """The order's state from the units of all its lines."""
    ordered, cancelled = sum(line.ordered for line in lines), sum(line.cancelled for line in lines)
    shipped = sum(line.shipped for line in lines)
    if cancelled == ordered:
        return OrderState.CANCELLED
    if cancelled + shipped == ordered:
        return OrderState.SHIPPED
    if shipped:
        return OrderState.PART_SHIPPED
    new = any(status.status is Word.CREATED for line in wire.lines for status in line.statuses)
    return OrderState.NEW if new else OrderState.ACKNOWLEDGED


def currency_of(lines: Sequence[RemoteOrderLine]) -> str:
    """The currency of the charges; a free line has none, and the US site knows dollars only."""
    return next((charge.money.currency for line in lines for charge in line.charges), "USD")


def parse_buyer(wire: Order) -> Buyer:
    email = wire.customer_email_id or ""
    where = wire.shipping_info.postal_address or Address()
    return Buyer(
        name=where.name or "",
        email="" if email.casefold().startswith(PLACEHOLDER_EMAIL) else email,
        phone=wire.shipping_info.phone or "",
        address=tuple(text for text in (where.address1, where.address2) if text),
        postal_code=where.postal_code or "",
        city=where.city or "",
        region=where.state or "",
        country=where.country or "",
    )


def fulfilled_by(wire: Order) -> str:
    """ "walmart" for orders that Walmart's own warehouses ship; otherwise the seller or his third party does."""
    nodes = many(wire.ship_node)
    return "walmart" if nodes and nodes[0].type == "WFSFulfilled" else "seller"
