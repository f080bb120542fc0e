"""The side bar by job, and what the theme asks about the frame of each page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.problems import badge, counted
from stallkeeper.core.models import Membership
from stallkeeper.core.people import Permission, can, memberships_of

ENTRIES = (
    (_("Overview"), "space_dashboard", "overview", "", Permission.VIEW_ORDERS),
    (_("Orders"), "shopping_bag", "orders", "orders/", Permission.VIEW_ORDERS),
    (_("Problems"), "error", "problem_board", "problems/", Permission.VIEW_ORDERS),
    (_("Offers"), "sell", "offers", "offers/", Permission.VIEW_STOCK),
    (_("Sending"), "outbox", "sending", "sending/", Permission.VIEW_STOCK),
    (_("Reserves"), "bookmark", "reserves", "reserves/", Permission.VIEW_STOCK),
    (_("Listings"), "link", "listings", "listings/", Permission.VIEW_STOCK),
    (_("Products and stock"), "inventory_2", "stock", "stock/", Permission.VIEW_STOCK),
    (_("Sources"), "database", "sources", "sources/", Permission.VIEW_STOCK),
    (_("Import"), "upload_file", "imports", "imports/", Permission.EDIT_CATALOGUE),
    (_("Channels"), "storefront", "channels", "channels/", Permission.VIEW_STOCK),
    (_("Settings"), "settings", "settings", "settings/", Permission.VIEW_STOCK),
)


def membership_of(request: HttpRequest) -> Membership | None:
    return getattr(request, "membership", None)


def side_bar(request: HttpRequest) -> list[dict[str, object]]:
    """The entries that this person may open."""
    membership = membership_of(request)
    badges = _badges(membership) if membership else {}
    items = [
        {"title": title, "icon": icon, "link": reverse(f"backoffice:{name}"), "active": _is_here(prefix)} | badges.get(name, {})
        for title, icon, name, prefix, permission in ENTRIES
        if can(membership, permission)
    ]
    return [{"title": None, "items": items}] if items else []


def _is_here(prefix: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.path.startswith(f"/{prefix}") if prefix else request.path == "/"


def _badges(membership: Membership) -> dict[str, dict[str, object]]:
    """The bell: what is bad or to be looked at, and sends that are under way (S3.38)."""
    counts = counted(membership.organisation_id)
    shown = (("problem_board", badge(counts), "danger"), ("sending", counts["sends"], "info"))
    return {name: {"badge": str(count) if count < 1000 else "999+", "badge_variant": variant} for name, count, variant in shown if count}


def frame(request: HttpRequest) -> dict[str, object]:
    """What the frame shows beside the theme's own: the organisations to choose from."""
    membership = membership_of(request)
    if membership is None:
        return {}
    others = sorted(memberships_of(membership.user), key=lambda other: other.organisation.name)
    may_change = can(membership, Permission.MANAGE_USERS)
    return {"own_memberships": others, "sk_membership": membership, "sk_may_change_company": may_change}


def organisation_name(request: HttpRequest) -> str | None:
    """Under the name of the site: whose figures these are."""
    membership = membership_of(request)
    return membership.organisation.name if membership else None


def style(_request: HttpRequest) -> str:
    return static("backoffice/backoffice.css")


def script(_request: HttpRequest) -> str:
    return static("backoffice/backoffice.js")


def icon(_request: HttpRequest) -> str:
    return static("backoffice/icon.svg")
