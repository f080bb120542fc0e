"""What a person does with listings, chosen ones or all that fit the filters. Several, and what loses something, are shown first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.listing_rows import listings_with
from stallkeeper.backoffice.offer_actions import ACTIONS as OFFERS
from stallkeeper.backoffice.paging import COUNT_LIMIT, count_up_to_limit
from stallkeeper.backoffice.screens import MemberRequest, back, own_address, screen, show
from stallkeeper.channels import links
from stallkeeper.channels.models import RemoteListing
from stallkeeper.core.models import Membership
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case

ASK_FROM = 2
"""From so many listings on, the screen shows first what will happen."""
EXAMPLES = 50
HAND_PICKED = 500
"""Unlinking looks at each offer on its own."""
FILTERS = ("channel", "state", "q")
State = RemoteListing.State
LINKED = Q(offer__isnull=False)


@dataclass(frozen=True)
class Action:
    """One thing to do with listings: what it is called, which listings it is for, and what follows, in words."""

    title: str | Promise
    fits: Q
    consequence: str | Promise
    do: Callable[[UseCase, Sequence[int]], links.Linked | None]
    permission: Permission = Permission.EDIT_RULES
    always_asks: bool = False
    most: int = COUNT_LIMIT


def _to_offers(do: Callable[[UseCase, Sequence[int]], object]) -> Callable[[UseCase, Sequence[int]], None]:
    """The same, of the offers of these listings."""

    def of_listings(uc: UseCase, listings: Sequence[int]) -> None:
        do(uc, list(RemoteListing.objects.filter(LINKED, pk__in=listings).order_by("offer_id").values_list("offer_id", flat=True)))

    return of_listings


def _of_offers(name: str, fits: Q, title: str | Promise = "") -> Action:
    """What is done with offers, under its own name or another, of those linked listings that it is for."""
    same = OFFERS[name]
    return Action(title or same.title, LINKED & fits, same.consequence, _to_offers(same.do), Permission.SEND)


def _leave_out(uc: UseCase, listings: Sequence[int]) -> None:
    links.leave_out(uc, listings)


def _take_in(uc: UseCase, listings: Sequence[int]) -> None:
    links.leave_out(uc, listings, out=False)
    links.propose_for(uc, listings)


ACTIONS = {
    "link": Action(
        gettext_lazy("Link to the unit that fits"),
        Q(state=State.NEW) & ~Q(candidates=[]),
        gettext_lazy("Titles, prices and texts stay as they are on both sides. Where the channel sends stock, what differs goes out."),
        links.confirm,
    ),
    "create": Action(
        gettext_lazy("Make new products"),
        Q(state=State.NEW, candidates=[]),
        gettext_lazy("Each becomes a product with the title, GTINs and codes of the listing, without stock, and is linked to it."),
        links.create_products,
    ),
    "out": Action(
        gettext_lazy("Never link"),
        Q(state__in=[State.NEW, State.AMBIGUOUS]),
        gettext_lazy("They no longer ask for a link. Nothing changes on the channel, and nothing is sent to them."),
        _leave_out,
    ),
    "in": Action(
        gettext_lazy("Ask for a link again"),
        Q(state=State.EXCLUDED),
        gettext_lazy("A unit is searched for each of them; nothing is linked by itself."),
        _take_in,
    ),
    "read": _of_offers("read", Q(), gettext_lazy("Look again")),
    "stock_out": _of_offers("stock_out", Q(offer__stock_excluded=False)),
    "stock_in": _of_offers("stock_in", Q(offer__stock_excluded=True)),
    "price_out": _of_offers("price_out", Q(offer__prices_excluded=False)),
    "price_in": _of_offers("price_in", Q(offer__prices_excluded=True)),
    "unlink": Action(
        gettext_lazy("Unlink"),
        LINKED,
        gettext_lazy(
            "The channel keeps the last figures and nothing is sent to it any more. Orders that come for it wait until it is linked again."
        ),
        _to_offers(links.unlink),
        always_asks=True,
        most=HAND_PICKED,
    ),
}


def offered(membership: Membership) -> list[tuple[str, Action]]:
    """What this person may do with listings."""
    return [(name, action) for name, action in ACTIONS.items() if can(membership, action.permission)]


@require_POST
@screen(Permission.VIEW_STOCK)
def listing_action(request: MemberRequest) -> HttpResponse:
    """Do one thing with the chosen listings, or with all that fit the filters (``all``)."""
    name = request.POST.get("action", "")
    action = ACTIONS.get(name)
    if action and not can(request.membership, action.permission):
        raise PermissionDenied(str(action.permission))
    chosen = _chosen(request.POST)
    if action is None or not chosen.exists():
        messages.error(request, _("Choose at least one listing."))
        return back(request, "backoffice:listings")
    fitting = chosen.filter(action.fits).order_by("channel_id", "sku", "external_id")
    count, every = count_up_to_limit(fitting), count_up_to_limit(chosen)
    asked = request.POST.get("sure") == str(count)
    if count and not asked and (every >= ASK_FROM or action.always_asks):
        return _ask(request, name, action, fitting, count, every)
    _do(request, action, list(fitting.values_list("pk", flat=True)[: action.most]), every - count)
    return back(request, "backoffice:listings")


def _chosen(given: QueryDict) -> QuerySet[RemoteListing]:
    if given.get("all"):
        return listings_with({name: given.get(name, "") for name in FILTERS})
    ids = [int(pk) for pk in given.getlist("listing") if pk.isdecimal()]
    return RemoteListing.objects.select_related("channel", "offer__stock_unit").filter(pk__in=ids)


def _ask(request: MemberRequest, name: str, action: Action, fitting: QuerySet[RemoteListing], count: int, every: int) -> HttpResponse:
    context = {
        "title": action.title,
        "action": name,
        "consequence": action.consequence,
        "count": count,
        "others": every - count,
        "most": action.most if count > action.most else 0,
        "listings": list(fitting[:EXAMPLES]),
        "changed": bool(request.POST.get("sure")),
        "given": [(key, value) for key in ("all", "listing", *FILTERS) for value in request.POST.getlist(key)],
        "back": own_address(request.POST.get("back", "")) or reverse("backoffice:listings"),
    }
    return show(request, "backoffice/listings_sure.html", context)


def _do(request: MemberRequest, action: Action, ids: list[int], others: int) -> None:
    done = _done(request, action, ids)
    if done is not None:
        say_linked(request, done)
    elif ids:
        text = ngettext("{action}: {count} listing.", "{action}: {count} listings.", len(ids))
        messages.success(request, text.format(action=action.title, count=len(ids)))
    if others:
        text = ngettext("{count} stays as it is: this is not for it.", "{count} stay as they are: this is not for them.", others)
        messages.info(request, text.format(count=others))


@again_on_conflict
def _done(request: MemberRequest, action: Action, ids: list[int]) -> links.Linked | None:
    if not ids:
        return None
    with use_case("change.listings", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return action.do(uc, ids)


@again_on_conflict
def confirmed(request: MemberRequest, ids: list[int]) -> links.Linked:
    """Link these; what cannot be is left and named in the answer."""
    with use_case("confirm.links", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return links.confirm(uc, ids)


def say_linked(request: MemberRequest, done: links.Linked) -> None:
    """How many are linked, and how many could not be."""
    linked, refused = len(done.offer_ids), len(done.refused)
    messages.success(request, ngettext("{count} listing linked.", "{count} listings linked.", linked).format(count=linked))
    if refused:
        text = ngettext(
            "{count} was not linked: its SKU is linked already, or more than one unit fits.",
            "{count} were not linked: their SKUs are linked already, or more than one unit fits.",
            refused,
        )
        messages.warning(request, text.format(count=refused))
