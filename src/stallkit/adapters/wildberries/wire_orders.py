"""Assembly orders on the wire (03), and the orders that we make of them. Pure.

One assembly order is one unit. The units of one basket share ``orderUid``; a basket is told here as one order with a line per size, and as
one per warehouse where it is served from several. What became of each unit is told by another call than what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from stallkit.adapters.wildberries.wire import UnknownWord
from stallkit.types import Charge, ChargeKind, Money, OfferRef, OrderState, Parked, RemoteOrder, RemoteOrderLine

CURRENCIES = {
    643: "RUB",
    933: "BYN",
    398: "KZT",
    417: "KGS",
    51: "AMD",
    860: "UZS",
    972: "TJS",
    981: "GEL",
    156: "CNY",
}
"""ISO 4217: the wire has numbers."""
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Options(msgspec.Struct):
    isB2B: bool = False  # noqa: N815 - as on the wire


class Unit(msgspec.Struct):
    """An assembly order. Prices are whole hundredths; ``converted…`` are in the currency of the seller's country."""

    id: int
    warehouseId: int  # noqa: N815 - as on the wire
    chrtId: int  # noqa: N815
    createdAt: Instant  # noqa: N815
    convertedPrice: int  # noqa: N815
    convertedCurrencyCode: int  # noqa: N815
    deliveryType: str  # noqa: N815
    orderUid: str = ""  # noqa: N815
    article: str = ""
    rid: str = ""
    nmId: int = 0  # noqa: N815
    cargoType: int = 0  # noqa: N815
    crossBorderType: int = 0  # noqa: N815
    supplyId: str = ""  # noqa: N815
    isZeroOrder: bool = False  # noqa: N815
    scanPrice: float | None = None  # noqa: N815
    options: Options | None = None

    @property
    def basket(self) -> str:
        """What the units of one basket have in common; an assembly order without it stands for itself."""
        return self.orderUid or str(self.id)

    @property
    def ref(self) -> OfferRef:
        """The order does not tell the size's name: where a card has several sizes, the number is what identifies it."""
        return OfferRef(self.article, str(self.chrtId))


class UnitPage(msgspec.Struct):
    orders: tuple[msgspec.Raw, ...]
    next: int


class Status(msgspec.Struct):
    id: int
    supplierStatus: str  # noqa: N815 - as on the wire
    wbStatus: str  # noqa: N815
    isCancellable: bool = False  # noqa: N815


class StatusPage(msgspec.Struct):
    orders: tuple[msgspec.Raw, ...]


class _Loose(msgspec.Struct):
    id: object = ""
    orderUid: object = ""  # noqa: N815 - as on the wire


@dataclass(frozen=True, slots=True)
class Told:
    """A unit as it came: ``unit`` is None, with the reason, where it could not be understood."""

    basket: str
    raw: bytes
    unit: Unit | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The units of one order of ours."""

    order_id: str
    units: tuple[Unit, ...]
    raws: tuple[bytes, ...] = field(repr=False, default=())

    @property
    def placed_at(self) -> datetime:
        return min(unit.createdAt for unit in self.units)

    @property
    def last_at(self) -> datetime:
        return max(unit.createdAt for unit in self.units)

    def of_line(self, line_id: str) -> list[Unit]:
        return [unit for unit in self.units if str(unit.chrtId) == line_id]


# --- units to groups ----------------------------------------------------------------------------------------------------------------------


def read_unit(raw: bytes) -> Told:
    try:
        unit = msgspec.json.decode(raw, type=Unit)
    except ValueError as error:
        return Told(_basket_of(raw), raw, None, f"assembly order not understood: {error}")
    if unit.deliveryType != "fbs":
        return Told(unit.basket, raw, None, f"delivery type {unit.deliveryType!r} of assembly order {unit.id} is not known")
    return Told(unit.basket, raw, unit)


def _basket_of(raw: bytes) -> str:
    try:
        loose = msgspec.json.decode(raw, type=_Loose)
    except ValueError:
        return ""
    return str(loose.orderUid or loose.id or "")


def group(told: Iterable[Told]) -> tuple[tuple[Group, ...], tuple[Parked, ...]]:
    """The orders that these units make. One unit that is not understood parks its whole basket: the rest of it would be told as all."""
    baskets: dict[str, list[Told]] = {}
    for one in told:
        baskets.setdefault(one.basket, []).append(one)
    groups: list[Group] = []
    parked: list[Parked] = []
    for basket, members in baskets.items():
        broken = next((one.reason for one in members if one.unit is None), "")
        if broken:
            parked.append(Parked(basket, broken, b"[" + b",".join(one.raw for one in members) + b"]"))
        else:
            groups += _split(basket, members)
    return tuple(groups), tuple(parked)


def _split(basket: str, members: Sequence[Told]) -> list[Group]:
    """One order per warehouse. The one with the oldest unit keeps the basket's name, so that it is the same whenever it is told."""
    by_warehouse: dict[int, list[tuple[Unit, bytes]]] = {}
    for one in sorted(members, key=lambda told: told.unit.id if told.unit else 0):
        if one.unit is not None:
            by_warehouse.setdefault(one.unit.warehouseId, []).append((one.unit, one.raw))
    names = [basket if number == 0 else f"{basket}/{warehouse}" for number, warehouse in enumerate(by_warehouse)]
    return [
        Group(name, tuple(unit for unit, _ in pairs), tuple(raw for _, raw in pairs))
        for name, pairs in zip(names, by_warehouse.values(), strict=True)
    ]


# --- what became of a unit ----------------------------------------------------------------------------------------------------------------


class Fate(StrEnum):
    """``TAKEN``: in a supply. ``GONE``: scanned by Wildberries, whatever became of it later."""

    NEW = "new"
    TAKEN = "taken"
    GONE = "gone"
    CANCELLED = "cancelled"


SUPPLIER = {
    "new": Fate.NEW,
    "confirm": Fate.TAKEN,
    "complete": Fate.TAKEN,
    "cancel": Fate.CANCELLED,
    "cancel_carrier": Fate.CANCELLED,
}
"""``supplierStatus``: what the seller did (03, POST /api/v3/orders/status)."""
WB: Mapping[str, Fate | None] = {
    "waiting": None,
    "postponed_delivery": None,
    "sorted": Fate.GONE,
    "ready_for_pickup": Fate.GONE,
    "sold": Fate.GONE,
    "accepted_by_carrier": Fate.GONE,
    "sent_to_carrier": Fate.GONE,
    "canceled_by_client": Fate.GONE,
    "canceled": Fate.CANCELLED,
    "declined_by_client": Fate.CANCELLED,
    "canceled_by_carrier": Fate.CANCELLED,
    "defect": Fate.CANCELLED,
}
"""``wbStatus``: what Wildberries did; None leaves it to the seller's. ``canceled_by_client`` is a refusal at the pick-up point: it left."""
GONE_OR_CANCELLED = {Fate.GONE, Fate.CANCELLED}


def fate_of(unit: Unit, status: Status) -> Fate:
    """UnknownWord for a status that no document lists. A price of reception (``scanPrice``) is shown once the unit was really received."""
    if status.supplierStatus not in SUPPLIER or status.wbStatus not in WB:
        raise UnknownWord(f"status {status.supplierStatus!r}, {status.wbStatus!r} of assembly order {unit.id} is not known")
    if unit.scanPrice is not None:
        return Fate.GONE
    return WB[status.wbStatus] or SUPPLIER[status.supplierStatus]


def fates_of(group: Group, statuses: Mapping[int, Status]) -> dict[int, Fate]:
    """By the unit's number; ValueError where the platform told nothing of one."""
    missing = [str(unit.id) for unit in group.units if unit.id not in statuses]
    if missing:
        raise ValueError(f"Wildberries told no status of assembly order {', '.join(missing)}")
    return {unit.id: fate_of(unit, statuses[unit.id]) for unit in group.units}


# --- orders -------------------------------------------------------------------------------------------------------------------------------


def parse_group(group: Group, statuses: Mapping[int, Status]) -> RemoteOrder:
    """One order in our words; ValueError if it cannot be understood (the caller parks it)."""
    fates = fates_of(group, statuses)
    currencies = {unit.convertedCurrencyCode for unit in group.units}
    currency = CURRENCIES.get(currencies.pop()) if len(currencies) == 1 else None
    if currency is None:
        raise ValueError("the currency is not one that Wildberries pays sellers in, or there are several")
    return RemoteOrder(
        order_id=group.order_id,
        number=group.order_id if len(group.units) > 1 else str(group.units[0].id),
        state=state_of(fates.values()),
        remote_state=remote_state(group, statuses),
        ordered_at=group.placed_at.astimezone(UTC),
        currency=currency,
        lines=tuple(_line(group, line_id, fates, currency) for line_id in dict.fromkeys(str(unit.chrtId) for unit in group.units)),
        warehouse=str(group.units[0].warehouseId),
        scanned=True,
        raw=raw_of(group, statuses),
    )


def state_of(fates: Iterable[Fate]) -> OrderState:
    """An order is taken on once no open unit of it is new."""
    count = Counter(fates)
    if count[Fate.NEW] or count[Fate.TAKEN]:
        if count[Fate.GONE]:
            return OrderState.PART_SHIPPED
        return OrderState.NEW if count[Fate.NEW] else OrderState.ACKNOWLEDGED
    return OrderState.SHIPPED if count[Fate.GONE] else OrderState.CANCELLED


def remote_state(group: Group, statuses: Mapping[int, Status]) -> str:
    """The platform's two words, with how many units they hold for; and that it was sold without stock, which is cancelled unpunished."""
    words = Counter(f"{statuses[unit.id].supplierStatus}, {statuses[unit.id].wbStatus}" for unit in group.units)
    told = "; ".join(word if len(words) == 1 else f"{count} × {word}" for word, count in words.items())
    return f"{told}; sold at zero stock" if any(unit.isZeroOrder for unit in group.units) else told


def _line(group: Group, line_id: str, fates: Mapping[int, Fate], currency: str) -> RemoteOrderLine:
    units = group.of_line(line_id)
    count = Counter(fates[unit.id] for unit in units)
    if any(unit.convertedPrice < 0 for unit in units):
        raise ValueError(f"a unit of size {line_id} has a price below zero")
    total = Decimal(sum(unit.convertedPrice for unit in units)) / 100
    return RemoteOrderLine(
        line_id=line_id,
        ref=units[0].ref,
        title=units[0].article,
        ordered=len(units),
        cancelled=count[Fate.CANCELLED],
        shipped=count[Fate.GONE],
        charges=(Charge(ChargeKind.PRODUCT, Money(total, currency), tax_included=True),),
        unit_ids=tuple(str(unit.id) for unit in units),
    )


def raw_of(group: Group, statuses: Mapping[int, Status]) -> bytes:
    """The bodies of the units as they came, and their statuses, as one JSON object."""
    told = [statuses[unit.id] for unit in group.units if unit.id in statuses]
    return msgspec.json.encode({"order": group.order_id, "orders": [msgspec.Raw(raw) for raw in group.raws], "statuses": told})


def parse_groups(groups: Sequence[Group], statuses: Mapping[int, Status]) -> tuple[tuple[RemoteOrder, ...], tuple[Parked, ...]]:
    """Order by order: one that is not understood is parked, the others go on."""
    orders: list[RemoteOrder] = []
    parked: list[Parked] = []
    for one in groups:
        try:
            orders.append(parse_group(one, statuses))
        except ValueError as error:
            parked.append(Parked(one.order_id, f"order not understood: {error}", raw_of(one, statuses)))
    return tuple(orders), tuple(parked)
