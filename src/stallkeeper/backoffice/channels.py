"""Channels: the list with the company switch; one channel's switches, its first question, and its stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect, cutover, switches
from stallkeeper.channels.models import Channel, Connection, OfferTodo
from stallkeeper.channels.send_preview import send_preview
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case

StrOrPromise = str | Promise


@dataclass(frozen=True)
class Switch:
    """One switch of a channel as the screen shows it."""

    name: str
    title: StrOrPromise
    meaning: StrOrPromise
    on: bool = False


SWITCHES = (
    Switch("active", gettext_lazy("Active"), gettext_lazy("A channel that is not active is skipped by everything.")),
    Switch("orders", gettext_lazy("Take orders"), gettext_lazy("New orders come in and reserve stock.")),
    Switch("acknowledge", gettext_lazy("Acknowledge orders"), gettext_lazy("The channel is told once stock is reserved.")),
    Switch("stock", gettext_lazy("Send stock"), gettext_lazy("Quantities go to the channel.")),
    Switch("prices", gettext_lazy("Send prices"), gettext_lazy("Prices go to the channel.")),
)


@screen(Permission.VIEW_STOCK)
def channels(request: MemberRequest) -> HttpResponse:
    """Connections with their channels, and what can be connected."""
    by_connection: dict[int, list[tuple[Channel, list[str]]]] = {}
    for channel in switches.states():
        by_connection.setdefault(channel.connection_id, []).append((channel, switches.why_silent(channel)))
    context = {
        "title": _("Channels"),
        "connections": [(each, by_connection.get(each.pk, [])) for each in Connection.objects.order_by("name")],
        "platforms": connect.offered(),
        "organisation": request.organisation,
        "may_connect": can(request.membership, Permission.CONNECT),
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/channels.html", context)


@require_POST
@screen(Permission.SEND)
def company_switch(request: MemberRequest) -> HttpResponse:
    """On: asks first and says how much would go out. Off: at once."""
    allowed = request.POST.get("allowed") == "1"
    if allowed and not request.POST.get("sure"):
        waiting = OfferTodo.objects.filter(organisation=request.organisation).count()
        sending = [channel for channel in switches.states() if channel.stock_enabled and channel.active]
        return show(request, "backoffice/company_sure.html", {"title": _("Switch on sending?"), "waiting": waiting, "sending": sending})
    try:
        with use_case("switch.company", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            switches.set_company(uc, allowed)
    except switches.SwitchError as error:
        messages.error(request, told(error))
        return redirect("backoffice:channels")
    messages.success(request, _("Sending is allowed for the company.") if allowed else _("Nothing is sent to any channel any more."))
    return redirect("backoffice:channels")


@screen(Permission.VIEW_STOCK)
def channel(request: MemberRequest, pk: int) -> HttpResponse:
    """One channel: switches, the question before the first order, and what stopped it."""
    shown = get_object_or_404(switches.states(), pk=pk)
    context = {
        "title": shown.name,
        "channel": shown,
        "tab": "switches",
        "switches": [
            Switch(each.name, each.title, each.meaning, getattr(shown, switches.CHANNEL_SWITCHES[each.name])) for each in SWITCHES
        ],
        "silent": switches.why_silent(shown),
        "cutover_open": shown.cutover == Channel.Cutover.UNASKED,
        "waiting": OfferTodo.objects.filter(channel=shown).count(),
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/channel.html", context)


def ask_to_send(request: MemberRequest, shown: Sequence[Channel], given: Mapping[str, str], back: str) -> HttpResponse:
    """What would go out to these channels, before a switch lets it."""
    context = {
        "title": _switch_on(given),
        "action": request.path,
        "given": given.items(),
        "plans": [send_preview(each) for each in shown],
        "prices": given.get("switch") == "prices",
        "others": sorted({reason for each in shown for reason in besides(each, given)}),
        "back": back,
    }
    return show(request, "backoffice/turn_sure.html", context)


def _switch_on(given: Mapping[str, str]) -> str:
    title = next((each.title for each in SWITCHES if each.name == given.get("switch")), _("Allow writing"))
    return _("Switch on: {switch}?").format(switch=title)


def besides(shown: Channel, given: Mapping[str, str]) -> list[str]:
    """What would still keep the channel from sending once the switch that is asked about is on."""
    imagined = copy(shown)
    if "switch" in given:
        imagined.stock_enabled = True
    else:
        imagined.connection = copy(shown.connection)
        imagined.connection.writes_allowed = True
    return switches.why_silent(imagined)


@require_POST
@screen(Permission.SEND)
def turn(request: MemberRequest, pk: int) -> HttpResponse:
    """Turn one switch; what would go out is shown first. What has to come before is said, not done."""
    shown = get_object_or_404(switches.states(), pk=pk)
    name, on = request.POST.get("switch", ""), request.POST.get("on") == "1"
    if on and name in {"stock", "prices"} and shown.cutover and not request.POST.get("sure"):
        return ask_to_send(request, [shown], {"switch": name, "on": "1"}, reverse("backoffice:channel", args=[pk]))
    try:
        with use_case("switch.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            switches.set_channel(uc, shown.pk, without_orders=bool(request.POST.get("without_orders")), **{name: on})
    except switches.Unwatched:
        return _ask_to_go_unwatched(request, shown)
    except switches.SwitchError as error:
        unasked = shown.cutover == Channel.Cutover.UNASKED
        messages.error(request, _("Answer the question about open orders first.") if unasked else told(error))
    else:
        title = next((each.title for each in SWITCHES if each.name == name), name)
        messages.success(request, _("{switch}: on.").format(switch=title) if on else _("{switch}: off.").format(switch=title))
    return redirect("backoffice:channel", pk)


def _ask_to_go_unwatched(request: MemberRequest, shown: Channel) -> HttpResponse:
    context = {"title": _("Stock without orders?"), "channel": shown, "given": request.POST.items()}
    return show(request, "backoffice/unwatched_sure.html", context)


@require_POST
@screen(Permission.SEND)
def answer_cutover(request: MemberRequest, pk: int) -> HttpResponse:
    """Do the first stock figures still include the units of orders that are already open there?"""
    shown = get_object_or_404(Channel, pk=pk)
    answer = request.POST.get("answer")
    if answer not in {"include", "exclude"}:
        messages.error(request, _("Choose one of the two answers."))
        return redirect("backoffice:channel", pk)
    try:
        with use_case("answer.cutover", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            cutover.answer(uc, shown.pk, include=answer == "include")
    except cutover.CutoverError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("Noted. The channel may take orders now."))
    return redirect("backoffice:channel", pk)
