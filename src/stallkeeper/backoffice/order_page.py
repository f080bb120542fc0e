"""One order: its lines, money, buyer and time line, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.event_words import words_of
from stallkeeper.backoffice.forms import CancelForm, LinkLineForm, ShipForm
from stallkeeper.backoffice.order_messages import COMMAND_NAMES, unsaid
from stallkeeper.backoffice.order_rows import order_row
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show
from stallkeeper.channels.models import Command
from stallkeeper.core import clock, personal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Amount, Order, OrderEvent, OrderLine
from stallkeeper.orders.snapshots import buyer_from
from stallkeeper.sync.models import ExchangeOrder
from stallkit.registry import manifest_of
from stallkit.types import Buyer

StrOrPromise = str | Promise

AMOUNT_NAMES: dict[str, StrOrPromise] = {
    "product": _("goods"),
    "shipping": _("shipping"),
    "discount": _("discount"),
    "fee": _("fee of the channel"),
    "tax": _("tax"),
}
EVENT_NAMES: dict[str, tuple[StrOrPromise, str]] = {
    "imported": (_("came in"), ""),
    "heard_of_1c": (_("1C said what became of it there"), ""),
    "changed": (_("changed on the channel"), ""),
    "linked": (_("line linked to a stock unit"), ""),
    "shipped": (_("goods left"), "ok"),
    "taken_back": (_("the channel says that goods have not left"), "bad"),
    "split_off": (_("the channel moved units to another order"), ""),
    "split_from": (_("the channel cut it off another order; the reservation moved along"), ""),
    "not_found": (_("units that the channel shows no longer are in no other order: cancelled"), "warn"),
    "not_left": (_("not left after all"), "warn"),
    "cancel_asked": (_("cancelled by us"), "warn"),
    "acknowledge_asked": (_("acknowledged by us"), ""),
    "acknowledged": (_("the channel took the acknowledgement"), "ok"),
    "ship_confirmed": (_("the channel took the shipment"), "ok"),
    "cancel_confirmed": (_("the channel took the cancellation"), "ok"),
    "acknowledge_refused": (_("the channel refused the acknowledgement"), "bad"),
    "ship_refused": (_("the channel refused the shipment"), "bad"),
    "cancel_refused": (_("the channel refused the cancellation"), "bad"),
    "acknowledge_given_up": (_("gave up on the acknowledgement"), "bad"),
    "ship_given_up": (_("gave up on telling the channel of the shipment"), "bad"),
    "cancel_given_up": (_("gave up on telling the channel of the cancellation, and undid it here"), "bad"),
    "acknowledge_told_again": (_("the acknowledgement is told again"), ""),
    "ship_told_again": (_("the shipment is told again"), ""),
    "cancel_told_again": (_("the cancellation is told again"), ""),
}
"""Kind to (name, tone)."""
COMMAND_TONES = {"queued": "", "sent": "warn"}
NOT_IN_EVENTS = frozenset(COMMAND_TONES)
"""States of commands that leave no event of their own."""


@dataclass(frozen=True)
class Moment:
    """One entry of the time line. ``words`` are the channel's own, or what we know beside the title."""

    at: datetime
    title: StrOrPromise
    tone: str = ""
    words: str = ""
    by: str = ""
    state: StrOrPromise = ""


@dataclass(frozen=True)
class Money:
    """One amount as a row: what for, how much, who owes it."""

    name: StrOrPromise
    amount: Decimal
    currency: str
    note: str
    sku: str


@screen(Permission.VIEW_ORDERS)
def order(request: MemberRequest, pk: int) -> HttpResponse:
    """The page of one order of this organisation; 404 for anybody else's."""
    return show_order(request, get_object_or_404(Order.objects.select_related("channel", "connection"), pk=pk))


def show_order(request: MemberRequest, shown: Order, status: int = 200, **forms_with_errors: object) -> HttpResponse:
    """The page. ``forms_with_errors``: ``ship_form``, ``cancel_form`` or the messages ``unsaid`` that came back."""
    lines = list(shown.lines.select_related("stock_unit", "offer").order_by("pk"))
    may_act = can(request.membership, Permission.ACT_ORDERS) and shown.fulfilled_by == "seller"
    context = {
        "title": shown.number,
        "order": shown,
        "row": order_row(shown, clock.now()),
        "lines": lines,
        "amounts": amounts(shown, lines) if can(request.membership, Permission.SEE_MONEY) else None,
        "moments": time_line(shown),
        "in_1c": list(
            ExchangeOrder.objects.filter(order=shown).exclude(confirmed_at=None).select_related("exchange__source").order_by("pk")
        ),
        "shipments": list(Shipment.objects.filter(order=shown).prefetch_related("lines__line").order_by("shipped_at")),
        "may_act": may_act,
        "taken_back": [line for line in lines if line.taken_back],
        "may_see_buyer": can(request.membership, Permission.SEE_PERSONAL_DATA),
        "quirks": manifest_of(shown.connection.platform).quirks,
        "carriers": Shipment.objects.order_by("carrier").values_list("carrier", flat=True).distinct()[:30],
    }
    acts = order_forms(shown, lines, may_act=may_act)
    return show(request, "backoffice/order.html", {**context, **acts, **forms_with_errors}, status=status)


def order_forms(shown: Order, lines: Sequence[OrderLine], *, may_act: bool) -> dict[str, object]:
    """What can be done on the page, as forms; without those of somebody who may not act."""
    return {
        "ship_form": ShipForm(lines, initial={"reference": f"screen-{uuid4()}"}) if may_act else None,
        "cancel_form": CancelForm(lines) if may_act else None,
        "link_form": LinkLineForm(auto_id=False),
        "unsaid": unsaid(shown),
    }


@require_POST
@screen(Permission.SEE_PERSONAL_DATA)
def buyer(request: MemberRequest, pk: int) -> HttpResponse:
    """The buyer's data. Reading it is an act of its own: it is written into the audit."""
    shown = get_object_or_404(Order, pk=pk)
    with use_case("read.buyer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        texts = personal.read(uc, "order", [shown.pk], reason="order page")
    found: list[Buyer] = [buyer_from(text) for text in texts.values()]
    return fragment(request, "backoffice/parts/buyer.html", {"buyer": found[0] if found else None})


def amounts(shown: Order, lines: Sequence[OrderLine]) -> list[Money]:
    """The order's money as the channel stated it: order first, then line by line."""
    skus = {line.pk: line.sku for line in lines}
    rows = Amount.objects.filter(order=shown).order_by("line_id", "pk")
    found = [
        Money(AMOUNT_NAMES.get(row.kind, row.kind), row.amount, row.currency, _note(row), skus.get(row.line_id or 0, "")) for row in rows
    ]
    return sorted(found, key=lambda money: bool(money.sku))


def _note(row: Amount) -> str:
    parts = [row.label]
    if row.rate is not None:
        parts.append(f"{row.rate * 100:.4g} %")
    if row.kind == "tax" and row.owed_by == "marketplace":
        parts.append(str(_("owed by the marketplace")))
    elif row.kind != "tax" and row.tax_included:
        parts.append(str(_("tax included")))
    elif row.kind in {"product", "shipping"}:
        parts.append(str(_("without tax")))
    return ", ".join(part for part in parts if part)


def time_line(shown: Order) -> list[Moment]:
    """Events, and messages to the channel that are under way, newest first, with the channel's own words."""
    events = list(OrderEvent.objects.filter(order=shown).order_by("pk"))
    names = names_of({event.actor for event in events})
    skus = dict(shown.lines.values_list("line_id", "sku"))
    moments = [
        Moment(event.at, *EVENT_NAMES.get(event.kind, (event.kind, "")), words=words_of(event.detail, skus), by=names.get(event.actor, ""))
        for event in events
    ]
    moments += [_command_moment(command) for command in commands_of(shown) if command.state in NOT_IN_EVENTS]
    return sorted(moments, key=lambda moment: moment.at)[::-1]  # of two at once the later written comes first


def commands_of(shown: Order) -> list[Command]:
    """The messages to the channel about this order."""
    return list(Command.objects.filter(subject_type="order", subject_id=shown.pk).order_by("pk"))


def _command_moment(command: Command) -> Moment:
    words = " ".join(part for part in (command.code, command.message) if part)
    at = command.ended_at or command.sent_at or command.created_at
    title = COMMAND_NAMES.get(command.kind, command.kind)
    return Moment(at, title, COMMAND_TONES.get(command.state, ""), words, state=command.get_state_display())
