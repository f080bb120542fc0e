"""What is printed for chosen orders: a pick list by place and SKU, and a packing slip per order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.order_choice import lines_of, list_address
from stallkeeper.backoffice.screens import MemberRequest, fragment
from stallkeeper.core import clock, personal
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.orders.snapshots import buyer_from
from stallkeeper.stock.models import Location, Reservation, ReservationKind
from stallkit.types import Buyer


@dataclass
class Pick:
    """Units of one stock unit to take from one place, and for which orders."""

    sku: str
    title: str
    quantity: int = 0
    orders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Slip:
    """An order with what leaves of it, and its buyer if the channel gave one."""

    order: Order
    lines: list[OrderLine]
    buyer: Buyer | None


def show_pick_list(request: MemberRequest, orders: list[Order]) -> HttpResponse:
    """Units that are promised to the orders, by place in the order of the places' names, then by SKU."""
    waiting = [(order, line) for order in orders for line in lines_of(order) if line.open > 0 and line.open > line.allocated]
    context = {"title": _("Pick list"), "places": picks(orders), "waiting": waiting, "orders": orders}
    return _print(request, "backoffice/print_pick.html", context)


def picks(orders: list[Order]) -> list[tuple[Location, list[Pick]]]:
    """What to take where, for the open lines of the orders. One statement."""
    owners = {line.pk: order.number for order in orders for line in lines_of(order) if line.open > 0}
    promised = Reservation.objects.filter(owner_type="line", owner_id__in=owners, kind=ReservationKind.ALLOCATED)
    found: dict[Location, dict[int, Pick]] = {}
    for row in promised.select_related("location", "stock_unit").order_by("location__name", "stock_unit__sku", "pk"):
        pick = found.setdefault(row.location, {}).setdefault(row.stock_unit_id, Pick(row.stock_unit.sku, row.stock_unit.title))
        pick.quantity += row.quantity
        pick.orders.append(f"{row.quantity} × {owners[row.owner_id]}")
    return [(place, list(units.values())) for place, units in found.items()]


def show_slips(request: MemberRequest, orders: list[Order]) -> HttpResponse:
    """A page per order, with the buyer's address. Each look at personal data is written into the audit."""
    with use_case("read.buyer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        texts = personal.read(uc, "order", [order.pk for order in orders], reason="packing slip")
    buyers = {subject: buyer_from(text) for (subject, _purpose), text in texts.items()}
    slips = [Slip(order, [line for line in lines_of(order) if line.open > 0], buyers.get(order.pk)) for order in orders]
    return _print(request, "backoffice/print_slips.html", {"title": _("Packing slips"), "slips": slips})


def _print(request: MemberRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    frame = {"organisation": request.organisation, "now": clock.now(), "back": list_address(request)}
    return fragment(request, template, {**context, **frame})
