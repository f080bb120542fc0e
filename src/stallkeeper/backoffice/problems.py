"""What waits for a person, by kind: how much of it, what it means, and where to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice import today_queries
from stallkeeper.core import clock
from stallkeeper.sync.alarms import DUE_SOON, STILL_OWED

REFUSED_SECONDS = 20
"""How old the counts of refusals and of what is owed may be: they read whole tables, and the overview is asked every few seconds."""
COMMAND_DAYS = timedelta(days=7)

StrOrPromise = str | Promise


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: where it is shown (``view`` of this application and its query), how bad it is, what to do."""

    key: str
    title: StrOrPromise
    advice: StrOrPromise
    tone: str
    view: str
    query: str = ""

    @property
    def link(self) -> str:
        args = [self.key] if self.view == "problem_list" else []
        return reverse(f"backoffice:{self.view}", args=args) + self.query


KINDS = (
    ProblemKind("reconnect", _("Accounts that must be connected again"), _("Renew the credentials."), "bad", "channels"),
    ProblemKind("stopped", _("Stopped channels"), _("Look at the plan, then release or correct it."), "bad", "channels"),
    ProblemKind("lanes", _("Connections that fail"), _("They are tried again by themselves; read the error."), "bad", "channels"),
    ProblemKind(
        "sources",
        _("Sources that are silent, or whose figures wait for you or could not be used"),
        _("The last numbers stay: look at the run, then let it through, drop it, or put its file right."),
        "bad",
        "sources",
    ),
    ProblemKind("shortages", _("Units sold that are not there"), _("Buy, move, or cancel the line."), "bad", "problem_list"),
    ProblemKind(
        "acknowledge",
        _("Orders that must be acknowledged within the hour, or are late"),
        _("The channel may cancel them: switch on what is off, or acknowledge there."),
        "bad",
        "orders",
        "?state=new",
    ),
    ProblemKind("unmapped", _("Order lines with an unknown SKU"), _("Link each to a stock unit."), "warn", "orders", "?unmapped=1"),
    ProblemKind(
        "refused", _("Values that a channel refused"), _("Correct the cause, then send again."), "warn", "offers", "?state=refused"
    ),
    ProblemKind(
        "commands",
        _("Order messages that a channel refused"),
        _("Read the reason, put it right, then tell the channel again."),
        "warn",
        "problem_list",
    ),
    ProblemKind("parked", _("Orders that could not be read"), _("They come in as soon as they can be understood."), "warn", "problem_list"),
    ProblemKind("drift", _("Numbers that differ on the channel"), _("See who changed them."), "warn", "problem_list"),
    ProblemKind(
        "ambiguous", _("Listings with several candidates"), _("Choose the right stock unit."), "info", "listings", "?state=ambiguous"
    ),
    ProblemKind("sends", _("Sends under way"), _("Follow what the channels accept and show."), "info", "send_tasks"),
    ProblemKind("notifications", _("Notifications"), _("Read and set aside."), "info", "problem_list"),
)
BY_KEY = {kind.key: kind for kind in KINDS}


@dataclass(frozen=True)
class Problem:
    kind: ProblemKind
    count: int


def problems(organisation_id: int) -> list[Problem]:
    """The kinds that have something waiting, the gravest first."""
    counts = counted(organisation_id)
    return [Problem(kind, counts[kind.key]) for kind in KINDS if counts.get(kind.key)]


def counted(organisation_id: int) -> dict[str, int]:
    """How much waits, by kind, and ``todo``: offers that may differ from their channel."""
    refused: dict[str, int] | None = cache.get(key := f"refused:{organisation_id}")
    with connection.cursor() as cursor:
        counts = today_queries.waiting_counts(cursor, organisation_id)
        if refused is None:
            refused = today_queries.refused_counts(cursor, organisation_id, (now := clock.now()) - COMMAND_DAYS)
            refused |= today_queries.owed_counts(cursor, organisation_id, now + DUE_SOON, now - STILL_OWED)
            cache.set(key, refused, REFUSED_SECONDS)
    return counts | refused


def badge(counts: Mapping[str, int]) -> int:
    """The number on the bell: everything that is bad or to be looked at."""
    return sum(counts.get(kind.key, 0) for kind in KINDS if kind.tone != "info")
