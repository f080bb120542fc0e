"""The Market's orders (``POST /v1/businesses/{b}/orders``) in our words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Struct, field

from stallkit.adapters.yandex_market.wire import CURRENCY, Count, Instant, Paging, Price, UnknownWord, ref_of
from stallkit.types import Buyer, Charge, ChargeKind, Money, OrderState, OwedBy, RemoteOrder, RemoteOrderLine

MOSCOW = timezone(timedelta(hours=3))
"""The Market's own clock; Russia has no summer time."""
MARKET = "MARKET"
SELLER_MODELS = ("FBS", "DBS", "EXPRESS")
SELLER_DELIVERS = "SHOP"

WAITING = {"PLACING", "RESERVED", "UNPAID", "PENDING"}
PROCESSING, CANCELLED = "PROCESSING", "CANCELLED"
GONE = {"DELIVERY", "PICKUP", "DELIVERED", "PARTIALLY_RETURNED", "RETURNED"}
READY = {"READY_TO_SHIP", "COURIER_SEARCH", "COURIER_FOUND", "COURIER_IN_TRANSIT_TO_SENDER", "COURIER_ARRIVED_TO_SENDER"}
"""Substatuses of PROCESSING after the seller has said that the goods are ready; any that is not listed changes nothing."""
GONE_TOO = {"SHIPPED", "COURIER_RECEIVED", "FIRST_MILE_DELIVERY_SERVICE_RECEIVED"}
"""Substatuses of PROCESSING by which the goods are in the carrier's hands."""
LEFT_BEFORE = {
    "PICKUP_EXPIRED",
    "DELIVERY_SERVICE_LOST",
    "DELIVERY_SERVICE_UNDELIVERED",
    "DELIVERY_USER_NOT_RECEIVED",
    "DELIVERED_USER_NOT_RECEIVED",
    "FULL_NOT_RANSOM",
    "SORTING_CENTER_LOST",
    "DROPOFF_LOST",
    "USER_REFUSED_QUALITY",
    "COURIER_RETURNS_ORDER",
    "COURIER_RETURNED_ORDER",
    "COURIER_NOT_DELIVER_ORDER",
}
"""Reasons of a cancellation that can only come up once the goods have left: they come back as a return, if at all."""
UNIT_GONE = {"SHIPPED", "DELIVERED_TO_BUYER", "LOST", "REJECTED", "RETURNED"}
UNIT_HERE = {"CREATED"}

VAT = {
    "VAT_0": Decimal(0),
    "VAT_05": Decimal("0.05"),
    "VAT_07": Decimal("0.07"),
    "VAT_10": Decimal("0.10"),
    "VAT_10_110": Decimal("0.10"),
    "VAT_12": Decimal("0.12"),
    "VAT_18": Decimal("0.18"),
    "VAT_18_118": Decimal("0.18"),
    "VAT_20": Decimal("0.20"),
    "VAT_20_120": Decimal("0.20"),
    "VAT_22": Decimal("0.22"),
}


class ItemPrices(Struct):
    """Amounts for all units of the item together."""

    payment: Price | None = None
    cashback: Price | None = None
    subsidy: Price | None = None
    vat: str = ""


class UnitStatus(Struct):
    status: str
    count: Count


class Item(Struct, rename="camel"):
    id: int
    offer_id: Annotated[str, msgspec.Meta(min_length=1)]
    offer_name: str
    count: Count
    prices: ItemPrices | None = None
    item_statuses: tuple[UnitStatus, ...] | None = None


class DeliveryPrices(Struct):
    payment: Price | None = None
    vat: str = ""


class OrderPrices(Struct):
    delivery: DeliveryPrices | None = None


class Address(Struct):
    country: str = ""
    postcode: str = ""
    city: str = ""
    district: str = ""
    street: str = ""
    house: str = ""
    block: str = ""
    apartment: str = ""


class Courier(Struct):
    address: Address | None = None


class Pickup(Struct, rename="camel"):
    address: Address | None = None
    outlet_code: str = ""


class Shipment(Struct, rename="camel"):
    shipment_date: date
    shipment_time: str | None = None


class BoxItem(Struct):
    id: int


class Box(Struct):
    items: tuple[BoxItem, ...]


class Delivery(Struct, rename="camel"):
    type: str
    delivery_service_id: int
    delivery_partner_type: str
    warehouse_id: str = ""
    shipment: Shipment | None = None
    courier: Courier | None = None
    pickup: Pickup | None = None
    boxes_layout: tuple[Box, ...] | None = None


class Order(Struct, rename="camel"):
    order_id: int
    campaign_id: int
    status: str
    substatus: str
    creation_date: Instant
    fake: bool
    items: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1)]
    delivery: Delivery
    program_type: str = ""
    external_order_id: str = ""
    update_date: Instant | None = None
    prices: OrderPrices | None = None
    cancel_requested: bool = False
    source_platform: str = MARKET

    @property
    def words(self) -> str:
        return f"{self.status}/{self.substatus}"

    @property
    def by_seller(self) -> bool:
        """Whether the seller brings it to the buyer (DBS) and so tells the Market himself that it has left."""
        return self.program_type == "DBS" if self.program_type else self.delivery.delivery_partner_type == SELLER_DELIVERS

    @property
    def gone(self) -> bool:
        return self.status in GONE or (self.status == PROCESSING and self.substatus in GONE_TOO)

    @property
    def boxed(self) -> bool:
        """Whether the Market knows how everything that is left is packed."""
        packed = {item.id for box in self.delivery.boxes_layout or () for item in box.items}
        return bool(packed) and packed >= {item.id for item in self.items if units_of(self, item)[2]}


class OrderPage(Struct):
    orders: tuple[msgspec.Raw, ...]
    paging: Paging = field(default_factory=Paging)


class _Identity(Struct, rename="camel"):
    order_id: int | str = ""


def order_id_of(raw: bytes) -> str:
    """The order's number if at least that can be read, else ""."""
    try:
        return str(msgspec.json.decode(raw, type=_Identity).order_id)
    except ValueError:
        return ""


def read(raw: bytes) -> Order:
    """The order as the wire has it. ValueError when it must be parked: an unknown status, or one that another channel counts."""
    order = msgspec.json.decode(raw, type=Order)
    if order.status not in {*WAITING, *GONE, PROCESSING, CANCELLED}:
        raise UnknownWord(f"order status {order.status!r} is not known")
    if order.source_platform != MARKET:
        raise UnknownWord(f"the order was placed on {order.source_platform}, not on the Market: its own channel counts it")
    return order


def parse_order(raw: bytes, *, tests: bool = False) -> RemoteOrder:
    """One order, its warehouse as the wire names it. ValueError when it must be parked."""
    order = read(raw)
    if order.fake and not tests:
        raise UnknownWord("this is a test order of the Market, and test orders are not wanted here")
    lines = tuple(parse_line(order, item) for item in order.items)
    return RemoteOrder(
        order_id=str(order.order_id),
        number=str(order.order_id),
        state=state_of(order, lines),
        remote_state=order.words,
        ordered_at=order.creation_date.astimezone(UTC),
        currency=currency_of(order),
        lines=lines,
        modified_at=order.update_date.astimezone(UTC) if order.update_date else None,
        dispatch_by=dispatch_by(order.delivery.shipment),
        charges=tuple(delivery_charges(order)),
        buyer=buyer_of(order.delivery),
        fulfilled_by="seller" if order.program_type in {"", *SELLER_MODELS} else "marketplace",
        warehouse=order.delivery.warehouse_id,
        scanned=not order.by_seller,
        raw=bytes(raw),
    )


def state_of(order: Order, lines: Sequence[RemoteOrderLine]) -> OrderState:
    """Our state. An order that was cancelled after its goods had left is SHIPPED: they come back as a return, if at all."""
    if order.status == CANCELLED:
        return OrderState.SHIPPED if any(line.shipped for line in lines) else OrderState.CANCELLED
    if order.status in WAITING:
        return OrderState.PENDING
    if all(line.cancelled == line.ordered for line in lines):
        return OrderState.CANCELLED
    if all(line.cancelled + line.shipped == line.ordered for line in lines):
        return OrderState.SHIPPED
    if any(line.shipped for line in lines):
        return OrderState.PART_SHIPPED
    return OrderState.ACKNOWLEDGED if order.boxed or order.substatus in READY else OrderState.NEW


def parse_line(order: Order, item: Item) -> RemoteOrderLine:
    ordered, cancelled, here = units_of(order, item)
    shipped = ordered - cancelled - here
    return RemoteOrderLine(
        line_id=str(item.id),
        ref=ref_of(item.offer_id),
        title=item.offer_name,
        ordered=ordered,
        cancelled=cancelled,
        shipped=shipped,
        cancel_requested=shipped if order.cancel_requested and order.status != CANCELLED else 0,
        charges=tuple(item_charges(item.prices)) if item.prices else (),
    )


def units_of(order: Order, item: Item) -> tuple[int, int, int]:
    """(ordered, cancelled, still here). ``count`` is what is left of an item of which units were removed; ``itemStatuses`` tells of both,
    and is absent where there is nothing to tell of single units. ValueError where the two do not add up, or a word is not known."""
    told: dict[str, int] = {}
    for unit in item.item_statuses or ():
        told[unit.status] = told.get(unit.status, 0) + unit.count
    if strange := told.keys() - UNIT_GONE - UNIT_HERE - {CANCELLED}:
        raise UnknownWord(f"units of item {item.id} are {', '.join(sorted(strange))}, which is not known")
    ordered, cancelled = sum(told.values()) or item.count, told.get(CANCELLED, 0)
    if item.count not in {ordered, ordered - cancelled}:
        raise ValueError(f"item {item.id} counts {item.count} units, its statuses {ordered}")
    gone = sum(told.get(word, 0) for word in UNIT_GONE)
    if order.status == CANCELLED:
        left = ordered - cancelled if order.substatus in LEFT_BEFORE else gone
        return ordered, ordered - left, 0
    return ordered, cancelled, 0 if order.gone else ordered - cancelled - gone


def item_charges(prices: ItemPrices) -> Iterator[Charge]:
    """What the buyer pays for all units, in money and in points, and what the Market adds to it."""
    rate = VAT.get(prices.vat)
    paid = prices.payment.money() if prices.payment else None
    if paid is not None:
        points = prices.cashback.value if prices.cashback else Decimal(0)
        yield Charge(ChargeKind.PRODUCT, Money(paid.amount + points, paid.currency), True, rate, OwedBy.SELLER)
    added = prices.subsidy.money() if prices.subsidy else None
    if added is not None and added.amount:
        yield Charge(ChargeKind.DISCOUNT, added, True, rate, OwedBy.SELLER, "subsidy, paid to the seller by the Market")


def delivery_charges(order: Order) -> Iterator[Charge]:
    told = order.prices.delivery if order.prices else None
    paid = told.payment.money() if told and told.payment else None
    if told is not None and paid is not None:
        yield Charge(ChargeKind.SHIPPING, paid, True, VAT.get(told.vat), OwedBy.SELLER)


def currency_of(order: Order) -> str:
    """That of the first price; roubles where the order tells no price. All amounts of an order are in the shop's currency (contract)."""
    for item in order.items:
        if item.prices is not None and item.prices.payment is not None:
            code = item.prices.payment.currency_id
            if code not in CURRENCY:
                raise UnknownWord(f"currency {code!r} is not known")
            return CURRENCY[code]
    return "RUB"


def dispatch_by(shipment: Shipment | None) -> datetime | None:
    """When the goods must be ready: a moment for Express, the end of a day of Moscow's for the others."""
    if shipment is None:
        return None
    at = time.fromisoformat(shipment.shipment_time) if shipment.shipment_time else time(23, 59, 59)
    return datetime.combine(shipment.shipment_date, at.replace(tzinfo=at.tzinfo or MOSCOW)).astimezone(UTC)


def buyer_of(delivery: Delivery) -> Buyer | None:
    """Where it goes; the list names nobody."""
    courier = delivery.courier.address if delivery.courier else None
    address = courier or (delivery.pickup.address if delivery.pickup else None)
    point = delivery.pickup.outlet_code if delivery.pickup else ""
    if address is None and not point:
        return None
    told = address or Address()
    parts = (told.district, told.street, told.house, told.block, told.apartment)
    line = ", ".join(part for part in parts if part)
    return Buyer(address=(line,) if line else (), postal_code=told.postcode, city=told.city, country=told.country, pickup_point=point)
