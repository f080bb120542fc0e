"""Finding things: the palette that opens over every screen, and the page of all results."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import search_rows
from stallkeeper.backoffice.navigation import every_entry
from stallkeeper.backoffice.order_views import built_in
from stallkeeper.backoffice.screens import OWN, MemberRequest, fragment, screen, show
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


@dataclass(frozen=True)
class Action:
    """Something to do on the page of an address; ``does`` names the address that does it, if that asks for more than the page."""

    title: str | Promise
    page: str
    does: str = ""
    part: str = ""

    @property
    def link(self) -> str:
        return f"{reverse(f'backoffice:{self.page}')}{self.part}"


ACTIONS = (
    Action(gettext_lazy("Import products or stock from a spreadsheet"), "imports"),
    Action(gettext_lazy("Make a place"), "places"),
    Action(gettext_lazy("Stop or allow sending for the company"), "channels", "company_switch"),
    Action(gettext_lazy("Raise or lower all buffers"), "sending", "raise_buffers", "#buffers"),
    Action(gettext_lazy("Sends under way"), "send_tasks"),
    Action(gettext_lazy("Take back a send"), "undo_send"),
    Action(gettext_lazy("Read everything back and send what differs"), "resync"),
    Action(gettext_lazy("Begin to reserve what channels show"), "reserves_start"),
    Action(gettext_lazy("Invite somebody"), "people"),
    Action(gettext_lazy("Exported files"), "exports"),
    Action(gettext_lazy("Two-step sign-in"), "second_factor"),
    Action(gettext_lazy("Change your password"), "change_password"),
)
"""Things to do, beside the screens. Who may is what their addresses ask for."""


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
    found += [Place(_("Orders: {view}").format(view=tab.name), tab.address, "shopping_bag") for tab in built_in()]
    acts = [act for act in ACTIONS if not act.does or may_open(membership, reverse(f"backoffice:{act.does}"))]
    found += [Place(str(act.title), act.link, "bolt") for act in acts]
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
    permission = getattr(resolve(urlsplit(path).path).func, "permission", None)
    return permission in (None, OWN) or can(membership, permission)
