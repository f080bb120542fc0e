"""Delays: how long each operation takes, end to end, beside what is promised for it, and whose time it is (S1.20-S1.28)."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import delay_rows
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.templatetags.stallkeeper import duration
from stallkeeper.backoffice.words import told
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import delays as measured
from stallkeeper.orders.promises import CEILINGS, MEASURED, Operation


@screen(Permission.VIEW_ORDERS)
def delays(request: MemberRequest) -> HttpResponse:
    """Every operation: the last 24 hours and the last seven days."""
    board, promises = measured.board(request.organisation.pk, clock.now()), measured.promises()
    rows = [delay_rows.row(operation, promises[operation], board) for operation in Operation]
    return show(request, "backoffice/delays.html", {"title": _("Delays"), "rows": rows, "measured": bool(board.week)})


@screen(Permission.VIEW_ORDERS)
def delay(request: MemberRequest, operation: str) -> HttpResponse:
    """One operation: its day and its week, its channels, its parts, and the ten that took longest. 404 for what is not measured."""
    shown, now = _operation(operation), clock.now()
    channels = {channel.pk: channel.name for channel in Channel.objects.order_by("id")}
    chosen = request.GET.get("channel", "")
    channel = int(chosen) if chosen.isdecimal() and int(chosen) in channels else None
    found, promise = measured.detail(request.organisation.pk, shown, now, channel), measured.promises()[shown]
    context = {
        "title": delay_rows.TITLES[shown],
        "operation": shown,
        "note": delay_rows.NOTES[shown],
        "promise": promise,
        "ceiling": CEILINGS[shown],
        "tighter": promise < CEILINGS[shown],
        "may_promise": can(request.membership, Permission.EDIT_RULES),
        "channels": [(channels[key], delay_rows.of_channel(key, found, promise)) for key in channels if key in found.week],
        "channel_names": channels,
        "chosen": channel,
        "known": bool(found.week),
        "parts": delay_rows.parts(found),
        "day": delay_rows.day_chart(found, promise, now),
        "week": delay_rows.week_chart(found, promise, now),
        "worst": delay_rows.worst(shown, found, channels),
    }
    return show(request, "backoffice/delay.html", context)


def _operation(name: str) -> Operation:
    if name not in MEASURED:
        raise Http404(f"{name} is not measured")
    return Operation(name)


@require_POST
@screen(Permission.EDIT_RULES)
def promise(request: MemberRequest, operation: str) -> HttpResponse:
    """Promise a tighter time for an operation; an empty field goes back to the ceiling."""
    shown, text = _operation(operation), request.POST.get("seconds", "").strip()
    if text and not (text.isdecimal() and len(text) < 10):
        messages.error(request, _("Enter a whole number of seconds, or nothing for the ceiling."))
        return redirect("backoffice:delay", operation)
    try:
        with use_case("promise.delay", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            measured.promise(uc, shown, int(text) if text else None)
            now_promised = measured.promises()[shown]
    except measured.PromiseError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("Promised: {time}.").format(time=duration(now_promised.total_seconds())))
    return redirect("backoffice:delay", operation)
