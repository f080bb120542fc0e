"""Orders that the seller delivers himself (05: DBS, at once or to a pick-up point), read beside the others if the connection says so.

Wildberries lists such assembly orders while they are new and once they are over, and not in between. So each unit is an order of ours by
itself, called ``dbs-`` and its number: what is done to it needs no list. In between its state is asked for as long as this process knows
it; what a new process cannot be told, the hub has done itself, and a cancellation ends the order, which lists it again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from stallkit.adapters.wildberries.calls import Calls
from stallkit.adapters.wildberries.manifest import DBS, DBS_ACTIONS
from stallkit.adapters.wildberries.walk import DEEP_EVERY, MONTH, Place, Window
from stallkit.adapters.wildberries.wire import UnknownWord, is_number
from stallkit.adapters.wildberries.wire_orders import CURRENCIES, Fate, Unit, UnitPage, state_of
from stallkit.errors import Unintelligible
from stallkit.types import (
    Accepted,
    Buyer,
    CancelNotice,
    Charge,
    ChargeKind,
    Money,
    Outcome,
    Parked,
    Rejected,
    RemoteOrder,
    RemoteOrderLine,
    ShipmentNotice,
)

PREFIX = "dbs-"
KINDS = {"dbs", "edbs", "dbsPickupPoint"}
AT_ONCE = 1_000
MOST = 5_000
"""Orders under way that are remembered."""
SUPPLIER = {
    "new": Fate.NEW,
    "confirm": Fate.TAKEN,
    "deliver": Fate.GONE,
    "receive": Fate.GONE,
    "reject": Fate.GONE,
    "cancel": Fate.CANCELLED,
    "cancel_missed_call": Fate.CANCELLED,
}
"""What the seller did (05, POST status/info); goods that are refused at the door have left."""
WB: Mapping[str, Fate | None] = {
    "waiting": None,
    "sold": Fate.GONE,
    "ready_for_pickup": Fate.GONE,
    "canceled_by_client": Fate.GONE,
    "canceled": Fate.CANCELLED,
    "declined_by_client": Fate.CANCELLED,
    "canceled_by_missed_call": Fate.CANCELLED,
    "defect": Fate.CANCELLED,
}


class Failed(msgspec.Struct):
    code: int
    detail: str


class Status(msgspec.Struct):
    """``errors`` is set where Wildberries does not know the order."""

    orderId: int  # noqa: N815 - as on the wire
    supplierStatus: str = ""  # noqa: N815
    wbStatus: str = ""  # noqa: N815
    errors: tuple[Failed, ...] | None = None

    @property
    def fate(self) -> Fate:
        """UnknownWord for a status that no document lists."""
        if self.supplierStatus not in SUPPLIER or self.wbStatus not in WB:
            raise UnknownWord(f"status {self.supplierStatus!r}, {self.wbStatus!r} of assembly order {self.orderId} is not known")
        done = SUPPLIER[self.supplierStatus]
        return done if done is Fate.GONE else WB[self.wbStatus] or done


class StatusPage(msgspec.Struct):
    orders: tuple[Status, ...]


class NewPage(msgspec.Struct):
    orders: tuple[msgspec.Raw, ...]


class Result(msgspec.Struct):
    """A 200 holds the refusals of single orders."""

    orderId: int  # noqa: N815 - as on the wire
    isError: bool  # noqa: N815
    errors: tuple[Failed, ...] | None = None


class Results(msgspec.Struct):
    results: tuple[Result, ...]


class Client(msgspec.Struct):
    orderID: int  # noqa: N815 - as on the wire
    fullName: str = ""  # noqa: N815
    firstName: str = ""  # noqa: N815
    replacementPhone: str = ""  # noqa: N815
    phone: str = ""


class Clients(msgspec.Struct):
    orders: tuple[Client, ...] | None = None


class Address(msgspec.Struct):
    fullAddress: str = ""  # noqa: N815 - as on the wire


class _Addressed(msgspec.Struct):
    address: Address | None = None


class _Loose(msgspec.Struct):
    id: object = ""


@dataclass(frozen=True, slots=True)
class Known:
    unit: Unit
    raw: bytes


class Dbs:
    def __init__(self, calls: Calls, clock: Callable[[], datetime]) -> None:
        self._calls, self._clock = calls, clock
        self._under_way: OrderedDict[int, Known] = OrderedDict()

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def step(self, place: Place) -> tuple[tuple[RemoteOrder, ...], tuple[Parked, ...], Place]:
        """What is new, what this process knows to be under way, and a page of what is over; with the place for the next step."""
        fresh, odd = understand(self._calls.read("GET", "/api/v3/dbs/orders/new", DBS).decode(NewPage).orders)
        over, strange, place = self._over(place)
        units = {**self._under_way, **{one.unit.id: one for one in (*fresh, *over)}}
        statuses = self._statuses(list(units))
        clients = self._clients([number for number in units if number not in {one.unit.id for one in over}])
        orders: list[RemoteOrder] = []
        parked = [*odd, *strange]
        for number, one in units.items():
            try:
                orders.append(parse_order(one, statuses.get(number), clients.get(number)))
            except ValueError as error:
                parked.append(Parked(f"{PREFIX}{number}", f"order not understood: {error}", one.raw))
        self._remember(units, statuses, {one.unit.id for one in over})
        return tuple(orders), tuple(parked), place

    def _over(self, place: Place) -> tuple[list[Known], list[Parked], Place]:
        """A page of the orders of a month that are over; begun anew every ten minutes."""
        now = int(self._clock().timestamp())
        window = place.dbs or (Window(now - MONTH, now) if now - place.dbs_at >= DEEP_EVERY else None)
        if window is None:
            return [], [], place
        begun = place.dbs_at if place.dbs else now
        params = {"limit": str(AT_ONCE), "next": str(window.next), "dateFrom": str(window.start), "dateTo": str(window.end)}
        page = self._calls.read("GET", "/api/v3/dbs/orders", DBS, params=params).decode(UnitPage)
        known, parked = understand(page.orders)
        more = page.orders and page.next not in {0, window.next}
        return known, parked, msgspec.structs.replace(place, dbs=window.turned(page.next, ()) if more else None, dbs_at=begun)

    def _remember(self, units: Mapping[int, Known], statuses: Mapping[int, Status], over: set[int]) -> None:
        self._under_way = OrderedDict((number, one) for number, one in units.items() if number not in over and number in statuses)
        while len(self._under_way) > MOST:
            self._under_way.popitem(last=False)

    def _statuses(self, numbers: Sequence[int]) -> dict[int, Status]:
        found: dict[int, Status] = {}
        for first in range(0, len(numbers), AT_ONCE):
            body = {"ordersIds": numbers[first : first + AT_ONCE]}
            page = self._calls.read("POST", "/api/marketplace/v3/dbs/orders/status/info", DBS, json=body).decode(StatusPage)
            found |= {one.orderId: one for one in page.orders if not one.errors}
        return found

    def _clients(self, numbers: Sequence[int]) -> dict[int, Client]:
        """Whom to call before coming: told for orders that are not over."""
        found: dict[int, Client] = {}
        for first in range(0, len(numbers), AT_ONCE):
            body = {"orders": numbers[first : first + AT_ONCE]}
            told = self._calls.read("POST", "/api/v3/dbs/orders/client", DBS, json=body).decode(Clients).orders
            found |= {one.orderID: one for one in told or ()}
        return found

    def read(self, order_id: str) -> RemoteOrder | None:
        """None where Wildberries does not know the order. One that is under way can be read by the process only that has seen it new."""
        number = number_of(order_id)
        status = self._statuses([number]).get(number) if number else None
        if status is None:
            return None
        place = Place(0)
        while place.dbs is not None or not place.dbs_at:
            orders, _, place = self.step(place)
            for order in orders:
                if order.order_id == order_id:
                    return order
        told = f"{status.supplierStatus}, {status.wbStatus}"
        raise Unintelligible(f"order {order_id} is under way ({told}): Wildberries tells what it holds again once it is over")

    # --- doing --------------------------------------------------------------------------------------------------------------------------

    def acknowledge(self, order_id: str) -> Outcome:
        status = self._status(order_id)
        if isinstance(status, Rejected):
            return status
        if status.fate is Fate.CANCELLED:
            return Rejected("cancelled", f"order {order_id} is cancelled at Wildberries")
        return self._set("confirm", status.orderId) if status.fate is Fate.NEW else Accepted()

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """The seller tells that it is on its way. That it was received is told by the buyer's code, in the portal or by the courier."""
        status = self._status(notice.order_id)
        if isinstance(status, Rejected):
            return status
        if sum(line.quantity for line in notice.lines) != 1 or status.fate is Fate.CANCELLED:
            return Rejected("not_open", f"order {notice.order_id} is one unit, {status.supplierStatus}, {status.wbStatus}")
        if status.fate is Fate.GONE:
            return Accepted()
        confirmed = self._set("confirm", status.orderId) if status.fate is Fate.NEW else Accepted()
        return self._set("deliver", status.orderId) if isinstance(confirmed, Accepted) else confirmed

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        status = self._status(notice.order_id)
        if isinstance(status, Rejected):
            return status
        if status.fate is Fate.CANCELLED:
            return Accepted()
        if sum(line.quantity for line in notice.lines) != 1 or status.fate is Fate.GONE:
            return Rejected("not_open", f"order {notice.order_id} is one unit, {status.supplierStatus}, {status.wbStatus}")
        return self._set("cancel", status.orderId)

    def _status(self, order_id: str) -> Status | Rejected:
        number = number_of(order_id)
        status = self._statuses([number]).get(number) if number else None
        if status is None:
            return Rejected("unknown_order", f"Wildberries has no order {order_id!r} that the seller delivers")
        try:
            status.fate  # noqa: B018 - an unknown word is an error here, not later
        except ValueError as error:
            raise Unintelligible(str(error)) from error
        return status

    def _set(self, action: str, number: int) -> Outcome:
        path = f"/api/marketplace/v3/dbs/orders/status/{action}"
        reply = self._calls.write("POST", path, DBS_ACTIONS, json={"ordersIds": [number]}).decode(Results)
        result = next((one for one in reply.results if one.orderId == number), None)
        if result is None:
            raise Unintelligible(f"Wildberries did not answer for assembly order {number}")
        if not result.isError:
            return Accepted()
        words = [error.detail for error in result.errors or ()] or ["refused"]
        return Rejected(words[0], f"assembly order {number}: {', '.join(words)}")


def understand(raws: Iterable[msgspec.Raw]) -> tuple[list[Known], list[Parked]]:
    """Orders one by one: one that is not understood is parked, the others go on."""
    known: list[Known] = []
    parked: list[Parked] = []
    for raw in raws:
        body = bytes(raw)
        try:
            unit = msgspec.json.decode(body, type=Unit)
            if unit.deliveryType not in KINDS:
                raise UnknownWord(f"delivery type {unit.deliveryType!r} is not known")
            known.append(Known(unit, body))
        except ValueError as error:
            parked.append(Parked(name_of(body), f"order not understood: {error}", body))
    return known, parked


def name_of(body: bytes) -> str:
    try:
        return f"{PREFIX}{msgspec.json.decode(body, type=_Loose).id}"
    except ValueError:
        return ""


def number_of(order_id: str) -> int:
    """The assembly order's number; 0 if the text is none of our names."""
    text = order_id.removeprefix(PREFIX)
    return int(text) if order_id.startswith(PREFIX) and is_number(text) else 0


def parse_order(known: Known, status: Status | None, client: Client | None) -> RemoteOrder:
    """One unit as one order; ValueError if it cannot be understood."""
    unit = known.unit
    if status is None:
        raise ValueError(f"Wildberries told no status of assembly order {unit.id}")
    fate, currency = status.fate, CURRENCIES.get(unit.convertedCurrencyCode)
    if currency is None or unit.convertedPrice < 0:
        raise ValueError(f"assembly order {unit.id} has no price in a currency that Wildberries pays sellers in")
    price = Money(Decimal(unit.convertedPrice) / 100, currency)
    line = RemoteOrderLine(
        line_id=str(unit.chrtId),
        ref=unit.ref,
        title=unit.article,
        ordered=1,
        cancelled=int(fate is Fate.CANCELLED),
        shipped=int(fate is Fate.GONE),
        charges=(Charge(ChargeKind.PRODUCT, price, tax_included=True),),
        unit_ids=(str(unit.id),),
    )
    told = f"{status.supplierStatus}, {status.wbStatus}"
    return RemoteOrder(
        order_id=f"{PREFIX}{unit.id}",
        number=str(unit.id),
        state=state_of([fate]),
        remote_state=f"{told}; sold at zero stock" if unit.isZeroOrder else told,
        ordered_at=unit.createdAt.astimezone(UTC),
        currency=currency,
        lines=(line,),
        buyer=buyer_of(known, client),
        warehouse=str(unit.warehouseId),
        raw=known.raw,
    )


def buyer_of(known: Known, client: Client | None) -> Buyer | None:
    address = msgspec.json.decode(known.raw, type=_Addressed).address
    street = (address.fullAddress,) if address is not None and address.fullAddress else ()
    if client is None:
        return Buyer(address=street) if street else None
    return Buyer(client.fullName or client.firstName, phone=client.replacementPhone or client.phone, address=street)
