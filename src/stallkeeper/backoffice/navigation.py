"""The frame of every page by job: the side bar, the tabs of a screen, the bell, the organisations to choose from.

A new screen is one ``Entry`` here: in a group of ``GROUPS``, or among the ``tabs`` of the entry that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.problems import badge, counted_for
from stallkeeper.core.models import Membership
from stallkeeper.core.people import Permission, can, memberships_of


@dataclass(frozen=True)
class Entry:
    """A screen: its title, the name of its address, who may open it (None: every member), its icon, and the key that opens it after ``g``.

    ``also``: paths of its pages that do not begin with its own address. ``tabs``: the screens of the same job, itself first.
    """

    title: str | Promise
    name: str
    permission: Permission | None
    icon: str = ""
    key: str = ""
    also: tuple[str, ...] = ()
    tabs: tuple[Entry, ...] = ()

    @property
    def link(self) -> str:
        return reverse(f"backoffice:{self.name}")

    def nearness(self, path: str) -> int:
        """How much of the path is this entry's: the one with the most is the current one. 0: none."""
        own = [self.link, *self.also, *(tab.link for tab in self.tabs)]
        return max(len(start) if (path.startswith(start) and start != "/") or path == start else 0 for start in own)


STOCK = (
    Entry(_("Products"), "stock", Permission.VIEW_STOCK, key="s"),
    Entry(_("Stock table"), "stock_table", Permission.VIEW_STOCK, key="b"),
    Entry(_("Places"), "places", Permission.VIEW_STOCK, key="w"),
    Entry(_("Stock-taking"), "stock_taking", Permission.EDIT_STOCK, key="k"),
    Entry(_("Import"), "imports", Permission.EDIT_CATALOGUE, key="i"),
)
GROUPS: tuple[tuple[Entry, ...], ...] = (
    (
        Entry(_("Today"), "overview", Permission.VIEW_ORDERS, "today", "t"),
        Entry(_("Orders"), "orders", Permission.VIEW_ORDERS, "shopping_bag", "o"),
        Entry(_("Problems"), "problem_board", Permission.VIEW_ORDERS, "error", "p"),
    ),
    (
        Entry(_("Stock"), "stock", Permission.VIEW_STOCK, "inventory_2", "s", tabs=STOCK),
        Entry(_("Offers"), "offers", Permission.VIEW_STOCK, "sell", "f"),
        Entry(_("Sending"), "sending", Permission.VIEW_STOCK, "outbox", "n"),
        Entry(_("Reserves"), "reserves", Permission.VIEW_STOCK, "bookmark", "r"),
        Entry(_("Listings"), "listings", Permission.VIEW_STOCK, "link", "l"),
    ),
    (
        Entry(_("Channels"), "channels", Permission.VIEW_STOCK, "storefront", "c"),
        Entry(_("Sources"), "sources", Permission.VIEW_STOCK, "database", "u"),
        Entry(_("Delays"), "delays", Permission.VIEW_ORDERS, "timer", "d"),
    ),
    (Entry(_("Settings"), "settings", None, "settings", "e"),),
)


def every_entry(membership: Membership | None) -> Iterator[Entry]:
    """All screens that this person may open, the tabs in the place of their entry."""
    for group in GROUPS:
        for entry in group:
            yield from allowed(entry.tabs or (entry,), membership)


def allowed(entries: Iterable[Entry], membership: Membership | None) -> list[Entry]:
    return [entry for entry in entries if membership and (entry.permission is None or can(membership, entry.permission))]


def current(entries: Iterable[Entry], path: str) -> Entry | None:
    """The entry that the path belongs to."""
    nearest = max(entries, key=lambda entry: entry.nearness(path), default=None)
    return nearest if nearest and nearest.nearness(path) else None


def membership_of(request: HttpRequest) -> Membership | None:
    return getattr(request, "membership", None)


def frame(request: HttpRequest) -> dict[str, object]:
    """What the frame shows: the side bar of this person, the tabs of this screen, what waits, and the organisations to choose from."""
    membership = membership_of(request)
    if membership is None:
        return {}
    groups = [[_opened(entry, membership) for entry in allowed(group, membership)] for group in GROUPS]
    here = current([entry for group in groups for entry in group], request.path)
    tabs = allowed(here.tabs, membership) if here else []
    counts = counted_for(request, membership.organisation_id)
    return {
        "own_memberships": sorted(memberships_of(membership.user), key=lambda other: other.organisation.name),
        "sk_membership": membership,
        "sk_zone": zone_of(membership),
        "sk_groups": [group for group in groups if group],
        "sk_here": here,
        "sk_screens": list(every_entry(membership)),
        "sk_tabs": tabs if len(tabs) > 1 else [],
        "sk_tab": current(tabs, request.path),
        "sk_waiting": badge(counts),
        "sk_badges": {"sending": counts["sends"], "problem_board": badge(counts)},
    }


def _opened(entry: Entry, membership: Membership) -> Entry:
    """The entry, leading to the first of its tabs that this person may open."""
    tabs = allowed(entry.tabs, membership)
    return replace(entry, name=tabs[0].name) if tabs else entry


def zone_of(membership: Membership) -> str:
    """The time zone that this person's screens show times in."""
    return membership.user.time_zone or membership.organisation.time_zone


def organisation_name(request: HttpRequest) -> str | None:
    """Under the name of the site: whose figures these are."""
    membership = membership_of(request)
    return membership.organisation.name if membership else None


def icon(_request: HttpRequest) -> str:
    return static("backoffice/icon.svg")
