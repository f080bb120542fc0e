"""One listing: what the channel says beside what we want, the units that fit with their evidence, and the search for another one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.listing_rows import Candidate, rows_of
from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.backoffice.screens import MemberRequest, back, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import links, switches
from stallkeeper.channels.likeness import alike
from stallkeeper.channels.models import RemoteListing
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case

OFFERED = 8
"""Units that a search offers, the likest titles first."""


@screen(Permission.VIEW_STOCK)
def listing(request: MemberRequest, pk: int) -> HttpResponse:
    """The panel, or a page of its own when it is opened by its address."""
    shown = get_object_or_404(RemoteListing.objects.select_related("channel", "offer__stock_unit", "offer__price"), pk=pk)
    context = {
        "title": shown.sku,
        "listing": shown,
        "row": rows_of([shown], switches.states().filter(pk=shown.channel_id))[0],
        "may_edit": can(request.membership, Permission.EDIT_RULES),
        "may_send": can(request.membership, Permission.SEND),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/listing_panel.html", context)
    return show(request, "backoffice/listing.html", context)


@screen(Permission.VIEW_STOCK)
def listing_units(request: MemberRequest, pk: int) -> HttpResponse:
    """Units found by what somebody types, as a fragment: SKU, GTIN or words of the title."""
    shown = get_object_or_404(RemoteListing.objects.select_related("channel"), pk=pk)
    text = request.GET.get("q", "").strip()
    units = StockUnit.objects.filter(pk__in=units_like(text), active=True) if text else StockUnit.objects.none()
    found = [Candidate(unit.pk, unit.sku, "", "", 1, unit.title, alike(shown.title, unit.title)) for unit in units]
    found.sort(key=lambda each: (each.sku.casefold() != text.casefold(), -each.alike, each.sku))
    context = {"listing": shown, "found": found[:OFFERED], "more": max(0, len(found) - OFFERED), "text": text}
    return fragment(request, "backoffice/parts/listing_units.html", context | {"may_edit": can(request.membership, Permission.EDIT_RULES)})


@require_POST
@screen(Permission.EDIT_RULES)
def choose(request: MemberRequest, pk: int) -> HttpResponse:
    """A person says which unit a listing is."""
    chosen = get_object_or_404(RemoteListing, pk=pk)
    unit = StockUnit.objects.filter(sku=request.POST.get("sku", "").strip()).first()
    factor = request.POST.get("pack_factor", "1")
    if unit is None:
        messages.error(request, _("There is no stock unit with the SKU “{sku}”.").format(sku=request.POST.get("sku", "")))
        return back(request, "backoffice:listings")
    try:
        _choose(request, chosen, unit, int(factor) if factor.isdecimal() else 0)
    except links.LinkError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("{listing} is {unit} now.").format(listing=chosen.sku, unit=unit.sku))
    return back(request, "backoffice:listings")


@again_on_conflict
def _choose(request: MemberRequest, chosen: RemoteListing, unit: StockUnit, pack_factor: int) -> None:
    with use_case("choose.link", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        links.choose(uc, chosen.pk, unit.pk, pack_factor)
