"""Resynchronise with one click (S4.42): trust nothing, read everything back, send what differs. Shown first, with how much that is."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stallkeeper.backoffice.paging import count_up_to_limit
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.channels import delivery, switches
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.core.people import Permission
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case


@dataclass(frozen=True)
class Part:
    """What it would mean for one channel."""

    channel: Channel
    offers: int
    silent: list[str]


@screen(Permission.SEND)
def resync(request: MemberRequest) -> HttpResponse:
    """GET shows what would be read and sent, of one channel (``channel``) or of all; POST does it."""
    wanted = request.POST.get("channel") or request.GET.get("channel", "")
    channels = switches.states().filter(active=True)
    chosen = list(channels.filter(pk=int(wanted)) if wanted.isdecimal() else channels)
    if request.method == "POST" and chosen:
        count = _done(request, [channel.pk for channel in chosen])
        text = ngettext(
            "{count} offer is read back now, then sent if it differs.", "{count} offers are read back now; what differs is sent.", count
        )
        messages.success(request, text.format(count=count))
        return redirect("backoffice:listings")
    parts = [Part(channel, count_up_to_limit(Offer.objects.filter(channel=channel)), switches.why_silent(channel)) for channel in chosen]
    return show(request, "backoffice/resync.html", {"title": _("Resynchronise"), "parts": parts, "wanted": wanted})


@again_on_conflict
def _done(request: MemberRequest, channels: list[int]) -> int:
    with use_case("resync.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return sum(delivery.resync(uc, channel) for channel in channels)
