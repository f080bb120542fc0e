"""Transfer status of a channel: when each kind of transfer last went through (S5.107-S5.115), every step of its runs, and "now"."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import today_rows
from stallkeeper.backoffice.lanes import STEP_NAMES, lane_rows
from stallkeeper.backoffice.screens import MemberRequest, back, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.transfers import steps_of, transfers
from stallkeeper.channels import switches
from stallkeeper.channels.models import Connection, Run
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import exposure
from stallkeeper.sync import wake
from stallkeeper.sync.steps import STEPS

RUNS = 25
EXPOSED = timedelta(days=7)


@screen(Permission.VIEW_STOCK)
def channel_status(request: MemberRequest, pk: int) -> HttpResponse:
    """The tab; its tables renew themselves."""
    shown = get_object_or_404(switches.states(), pk=pk)
    rows, now = lane_rows(shown.connection), clock.now()
    late = [lag for each in today_rows.lags(request.organisation.pk, now, shown.pk) for lag in each.lags]
    runs = Run.objects.filter(lane__in=[row.lane.pk for row in rows]).select_related("lane").order_by("-started_at")
    context = {
        "title": shown.name,
        "channel": shown,
        "tab": "status",
        "silent": switches.why_silent(shown),
        "lanes": [(row, steps_of(row, late)) for row in rows],
        "transfers": transfers(rows, shown),
        "runs": list(runs[:RUNS]),
        "may_send": can(request.membership, Permission.SEND),
        "exposed": exposure.days(request.organisation, now - EXPOSED, shown.pk),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/status_live.html", context)
    return show(request, "backoffice/channel_status.html", context)


@require_POST
@screen(Permission.SEND)
def run_now(request: MemberRequest, pk: int) -> HttpResponse:
    """Wake a connection: its next run starts at once, or right after the one that is under way."""
    shown = get_object_or_404(Connection, pk=pk)
    with use_case("wake.connection", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        uc.mark("wake_connection", [shown.pk])
    messages.success(request, _("{name} runs now.").format(name=shown.name))
    return back(request, "backoffice:channels")


@require_POST
@screen(Permission.SEND)
def step_now(request: MemberRequest, pk: int) -> HttpResponse:
    """One step of an account at the next moment, also after a failure; twice is once. An account that rests says so instead."""
    shown = get_object_or_404(Connection, pk=pk)
    step = request.POST.get("step", "")
    kind = next((kind for kind, steps in STEPS.items() if step in dict(steps)), None)
    if kind is None:
        messages.error(request, _("There is no step {step!r}.").format(step=step[:20]))
    elif shown.state == Connection.State.READY:
        wake.look_now(shown.pk, step, kind)
        messages.success(request, _("{account}, now: {step}.").format(account=shown.name, step=STEP_NAMES[step]))
    else:
        state = shown.get_state_display()
        messages.error(request, _("{account} makes no calls now: {state}.").format(account=shown.name, state=state))
    return back(request, reverse("backoffice:connection", args=[pk]))
