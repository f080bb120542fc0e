"""Channels: the list with the company switch; one channel's switches, its first question, and its stop."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.sending_plan import switching_on
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect, cutover, switches
from stallkeeper.channels.models import Channel, Connection, OfferTodo
from stallkeeper.channels.proposals import SENDING_SWITCHES, ChannelChange, Proposal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
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
    """On: leads to the plan of what would go out. Off: at once, whatever plan there is."""
    if request.POST.get("allowed") == "1":
        if request.organisation.sending_enabled:
            return redirect("backoffice:channels")
        return switching_on(request, Proposal(sending=True), "backoffice:channels")
    _stop_company(request.organisation.pk, request.user.actor)
    messages.success(request, _("Nothing is sent to any channel any more."))
    return redirect("backoffice:channels")


@again_on_conflict
def _stop_company(organisation_id: int, actor: str) -> None:
    with use_case("switch.company", organisation_id=organisation_id, actor=actor) as uc:
        switches.set_company(uc, False)


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
        "siblings": list(shown.connection.channels.exclude(pk=pk).order_by("code").values_list("name", flat=True)),
        "silent": switches.why_silent(shown),
        "cutover_open": shown.cutover == Channel.Cutover.UNASKED,
        "waiting": OfferTodo.objects.filter(channel=shown).count(),
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/channel.html", context)


@require_POST
@screen(Permission.SEND)
def turn(request: MemberRequest, pk: int) -> HttpResponse:
    """Turn one switch. One that lets figures out leads to the plan of what would go; off is at once. What has to come before is said."""
    shown = get_object_or_404(switches.states(), pk=pk)
    name, on = request.POST.get("switch", ""), request.POST.get("on") == "1"
    if name == "stock" and on and shown.cutover == Channel.Cutover.UNASKED:
        messages.error(request, _("Answer the question about open orders first."))
        return redirect("backoffice:channel", pk)
    if on and name in SENDING_SWITCHES and not getattr(shown, switches.CHANNEL_SWITCHES[name]):
        return switching_on(request, Proposal(channels={pk: ChannelChange(switches={name: True})}), "backoffice:channel", pk)
    try:
        _turn(request.organisation.pk, request.user.actor, pk, {name: on}, without_orders=bool(request.POST.get("without_orders")))
    except switches.Unwatched:
        return _ask_to_go_unwatched(request, shown)
    except switches.SwitchError as error:
        unasked = shown.cutover == Channel.Cutover.UNASKED
        messages.error(request, _("Answer the question about open orders first.") if unasked else told(error))
    else:
        title = next((each.title for each in SWITCHES if each.name == name), name)
        messages.success(request, _("{switch}: on.").format(switch=title) if on else _("{switch}: off.").format(switch=title))
    return redirect("backoffice:channel", pk)


@again_on_conflict
def _turn(organisation_id: int, actor: str, channel_id: int, wanted: dict[str, bool], *, without_orders: bool) -> None:
    with use_case("switch.channel", organisation_id=organisation_id, actor=actor) as uc:
        switches.set_channel(uc, channel_id, without_orders=without_orders, **wanted)


def _ask_to_go_unwatched(request: MemberRequest, shown: Channel) -> HttpResponse:
    context = {"title": _("Stock without orders?"), "channel": shown, "given": request.POST.items()}
    return show(request, "backoffice/unwatched_sure.html", context)


@require_POST
@screen(Permission.SEND)
def answer_cutover(request: MemberRequest, pk: int) -> HttpResponse:
    """Do the first stock figures still include the units of orders that are already open there?"""
    shown = get_object_or_404(Channel, pk=pk)
    if _answered(request, shown, request.POST.get("answer", "")):
        messages.success(request, _("Noted. The channel may take orders now."))
    return redirect("backoffice:channel", pk)


def _answered(request: MemberRequest, shown: Channel, answer: str) -> bool:
    """Whether the answer was stored; why not is said."""
    if answer not in {"include", "exclude"}:
        messages.error(request, _("Choose one of the two answers."))
        return False
    try:
        with use_case("answer.cutover", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            cutover.answer(uc, shown.pk, include=answer == "include")
    except cutover.CutoverError as error:
        messages.error(request, told(error))
        return False
    return True


def take_orders(request: MemberRequest, shown: Channel, answer: str) -> None:
    """Answer the question, where it is open, and take orders from now on; what keeps it from that is said. Twice is once."""
    if shown.cutover == Channel.Cutover.UNASKED and not _answered(request, shown, answer):
        return
    try:
        _turn(request.organisation.pk, request.user.actor, shown.pk, {"orders": True}, without_orders=False)
    except switches.SwitchError as error:
        messages.error(request, told(error))
