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
from stallkeeper.backoffice.order_calls import Call, by_event, calls_of
from stallkeeper.backoffice.order_lines import line_rows
from stallkeeper.backoffice.order_messages import unsaid
from stallkeeper.backoffice.order_rows import PEOPLE, rows_of
from stallkeeper.backoffice.order_trail import trail_of
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show
from stallkeeper.core import clock, personal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Amount, Order, OrderEvent, OrderLine, OrderNote
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


@dataclass(frozen=True)
class Moment:
    """One entry of the time line. ``words`` are the channel's own, or what we know beside the title."""

    at: datetime
    title: StrOrPromise
    tone: str = ""
    words: str = ""
    by: str = ""
    call: Call | None = None
    by_hand: bool = False


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
    sums, amounts = money_of(shown, lines) if can(request.membership, Permission.SEE_MONEY) else (None, None)
    context = {
        "title": shown.number,
        "order": shown,
        "row": rows_of([shown], clock.now())[0],
        "trail": trail_of(request, shown),
        "onward": f"?{query}" if (query := request.GET.urlencode()) else "",
        "lines": line_rows(shown, lines),
        "sums": sums,
        "amounts": amounts,
        "may_note": can(request.membership, Permission.ACT_ORDERS),
        "may_act": may_act,
        "taken_back": [line for line in lines if line.taken_back],
        "may_see_buyer": can(request.membership, Permission.SEE_PERSONAL_DATA),
        **_history(shown, lines),
    }
    acts = order_forms(shown, lines, may_act=may_act)
    return show(request, "backoffice/order.html", {**context, **acts, **forms_with_errors}, status=status)


def _history(shown: Order, lines: Sequence[OrderLine]) -> dict[str, object]:
    """What happened to it, here, at its channel and in 1C; and what its platform can do."""
    told = ExchangeOrder.objects.filter(order=shown).exclude(confirmed_at=None).select_related("exchange__source").order_by("pk")
    manifest = manifest_of(shown.connection.platform)
    return {
        "moments": time_line(shown, lines),
        "in_1c": list(told),
        "shipments": list(Shipment.objects.filter(order=shown).prefetch_related("lines__line").order_by("shipped_at")),
        "notes": notes_of(shown),
        "note_key": uuid4().hex,
        "manifest": manifest,
        "quirks": manifest.quirks,
        "carriers": Shipment.objects.order_by("carrier").values_list("carrier", flat=True).distinct()[:30],
    }


def notes_of(shown: Order) -> list[tuple[OrderNote, str]]:
    """What colleagues wrote, newest first, with who it was."""
    notes = list(shown.notes.order_by("-at", "-pk"))
    names = names_of({note.actor for note in notes})
    return [(note, names.get(note.actor, "")) for note in notes]


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


def money_of(shown: Order, lines: Sequence[OrderLine]) -> tuple[list[Money], list[Money]]:
    """The order's money as the channel stated it: the sum of each kind, and every amount, of the order first, then line by line."""
    skus = {line.pk: line.sku for line in lines}
    rows = list(Amount.objects.filter(order=shown).order_by("line_id", "pk"))
    found = [
        Money(AMOUNT_NAMES.get(row.kind, row.kind), row.amount, row.currency, _note(row), skus.get(row.line_id or 0, "")) for row in rows
    ]
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in rows:
        key = (row.kind, row.currency, row.owed_by if row.kind == "tax" else "")
        sums[key] = sums.get(key, Decimal(0)) + row.amount
    kinds = [
        Money(AMOUNT_NAMES.get(kind, kind), total, currency, str(_("owed by the marketplace")) if owed_by == "marketplace" else "", "")
        for (kind, currency, owed_by), total in sums.items()
    ]
    return kinds, sorted(found, key=lambda money: bool(money.sku))


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


def time_line(shown: Order, lines: Sequence[OrderLine]) -> list[Moment]:
    """Events and calls to the channel, newest first, with the channel's own words. A call that has ended stands with what it brought."""
    events = list(OrderEvent.objects.filter(order=shown).order_by("pk"))
    names = names_of({event.actor for event in events})
    skus = {line.line_id: line.sku for line in lines}
    calls = calls_of(shown, skus)
    told = by_event(calls, events)
    moments = [
        Moment(
            event.at,
            *EVENT_NAMES.get(event.kind, (event.kind, "")),
            words=words_of(event.detail, skus),
            by=names.get(event.actor, ""),
            call=told.get(event.pk),
            by_hand=event.actor.startswith(PEOPLE),
        )
        for event in events
    ]
    alone = [call for call in calls if call.command.pk not in {each.command.pk for each in told.values()}]
    moments += [Moment(call.at, call.name, call.tone, call.words, call=call) for call in alone]
    return sorted(moments, key=lambda moment: moment.at)[::-1]  # of two at once the later written comes first
