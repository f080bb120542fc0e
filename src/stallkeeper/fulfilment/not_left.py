"""Goods that have not left after all: the channel took the shipment back, and a person says that the parcel is here.

What went out by our books comes back to where it left from, the lines are open again, and they may be shipped or cancelled anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from django.db import connection

from stallkeeper.channels import delivery
from stallkeeper.core import audit, notify
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.orders import departures, events, lines
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Movement, VirtualRole
from stallkit.words import said as _

CLOCKS_DIFFER = timedelta(days=1)
"""Who took the order in may have had a clock that was ahead of his who shipped it."""


class NotLeftError(ValueError):
    """It cannot have stayed, as far as the channel says; the text says which line and why."""


@again_on_conflict
def not_left(organisation_id: int, order_id: int, quantities: Mapping[int, int] | None, *, actor: str) -> dict[int, int]:
    """Take back sold units per line (None = all of which the channel says that they have not left). Returns units by line.

    NotLeftError for more units than that: what the channel believes to be under way comes back as a return.
    """
    with use_case("ship.not_left", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
        rows = list(OrderLine.objects.filter(order=order).order_by("id").select_for_update())
        wanted = _wanted(order, rows, quantities)
        back = [row for row in rows if row.pk in wanted]
        _goods_return(uc, order, back, wanted)
        _reopen(uc, order, back, wanted)
        delivery.doubt(uc, sorted({row.offer_id for row in back if row.offer_id is not None}))
        if not any(row.taken_back for row in rows):
            notify.resolve(uc, departures.notice_of(order.pk))
        told = {row.line_id: wanted[row.pk] for row in back}
        events.record(uc, order.pk, "not_left", {"lines": told})
        audit.record(uc, "ship.not_left", "order", order.pk, number=order.number, lines=told)
    return wanted


def _wanted(order: Order, rows: list[OrderLine], quantities: Mapping[int, int] | None) -> dict[int, int]:
    all_of_it = {row.pk: row.taken_back for row in rows}
    asked = {line: quantity for line, quantity in (all_of_it if quantities is None else quantities).items() if quantity}
    by_id = {row.pk: row for row in rows}
    for line, quantity in asked.items():
        if line not in by_id:
            raise NotLeftError(_("line {line} does not belong to order {number}", line=line, number=order.number))
        if not 0 < quantity <= by_id[line].taken_back:
            raise NotLeftError(
                _(
                    "line {line_id}: {quantity} shall not have left, but the channel says so of {taken_back} only",
                    line_id=by_id[line].line_id,
                    quantity=quantity,
                    taken_back=by_id[line].taken_back,
                )
            )
    if not asked:
        raise NotLeftError(
            _("order {number}: the channel does not say of anything that was shipped that it has not left", number=order.number)
        )
    return asked


def _goods_return(uc: UseCase, order: Order, back: list[OrderLine], wanted: Mapping[int, int]) -> None:
    """The reverse movements: to the places that the goods left from, the last one first; what never moved does not come back."""
    with connection.cursor() as cursor:
        parts = lines.load_parts(cursor, [row.stock_unit_id for row in back if row.stock_unit_id is not None])
    customer = places.virtual(uc, VirtualRole.CUSTOMER).pk
    moves: list[Move] = []
    for row in back:
        unit_parts = parts.get(row.stock_unit_id, ()) if row.stock_unit_id is not None else ()
        for unit, number in unit_parts:
            left = number * row.pack_factor * wanted[row.pk]
            for place, out in _still_out(order, row, unit, customer):
                some = min(out, left)
                left -= some
                if some:
                    reference = f"not_left:{row.pk}:{row.shipped}:{uc.at.timestamp():.3f}:{unit}:{place}"
                    moves.append(Move(unit, some, customer, place, Cause.SHIP, reference, uc.at, "not left after all"))
    ledger.post(uc, moves)


def _still_out(order: Order, row: OrderLine, unit: int, customer: int) -> list[tuple[int, int]]:
    """(place, base units) of a unit that left for this line and have not come back, the place of the last departure first."""
    shipments = order.shipments.filter(lines__line=row).values_list("pk", flat=True)
    ours = (f"remote:{row.pk}:", *(f"shipment:{shipment}:{row.pk}:" for shipment in shipments))
    out: Counter[int] = Counter()
    latest: dict[int, int] = {}
    since = order.imported_at - CLOCKS_DIFFER
    for move in Movement.objects.filter(stock_unit_id=unit, cause=Cause.SHIP, recorded_at__gte=since).order_by("id"):
        if move.to_location_id == customer and move.reference.startswith(ours):
            out[move.from_location_id] += move.quantity
            latest[move.from_location_id] = move.pk
        elif move.from_location_id == customer and move.reference.startswith(f"not_left:{row.pk}:"):
            out[move.to_location_id] -= move.quantity
    return [(place, out[place]) for place in sorted(latest, key=lambda place: -latest[place]) if out[place] > 0]


def _reopen(uc: UseCase, order: Order, back: list[OrderLine], wanted: Mapping[int, int]) -> None:
    """The units wait to be shipped again; of an order that is cancelled there, they are cancelled. The next snapshot is taken anyway."""
    cancelled = order.state == Order.State.CANCELLED
    for row in back:
        row.shipped -= wanted[row.pk]
        row.taken_back -= wanted[row.pk]
        row.cancelled += wanted[row.pk] if cancelled else 0
    OrderLine.objects.bulk_update(back, ["shipped", "taken_back", "cancelled"])
    order.digest = b""
    if order.state in {Order.State.SHIPPED, Order.State.PART_SHIPPED}:
        some_left = OrderLine.objects.filter(order=order, shipped__gt=0).exists()
        order.state = Order.State.PART_SHIPPED if some_left else Order.State.ACKNOWLEDGED
    order.save(update_fields=["digest", "state"])
    lines.reset_lines(uc, [row.pk for row in back], cause="not_left")
    if not cancelled:
        lines.change_open(uc, order, [(row, wanted[row.pk]) for row in back])
