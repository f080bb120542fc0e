"""The first run: products and stock from a file, and which listing is which article."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import import_jobs, start_sends
from stallkeeper.backoffice.imports import SHOWN, ImportForm, begin, progress
from stallkeeper.backoffice.listing_rows import rows_of
from stallkeeper.backoffice.listings import KEYS
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, wants_fragment
from stallkeeper.backoffice.start_frame import address, chosen, facts_of, frame, framed
from stallkeeper.backoffice.start_state import Facts
from stallkeeper.catalog.imports.runs import close_interrupted
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import links, switches
from stallkeeper.channels.models import Channel, RemoteListing
from stallkeeper.core.people import Permission
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case

FEW = 20
RECENT = 3


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_CATALOGUE)
def products(request: MemberRequest) -> HttpResponse:
    """Files come in here, each with its progress; or articles are made of what the stall lists, in the next step."""
    close_interrupted(request.organisation.pk)
    form = ImportForm(request.POST or None, request.FILES or None, initial={"dry_run": False, "kind": _likely_kind(request)})
    if request.method == "POST" and form.is_valid():
        begin(request, form)
        return redirect(address("products", chosen(request)[0]))
    runs = list(ImportRun.objects.filter(kind__in=list(import_jobs.KINDS)).order_by("-pk")[: RECENT + 1])
    context = {
        "form": form,
        "kinds": import_jobs.KINDS.items(),
        **(progress(runs[0]) if runs else {}),
        "older": [(run, import_jobs.NAMES.get(run.kind, run.kind)) for run in runs[1:]],
        "shown": SHOWN,
    }
    return framed(request, "products", context, 422 if form.errors else 200)


def _likely_kind(request: MemberRequest) -> str:
    """Products first; once there are some, their stock."""
    units, stocked = facts_of(request).goods
    return "stock" if units and not stocked else "products"


@screen(Permission.VIEW_STOCK)
def listed(request: MemberRequest) -> HttpResponse:
    """The listings by how sure their article is: certain, ambiguous, new; those that need a person in place."""
    if wants_fragment(request):
        return _read_on(request)
    around = frame(request, "links")
    facts = around["facts"]
    assert isinstance(facts, Facts)
    channel = facts.channel
    rows = RemoteListing.objects.select_related("channel", "offer__stock_unit").filter(channel=channel, state="ambiguous")
    found = page(rows, KEYS, request.GET.get("after", ""), request.GET.get("before", ""), size=FEW) if channel else None
    shown = {
        **around,
        "page": found,
        "rows": rows_of(found.rows, switches.states()) if found else [],
        "may_edit": around["may"],
        "reading": channel is not None and not facts.listed.read,
    }
    return framed(request, "links", shown)


def _read_on(request: MemberRequest) -> HttpResponse:
    """How far the reading is; the whole page once it has ended."""
    facts = facts_of(request)
    if facts.listed.read:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return fragment(request, "backoffice/start/reading.html", {"facts": facts, "channel": facts.channel})


@require_POST
@screen(Permission.EDIT_RULES)
def link(request: MemberRequest) -> HttpResponse:
    """Link what is certain, make articles of what is new, leave the new out, or search once more; for all of the channel at once."""
    channel = chosen(request)[0]
    if channel is None:
        return redirect(address("stall"))
    act = request.POST.get("act", "")
    if act == "search":
        search_again(request, channel)
        messages.success(request, _("Searched again among all your articles."))
    else:
        _change(request, channel, act)
        start_sends.read_soon(channel)
    return redirect(address("links", channel))


@again_on_conflict
def _change(request: MemberRequest, channel: Channel, act: str) -> None:
    with use_case("change.listings", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        if act in {"create", "out"}:  # what came in since the search may be what was new then
            links.propose_for(uc, _new(channel))
        match act:
            case "certain":
                links.confirm(uc, links.certain(channel.pk))
            case "create":
                links.create_products(uc, _new(channel))
            case "out":
                links.leave_out(uc, _new(channel))


def _new(channel: Channel) -> list[int]:
    """Listings that no article fits."""
    return list(RemoteListing.objects.filter(channel=channel, state="new", candidates=[]).order_by("pk").values_list("pk", flat=True))


def search_again(request: MemberRequest, channel: Channel) -> None:
    """Look once more which articles fit the channel's listings."""
    with use_case("propose.links", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        links.propose(uc, channel.pk)
