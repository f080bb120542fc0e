"""What is done to orders: taking them on, making sure that they can leave, cancelling units, stickers."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stallkit.adapters.wildberries.assembly import Assembly
from stallkit.adapters.wildberries.calls import Calls
from stallkit.adapters.wildberries.manifest import CANCELS, ORDERS
from stallkit.adapters.wildberries.supplies import SAID_NO, Supplies, outcome_of
from stallkit.adapters.wildberries.wire_orders import Fate, Group, Status, Unit, fates_of
from stallkit.errors import OutcomeUnknown, SlowDown, Unintelligible
from stallkit.types import Accepted, CancelNotice, Label, LabelAnswer, LineQuantity, Outcome, Rejected, ShipmentNotice

STICKERS = 100
"""03, POST /api/v3/orders/stickers: stickers in one call."""
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "zplv": "application/zpl", "zplh": "application/zpl"}
OPEN = {Fate.NEW, Fate.TAKEN}


@dataclass(frozen=True, slots=True)
class Order:
    """An order with what became of each of its units."""

    group: Group
    statuses: Mapping[int, Status]
    fates: Mapping[int, Fate]

    def of(self, *fates: Fate, line_id: str = "") -> list[Unit]:
        units = self.group.of_line(line_id) if line_id else self.group.units
        return [unit for unit in units if self.fates[unit.id] in fates]


class Sticker(msgspec.Struct):
    orderId: int  # noqa: N815 - as on the wire
    file: str


class StickerPage(msgspec.Struct):
    stickers: tuple[Sticker, ...]


class Actions:
    def __init__(self, calls: Calls, assembly: Assembly, label_format: str) -> None:
        self._calls, self._assembly, self._format = calls, assembly, label_format
        self._supplies = Supplies(calls, assembly.memory)

    def _look(self, order_ids: Sequence[str]) -> dict[str, Order]:
        groups = self._assembly.find(order_ids)
        statuses = self._assembly.statuses(list(groups.values())) if groups else {}
        try:
            return {name: Order(one, statuses, fates_of(one, statuses)) for name, one in groups.items()}
        except ValueError as error:
            raise Unintelligible(str(error)) from error

    # --- taking on ----------------------------------------------------------------------------------------------------------------------

    def acknowledge(self, order_id: str) -> Outcome:
        """A buyer who cancels while we do this has the whole basket refused: what is left of it then goes in. A refusal with nothing
        changed stands; it counts as ten calls already."""
        tried: set[int] = set()
        refused: Outcome = Accepted()
        while True:
            order = self._look([order_id]).get(order_id)
            if order is None:
                return no_such_order(order_id)
            fresh = order.of(Fate.NEW)
            if not fresh:
                return taken_on(order)
            if tried == {unit.id for unit in fresh}:
                return refused
            refused = self._supplies.add(fresh)
            if not isinstance(refused, Rejected):
                return refused
            tried = {unit.id for unit in fresh}

    # --- leaving ------------------------------------------------------------------------------------------------------------------------

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """Wildberries learns from its own scan what has left. Here the units get into a supply, if they are in none, and the supply is
        handed over if it holds nothing but what the notice names; any other is closed by a person, or by the first scan (03)."""
        order = self._look([notice.order_id]).get(notice.order_id)
        if order is None:
            return no_such_order(notice.order_id)
        chosen: list[Unit] = []
        for line_id, quantity in quantities(notice.lines).items():
            units = [*order.of(Fate.TAKEN, line_id=line_id), *order.of(Fate.NEW, line_id=line_id), *order.of(Fate.GONE, line_id=line_id)]
            if (refused := unfit(order, line_id, quantity, len(units), "to ship")) is not None:
                return refused
            chosen += units[:quantity]
        fresh = [unit for unit in chosen if order.fates[unit.id] is Fate.NEW]
        if fresh:
            outcome = self._supplies.add(fresh)
            if not isinstance(outcome, Accepted):
                return outcome
        return self._hand_over(order, chosen)

    def _hand_over(self, order: Order, chosen: Sequence[Unit]) -> Outcome:
        waiting = [unit for unit in chosen if order.statuses[unit.id].supplierStatus == "confirm"]
        ours = {unit.id for unit in chosen}
        for supply_id in dict.fromkeys(unit.supplyId for unit in waiting if unit.supplyId):
            members = self._supplies.members(supply_id)
            if members and members <= ours:
                outcome = self._supplies.deliver(supply_id)
                if not isinstance(outcome, Accepted):
                    return outcome
        return Accepted()

    # --- cancelling ---------------------------------------------------------------------------------------------------------------------

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        """Unit by unit; Wildberries asks for no reason. All are looked at before the first one goes: a refused call counts as ten."""
        order = self._look([notice.order_id]).get(notice.order_id)
        if order is None:
            return no_such_order(notice.order_id)
        wanted = quantities(notice.lines)
        if not wanted:
            return Rejected("no_lines", f"the cancellation of order {notice.order_id} names no quantity")
        if not order.of(*OPEN, Fate.GONE):
            return Accepted()
        chosen: list[Unit] = []
        for line_id, quantity in wanted.items():
            units = order.of(Fate.NEW, line_id=line_id)[::-1] + order.of(Fate.TAKEN, line_id=line_id)[::-1]
            if (refused := unfit(order, line_id, quantity, len(units), "to cancel")) is not None:
                return refused
            chosen += units[:quantity]
        stuck = [str(unit.id) for unit in chosen if not order.statuses[unit.id].isCancellable]
        if stuck:
            return Rejected("not_cancellable", f"Wildberries does not let the seller cancel assembly order {', '.join(stuck)} any more")
        return self._cancel(chosen)

    def _cancel(self, chosen: Sequence[Unit]) -> Outcome:
        """Where the rate limit stops us in the middle, what is left can only be known from the order: the hub reads it and sends that."""
        for number, unit in enumerate(chosen):
            so_far = f"assembly order {unit.id}; {number} of {len(chosen)} were cancelled"
            try:
                reply = self._calls.write("PATCH", f"/api/v3/orders/{unit.id}/cancel", CANCELS, accept=SAID_NO)
            except SlowDown as error:
                if number:
                    raise OutcomeUnknown(f"{error.detail} ({so_far})", status=error.status) from error
                raise
            outcome = outcome_of(reply)
            if isinstance(outcome, Rejected):
                return Rejected(outcome.code, f"{outcome.message} ({so_far})")
        return Accepted()

    # --- stickers -----------------------------------------------------------------------------------------------------------------------

    def read_labels(self, order_ids: Sequence[str]) -> dict[str, LabelAnswer]:
        """A sticker for each unit that is in a supply or on its way."""
        if not order_ids:
            return {}
        orders = self._look(order_ids)
        ready = {name: order for name, order in orders.items() if not order.of(Fate.NEW) and order.of(Fate.TAKEN, Fate.GONE)}
        files = self._stickers([unit for order in ready.values() for unit in order.of(Fate.TAKEN, Fate.GONE)])
        return {name: self._answer(name, orders.get(name), ready, files) for name in order_ids}

    def _answer(self, name: str, order: Order | None, ready: Mapping[str, Order], files: Mapping[int, Label]) -> LabelAnswer:
        if order is None:
            return no_such_order(name)
        if name not in ready:
            if order.of(Fate.NEW):
                return Rejected("acknowledge_first", f"order {name} is new: Wildberries makes stickers once it is in a supply")
            return Rejected("cancelled", f"order {name} is cancelled at Wildberries")
        units = order.of(Fate.TAKEN, Fate.GONE)
        missing = [str(unit.id) for unit in units if unit.id not in files]
        if missing:
            return Rejected(
                "no_sticker",
                f"Wildberries made no sticker for assembly order {', '.join(missing)}; goods from abroad need their declaration",
            )
        return tuple(files[unit.id] for unit in units)

    def _stickers(self, units: Sequence[Unit]) -> dict[int, Label]:
        """Goods from abroad are asked for one by one: one that lacks its customs declaration has the whole call refused (03, 409)."""
        found: dict[int, Label] = {}
        home = [unit.id for unit in units if not unit.crossBorderType]
        for first in range(0, len(home), STICKERS):
            found |= self._ask_stickers(home[first : first + STICKERS])
        for unit in units:
            if unit.crossBorderType:
                found |= self._ask_stickers([unit.id])
        return found

    def _ask_stickers(self, ids: Sequence[int]) -> dict[int, Label]:
        params = {"type": self._format, "width": "58", "height": "40"}
        reply = self._calls.read("POST", "/api/v3/orders/stickers", ORDERS, params=params, json={"orders": ids}, accept=SAID_NO)
        if reply.status in SAID_NO:
            return {}
        return {one.orderId: Label(MEDIA[self._format], unpack(one)) for one in reply.decode(StickerPage).stickers}


def unpack(sticker: Sticker) -> bytes:
    try:
        return base64.b64decode(sticker.file, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unintelligible(f"the sticker of assembly order {sticker.orderId} is not base64") from error


def quantities(lines: Sequence[LineQuantity]) -> dict[str, int]:
    """Units by line; a line that is named twice counts for both."""
    total: Counter[str] = Counter()
    for line in lines:
        total[line.line_id] += line.quantity
    return {line_id: quantity for line_id, quantity in total.items() if quantity > 0}


def unfit(order: Order, line_id: str, wanted: int, there: int, what: str) -> Rejected | None:
    """Why a line cannot give so many units."""
    if not order.group.of_line(line_id):
        return Rejected("unknown_line", f"order {order.group.order_id} has no line {line_id}")
    if wanted > there:
        return Rejected("too_many", f"line {line_id} of order {order.group.order_id} has {there} units left {what}, not {wanted}")
    return None


def taken_on(order: Order) -> Outcome:
    """The answer for an order without new units."""
    if order.of(Fate.TAKEN, Fate.GONE):
        return Accepted()
    return Rejected("cancelled", f"order {order.group.order_id} is cancelled at Wildberries")


def no_such_order(order_id: str) -> Rejected:
    return Rejected("unknown_order", f"Wildberries has no order {order_id!r} among those of three months")
