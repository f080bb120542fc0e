"""Many orders leave: a sheet with a carrier and a tracking number for each, filled from a spreadsheet's column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.order_choice import Outcome, back_to_list, chosen, lines_of, list_address, show_outcomes, units_of, units_text
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.fulfilment.ship import ShipError, ship, takes_tracking
from stallkeeper.orders import desk
from stallkeeper.orders.models import Order, OrderDesk
from stallkeeper.stock.ledger import NotEnough

APART = re.compile(r"[\t;,]")
LONGEST = {"carrier": 60, "tracking": 100}


@dataclass(frozen=True)
class SheetRow:
    """One order of the sheet. One with a ``problem`` does not leave from here."""

    order: Order
    problem: str
    carrier: str = ""
    tracking: str = ""

    @property
    def goods(self) -> str:
        return ", ".join(f"{line.open} × {line.sku}" for line in lines_of(self.order) if line.open > 0)

    @property
    def units(self) -> str:
        return units_text(self.order)

    @property
    def keeps_tracking(self) -> bool:
        """The channel takes no tracking number: it is kept here only."""
        return not takes_tracking(self.order)


def problem_of(order: Order) -> str:
    """Why an order cannot leave with many others; what needs a decision is decided on its own page."""
    lines = [line for line in lines_of(order) if line.open > 0]
    found = {
        _("Its goods do not leave from here."): order.fulfilled_by != "seller",
        _("Pending: its payment is not sure yet."): order.state == Order.State.PENDING,
        _("Nothing of it is left to ship."): not lines,
        _("A SKU is unknown: link it first, on the order's page."): any(line.stock_unit_id is None for line in lines),
        _("Short of stock: ship what is there on the order's page."): any(line.short for line in lines),
        _("The buyer asks to cancel: decide on the order's page."): any(line.cancel_requested for line in lines),
    }
    return next((words for words, is_so in found.items() if is_so), "")


def show_sheet(request: MemberRequest, orders: list[Order], status: int = 200, error: str = "", notes: Sequence[str] = ()) -> HttpResponse:
    """The sheet, with what has been filled in so far."""
    rows = [_row(request, order) for order in orders]
    filled, more = _pasted(request.POST.get("pasted", ""), rows) if "fill" in request.POST else ({}, [])
    rows = [SheetRow(row.order, row.problem, row.carrier, filled.get(row.order.pk, row.tracking)) for row in rows]
    liked = OrderDesk.objects.filter(user=request.user).values_list("carrier", flat=True).first() or ""
    context = {
        "title": _("Ship orders"),
        "rows": rows,
        "going": sum(not row.problem for row in rows),
        "carrier": request.POST.get("carrier", liked),
        "carriers": Shipment.objects.order_by("carrier").values_list("carrier", flat=True).distinct()[:30],
        "token": _token(request),
        "error": error,
        "notes": [*notes, *more],
        "filters": request.POST.get("filters", ""),
        "back": list_address(request),
    }
    return show(request, "backoffice/order_sheet.html", context, status=status)


def _token(request: MemberRequest) -> str:
    token = request.POST.get("token", "")
    return token if re.fullmatch(r"[0-9a-f]{32}", token) else uuid4().hex


def _row(request: MemberRequest, order: Order) -> SheetRow:
    carrier, tracking = (request.POST.get(f"{name}_{order.pk}", "").strip()[:most] for name, most in LONGEST.items())
    return SheetRow(order, problem_of(order), carrier, tracking)


def _pasted(text: str, rows: Sequence[SheetRow]) -> tuple[dict[int, str], list[str]]:
    """Tracking numbers by order: line by line, or beside the order's number where there are two columns; and what did not fit.

    An empty line leaves its row empty, and so does an order's number that has nothing beside it: what follows does not move up.
    """
    named = {name: row.order.pk for row in rows for name in (row.order.number, row.order.external_id)}
    leaving = [row.order.pk for row in rows if not row.problem]
    free = iter(leaving)
    found: dict[int, str] = {}
    notes: list[str] = []
    for position, line in enumerate(text.splitlines(), 1):
        columns = [cell.strip() for cell in APART.split(line)]
        cells = [cell for cell in columns if cell]
        if len(cells) == 1 and cells[0] in named:
            continue
        order = named.get(columns[0]) if len(cells) > 1 or (cells and not columns[0]) else next(free, None)
        if not cells:
            continue
        if order in leaving:
            found[order] = cells[-1][: LONGEST["tracking"]]
        else:
            notes.append(_("Line {position}, “{text}”: no order of this sheet takes it.").format(position=position, text=line.strip()[:80]))
    return found, notes


@require_POST
@screen(Permission.ACT_ORDERS)
def ship_sheet(request: MemberRequest) -> HttpResponse:
    """Ships every order of the sheet that has a tracking number (or all, if that was ticked), each for itself. Twice is once."""
    orders = chosen(request)
    if orders is None:
        return back_to_list(request)
    if "fill" in request.POST:
        return show_sheet(request, orders)
    carrier = request.POST.get("carrier", "").strip()[: LONGEST["carrier"]]
    rows = [_row(request, order) for order in orders]
    if any(_leaves(request, row) and not (row.carrier or carrier) for row in rows):
        return show_sheet(request, orders, 422, _("Carrier: say who carries the parcels, above or in the row."))
    if not any(_leaves(request, row) for row in rows) and not _made(request, orders):
        return show_sheet(request, orders, 422, _("No order has a tracking number: enter some, or tick that they leave without."))
    if carrier:
        desk.like(request.organisation.pk, request.user.pk, request.user.actor, carrier=carrier)
    made = _made(request, orders)
    return show_outcomes(request, _("Shipped"), [_shipped(request, row, carrier, made) for row in rows])


def _leaves(request: MemberRequest, row: SheetRow) -> bool:
    return not row.problem and bool(row.tracking or request.POST.get("without_tracking"))


def _reference(request: MemberRequest, order: Order) -> str:
    return f"sheet-{_token(request)}-{order.pk}"


def _made(request: MemberRequest, orders: Sequence[Order]) -> Mapping[str, Shipment]:
    """Shipments that this very sheet has made already: it was sent twice."""
    references = [_reference(request, order) for order in orders]
    return {shipment.reference: shipment for shipment in Shipment.objects.filter(reference__in=references)}


def _shipped(request: MemberRequest, row: SheetRow, carrier: str, made: Mapping[str, Shipment]) -> Outcome:
    reference = _reference(request, row.order)
    if reference in made:
        return Outcome(row.order, done=True, words=_said(row.order, made[reference]))
    if row.problem:
        return Outcome(row.order, done=False, words=row.problem)
    if not _leaves(request, row):
        return Outcome(row.order, done=False, words=_("No tracking number: it was left out."))
    try:
        shipment = ship(
            request.organisation.pk,
            row.order.pk,
            units_of(request.POST.get(f"units_{row.order.pk}", "")),
            carrier=row.carrier or carrier,
            tracking_number=row.tracking,
            reference=reference,
            actor=request.user.actor,
        )
    except (ShipError, NotEnough) as error:
        return Outcome(row.order, done=False, words=told(error))
    return Outcome(row.order, done=True, words=_said(row.order, shipment))


def _said(order: Order, shipment: Shipment) -> str:
    parcel = f"{shipment.carrier} {shipment.tracking_number}".strip()
    return _("{parcel}. {channel} is told in the next run.").format(parcel=parcel, channel=order.channel.name)
