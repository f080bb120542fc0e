"""Finding things: the palette that opens over every screen, and the page of all results."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import search_rows
from stallkeeper.backoffice.navigation import every_entry
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show
from stallkeeper.backoffice.settings_hub import CARDS
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect
from stallkeeper.core import personal
from stallkeeper.core.models import Membership
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import TYPED
from stallkeeper.sync import source_kinds

FEW, MANY = 5, 25
"""Hits of each kind: in the palette, and on the page."""
AT_FIRST = 20
"""Screens that the palette shows before anything is typed."""


@dataclass(frozen=True)
class Place:
    """A screen, or something to do on one."""

    title: str
    link: str
    icon: str = "arrow_forward"
    key: str = ""


ACTIONS: tuple[tuple[str | Promise, str], ...] = (
    (gettext_lazy("Import products or stock from a spreadsheet"), "imports"),
    (gettext_lazy("Make a place"), "places"),
    (gettext_lazy("Sends under way"), "send_tasks"),
    (gettext_lazy("Take back a send"), "undo_send"),
    (gettext_lazy("Begin to reserve what channels show"), "reserves_start"),
    (gettext_lazy("Change your password"), "first_password"),
)
"""Things to do that have a page of their own, and the name of its address. Who may is what the page asks for."""


@screen(None)
def quick(request: MemberRequest) -> HttpResponse:
    """What the palette shows for ``q``: screens and things to do, then what is stored, a few of each kind."""
    text = request.GET.get("q", "").strip()
    context = {
        "q": text,
        "places": places(request, text)[: FEW if text else AT_FIRST],
        "groups": search_rows.found(request.membership, text, FEW),
        "may_see_buyers": can(request.membership, Permission.SEE_PERSONAL_DATA),
    }
    return fragment(request, "backoffice/parts/palette_found.html", context)


@screen(None)
def search(request: MemberRequest) -> HttpResponse:
    """The same on a page, with more of each kind and a link to the list that holds the rest."""
    text = request.GET.get("q", "").strip()
    groups = search_rows.found(request.membership, text, MANY)
    context = {
        "title": _("Search"),
        "q": text,
        "places": places(request, text) if text else [],
        "groups": groups,
        "many": MANY,
        "may_see_buyers": can(request.membership, Permission.SEE_PERSONAL_DATA),
    }
    return show(request, "backoffice/search.html", context)


@require_POST
@screen(Permission.SEE_PERSONAL_DATA)
def buyers(request: MemberRequest) -> HttpResponse:
    """Orders of a buyer, by whole words of the name or the e-mail address. An act of its own, in the audit: hence no part of a look."""
    text = request.POST.get("q", "").strip()[: search_rows.MOST]
    with use_case("search.buyers", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        keys = personal.find(uc, "order", text, MANY)
    hits = search_rows.orders_in(keys) if can(request.membership, Permission.VIEW_ORDERS) else []
    groups = [search_rows.Group("orders", _("Orders of this buyer"), "person", hits)] if hits else []
    context = {"title": _("Search for a buyer"), "q": text, "groups": groups, "many": MANY, "of_buyer": True, "may_see_buyers": True}
    return show(request, "backoffice/search.html", context)


def places(request: MemberRequest, text: str) -> list[Place]:
    """Screens and things to do whose words hold every word of the text, as far as this person may open them."""
    words = text.casefold().split()
    known = {place.title: place for place in _places(request.membership)}
    return [place for title, place in known.items() if all(word in title.casefold() for word in words)]


def _places(membership: Membership) -> list[Place]:
    found = [Place(str(entry.title), entry.link, entry.icon or "tab", entry.key) for entry in every_entry(membership)]
    found += [Place(str(title), reverse(f"backoffice:{name}"), "bolt") for title, name in ACTIONS]
    found += [Place(str(card.title), reverse(card.address), card.icon) for card in CARDS]
    for manifest in connect.offered():
        link = reverse("backoffice:connect", args=[manifest.platform])
        found.append(Place(_("Connect {platform}").format(platform=manifest.title), link, "add_link"))
    for source in source_kinds.kinds().values():
        link = reverse("backoffice:add_source", args=[source.kind])
        if source.kind != TYPED:  # a place has it by itself
            found.append(Place(_("Add a source: {kind}").format(kind=told(source.title)), link, "add"))
    return [place for place in found if may_open(membership, place.link)]


def may_open(membership: Membership, path: str) -> bool:
    """Whether the screen at this path is for this person, by what the screen itself asks for."""
    permission = getattr(resolve(path).func, "permission", None)
    return permission is None or can(membership, permission)
