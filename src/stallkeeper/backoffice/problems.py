"""What waits for a person, by kind: how much of it, what it means, and what to do. What there is of each kind: ``problem_groups``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice import problem_queries, today_queries
from stallkeeper.catalog.models import ImportRun
from stallkeeper.core import clock
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.notice_kinds import place_of
from stallkeeper.sync.alarms import DUE_SOON, STILL_OWED
from stallkeeper.sync.models import ExchangeParked

REFUSED_SECONDS = 20
"""How old the counts of refusals, of what is owed and of what was put off may be: every page asks for them."""
COMMAND_DAYS = timedelta(days=30)
IMPORT_DAYS = timedelta(days=7)
DOCUMENT_DAYS = timedelta(days=7)
NOTICES = 1_000
"""So many conditions that last are looked at."""
GRAVITY = {"info": 0, "warn": 1, "bad": 2}

StrOrPromise = str | Promise


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: how bad it is, what to do. ``view``: where it has a screen of its own; else the board shows it."""

    key: str
    title: StrOrPromise
    advice: StrOrPromise
    tone: str
    view: str = ""
    query: str = ""

    @property
    def link(self) -> str:
        if self.view:
            return reverse(f"backoffice:{self.view}") + self.query
        return reverse("backoffice:problem_board") + f"?kind={self.key}"


KINDS = (
    ProblemKind("restored", _("Restored from a backup: nothing is sent"), _("Read what to check, then allow sending again."), "bad"),
    ProblemKind("reconnect", _("Accounts that must be connected again"), _("Renew the credentials."), "bad"),
    ProblemKind("stopped", _("Stopped channels"), _("Look at the plan, then release or correct it."), "bad"),
    ProblemKind("silent", _("Accounts that are silent"), _("No orders could be read for a while: look why, and run it now."), "bad"),
    ProblemKind("lanes", _("Connections that fail"), _("They are tried again by themselves; read the error."), "bad"),
    ProblemKind(
        "sources",
        _("Sources that are silent, or whose figures wait for you or could not be used"),
        _("The last numbers stay: look at the run, then let it through, drop it, or put its file right."),
        "bad",
    ),
    ProblemKind("shortages", _("Units sold that are not there"), _("Buy, move, or cancel the line."), "bad"),
    ProblemKind(
        "acknowledge",
        _("Orders that must be acknowledged within the hour, or are late"),
        _("The channel may cancel them: switch on what is off, or acknowledge there."),
        "bad",
    ),
    ProblemKind("unmapped", _("Order lines with an unknown SKU"), _("Link each to a stock unit."), "warn"),
    ProblemKind("refused", _("Values that a channel refused"), _("Correct the cause, then send again."), "warn"),
    ProblemKind(
        "commands",
        _("Order messages that a channel refused"),
        _("Read the reason, put it right, then tell the channel again."),
        "warn",
    ),
    ProblemKind("parked", _("Orders that could not be read"), _("They come in as soon as they can be understood."), "warn"),
    ProblemKind(
        "disputed",
        _("Orders that the channel or 1C sees otherwise"),
        _("Say what is true: on the order's page, or there."),
        "warn",
    ),
    ProblemKind("exchange", _("Documents of 1C that could not be used"), _("Put them right in 1C; they come again."), "warn"),
    ProblemKind("drift", _("Numbers that differ on the channel"), _("See who changed them."), "warn"),
    ProblemKind(
        "sending",
        _("Sending that does not do what it should"),
        _("Read what happens, and switch, correct or look at the channel's own screen."),
        "warn",
    ),
    ProblemKind("expiring", _("Credentials that end soon"), _("Make new ones, and connect the account with them."), "warn"),
    ProblemKind("targets", _("Targets that cannot be told"), _("Correct the address, then send a test."), "warn"),
    ProblemKind("imports", _("Imports that wait for you"), _("Look at the report, then let it through or drop it."), "warn"),
    ProblemKind("ambiguous", _("Listings with several candidates"), _("Choose the right stock unit."), "info"),
    ProblemKind("sends", _("Sends under way"), _("Follow what the channels accept and show."), "info", "send_tasks"),
    ProblemKind("notifications", _("Notifications"), _("Read and set aside."), "info"),
)
BY_KEY = {kind.key: kind for kind in KINDS}


@dataclass(frozen=True)
class Problem:
    kind: ProblemKind
    count: int


def open_notices() -> list[Notification]:
    """Conditions in scope that last: errors, and others that nobody has set aside; those that are shown themselves, the oldest first.
    Index: notification_open_once."""
    lasting = Notification.objects.filter(Q(severity=Severity.ERROR) | Q(seen_at=None), resolved_at=None)
    found = lasting.exclude(key__startswith="command:").order_by("first_at", "pk")[:NOTICES]
    return [notice for notice in found if place_of(notice.key)[1]]


def stopped_imports(at: datetime) -> list[ImportRun]:
    """Imports in scope of the last days that stopped by themselves, unless one of their kind went through since."""
    later = ImportRun.objects.filter(kind=OuterRef("kind"), pk__gt=OuterRef("pk"), state=ImportRun.State.DONE, dry_run=False)
    recent = ImportRun.objects.filter(state=ImportRun.State.STOPPED, dry_run=False, started_at__gte=at - IMPORT_DAYS)
    return list(recent.exclude(Exists(later)).order_by("started_at", "pk")[: problem_queries.TOP])


def parked_documents(at: datetime) -> list[ExchangeParked]:
    """Documents in scope that 1C sent in the last days and that fit nothing here, the oldest first."""
    recent = ExchangeParked.objects.filter(at__gte=at - DOCUMENT_DAYS).select_related("exchange__source")
    return list(recent.order_by("at", "pk")[: problem_queries.TOP])


def problems(counts: Mapping[str, int]) -> list[Problem]:
    """The kinds that have something waiting, of what was ``counted``; the gravest first."""
    return [Problem(kind, counts[kind.key]) for kind in KINDS if counts.get(kind.key)]


def counted_for(request: HttpRequest, organisation_id: int) -> dict[str, int]:
    """What is ``counted`` of the organisation that a request is about, once in it: a page and the frame around it show the same."""
    counts: dict[str, int] | None = getattr(request, "sk_counts", None)
    if counts is None:
        counts = request.sk_counts = counted(organisation_id)  # type: ignore[attr-defined]
    return counts


def counted(organisation_id: int) -> dict[str, int]:
    """How much waits, by kind, less what was put off; and ``todo``: offers that may differ from their channel."""
    slow: dict[str, dict[str, int]] | None = cache.get(_cached(organisation_id))
    with connection.cursor() as cursor:
        counts = today_queries.waiting_counts(cursor, organisation_id)
        if slow is None:
            now = clock.now()
            refused = today_queries.refused_counts(cursor, organisation_id, now - COMMAND_DAYS, problem_queries.MOST)
            refused |= today_queries.owed_counts(cursor, organisation_id, now + DUE_SOON, now - STILL_OWED)
            refused |= {"imports": len(stopped_imports(now)), "exchange": len(parked_documents(now))}
            slow = {"counts": refused, "snoozed": _snoozed(organisation_id)}
            cache.set(_cached(organisation_id), slow, REFUSED_SECONDS)
    counts = dict.fromkeys(BY_KEY, 0) | counts | slow["counts"] | count_notices(open_notices())
    return {kind: max(count - slow["snoozed"].get(kind, 0), 0) for kind, count in counts.items()}


def count_notices(notices: Iterable[Notification]) -> Counter[str]:
    """How many conditions stand under each kind, as on the board: what was put off there is taken off."""
    return Counter(place_of(notice.key)[0] for notice in notices)


def forget(organisation_id: int) -> None:
    """Somebody has done something about it: count anew."""
    cache.delete(_cached(organisation_id))


def _cached(organisation_id: int) -> str:
    return f"problems:{organisation_id}"


def _snoozed(organisation_id: int) -> dict[str, int]:
    from stallkeeper.backoffice.problem_groups import snoozed_counts

    return snoozed_counts(organisation_id)


def badge(counts: Mapping[str, int]) -> int:
    """The number on the bell: everything that is bad or to be looked at."""
    return sum(counts.get(kind.key, 0) for kind in KINDS if kind.tone != "info")
