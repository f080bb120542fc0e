"""Listings: what each channel lists, which of our units it is, and what it shows beside what it should."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.listing_actions import confirmed, offered, say_linked
from stallkeeper.backoffice.listing_rows import STATES, listings_with, rows_of
from stallkeeper.backoffice.paging import COUNT_LIMIT, page
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.channels import links, switches
from stallkeeper.channels.models import Channel
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case

KEYS = ("channel_id", "sku", "external_id")


@screen(Permission.VIEW_STOCK)
def listings(request: MemberRequest) -> HttpResponse:
    """The list by channel and SKU, 50 to a page. Its number of statements does not depend on the rows, nor on the channels."""
    shown = page(listings_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    channels = list(switches.states())
    counts = links.counts_up_to(request.organisation.pk, COUNT_LIMIT + 1)
    context = {
        "title": _("Listings"),
        "export_list": "listings",
        "page": shown,
        "rows": rows_of(shown.rows, channels),
        "channels": channels,
        "counts": [(channel, counts[channel.pk]) for channel in channels if channel.pk in counts],
        "states": STATES.items(),
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in ("channel", "state", "q")),
        "actions": offered(request.membership),
        "may_edit": can(request.membership, Permission.EDIT_RULES),
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/listings.html", context)


@require_POST
@screen(Permission.EDIT_RULES)
def propose(request: MemberRequest, pk: int) -> HttpResponse:
    """Search a unit for each listing of a channel that is not linked."""
    channel = get_object_or_404(Channel, pk=pk)
    with use_case("propose.links", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        found = links.propose(uc, channel.pk)
    text = _("{channel}: {certain} certain, {ambiguous} with several candidates, {new} without any.")
    messages.success(request, text.format(channel=channel.name, certain=found.certain, ambiguous=found.ambiguous, new=found.new))
    return back(request, "backoffice:listings")


@require_POST
@screen(Permission.EDIT_RULES)
def confirm_certain(request: MemberRequest, pk: int) -> HttpResponse:
    """Link everything that exactly one unit fits; says first how many."""
    channel = get_object_or_404(Channel, pk=pk)
    ids = links.certain(channel.pk)
    if not request.POST.get("sure"):
        return show(request, "backoffice/confirm_sure.html", {"title": _("Link listings?"), "channel": channel, "count": len(ids)})
    say_linked(request, confirmed(request, ids))
    return redirect("backoffice:listings")
