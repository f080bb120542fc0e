"""Acts on many orders at once: acknowledge, cancel; shipping and printing have modules of their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import REASONS
from stallkeeper.backoffice.order_choice import Outcome, back_to_list, chosen, lines_of, list_address, show_outcomes, units_of, units_text
from stallkeeper.backoffice.order_prints import show_pick_list, show_slips
from stallkeeper.backoffice.order_sheet import show_sheet
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission, can
from stallkeeper.orders.acknowledging import AcknowledgeError, acknowledge
from stallkeeper.orders.cancel import CancelError, cancel_lines
from stallkeeper.orders.models import Order
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.types import CancelReason

NEEDS = {
    "acknowledge": Permission.ACT_ORDERS,
    "ship": Permission.ACT_ORDERS,
    "cancel": Permission.ACT_ORDERS,
    "pick": Permission.VIEW_ORDERS,
    "slips": Permission.SEE_PERSONAL_DATA,
}
"""Which right each act asks for, beside that of seeing orders."""


@require_POST
@screen(Permission.VIEW_ORDERS)
def order_bulk(request: MemberRequest) -> HttpResponse:
    """What is to be done with the ticked orders. Acknowledging is done at once; shipping and cancelling are shown first."""
    action = request.POST.get("action", "")
    if action not in NEEDS:
        return back_to_list(request)
    if not can(request.membership, NEEDS[action]):
        raise PermissionDenied(str(NEEDS[action]))
    orders = chosen(request)
    if orders is None:
        return back_to_list(request)
    shown = {"acknowledge": _acknowledge, "ship": show_sheet, "cancel": _show_cancel, "pick": show_pick_list, "slips": show_slips}
    return shown[action](request, orders)


def _acknowledge(request: MemberRequest, orders: list[Order]) -> HttpResponse:
    return show_outcomes(request, _("Acknowledged"), [_acknowledged(request, order) for order in orders])


def _acknowledged(request: MemberRequest, order: Order) -> Outcome:
    try:
        new = acknowledge(request.organisation.pk, order.pk, actor=request.user.actor)
    except AcknowledgeError as error:
        return Outcome(order, done=False, words=told(error))
    words = _("{channel} is told in the next run.") if new else _("Its acknowledgement is on its way already.")
    return Outcome(order, done=True, words=words.format(channel=order.channel.name))


@dataclass(frozen=True)
class Wanted:
    """An order that is to be cancelled whole: what would happen, or why it cannot be."""

    order: Order
    problem: str
    units: int
    back: int
    text: str

    @property
    def skus(self) -> str:
        return ", ".join(f"{line.open} × {line.sku}" for line in lines_of(self.order) if line.open > 0)


def _wanted(order: Order) -> Wanted:
    open_ = [line for line in lines_of(order) if line.open > 0]
    back = sum(line.allocated for line in open_)
    return Wanted(order, _why_not(order, bool(open_)), sum(line.open for line in open_), back, units_text(order))


def _why_not(order: Order, is_open: bool) -> str:
    manifest = manifest_of(order.connection.platform)
    if Capability.CANCEL_LINES not in manifest.capabilities:
        return _("{channel} lets sellers cancel only in its own screens.").format(channel=order.channel.name)
    if order.fulfilled_by != "seller":
        return _("The marketplace ships it: only it can cancel it.")
    return "" if is_open else _("Nothing of it is open.")


def _show_cancel(request: MemberRequest, orders: list[Order]) -> HttpResponse:
    rows = [_wanted(order) for order in orders]
    going = [row for row in rows if not row.problem]
    context = {
        "title": _("Cancel orders?"),
        "rows": rows,
        "going": len(going),
        "units": sum(row.units for row in going),
        "returning": sum(row.back for row in going),
        "reasons": [(reason.value, words) for reason, words in REASONS.items()],
        "filters": request.POST.get("filters", ""),
        "back": list_address(request),
    }
    return show(request, "backoffice/order_cancel_many.html", context)


@require_POST
@screen(Permission.ACT_ORDERS)
def cancel_many(request: MemberRequest) -> HttpResponse:
    """Cancels the units that were shown, order by order; what has changed meanwhile is refused and said."""
    orders = chosen(request)
    reason = request.POST.get("reason", "")
    if orders is None or reason not in {each.value for each in REASONS}:
        return back_to_list(request)
    outcomes = [_cancelled(request, order, CancelReason(reason)) for order in orders]
    return show_outcomes(request, _("Cancelled"), outcomes)


def _cancelled(request: MemberRequest, order: Order, reason: CancelReason) -> Outcome:
    seen = units_of(request.POST.get(f"units_{order.pk}", ""))
    if not seen:
        return Outcome(order, done=False, words=_why_not(order, is_open=False))
    try:
        cancel_lines(request.organisation.pk, order.pk, seen, reason=reason, actor=request.user.actor)
    except CancelError as error:
        return Outcome(order, done=False, words=told(error))
    return Outcome(order, done=True, words=_("{channel} is told in the next run.").format(channel=order.channel.name))
