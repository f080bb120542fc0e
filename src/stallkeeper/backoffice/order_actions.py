"""What a person does with an order: ship, cancel, tell the channel again, link a line."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import REASONS, CancelForm, LinkLineForm, ShipForm
from stallkeeper.backoffice.order_messages import form_for, tell_again, unsaid
from stallkeeper.backoffice.order_page import show_order
from stallkeeper.backoffice.order_trail import to_order
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.commands import CommandError
from stallkeeper.core.people import Permission
from stallkeeper.fulfilment.not_left import NotLeftError
from stallkeeper.fulfilment.not_left import not_left as take_back
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.fulfilment.ship import ship as ship_goods
from stallkeeper.orders.acknowledging import AcknowledgeError
from stallkeeper.orders.acknowledging import acknowledge as acknowledge_order
from stallkeeper.orders.cancel import CancelError, cancel_lines, cancelled_with
from stallkeeper.orders.linking import LinkError
from stallkeeper.orders.linking import link_line as link
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.ledger import NotEnough
from stallkit.types import CancelReason


def _order(pk: int) -> Order:
    return get_object_or_404(Order.objects.select_related("channel", "connection"), pk=pk)


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.select_related("stock_unit", "offer").order_by("pk"))


@require_POST
@screen(Permission.ACT_ORDERS)
def ship(request: MemberRequest, pk: int) -> HttpResponse:
    """Goods have left: stock falls, the channel is told. Errors come back on the form."""
    order = _order(pk)
    form = ShipForm(_lines(order), request.POST)
    if form.is_valid():
        try:
            _ship(request, order, form)
        except (ShipError, NotEnough) as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("Shipped. {channel} is told in the next run.").format(channel=order.channel.name))
            return to_order(request, pk)
    return show_order(request, order, ship_form=form, status=422)


def _ship(request: MemberRequest, order: Order, form: ShipForm) -> None:
    given = form.cleaned_data
    ship_goods(
        request.organisation.pk,
        order.pk,
        form.quantities(),
        carrier=given["carrier"],
        tracking_number=given["tracking_number"],
        tracking_url=given["tracking_url"],
        reference=given["reference"],
        although_asked=given.get("although_asked", False),
        actor=request.user.actor,
    )


@require_POST
@screen(Permission.ACT_ORDERS)
def acknowledge(request: MemberRequest, pk: int) -> HttpResponse:
    """A person takes the order; the channel is told, also where acknowledging by itself is off."""
    order = _order(pk)
    try:
        new = acknowledge_order(request.organisation.pk, order.pk, actor=request.user.actor)
    except AcknowledgeError as error:
        messages.error(request, told(error))
    else:
        words = _("Acknowledged. {channel} is told in the next run.") if new else _("Its acknowledgement is on its way already.")
        messages.success(request, words.format(channel=order.channel.name))
    return to_order(request, pk)


@require_POST
@screen(Permission.ACT_ORDERS)
def not_left(request: MemberRequest, pk: int) -> HttpResponse:
    """The channel took a shipment back, and the goods are here."""
    order = _order(pk)
    try:
        units = sum(take_back(request.organisation.pk, order.pk, None, actor=request.user.actor).values())
    except NotLeftError as error:
        messages.error(request, told(error))
    else:
        text = ngettext("{count} unit is back on the shelf.", "{count} units are back on the shelf.", units)
        messages.success(request, text.format(count=units))
    return to_order(request, pk)


@require_POST
@screen(Permission.ACT_ORDERS)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    """First shows what will be cancelled and what follows; with ``sure`` it does it, once however often that is pressed."""
    order, reference = _order(pk), request.POST.get("reference", "")[:80]
    if done := cancelled_with(order, reference):
        _say_cancelled(request, order, done)
        return to_order(request, pk)
    lines = _lines(order)
    form = CancelForm(lines, request.POST)
    if form.is_valid() and not request.POST.get("sure"):
        return _ask_to_cancel(request, order, lines, form)
    if form.is_valid():
        try:
            _say_cancelled(request, order, _cancel(request, order, form, reference))
        except CancelError as error:
            form.add_error(None, told(error))
        else:
            return to_order(request, pk)
    return show_order(request, order, cancel_form=form, status=422)


def _cancel(request: MemberRequest, order: Order, form: CancelForm, reference: str) -> dict[int, int]:
    reason = CancelReason(form.cleaned_data["reason"])
    return cancel_lines(request.organisation.pk, order.pk, form.quantities(), reason=reason, actor=request.user.actor, reference=reference)


def _ask_to_cancel(request: MemberRequest, order: Order, lines: list[OrderLine], form: CancelForm) -> HttpResponse:
    quantities = form.quantities()
    chosen = [(line, quantities[line.pk]) for line in lines if line.pk in quantities]
    context = {
        "title": _("Cancel units of {number}?").format(number=order.number),
        "order": order,
        "chosen": chosen,
        "units": sum(quantities.values()),
        "back": sum(min(quantity, line.allocated) for line, quantity in chosen),
        "everything": all(quantities.get(line.pk, 0) == line.open for line in lines),
        "reason": REASONS[CancelReason(form.cleaned_data["reason"])],
        "given": list(request.POST.items()),
        "reference": f"screen-{uuid4()}",
        "onward": f"?{query}" if (query := request.GET.urlencode()) else "",
    }
    return show(request, "backoffice/cancel_sure.html", context)


def _say_cancelled(request: MemberRequest, order: Order, units: Mapping[int, int]) -> None:
    count = sum(units.values())
    text = ngettext(
        "{count} unit cancelled. {channel} is told in the next run.", "{count} units cancelled. {channel} is told in the next run.", count
    )
    messages.success(request, text.format(count=count, channel=order.channel.name))


@require_POST
@screen(Permission.ACT_ORDERS)
def retry(request: MemberRequest, pk: int, command: int) -> HttpResponse:
    """Say to the channel again what it refused or what was given up; a shipment may be put right first."""
    order = _order(pk)
    message = next((one for one in unsaid(order) if one.command.pk == command), None)
    if message is None:
        messages.error(request, _("There is nothing to be told again: the channel has taken it, or it is on its way."))
        return to_order(request, pk)
    form = form_for(message.shipment, command, request.POST) if message.shipment is not None else None
    if form is not None and not form.is_valid():
        return show_order(request, order, unsaid=unsaid(order, {command: form}), status=422)
    try:
        tell_again(request.organisation.pk, pk, message, form, request.user.actor)
    except (CommandError, ShipError) as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("{channel} is told again in the next run.").format(channel=order.channel.name))
    return to_order(request, pk)


@require_POST
@screen(Permission.ACT_ORDERS)
def link_line(request: MemberRequest, pk: int, line: int) -> HttpResponse:
    """An unknown SKU gets its stock unit; stock is reserved at once."""
    row = get_object_or_404(OrderLine, pk=line, order_id=pk)
    form = LinkLineForm(request.POST)
    unit = StockUnit.objects.filter(sku=form.cleaned_data["sku"].strip()).first() if form.is_valid() else None
    if unit is None:
        messages.error(request, _("There is no stock unit with the SKU “{sku}”.").format(sku=request.POST.get("sku", "")))
        return to_order(request, pk)
    try:
        link(request.organisation.pk, row.pk, unit.pk, for_ever=form.cleaned_data["for_ever"], actor=request.user.actor)
    except LinkError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("{line} is now {unit}.").format(line=row.sku, unit=unit.sku))
    return to_order(request, pk)
