"""One offer: its five quantities, how the intended number comes about, and what was sent."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext

from stallkeeper.backoffice.offer_past import past_context
from stallkeeper.backoffice.offer_rows import row
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.words import told
from stallkeeper.channels import switches
from stallkeeper.channels.explain import Explanation, Step, explain
from stallkeeper.channels.explain_words import PRICE_STEPS, STEPS
from stallkeeper.channels.held_rules import HeldRules
from stallkeeper.channels.models import Offer
from stallkeeper.channels.overriding import Origin
from stallkeeper.channels.rule_models import Rounding
from stallkeeper.core.people import Permission, can
from stallkeeper.orders.models import OrderLine

StrOrPromise = str | Promise

WHOLE = Decimal(100)
OUTCOMES = {
    "accepted": "ok",
    "pending": "info",
    "rejected": "bad",
    "unknown": "warn",
    "dropped": "",
    "postponed": "info",
    "differs": "warn",
}


@screen(Permission.VIEW_STOCK)
def offer(request: MemberRequest, pk: int) -> HttpResponse:
    """The panel, or a page of its own when it is opened by its address."""
    return show_offer(request, get_object_or_404(Offer.objects.select_related("channel", "stock_unit", "price"), pk=pk))


def show_offer(request: MemberRequest, shown: Offer, note: str = "") -> HttpResponse:
    """The offer with its working. ``note`` says what has just been done."""
    found = explain(request.organisation.pk, shown.sku, shown.channel.code)
    explanation = next(each for each in found if each.offer_id == shown.pk)
    context = {
        "title": shown.sku,
        "explanation": explanation,
        "steps": [(STEPS.get(step.name, step.name), step, step_note(step, shown, explanation.rules)) for step in explanation.steps],
        "price_steps": [(PRICE_STEPS.get(step.name, step.name), step) for step in explanation.price_steps],
        "orders": orders_of(explanation),
        "row": row(shown),
        "offer": shown,
        "sends": [(log, OUTCOMES.get(log.outcome, "")) for log in explanation.sends_log],
        "silent": switches.why_silent(get_object_or_404(switches.states(), pk=shown.channel_id)),
        "may_send": can(request.membership, Permission.SEND),
        "note": note,
        **past_context(request, shown),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/offer_panel.html", context)
    return show(request, "backoffice/offer.html", context)


def step_note(step: Step, shown: Offer, held: HeldRules) -> str:
    """Which rule or fact is behind a step, in words, and whose rule it is if not the channel's; nothing where none is set."""
    percent, days = f"{held.share.normalize():f}", shown.channel.horizon_days
    sales = gettext("{percent} % of what was sold").format(percent=f"{held.velocity_share.normalize():f}")
    notes: dict[str, tuple[bool, str]] = {
        "incoming": (days > 0, gettext("within {days} days").format(days=days)),
        "share": (held.share != WHOLE, f"{percent} %, {Rounding(held.share_rounding).label}"),
        "buffer": (held.buffer > 0, gettext("{count} kept back").format(count=held.buffer)),
        "velocity": (held.velocity_share > 0, sales),
        "cap": (held.max_publish is not None or held.fixed is not None, _cap(held.max_publish, held.fixed)),
        "zero_at": (held.zero_at > 0, gettext("{count} or fewer are shown as 0").format(count=held.zero_at)),
        "pack_factor": (shown.pack_factor != 1, gettext("{count} to a sold unit").format(count=shown.pack_factor)),
        "basis": (step.before != step.after, _open_there(shown)),
        "guard": (True, told(step.note)),
    }
    said, words = notes.get(step.name, (False, ""))
    special = step.origin is not Origin.CHANNEL
    return ", ".join([words, *([str(step.origin.label)] if special else [])]) if said or special else ""


def _cap(limit: int | None, fixed: int | None) -> str:
    most = gettext("at most {count}").format(count=limit) if limit is not None else ""
    always = gettext("always {count} while there is stock").format(count=fixed) if fixed is not None else ""
    return ", ".join(part for part in (most, always) if part)


def _open_there(shown: Offer) -> str:
    words = gettext("{open} open there, {unknown} of them not acknowledged yet")
    return words.format(open=shown.open_qty, unknown=shown.unacknowledged_qty)


def orders_of(explanation: Explanation) -> dict[int, OrderLine]:
    """The order lines that have a promise, so that each can be opened."""
    return OrderLine.objects.select_related("order").in_bulk([each.line_id for each in explanation.promises if each.line_id])
