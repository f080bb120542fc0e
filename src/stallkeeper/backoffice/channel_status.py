"""Transfer status of a channel: when each kind of transfer last went through (S5.107-S5.115), every step of its runs, and "now"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.lanes import LaneRow, lane_rows
from stallkeeper.backoffice.screens import MemberRequest, back, fragment, screen, show, wants_fragment
from stallkeeper.channels.models import Channel, Connection, Run
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import exposure

RUNS = 25
EXPOSED = timedelta(days=7)


@dataclass(frozen=True)
class Transfer:
    """One kind of transfer: when it last succeeded. ``steps`` of the runs do it; ``switch`` is the field of the channel that allows it."""

    title: str | Promise
    steps: tuple[str, ...]
    switch: str = ""
    at: datetime | None = None
    off: bool = False


TRANSFERS = (
    Transfer(gettext_lazy("Availability sent"), ("quantities",), "stock_enabled"),
    Transfer(gettext_lazy("Prices sent"), ("prices",), "prices_enabled"),
    Transfer(gettext_lazy("Orders taken"), ("orders",), "orders_enabled"),
    Transfer(gettext_lazy("Order messages sent (acknowledge, ship, cancel)"), ("commands",)),
    Transfer(gettext_lazy("Stock and prices read back"), ("observe", "verify")),
    Transfer(gettext_lazy("Listings read"), ("catalogue",)),
    Transfer(gettext_lazy("Results of batches fetched"), ("tickets",)),
)


@screen(Permission.VIEW_STOCK)
def channel_status(request: MemberRequest, pk: int) -> HttpResponse:
    """The tab; its tables renew themselves."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    rows = lane_rows(shown.connection)
    context = {
        "title": shown.name,
        "channel": shown,
        "tab": "status",
        "lanes": rows,
        "transfers": transfers(rows, shown),
        "runs": list(Run.objects.filter(lane__in=[row.lane.pk for row in rows]).select_related("lane").order_by("-started_at")[:RUNS]),
        "may_send": can(request.membership, Permission.SEND),
        "exposed": exposure.days(request.organisation, clock.now() - EXPOSED, shown.pk),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/status_live.html", context)
    return show(request, "backoffice/channel_status.html", context)


def transfers(rows: list[LaneRow], shown: Channel) -> list[Transfer]:
    """The kinds of transfer with the newest success of their steps, and whether the channel has switched them off."""
    last = {step.step: step.last_success_at for row in rows for step in row.steps if step.last_success_at}
    return [
        replace(
            each,
            at=max((last[step] for step in each.steps if step in last), default=None),
            off=bool(each.switch) and not getattr(shown, each.switch),
        )
        for each in TRANSFERS
    ]


@require_POST
@screen(Permission.SEND)
def run_now(request: MemberRequest, pk: int) -> HttpResponse:
    """Wake a connection: its next run starts at once, or right after the one that is under way."""
    shown = get_object_or_404(Connection, pk=pk)
    with use_case("wake.connection", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        uc.mark("wake_connection", [shown.pk])
    messages.success(request, _("{name} runs now.").format(name=shown.name))
    return back(request, "backoffice:channels")
