"""Rows of the audit: narrowed by filters, and told in words, with links to what they are about."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.audit_words import ACTIONS, DETAILS, SUBJECTS
from stallkeeper.backoffice.local import day, to_the_minute
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.models import AuditEntry, Membership, Role, User
from stallkeeper.core.people import Permission, can
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Location, StockSource

KEYS = ("-at", "-id")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?")
LISTS = frozenset(
    {"fields", "may", "names", "confirmed", "components", "lines", "purposes", "skus", "own", "locations", "categories", "terms"}
)
"""Details that hold several things; another list of two says what was before, and after."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What an entry is about: what kind of thing, its name as people know it, and the page that shows it ("" = none)."""

    kind: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry in words. ``of`` is the filter for everything about the same thing."""

    entry: AuditEntry
    who: str
    what: str
    thing: Thing
    of: str
    details: list[tuple[str, str]]


NAMED: dict[str, tuple[type[Model], Callable[[Any], str], str]] = {
    "order": (Order, lambda order: order.number, "order"),
    "stock_unit": (StockUnit, lambda unit: unit.sku, "unit"),
    "channel": (Channel, lambda channel: channel.name, "channel"),
    "connection": (Connection, lambda account: account.name, "connection"),
    "location": (Location, lambda place: place.code, "place"),
    "stock_source": (StockSource, lambda source: source.name, "source"),
    "user": (User, str, ""),
}
"""Things with a name, and the page of each."""
ASKS = {"place": Permission.EDIT_STOCK, "import": Permission.EDIT_CATALOGUE}
"""Pages that ask for more than to look; not everybody who sees the audit may open them."""
PAGES = {"offer": "offer", "import_run": "import", "send_task": "send_task"}
"""Things that have a page, but a number only."""


def entries_with(filters: Mapping[str, str]) -> QuerySet[AuditEntry]:
    """Entries by ``who`` (actor), ``what`` (action), ``of`` (type:id), ``since`` and ``until`` (days); what is no day narrows nothing."""
    found = AuditEntry.objects.all()
    if who := filters.get("who"):
        found = found.filter(actor=who)
    if what := filters.get("what"):
        found = found.filter(action=what)
    kind, colon, key = filters.get("of", "").partition(":")
    if colon:
        found = found.filter(subject_type=kind, subject_id=key)
    if since := _midnight(filters.get("since", "")):
        found = found.filter(at__gte=since)
    if until := _midnight(filters.get("until", ""), after=1):
        found = found.filter(at__lt=until)
    return found


def _midnight(day: str, after: int = 0) -> datetime | None:
    """The beginning of a day, or of the one after it, in the zone of the screen."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=after), time(), timezone.get_current_timezone())
    except (ValueError, OverflowError, zoneinfo.ZoneInfoNotFoundError):
        return None


def audit_rows(entries: Sequence[AuditEntry], membership: Membership | None = None) -> list[AuditRow]:
    """The entries in words. The number of statements depends on the kinds of things among them, not on how many there are.

    ``membership``: whoever looks. A page that he may not open has no address here.
    """
    names, things = names_of({entry.actor for entry in entries}), things_of(entries, membership)
    return [
        AuditRow(
            entry,
            names[entry.actor] or _("Stallkeeper"),
            str(ACTIONS.get(entry.action, entry.action)),
            things[entry.subject_type, entry.subject_id],
            f"{entry.subject_type}:{entry.subject_id}",
            details_of(entry.detail),
        )
        for entry in entries
    ]


def things_of(entries: Iterable[AuditEntry], membership: Membership | None = None) -> dict[tuple[str, str], Thing]:
    """What the entries are about, by type and id. A thing that is gone is shown by its number."""
    wanted = {(entry.subject_type, entry.subject_id) for entry in entries}
    found: dict[tuple[str, str], Thing] = {}
    for kind in sorted({kind for kind, _key in wanted}):
        keys = {key for of, key in wanted if of == kind}
        title = str(SUBJECTS.get(kind, kind))
        for key, name, page in _named(kind, keys):
            opens = page and (membership is None or page not in ASKS or can(membership, ASKS[page]))
            found[kind, key] = Thing(title, name, reverse(f"backoffice:{page}", args=[key]) if opens else "")
        found |= {(kind, key): Thing(title, key, "") for key in keys if (kind, key) not in found}
    return found


def _named(kind: str, keys: set[str]) -> list[tuple[str, str, str]]:
    numbers = {key for key in keys if key.isascii() and key.isdecimal() and len(key) < 19}
    if kind in PAGES:
        return [(key, key, PAGES[kind]) for key in numbers]
    if kind not in NAMED:
        return []
    model, name, page = NAMED[kind]
    return [(str(each.pk), name(each), page) for each in model._default_manager.filter(pk__in=numbers)]


def details_of(detail: Mapping[str, object]) -> list[tuple[str, str]]:
    """(name, value) of each detail; what changed is told as before and after."""
    return [(str(DETAILS.get(name, name.replace("_", " "))), _value(name, value)) for name, value in detail.items()]


def _value(name: str, value: object) -> str:
    if isinstance(value, list) and len(value) == 2 and name not in LISTS:
        return _("{before} → {after}").format(before=_plain(value[0]), after=_plain(value[1]))
    if name == "role" and value in Role.values:
        return str(Role(value).label)
    return _plain(value)


def _plain(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_value(str(name), each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return _moment(value) if isinstance(value, str) and MOMENT.fullmatch(value) else str(value)


def _moment(text: str) -> str:
    """A moment in the zone of the screen, or a day, as the language writes them; the audit keeps them as ISO 8601."""
    try:
        return to_the_minute(timezone.localtime(datetime.fromisoformat(text))) if "T" in text else day(date.fromisoformat(text))
    except (ValueError, OverflowError):
        return text
