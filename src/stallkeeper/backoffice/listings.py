"""Listings: what each channel lists, which of our units it is, and the person's yes that links it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import links
from stallkeeper.channels.models import Channel, RemoteListing
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case

KEYS = ("channel_id", "sku", "external_id")
TONES = {"new": "", "linked": "ok", "ambiguous": "warn", "excluded": ""}
EVIDENCE: dict[str, str | Promise] = {
    "sku": gettext_lazy("same SKU"),
    "gtin": gettext_lazy("same GTIN"),
    "code": gettext_lazy("same additional code"),
    "channel": gettext_lazy("known number of the channel"),
    "person": gettext_lazy("chosen by a person"),
    "created": gettext_lazy("made from the listing"),
}


@dataclass(frozen=True)
class Candidate:
    """A unit that fits a listing, and why."""

    unit_id: int
    sku: str
    evidence: str | Promise
    value: str
    factor: int


@dataclass(frozen=True)
class ListingRow:
    listing: RemoteListing
    candidates: tuple[Candidate, ...]

    @property
    def tone(self) -> str:
        return TONES.get(self.listing.state, "")


def listing_row(listing: RemoteListing) -> ListingRow:
    candidates = tuple(
        Candidate(
            int(each["unit"]),
            str(each["sku"]),
            EVIDENCE.get(each.get("by", ""), each.get("by", "")),
            str(each.get("value", "")),
            int(each.get("factor", 1)),
        )
        for each in listing.candidates
    )
    return ListingRow(listing, candidates)


def listings_with(filters: Mapping[str, str]) -> QuerySet[RemoteListing]:
    """The listings in scope that fit ``channel``, ``state`` (or ``certain``) and ``q``."""
    rows = RemoteListing.objects.select_related("channel", "offer__stock_unit")
    if (channel := filters.get("channel", "")).isdecimal():
        rows = rows.filter(channel_id=int(channel))
    if (state := filters.get("state", "")) in RemoteListing.State.values:
        rows = rows.filter(state=state)
    elif state == "certain":
        rows = rows.filter(_certain())
    if text := filters.get("q", "").strip():
        rows = rows.filter(Q(sku__icontains=text) | Q(title__icontains=text) | Q(external_id=text) | Q(gtins__contains=[text[:14]]))
    return rows


def _certain() -> Q:
    """Not linked yet, and exactly one unit fits."""
    return Q(state=RemoteListing.State.NEW) & ~Q(candidates=[])


@screen(Permission.VIEW_STOCK)
def listings(request: MemberRequest) -> HttpResponse:
    """The list by channel and SKU, 50 to a page."""
    shown = page(listings_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    channels = list(Channel.objects.order_by("id"))
    context = {
        "title": _("Listings"),
        "export_list": "listings",
        "page": shown,
        "rows": [listing_row(listing) for listing in shown.rows],
        "channels": channels,
        "counts": [(channel, links.count(channel.pk)) for channel in channels],
        "states": [("certain", _("one unit fits")), *RemoteListing.State.choices],
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in ("channel", "state", "q")),
        "may_edit": can(request.membership, Permission.EDIT_RULES),
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
    _say_linked(request, _confirmed(request, ids))
    return redirect("backoffice:listings")


@again_on_conflict
def _confirmed(request: MemberRequest, ids: list[int]) -> links.Linked:
    with use_case("confirm.links", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return links.confirm(uc, ids)


def _say_linked(request: MemberRequest, done: links.Linked) -> None:
    linked, refused = len(done.offer_ids), len(done.refused)
    messages.success(request, ngettext("{count} listing linked.", "{count} listings linked.", linked).format(count=linked))
    if refused:
        text = ngettext(
            "{count} was not linked: its SKU is linked already, or more than one unit fits.",
            "{count} were not linked: their SKUs are linked already, or more than one unit fits.",
            refused,
        )
        messages.warning(request, text.format(count=refused))


@require_POST
@screen(Permission.EDIT_RULES)
def listing_action(request: MemberRequest) -> HttpResponse:
    """What is to happen with the chosen listings: link, leave out, take in again, make products of them."""
    ids = [int(pk) for pk in request.POST.getlist("listing") if pk.isdecimal()]
    action = request.POST.get("action", "")
    if not ids:
        messages.error(request, _("Choose at least one listing."))
        return back(request, "backoffice:listings")
    done = _done(request, ids, action)
    if isinstance(done, int):
        messages.success(request, ngettext("{count} listing changed.", "{count} listings changed.", done).format(count=done))
    elif done:
        _say_linked(request, done)
    return back(request, "backoffice:listings")


@again_on_conflict
def _done(request: MemberRequest, ids: list[int], action: str) -> links.Linked | int | None:
    with use_case("change.listings", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        if action in {"link", "create"}:
            return links.confirm(uc, ids) if action == "link" else links.create_products(uc, ids)
        return links.leave_out(uc, ids, out=action == "out") if action in {"out", "in"} else None


@require_POST
@screen(Permission.EDIT_RULES)
def choose(request: MemberRequest, pk: int) -> HttpResponse:
    """A person says which unit a listing is."""
    listing = get_object_or_404(RemoteListing, pk=pk)
    unit = StockUnit.objects.filter(sku=request.POST.get("sku", "").strip()).first()
    factor = request.POST.get("pack_factor", "1")
    if unit is None:
        messages.error(request, _("There is no stock unit with the SKU “{sku}”.").format(sku=request.POST.get("sku", "")))
        return back(request, "backoffice:listings")
    try:
        _chosen(request, listing, unit, int(factor) if factor.isdecimal() else 0)
    except links.LinkError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("{listing} is {unit} now.").format(listing=listing.sku, unit=unit.sku))
    return back(request, "backoffice:listings")


@again_on_conflict
def _chosen(request: MemberRequest, listing: RemoteListing, unit: StockUnit, pack_factor: int) -> None:
    with use_case("choose.link", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        links.choose(uc, listing.pk, unit.pk, pack_factor)
